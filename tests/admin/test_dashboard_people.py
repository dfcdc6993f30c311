"""
The front page: what waits and why, who sees what of it, and what it costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from integration.models import Delivery, DeliveryAttempt, Project, sending
from integration.models.recounting import count_on
from tests.admin.conftest import SignIn, project_url, text_of
from tests.admin.front_page import RANGES, ago, funnel, live_through, page, rows_of
from tests.factories import make_project, receive, run_drain
from tests.models.aged import aged

Queries = Callable[..., Any]


# --- What waits, and why ------------------------------------------------------------------------------------------


def test_what_intercom_allows_and_when_the_backlog_is_gone(admin_client: Client, project: Project) -> None:
    assert rows_of(page(admin_client), "sending_table")["Larkfield"][4:] == ["Not known yet", "Nothing is due"]
    receive(project)
    run_drain(project)
    attempt = DeliveryAttempt.objects.get()
    headers = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "8", "x-ratelimit-reset": "1000"}
    attempt.exchanges[-1]["headers"] = headers
    attempt.save()
    for _ in range(60):
        aged(project, ago(0.02), "pending")
    cells = rows_of(page(admin_client), "sending_table")["Larkfield"]
    # Two calls each, ten in ten seconds.
    assert "10 calls in 10 s" in cells[4] and "8 were left" in cells[4]
    assert ">60</a>" in cells[2] and cells[5] == "About 2\xa0minutes"


def test_a_budget_that_is_running_is_told_as_it_is(admin_client: Client, project: Project) -> None:
    receive(project)
    run_drain(project)
    attempt = DeliveryAttempt.objects.get()
    reset = str(int(timezone.now().timestamp()) + 600)
    attempt.exchanges[-1]["headers"] = {
        "x-ratelimit-limit": "1667", "x-ratelimit-remaining": "1200", "x-ratelimit-reset": reset
    }  # fmt: skip
    attempt.save()
    assert "1,200 left" in rows_of(page(admin_client), "sending_table")["Larkfield"][4]


@pytest.mark.parametrize("headers", [None, [], {"x-ratelimit-limit": "many"}, {"x-ratelimit-limit": "9" * 30}])
def test_headers_that_say_nothing_harm_no_page(admin_client: Client, project: Project, headers: Any) -> None:
    receive(project)
    run_drain(project)
    DeliveryAttempt.objects.update(exchanges=[{"headers": headers}])
    assert rows_of(page(admin_client), "sending_table")["Larkfield"][4] == "Not known yet"
    DeliveryAttempt.objects.update(exchanges=[])
    page(admin_client)


def test_of_a_long_queue_only_so_much_is_looked_at_and_the_page_says_so(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_LOOKED_AT", 2)
    for _ in range(5):
        aged(project, ago(0.1), "pending", tries=1)
    context = page(admin_client)
    assert [figure.value for figure in context["figures"][3:5]] == ["at least 2", "at most 3"]
    assert ">5+</a>" in rows_of(context, "sending_table")["Larkfield"][2]


def test_a_held_project_stands_there_with_its_reason_and_what_resolves_it(
    admin_client: Client, project: Project
) -> None:
    project.hold("The token was refused.", timezone.now(), until=None)
    receive(project)
    text = text_of(admin_client.get("/admin/"))
    assert "Held projects" in text and "The token was refused." in text
    assert f'href="{project_url(project, "resume")}"' in text
    assert f'href="{project_url(project)}#id_new_intercom_token"' in text
    assert 'id="id_new_intercom_token"' in text_of(admin_client.get(project_url(project))), "where the link leads"
    assert rows_of(page(admin_client), "sending_table")["Larkfield"][5] == "Held: it waits"
    project.resume()
    assert "Held projects" not in text_of(admin_client.get("/admin/"))


# --- Who sees what ------------------------------------------------------------------------------------------------


def test_members_see_numbers_and_names_of_their_own_projects_alone(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_delivery")
    foreign = make_project("Foreign")
    foreign.hold("Their token.", timezone.now(), until=None)
    for owner, count in ((project, 2), (foreign, 5)):
        for hours in (0.1, 20):
            for _ in range(count):
                aged(owner, ago(hours))
    count_on(timezone.now(), go_on=lambda: True)
    for query in ({}, {"project": str(foreign.pk)}, {"range": "30d"}):
        text = text_of(client.get("/admin/", query))
        assert "Foreign" not in text and "Their token." not in text
        assert funnel(page(client, **query))["Received"] == 4


def test_who_may_not_change_a_project_is_told_who_may(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_delivery")
    project.hold("The token was refused.", timezone.now(), until=None)
    text = text_of(client.get("/admin/"))
    assert "The token was refused." in text and "can resume it" in text
    assert "/resume/" not in text and project_url(project) not in text


def test_who_has_no_role_sees_no_number_and_no_name(sign_in: SignIn, project: Project) -> None:
    client = sign_in()
    receive(project)
    project.hold("The token was refused.", timezone.now(), until=None)
    text = text_of(client.get("/admin/"))
    assert "You have no role yet" in text
    assert "Larkfield" not in text and "The token was refused." not in text and "chart" not in text.split("<body")[1]


def test_an_empty_database_says_what_to_do_first(admin_client: Client) -> None:
    text = text_of(admin_client.get("/admin/"))
    assert "Add your first project" in text and 'href="/admin/integration/project/add/"' in text


def test_who_may_not_add_a_project_is_told_how_to_see_one(sign_in: SignIn) -> None:
    make_project("Foreign")
    client = sign_in("view_delivery")
    Project.objects.get().members.clear()
    text = text_of(client.get("/admin/"))
    assert "A superuser makes you a member" in text
    assert "project/add/" not in text and "Foreign" not in text


# --- What it costs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("range_", RANGES)
def test_the_page_asks_no_more_for_more_projects_and_deliveries(
    admin_client: Client, project: Project, django_assert_max_num_queries: Queries, range_: str
) -> None:
    live_through(project)
    page(admin_client, range=range_)
    with django_assert_max_num_queries(14) as few:
        page(admin_client, range=range_)
    for _ in range(3):
        live_through(make_project())
    with django_assert_max_num_queries(14) as many:
        page(admin_client, range=range_)
    assert len(many) == len(few)


def test_the_sidebar_leads_to_the_dashboard_and_marks_it(admin_client: Client) -> None:
    text = text_of(admin_client.get("/admin/"))
    assert re.search(r'<a href="/admin/" class="[^"]*active', text)
    assert not re.search(
        r'<a href="/admin/" class="[^"]*active', text_of(admin_client.get("/admin/integration/project/"))
    )


def test_every_link_of_the_page_keeps_what_was_chosen(admin_client: Client, project: Project) -> None:
    receive(project)
    context = page(admin_client, range="7d", project=str(project.pk), environment="SANDBOX")
    for item in context["choice"].spans:
        asked = parse_qs(urlsplit(item["link"]).query)
        assert asked["project"] == [str(project.pk)] and asked["environment"] == ["SANDBOX"]
    assert Delivery.objects.count() == 1
