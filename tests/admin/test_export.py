"""
The export of the log: the filtered rows and no others, streamed, harmless to a spreadsheet, and in the audit trail.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.signals import request_finished
from django.db import OperationalError, close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integration.admin import exporting, log_export
from integration.models import Delivery, Project
from integration.models.mapping_settings import Sandbox
from tests.admin.conftest import text_of
from tests.admin.test_deliveries_list import LIST
from tests.factories import make_project, receive, run_drain

EXPORT = f"{LIST}export/"
SECRET_OF_THEIRS = {"phone": {"value": "+41791234567", "updated_at_ms": 1}}


def exported(client: Client, kind: str = "csv", query: str = "", **more: Any) -> str:
    """The file."""
    response = client.post(f"{EXPORT}?{query}", {"format": kind, **more})
    assert response.status_code == 200 and response.streaming, response
    assert response.headers["Content-Disposition"].startswith('attachment; filename="deliveries-')
    # The client closes it at its end, as the server does.
    return b"".join(streamed(response)).decode()


def streamed(response: Any) -> Iterator[bytes]:
    """The pieces of a file."""
    return iter(response.streaming_content)


def give_up(response: Any) -> None:
    """As the server does where the client is gone; the test keeps its connection."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def rows_of(text: str) -> list[dict[str, str]]:
    """A CSV file."""
    return list(csv.DictReader(io.StringIO(text)))


def as_role(role: str, *projects: Project) -> Client:
    """A member of these projects."""
    user = User.objects.create_user(role, is_staff=True)
    user.groups.set([Group.objects.get(name=role)])
    for project in projects:
        project.members.add(user)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def three(project: Project) -> list[Delivery]:
    """Deliveries, oldest first: delivered, skipped, pending."""
    made = [receive(project, app_user_id="ada", subscriber_attributes=SECRET_OF_THEIRS)]
    made.append(receive(project, app_user_id="bo", event_type="TEST"))
    run_drain(project)
    return [*made, receive(project, app_user_id="cy", store="PLAY_STORE", transaction_id="200")]


def test_a_csv_file_holds_what_the_filters_find_newest_first(admin_client: Client, three: list[Delivery]) -> None:
    rows = rows_of(exported(admin_client))
    assert [row["id"] for row in rows] == [str(delivery.pk) for delivery in reversed(three)]
    first, second, third = rows
    assert (first["status"], first["store"], first["transaction_id"]) == ("pending", "PLAY_STORE", "200")
    assert (second["reason"], second["settled_at"][-6:]) == ("test_event", "+00:00")
    assert (third["event_name"], third["last_answer"], third["project"]) == ("rc_renewal_event", "202", "Larkfield")
    assert [row["id"] for row in rows_of(exported(admin_client, query="status__exact=skipped"))] == [second["id"]]
    assert [row["id"] for row in rows_of(exported(admin_client, query="q=cy"))] == [first["id"]]


def test_json_lines_hold_the_same(admin_client: Client, three: list[Delivery]) -> None:
    rows = [json.loads(line) for line in exported(admin_client, "jsonl").splitlines()]
    assert [row["id"] for row in rows] == [delivery.pk for delivery in reversed(three)]
    assert rows[2]["last_answer"] == 202 and rows[0]["settled_at"] is None and "payload" not in rows[0]


@pytest.mark.parametrize(("role", "shown"), [("Viewer", False), ("Support", True)])
def test_payloads_are_for_those_who_may_see_them_and_ask_for_them(
    project: Project, three: list[Delivery], role: str, shown: bool
) -> None:
    client = as_role(role, project)
    assert "+41791234567" not in exported(client)
    for kind in ("csv", "jsonl"):
        assert ("+41791234567" in exported(client, kind, payloads="on")) is shown
    row = rows_of(exported(client, payloads="on"))[-1]
    assert ("payload" in row) is shown
    if shown:
        assert json.loads(row["payload"])["event"]["app_user_id"] == "ada"


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_payload_of_an_event_that_another_project_has_handed_over_is_for_those_who_see_that_one(
    admin_client: Client, project: Project, kind: str
) -> None:
    other = make_project("Foreign", sandbox=Sandbox.OTHER, sandbox_project=project)
    receive(other, app_user_id="theirs", environment="SANDBOX", subscriber_attributes=SECRET_OF_THEIRS)
    run_drain(other)
    receive(project, app_user_id="own", product_id="of-our-own")
    client = as_role("Support", project)
    told = exported(client, kind, payloads="on")
    assert "theirs" in told and told.count("of-our-own") == 2 and "+41791234567" not in told
    other.members.add(User.objects.get(username="Support"))
    for knowing in (client, admin_client):
        assert "+41791234567" in exported(knowing, kind, payloads="on")


