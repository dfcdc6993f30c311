"""
The lists of the log: newest first, by time within a range of time, by nothing else; and how far they look and count.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integration.admin import base, counting
from integration.models import Delivery, Project, WebhookEvent
from tests.admin.conftest import SignIn, text_of
from tests.factories import make_project, receive

# The lists that can be narrowed to a range of time, and the field that it is of.
LISTS: dict[str, tuple[Any, str]] = {
    "delivery": (Delivery, "created_at"),
    "webhookevent": (WebhookEvent, "received_at"),
}
both = pytest.mark.parametrize("model", LISTS)
DAY = timedelta(days=1)


def url(model: str) -> str:
    """The address of a list."""
    return f"/admin/integration/{model}/"


def shown(client: Client, model: str, **query: str) -> list[int]:
    """The keys of the rows in the order in which the list shows them."""
    response = client.get(url(model), query)
    text_of(response)
    return [row.pk for row in response.context["cl"].result_list]


def received(model: str, project: Project, *times: datetime) -> list[int]:
    """Rows that arrived at these times, in the order of their numbers; their keys."""
    rows, field = LISTS[model]
    made = []
    for time in times:
        delivery = receive(project)
        made.append(delivery.pk if rows is Delivery else delivery.webhook_event_id)
        rows.objects.filter(pk=made[-1]).update(**{field: time})
    return made


def range_of(model: str, start: datetime, end: datetime) -> dict[str, str]:
    """The query of a list for what arrived from one day to another."""
    field = LISTS[model][1]
    return {f"{field}_from_0": f"{start:%Y-%m-%d}", f"{field}_to_0": f"{end:%Y-%m-%d}"}


def statements(client: Client, model: str, **query: str) -> list[str]:
    """What a list asks of its own table to find its rows; banners ask of all projects, and tries of what is found."""
    table = LISTS[model][0]._meta.db_table
    with CaptureQueriesContext(
        connection,
    ) as asked:
        text_of(client.get(url(model), query))
    others = ("integration_projectstanding", "tries_made")
    sqls = [one["sql"] for one in asked.captured_queries if not any(other in one["sql"] for other in others)]
    return [sql for sql in sqls if f'FROM "{table}"' in sql]


# --- The order ------------------------------------------------------------------------------------------------


@both
def test_the_newest_row_stands_first(admin_client: Client, project: Project, model: str) -> None:
    now = timezone.now()
    made = received(model, project, now - 2 * DAY, now - DAY, now)
    assert shown(admin_client, model) == made[::-1]


@both
def test_a_range_of_time_is_ordered_by_time_also_where_the_numbers_say_otherwise(
    admin_client: Client, project: Project, model: str
) -> None:
    now = timezone.now()
    second, newest, oldest, outside = received(model, project, now - 2 * DAY, now - DAY, now - 3 * DAY, now - 9 * DAY)
    assert shown(admin_client, model, **range_of(model, now - 5 * DAY, now)) == [newest, second, oldest]
    assert shown(admin_client, model) == [outside, oldest, newest, second]


@both
def test_what_arrived_at_the_same_instant_is_ordered_by_number_so_that_pages_neither_repeat_nor_leave_out_a_row(
    admin_client: Client, project: Project, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    made = received(model, project, *[now] * 7)
    monkeypatch.setattr(base.BaseAdmin, "list_per_page", 3)
    query = range_of(model, now, now)
    pages = [shown(admin_client, model, **query, p=str(page)) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [key for page in pages for key in page] == made[::-1]


@both
def test_a_range_that_is_left_empty_changes_nothing(admin_client: Client, project: Project, model: str) -> None:
    now = timezone.now()
    made = received(model, project, now, now - DAY)
    empty = dict.fromkeys(range_of(model, now, now), "")
    assert shown(admin_client, model, **empty) == made[::-1]


@both
def test_no_address_sorts_a_list_by_a_column_without_an_index(
    admin_client: Client, project: Project, model: str
) -> None:
    made = received(model, project, *[timezone.now()] * 3)
    for number, event in enumerate(WebhookEvent.objects.order_by("pk")):
        WebhookEvent.objects.filter(pk=event.pk).update(product_id=f"{number}", repeats=number, environment=f"{number}")
    columns = len(admin_client.get(url(model)).context["cl"].list_display)
    for column in range(columns):
        for order in (f"{column}", f"-{column}"):
            assert shown(admin_client, model, o=order) == made[::-1], order
    assert "?o=" not in text_of(admin_client.get(url(model)))


# --- How far they look ----------------------------------------------------------------------------------------


@pytest.fixture
def member(project: Project, sign_in: SignIn) -> Client:
    """A member of two projects; a third one, not theirs, has the newest rows of all."""
    theirs = [project, make_project("Second")]
    client = sign_in("view_delivery", "view_webhookevent")
    for one in (theirs[0], theirs[1], theirs[0]):
        receive(one)
    foreign = make_project("Foreign")
    for _ in range(3):
        receive(foreign)
    return client


def newest_of(model: str, project: str) -> int:
    """The key of a project's newest row."""
    return int(LISTS[model][0].objects.filter(project__name=project).latest("pk").pk)


