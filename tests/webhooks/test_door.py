"""
The door's answers to what is well or badly formed: the rows of the table that need no real socket.

Who may come in is tested in test_who_may_post.py, what happens on the wire in test_door_on_the_wire.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from integration.models import Delivery, Project, WebhookEvent
from tests.factories import AUTHORIZATION, FIXTURES, make_project, raw, refreshed, run_drain, webhook
from tests.fake_intercom import FakeIntercom
from tests.processes import outside_params
from tests.webhooks.conftest import Door

ODD_BUT_GOOD = sorted((FIXTURES / "door").glob("*.json"))
BAD = sorted((FIXTURES / "door" / "bad").iterdir())
SAMPLES = sorted((FIXTURES.parent.parent / "integration/revenuecat/samples").glob("*.json"))


ODD_TIMES: tuple[Any, ...] = (
    -1,
    0,
    253_402_300_799_999,
    253_402_300_800_000,
    10**30,
    1.5,
    2e12,
    "now",
    None,
    True,
    [1],
    {},
)


def by_name(path: object) -> str:
    """The name of a fixture, for pytest."""
    return path.name if isinstance(path, Path) else ""


def with_number(digits: str) -> bytes:
    """A good event whose price is written with these characters."""
    return raw(webhook(price="PRICE")).replace(b'"PRICE"', digits.encode())


def test_a_good_event_is_accepted_and_stored_with_its_delivery(door: Door) -> None:
    body = webhook(
        event_timestamp_ms=1_767_225_600_123,
        subscriber_attributes={"$email": {"value": "a@example.com"}},
        environment="PRODUCTION",
    )
    response = door.post(body)
    assert (response.status_code, response.json()) == (200, {"status": "accepted"})
    event = WebhookEvent.objects.get()
    assert event.payload == body
    assert (event.type, event.app_user_id, event.email) == ("RENEWAL", "user-1", "a@example.com")
    assert (event.environment, event.store, event.product_id) == ("PRODUCTION", "APP_STORE", "premium_monthly")
    assert event.event_at is not None and event.event_at.microsecond == 123_000
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries, delivery.app_user_id) == ("pending", 0, "user-1")
    assert delivery.due_at == event.received_at == delivery.created_at


def test_an_event_id_seen_before_is_a_duplicate_and_is_counted(door: Door) -> None:
    body = webhook()
    door.post(body)
    for repeats in (1, 2):
        response = door.post(body | {"api_version": f"again {repeats}"})
        assert (response.status_code, response.json()) == (200, {"status": "duplicate"})
        event = WebhookEvent.objects.get()
        assert event.repeats == repeats
        assert event.last_repeated_at is not None
    assert event.payload == body, "the first one is kept"
    assert door.stored == 1


def test_the_same_event_id_of_another_project_is_another_event(door: Door) -> None:
    body = webhook()
    other = Door(make_project())
    assert door.post(body).json() == other.post(body).json() == {"status": "accepted"}
    assert door.stored == other.stored == 1


@pytest.mark.parametrize("path", [*SAMPLES, *ODD_BUT_GOOD], ids=by_name)
def test_every_sample_and_every_odd_but_good_event_is_accepted(door: Door, path: Path) -> None:
    response = door.post(path.read_bytes())
    assert (response.status_code, response.json()) == (200, {"status": "accepted"})
    assert door.stored == 1


@pytest.mark.parametrize("path", BAD, ids=by_name)
def test_what_is_no_event_is_refused_with_400_and_a_reason(door: Door, path: Path) -> None:
    response = door.post(path.read_bytes())
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    assert isinstance(response.json(), dict) and response.json()
    assert door.stored == 0


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"id": None, "type": "RENEWAL"},
        {"id": "1", "type": None},
        {"id": True, "type": "RENEWAL"},
        {"id": 1.5, "type": "RENEWAL"},
        {"id": ["1"], "type": "RENEWAL"},
        {"id": {"a": "1"}, "type": "RENEWAL"},
        {"id": "\t\n ", "type": "RENEWAL"},
        {"id": "1", "type": " "},
        {"id": "1", "type": {}},
        {"id": "x" * 256, "type": "RENEWAL"},
        {"id": "1", "type": "x" * 256},
        None,
        7,
        "text",
        True,
        [],
    ],
)
def test_an_event_without_a_usable_id_and_type_is_refused(door: Door, event: Any) -> None:
    response = door.post({"event": event})
    assert response.status_code == 400 and "event" in response.json()
    assert door.stored == 0


FIXED = raw(webhook(id="1"))


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"7",
        b"true",
        b'"text"',
        b"[]",
        b"{}",
        b"NaN",
        b"\x00",
        b"\xff\xfe{}",
        b'{"event": \xff}',
        FIXED.decode().encode("utf-16"),
        FIXED + b"}",
        b"[" * 10_000,
        b'{"a":' * 10_000,
    ],
    ids=lambda body: f"{body[:12]!r} of {len(body)}",
)
def test_bytes_that_are_no_webhook_are_refused(door: Door, body: bytes) -> None:
    response = door.post(body)
    assert response.status_code == 400 and response.json()
    assert door.stored == 0


def test_a_body_nested_10_000_levels_deep_is_refused(door: Door) -> None:
    deep = raw(webhook(deep="DEEP")).replace(b'"DEEP"', b"[" * 10_000 + b"]" * 10_000)
    response = door.post(deep)
    assert response.status_code == 400 and "nested" in response.json()["detail"]


def test_an_unknown_type_is_stored_and_shown(door: Door) -> None:
    assert door.post(webhook("SOMETHING_NEW", unknown={"deep": [1, {}]})).json() == {"status": "accepted"}
    assert WebhookEvent.objects.get().payload["event"]["unknown"] == {"deep": [1, {}]}


def test_an_event_with_nothing_but_id_and_type_is_accepted(door: Door) -> None:
    assert door.post({"event": {"id": "1", "type": "RENEWAL"}}).json() == {"status": "accepted"}
    event = WebhookEvent.objects.get()
    assert (event.app_user_id, event.email, event.store, event.event_at) == ("", "", "", None)


@pytest.mark.parametrize(
    "fields",
    [
        *({"event_timestamp_ms": value} for value in ODD_TIMES),
        {"store": "x" * 300, "environment": "ß" * 60, "product_id": "x" * 300, "app_user_id": "ü" * 300},
        {"store": 7, "environment": [], "product_id": {}, "app_user_id": 1.5, "aliases": "one"},
        {"subscriber_attributes": {"$email": {"value": "x" * 400}}},
        {"subscriber_attributes": {"$email": "a@example.com"}},
        {"subscriber_attributes": ["$email"]},
        {"price": 0, "tax_percentage": None, "entitlement_ids": None, "expiration_at_ms": "soon"},
        {"price": -1.5, "big": 2**70, "small": 5e-324},
    ],
)
def test_fields_of_other_types_and_lengths_than_expected_are_accepted(door: Door, fields: dict[str, Any]) -> None:
    body = webhook(**fields)
    assert door.post(body).json() == {"status": "accepted"}
    assert WebhookEvent.objects.get().payload == body


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        (b'"a\\u0000b"', "a\u2400b"),
        (b'"a\x00b"', "a\u2400b"),
        (b'"a\x01b"', "a\x01b"),
        (b'"\\ud83d"', "\ufffd"),
        (b'"\\ude00\\ud83d"', "\ufffd\ufffd"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\u0000"', "\\u0000"),
        ("ü\u2028\ufeff".encode().join([b'"', b'"']), "ü\u2028\ufeff"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
        (b"1e999", "1e999… (a number of 5 characters)"),
        (b"9" * 10_000, "9" * 20 + "… (a number of 10000 characters)"),
        (b"-" + b"9" * 10_000, "-" + "9" * 19 + "… (a number of 10001 characters)"),
        (b"0." + b"1" * 10_000, "0." + "1" * 18 + "… (a number of 10002 characters)"),
        (b"1e-99999", 0.0),
        (b"1e300", 10**300),
        (b"-1.5e308", -15 * 10**307),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a\\u0000": 1}', {"a\u2400": 1}),
        (b'{"": 1}', {"": 1}),
        (b"[" * 55 + b"]" * 55, json.loads("[" * 55 + "]" * 55)),
    ],
)
def test_what_postgresql_cannot_hold_is_replaced_visibly(door: Door, field: bytes, kept: Any) -> None:
    body = raw(webhook(odd="ODD")).replace(b'"ODD"', field)
    assert door.post(body).json() == {"status": "accepted"}
    assert WebhookEvent.objects.get().payload["event"]["odd"] == kept


def test_a_byte_order_mark_is_read_over(door: Door) -> None:
    assert door.post(b"\xef\xbb\xbf" + raw(webhook())).json() == {"status": "accepted"}


def test_duplicate_keys_of_the_event_itself_let_the_last_one_win(door: Door) -> None:
    one, two = raw(webhook()["event"]), raw(webhook()["event"] | {"id": "the last"})
    assert door.post(b'{"event": ' + one + b', "event": ' + two + b"}").json() == {"status": "accepted"}
    assert WebhookEvent.objects.get().event_id == "the last"


@pytest.mark.parametrize("name", ["nul_character", "lone_surrogate"])
def test_an_event_with_characters_that_had_to_be_replaced_is_delivered(
    door: Door, intercom: FakeIntercom, settings: Any, name: str
) -> None:
    settings.INTERCOM_API_URL = intercom.url
    door.post((FIXTURES / "door" / f"{name}.json").read_bytes())
    run_drain(door.project)
    assert refreshed(Delivery.objects.get()).status == "delivered"
    (event,) = intercom.events
    assert ("\u2400" if name == "nul_character" else "\ufffd") in str(event.metadata["product_identifier"])


@pytest.mark.parametrize("customer", ["\x00", "a\x00b", "\ud800"])
def test_a_customer_id_that_had_to_be_replaced_is_the_same_everywhere(
    door: Door, intercom: FakeIntercom, settings: Any, customer: str
) -> None:
    settings.INTERCOM_API_URL = intercom.url
    door.post(webhook(app_user_id=customer))
    run_drain(door.project)
    row = Delivery.objects.get()
    assert row.status == "delivered"
    assert intercom.find_contact(row.app_user_id)


def test_a_number_of_10_000_digits_is_stored_and_delivered(door: Door, intercom: FakeIntercom, settings: Any) -> None:
    settings.INTERCOM_API_URL = intercom.url
    assert door.post(with_number("9" * 10_000)).json() == {"status": "accepted"}
    run_drain(door.project)
    assert Delivery.objects.get().status == "delivered"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; charset=no-such-charset",
    ],
)
def test_json_is_json_whatever_its_parameters(door: Door, content_type: str) -> None:
    assert door.post(content_type=content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/vnd.api+json",
        "nonsense",
        ";",
        "application/json, text/plain",
    ],
)
def test_anything_but_json_is_415(door: Door, content_type: str) -> None:
    response = door.post(content_type=content_type)
    assert response.status_code == 415 and response.json()["detail"]
    assert door.stored == 0


@pytest.mark.parametrize("accept", ["", "text/html", "application/xml", "*/*;q=0", "nonsense", "a/b/c, ;;", "image/*"])
def test_the_answer_is_json_whatever_is_accepted(door: Door, accept: str) -> None:
    good = door.post(headers={"Accept": accept})
    bad = door.post(b"{", headers={"Accept": accept})
    lost = door.post(path="/webhooks/revenuecat/nothing/", headers={"Accept": accept})
    assert (good.status_code, bad.status_code, lost.status_code) == (200, 400, 404)
    for response in (good, bad, lost):
        assert response["Content-Type"] == "application/json" and response.json()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post2", "PROPFIND"])
@pytest.mark.parametrize("authorized", [True, False])
def test_other_methods_are_405(door: Door, method: str, authorized: bool) -> None:
    response = door.post(method=method, authorization=AUTHORIZATION if authorized else None)
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert door.stored == 0


@pytest.mark.parametrize(
    "project_id",
    [
        "2f1c1d9e-5a3b-4c57-9a5e-8d2a6f0b7c11",
        "not-a-uuid",
        "1",
        "%00",
        "%ff",
        "%0a",
        "9" * 5000,
        "00000000-0000-0000-0000-000000000000",
        "{}",
        "admin",
        "…",
        "%F0%9F%98%80",
        "' OR 1=1 --",
    ],
)
@pytest.mark.parametrize("slash", ["/", ""])
def test_an_address_that_names_no_project_is_404_in_json(door: Door, project_id: str, slash: str) -> None:
    response = door.post(path=f"/webhooks/revenuecat/{project_id}{slash}")
    assert response.status_code == 404
    assert response.json() == {"detail": "There is no project with this address."}


def test_a_missing_trailing_slash_loses_nothing(door: Door) -> None:
    assert door.post(path=door.path.rstrip("/")).json() == {"status": "accepted"}
    assert door.stored == 1


def test_the_project_id_may_be_written_in_capitals(door: Door) -> None:
    assert door.post(path=f"/webhooks/revenuecat/{str(door.project.pk).upper()}/").status_code == 200


def test_a_query_string_changes_nothing(door: Door) -> None:
    assert door.post(path=door.path + "?format=xml&%ff=%00").status_code == 200


def test_an_inactive_project_stores_and_delivers_once_it_is_active(
    door: Door, intercom: FakeIntercom, settings: Any
) -> None:
    settings.INTERCOM_API_URL = intercom.url
    door.project.active = False
    door.project.save()
    assert door.post().json() == {"status": "accepted"}
    run_drain(door.project)
    assert Delivery.objects.get().status == "pending"
    door.project.active = True
    door.project.save()
    run_drain(door.project)
    assert Delivery.objects.get().status == "delivered"
    assert len(intercom.events) == 1


@pytest.mark.parametrize("length", ["1048577", "99999999999999999999", "9" * 5000])
def test_a_declared_length_over_1_mib_is_413_without_reading(door: Door, length: str) -> None:
    response = door.post(CONTENT_LENGTH=length)
    assert response.status_code == 413 and response.json() == {"detail": "The body is larger than 1 MiB."}
    assert door.stored == 0


@pytest.mark.parametrize("length", ["\u00b2", "-1", "abc", "1.5", "0x10", " ", "", "0"])
def test_a_declared_length_that_is_none_is_never_an_error_of_ours(door: Door, length: str) -> None:
    assert door.post(CONTENT_LENGTH=length).status_code == 400
    assert door.stored == 0


def test_a_body_of_exactly_1_mib_is_read_and_one_byte_more_is_413(door: Door) -> None:
    body = raw(webhook(filler="FILLER"))
    full = body.replace(b"FILLER", b"x" * (1024 * 1024 - len(body) + len(b"FILLER")))
    assert len(full) == 1024 * 1024
    assert door.post(full).status_code == 200
    assert door.post(full.replace(b"xx", b"xxx", 1)).status_code == 413
    assert door.stored == 1


def test_the_door_costs_one_statement_once_it_knows_the_project(door: Door, django_assert_num_queries: Any) -> None:
    body = webhook()
    # The event with its delivery and a look at the bell; the first webhook of a project also reads the project.
    for status, statements in (("accepted", 2), ("duplicate", 1)):
        with django_assert_num_queries(statements):
            assert door.post(body).json() == {"status": status}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_cannot_store_is_503_and_the_event_is_taken_when_it_is_sent_again(door: Door) -> None:
    body = webhook()
    with psycopg.connect(**outside_params()) as outside:
        outside.execute("LOCK TABLE integration_webhookevent IN ACCESS EXCLUSIVE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")
        answer = door.post(body)
    assert (answer.status_code, list(answer.json())) == (503, ["detail"])
    assert "Send it again" in answer.json()["detail"]
    assert door.post(body).json() == {"status": "accepted"}


def test_ringing_costs_two_statements_and_none_where_the_bell_has_been_rung(
    door: Door, django_assert_num_queries: Any, django_capture_on_commit_callbacks: Any
) -> None:
    # That webhooks arrive is noted already.
    Project.objects.update(webhook_seen_at=timezone.now())
    with django_capture_on_commit_callbacks() as bells:
        door.post()
    # A look, the job, and the savepoint around it.
    with django_assert_num_queries(4):
        bells[0]()
    with django_capture_on_commit_callbacks() as bells:
        door.post()
    assert bells == []