def test_rows_of_other_projects_are_in_no_file(project: Project, three: list[Delivery]) -> None:
    foreign = receive(make_project("Foreign"), app_user_id="ada")
    client = as_role("Support", project)
    for query in ("", "q=ada"):
        assert "Foreign" not in exported(client, query=query)
    of_theirs = client.post(f"{EXPORT}?project__id__exact={foreign.project_id}", {"format": "csv"}, follow=True)
    assert "There is no such project." in text_of(of_theirs) and "Foreign" not in text_of(of_theirs)
    assert len(rows_of(exported(client))) == 3


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_no_cell_begins_as_a_formula_does(admin_client: Client, project: Project, begins: str) -> None:
    evil = f"{begins}HYPERLINK(1)"
    receive(project, app_user_id=evil, product_id=evil, store=evil)
    (row,) = rows_of(exported(admin_client))
    assert not [value for value in row.values() if value and value[0] in "=+-@\t\r\uff1d"]
    assert row["product_id"] == f"'{evil}"
    assert json.loads(exported(admin_client, "jsonl"))["product_id"] == evil


@pytest.mark.parametrize("evil", ["x;=HYPERLINK(1)", 'x;"=HYPERLINK(1)', "x\n=HYPERLINK(1)", "x\t@SUM(1)"])
def test_no_cell_holds_a_formula_for_a_spreadsheet_that_splits_at_other_letters(
    admin_client: Client, project: Project, evil: str
) -> None:
    receive(project, app_user_id=evil, product_id="a;b")
    text = exported(admin_client, payloads="on")
    assert not [cell for cell in re.split(r"[;\t\n]", text) if cell.lstrip('"').startswith(("=", "@"))]
    assert rows_of(text)[0]["product_id"] == "a;b"
    assert json.loads(exported(admin_client, "jsonl"))["app_user_id"] == evil


def test_a_file_is_read_and_written_in_pieces(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PIECE", 2)
    made = [receive(project).pk for _ in range(5)]
    response = admin_client.post(EXPORT, {"format": "csv"})
    pieces = streamed(response)
    next(pieces)
    with CaptureQueriesContext(connection) as captured:
        piece = next(pieces)
    assert len(captured) == 1 and len(piece.splitlines()) == 2
    rest = b"".join(pieces)
    assert len((piece + rest).splitlines()) == 5 and str(min(made)).encode() in rest


def test_fewer_payloads_are_read_at_a_time_for_each_may_be_as_large_as_a_webhook(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PIECE_OF_PAYLOADS", 2)
    made = [receive(project).pk for _ in range(5)]
    pieces = list(streamed(admin_client.post(EXPORT, {"format": "jsonl", "payloads": "on"})))
    assert [len(piece.splitlines()) for piece in pieces] == [2, 2, 1]
    assert [row["id"] for row in map(json.loads, b"".join(pieces).splitlines())] == made[::-1]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize(("rows", "whole"), [(4, True), (5, False)])
def test_a_file_that_is_not_whole_says_so(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch, kind: str, rows: int, whole: bool
) -> None:
    monkeypatch.setattr(exporting, "PIECE", 3)
    monkeypatch.setattr(exporting, "MOST_ROWS", 4)
    for _ in range(rows):
        receive(project)
    lines = exported(admin_client, kind).splitlines()
    assert len(lines) == 4 + (kind == "csv") + (not whole)
    assert ("Not all: the file ends after 4 deliveries." in lines[-1]) is not whole


def test_an_export_is_in_the_history_of_its_projects_with_how_many_and_without_whom(
    project: Project, three: list[Delivery]
) -> None:
    client = as_role("Viewer", project)
    make_project("Foreign")
    exported(client, query="status__exact=skipped&q=bo")
    entry = LogEntry.objects.get()
    assert entry.object_id == str(project.pk) and entry.user.get_username() == "Viewer"
    said = "Log exported as CSV: Status: Skipped; Search: an id or email; 1 delivery."
    assert entry.get_change_message() == said


def test_an_export_that_is_given_up_is_in_the_history_and_lets_the_next_one_begin(
    admin_client: Client, three: list[Delivery]
) -> None:
    for _ in range(3):
        response = admin_client.post(EXPORT, {"format": "csv"})
        refused = admin_client.post(EXPORT, {"format": "csv"})
        assert refused.status_code == 302
        give_up(response)
    assert LogEntry.objects.count() == 3
    assert "Another export is being made" in text_of(admin_client.get(LIST))


def test_an_export_that_cannot_begin_lets_the_next_one_begin(
    admin_client: Client, three: list[Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> str:
        raise OperationalError("The connection is lost.")

    with monkeypatch.context() as patched:
        patched.setattr(log_export, "filter_words", lost)
        with pytest.raises(OperationalError):
            admin_client.post(EXPORT, {"format": "csv"})
    assert len(rows_of(exported(admin_client))) == 3


@pytest.mark.parametrize("query", ["payload__icontains=x", "project__id__exact=1", "created_at_from_0=tomorrow"])
def test_an_address_that_means_nothing_exports_nothing(admin_client: Client, three: list[Delivery], query: str) -> None:
    assert admin_client.post(f"{EXPORT}?{query}", {"format": "csv"}).status_code == 302
    assert admin_client.post(EXPORT, {"format": "pdf"}).status_code == 302
    assert not LogEntry.objects.exists()


def test_an_export_takes_a_post_and_the_permission_to_see_the_log(admin_client: Client, project: Project) -> None:
    assert admin_client.get(EXPORT).status_code == 405
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.post(EXPORT, {"format": "csv"}).status_code == 403