@both
def test_a_member_of_several_projects_sees_all_their_rows_and_the_list_begins_at_the_newest(
    member: Client, model: str
) -> None:
    everything = LISTS[model][0].objects
    theirs = list(everything.exclude(project__name="Foreign").order_by("-pk").values_list("pk", flat=True))
    assert len(theirs) == 3 and shown(member, model) == theirs
    newest = newest_of(model, "Larkfield")
    assert newest < newest_of(model, "Foreign")
    asked = [sql for sql in statements(member, model) if "LIMIT 50" in sql or "COUNT" in sql]
    assert asked and all(f'"id" <= {newest}' in sql for sql in asked), asked


@both
def test_a_list_of_one_project_begins_at_its_newest_row_for_a_superuser_too(
    admin_client: Client, member: Client, model: str
) -> None:
    larkfield = Project.objects.get(name="Larkfield")
    query = {"project__id__exact": str(larkfield.pk)}
    newest = newest_of(model, "Larkfield")
    asked = [sql for sql in statements(admin_client, model, **query) if "LIMIT 50" in sql or "COUNT" in sql]
    assert asked and all(f'"id" <= {newest}' in sql for sql in asked), asked
    assert len(shown(admin_client, model, **query)) == 2


@both
def test_a_row_that_arrives_is_in_the_next_list(member: Client, model: str) -> None:
    before = shown(member, model)
    (new,) = received(model, Project.objects.get(name="Second"), timezone.now())
    assert shown(member, model) == [new, *before]


@both
def test_the_filters_of_a_member_find_what_is_older_than_the_newest_row(member: Client, model: str) -> None:
    second = Project.objects.get(name="Second")
    assert shown(member, model, project__id__exact=str(second.pk)) == [newest_of(model, "Second")]


@both
def test_a_member_of_several_projects_without_rows_sees_none(sign_in: SignIn, project: Project, model: str) -> None:
    make_project("Second")
    client = sign_in("view_delivery", "view_webhookevent")
    receive(make_project("Foreign"))
    assert shown(client, model) == []


@both
def test_a_superusers_list_of_all_projects_begins_at_the_newest_row_of_all(
    admin_client: Client, project: Project, model: str
) -> None:
    receive(project)
    assert not [sql for sql in statements(admin_client, model) if '"id" <=' in sql]


@both
@pytest.mark.parametrize(("rows", "more"), [(2, False), (3, False), (4, True)])
def test_a_list_counts_no_further_than_the_most_and_says_whether_there_is_more(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch, model: str, rows: int, more: bool
) -> None:
    monkeypatch.setattr(counting, "MOST_COUNTED", 3)
    received(model, project, *[timezone.now()] * rows)
    response = admin_client.get(url(model))
    assert response.context["cl"].result_count == min(rows, 3)
    assert ("narrow them down with the filters." in text_of(response)) is more


@both
def test_counting_stops_at_a_row_more_and_sorts_nothing(admin_client: Client, project: Project, model: str) -> None:
    received(model, project, timezone.now())
    counts = [sql for sql in statements(admin_client, model) if "COUNT(" in sql]
    assert counts == [sql for sql in counts if f"LIMIT {counting.MOST_COUNTED + 1}" in sql and "ORDER BY" not in sql]
    assert counts
