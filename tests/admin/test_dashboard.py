"""
The front page: its numbers are those of the log, of one's own projects alone, and it says how old they are.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integration.models import CountedHour, CountingState, Project
from integration.models.recounting import count_on
from tests.admin.conftest import text_of
from tests.admin.front_page import RANGES, ago, funnel, live_through, number, page
from tests.factories import make_project, receive
from tests.models.aged import aged

MINUTE = timedelta(minutes=1)


def links(context: Any) -> dict[str, int]:
    """Every address of the log on the page, and the number that stands there."""
    found = {figure.url: number(figure.value) for figure in context["figures"][:6]}
    for name in ("projects_table", "event_types", "reasons"):
        for row in context[name]["rows"]:
            for cell in row:
                link = re.fullmatch(r'<a href="(/admin/integration/[^"]*)"[^>]*>([\d,]+)</a>', str(cell))
                if link:
                    found[unescape(link[1])] = number(link[2])
    return found


@pytest.mark.parametrize(
    ("range_", "environment"), [*zip(RANGES, ["", "PRODUCTION", "SANDBOX", "PRODUCTION"], strict=True)]
)
def test_every_number_is_what_its_link_shows_in_the_log(
    admin_client: Client, project: Project, range_: str, environment: str
) -> None:
    live_through(project, make_project("Other"))
    seen = 0
    for chosen in ("", str(project.pk)):
        context = page(admin_client, range=range_, environment=environment, project=chosen)
        for url, said in links(context).items():
            assert admin_client.get(url).context["cl"].result_count == said, url
            seen += 1
    assert seen >= 8


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ("1h", [8, 0, 5, 1, 1, 1]),
        ("24h", [14, 2, 7, 2, 1, 2]),
        ("30d", [19, 2, 10, 2, 2, 3]),
    ],
)
def test_the_funnel_of_a_range(admin_client: Client, project: Project, range_: str, expected: list[int]) -> None:
    live_through(project)
    found = funnel(page(admin_client, range=range_))
    assert list(found) == ["Received", "Skipped", "Delivered", "Retrying", "Not tried yet", "Failed"]
    assert found["Received"] == sum(list(found.values())[1:])
    assert list(found.values()) == expected


def test_the_charts_hold_the_same_numbers_as_the_funnel(admin_client: Client, project: Project) -> None:
    live_through(project)
    for range_ in RANGES:
        context = page(admin_client, range=range_)
        sets = json.loads(context["time_chart"].data)["datasets"]
        found = {one["label"]: sum(one["data"]) for one in sets}
        said = funnel(context)
        assert found["Delivered"] == said["Delivered"] and found["Failed"] == said["Failed"]
        assert found["Skipped"] == said["Skipped"]
        assert found["Pending"] == said["Retrying"] + said["Not tried yet"]
        assert {len(one["data"]) for one in sets} == {len(context["time_chart"].rows)}


def test_the_charts_are_data_that_unfolds_script_reads(admin_client: Client, project: Project) -> None:
    live_through(project)
    text = text_of(admin_client.get("/admin/", {"range": "7d"}))
    canvases = re.findall(r'<canvas class="chart" data-options="([^"]*)" data-type="bar" data-value="([^"]*)"', text)
    assert len(canvases) == 2
    for options, value in canvases:
        assert json.loads(unescape(options))["plugins"] and json.loads(unescape(value))["labels"]


def test_half_and_nearly_all_of_the_deliveries_took_no_longer_than_it_says(
    admin_client: Client, project: Project
) -> None:
    for hours in (0.5, 5, 20):
        for took in (0.1, 0.1, 0.1, 300.0):
            aged(project, ago(hours), took=took)
        # What is redelivered ends long after it came.
        aged(project, ago(hours), took=1000.0, redelivered=True)
    count_on(timezone.now(), go_on=lambda: True)
    figures = {figure.label: figure.value for figure in page(admin_client, range="24h")["figures"]}
    assert re.fullmatch(r"(9\d|1[01]\d) ms", figures["Half within"])
    assert figures["95 of 100 within"] in {"4\xa0minutes", "5\xa0minutes"}


def test_the_oldest_pending_of_all_times_is_told(admin_client: Client, project: Project) -> None:
    aged(project, ago(50), "pending")
    figures = {figure.label: figure for figure in page(admin_client, range="1h")["figures"]}
    assert figures["Oldest pending"].value == "2\xa0days"
    assert admin_client.get(figures["Oldest pending"].url).context["cl"].result_count == 1


def test_a_project_can_be_chosen_and_one_that_there_is_not_is_passed_over(
    admin_client: Client, project: Project
) -> None:
    receive(project)
    receive(make_project("Other"))
    assert funnel(page(admin_client, project=str(project.pk)))["Received"] == 1
    for nonsense in ("0", "x" * 400, "00000000-0000-0000-0000-000000000000", "\u2028"):
        context = page(admin_client, project=nonsense, range=nonsense, environment=nonsense)
        assert funnel(context)["Received"] == 2
        assert "Other" in str(context["projects_table"]["rows"])


# --- What is not counted yet, or not any more ---------------------------------------------------------------------


def test_hours_that_are_still_to_be_counted_are_told_of(admin_client: Client, project: Project) -> None:
    for hours in (20, 0.1):
        aged(project, ago(hours))
    context = page(admin_client, range="24h")
    assert funnel(context)["Received"] == 1
    assert "still to be counted" in context["notices"][0].text
    count_on(timezone.now(), go_on=lambda: True)
    context = page(admin_client, range="24h")
    assert funnel(context)["Received"] == 2 and not context["notices"]


def test_an_hour_that_has_just_ended_is_counted_on_the_way_until_the_worker_has(
    admin_client: Client, project: Project
) -> None:
    for hours in (2.5, 6):
        aged(project, ago(hours))
    count_on(timezone.now(), go_on=lambda: True)
    newest = CountedHour.objects.order_by("-hour")[0]
    aged(project, newest.hour + MINUTE)
    CountedHour.objects.filter(pk=newest.pk).delete()
    assert funnel(page(admin_client, range="24h"))["Received"] == 3


def test_without_a_worker_the_page_says_how_old_its_numbers_are(admin_client: Client, project: Project) -> None:
    aged(project, ago(5))
    count_on(timezone.now(), go_on=lambda: True)
    CountingState.objects.update(ran_at=ago(0.2))
    assert "as of" in page(admin_client, range="24h")["notices"][0].text
    assert not page(admin_client, range="1h")["notices"]
