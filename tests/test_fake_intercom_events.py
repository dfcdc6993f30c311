"""
The stand-in takes data events as Intercom does, keeps its ledger and its rate limit.

Every test talks to it over HTTP, as an app would.
"""

from __future__ import annotations

import time

import pytest

from tests.fake_intercom import FakeIntercom
from tests.plain_client import PlainClient, error_of

NOT_FOUND = (404, "not_found", "User Not Found")


@pytest.fixture
def client(intercom: FakeIntercom) -> PlainClient:
    intercom.add_contact("user-1", email="a@example.com")
    return PlainClient(intercom)


def test_an_event_is_accepted_without_a_body_and_stored(intercom: FakeIntercom, client: PlainClient) -> None:
    answer = client.event(metadata={"store": "APP_STORE"})
    assert (answer.status_code, answer.content) == (202, b"")
    (event,) = intercom.events_of("user-1")
    assert (event.event_name, event.created_at) == ("rc_renewal_event", 1_662_993_211)
    assert event.metadata == {"store": "APP_STORE"}
    assert event.body == intercom.ledger[-1].body
    assert event.request_id == answer.headers["X-Request-Id"]
    assert intercom.events == [event]


def test_an_event_finds_its_contact_by_any_identifier(intercom: FakeIntercom, client: PlainClient) -> None:
    lead = intercom.add_contact(role="lead")
    assert client.event(user_id=None, id=lead.id).status_code == 202
    assert client.event(user_id=None, email="a@example.com").status_code == 202
    assert [event.contact_id for event in intercom.events] == [lead.id, intercom.contact("user-1").id]


def test_an_email_that_several_contacts_share_is_a_conflict(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.add_contact("user-2", email="a@example.com")
    assert error_of(client.event(user_id=None, email="a@example.com"))[:2] == (409, "conflict")


def test_an_event_of_an_unknown_archived_or_merged_contact_is_not_found(
    intercom: FakeIntercom, client: PlainClient
) -> None:
    intercom.archive(intercom.add_contact("archived"))
    intercom.merge(intercom.add_contact("merged"), intercom.contact("user-1"))
    for external_id in ("unknown", "archived", "merged"):
        assert error_of(client.event(external_id)) == NOT_FOUND
    assert intercom.events == []


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"event_name": None}, "parameter_not_found", "event_name"),
        ({"event_name": ""}, "parameter_not_found", "event_name"),
        ({"created_at": None}, "parameter_not_found", "created_at"),
        ({"created_at": "1662993211"}, "parameter_invalid", "created_at"),
        ({"created_at": 1662993211.5}, "parameter_invalid", "created_at"),
        ({"created_at": True}, "parameter_invalid", "created_at"),
        ({"user_id": None}, "parameter_not_found", "user_id"),
        ({"user_id": 7}, "parameter_invalid", "user_id"),
        ({"metadata": ["a"]}, "parameter_invalid", "metadata"),
    ],
)
def test_an_event_that_lacks_something_is_refused(
    client: PlainClient, changes: dict[str, object], code: str, field: str
) -> None:
    answer = client.event(**changes)
    assert error_of(answer)[:2] == (400, code)
    assert answer.json()["errors"][0]["field"] == field


def test_a_repeat_is_accepted_but_not_stored_and_its_bytes_are_kept(
    intercom: FakeIntercom, client: PlainClient
) -> None:
    client.event(event_name="Order.Done$", metadata={"first": 1})
    assert client.event(event_name="order-done-", metadata={"second": 2}).status_code == 202
    assert [event.metadata for event in intercom.events] == [{"first": 1}]
    (repeat,) = intercom.repeats
    assert b'"second"' in repeat.body
    assert intercom.counters["repeats"] == 1


def test_another_second_name_or_contact_makes_another_event(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.add_contact("user-2")
    for event in ({}, {"created_at": 1_662_993_212}, {"event_name": "other"}, {"user_id": "user-2"}):
        assert client.event(**event).status_code == 202
    assert len(intercom.events) == 4
    assert intercom.repeats == []


def test_only_the_first_ten_metadata_keys_are_kept(intercom: FakeIntercom, client: PlainClient) -> None:
    client.event(metadata={f"key_{number}": number for number in range(12)})
    assert list(intercom.events[0].metadata) == [f"key_{number}" for number in range(10)]
    assert intercom.ledger[-1].dropped_metadata == ("key_10", "key_11")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("key", None),
        ("key", True),
        ("key", ["a"]),
        ("key", {"nested": 1}),
        ("key", {"amount": 0, "currency": "eur"}),
        ("key", {"amount": 19.99, "currency": "eur"}),
        ("key", "a" * 256),
        ("a.b", 1),
        ("a$b", 1),
        ("", 1),
        ("ends_date", "2026-01-01"),
    ],
)
def test_metadata_that_intercom_cannot_use_is_noted(
    intercom: FakeIntercom, client: PlainClient, key: str, value: object
) -> None:
    assert client.event(metadata={key: value}).status_code == 202
    assert len(intercom.violations) == 1


def test_every_published_type_of_metadata_is_fine(intercom: FakeIntercom, client: PlainClient) -> None:
    client.event(
        metadata={
            "text": "a" * 255,
            "number": -1.5,
            "order_date": 1_662_993_211,
            "link": "https://example.com",
            "rich_link": {"url": "https://example.com", "value": "a"},
            "price": {"amount": 34999, "currency": "eur"},
        }
    )
    assert intercom.violations == []


def test_milliseconds_instead_of_seconds_are_noted(intercom: FakeIntercom, client: PlainClient) -> None:
    client.event(created_at=1_662_993_211_000)
    assert intercom.violations == ["POST /events: created_at 1662993211000 is not in unix seconds"]


def test_a_workspace_has_at_most_120_event_names(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.add_event_names(119)
    assert client.event().status_code == 202
    assert client.event(created_at=1, event_name="RC_Renewal_Event").status_code == 202
    refusal = (422, "422", "Cannot have more than 120 active event names")
    assert error_of(client.event(event_name="one_more")) == refusal


def test_the_rate_limit_is_told_in_headers_and_refuses_what_exceeds_it(
    intercom: FakeIntercom, client: PlainClient
) -> None:
    assert "X-RateLimit-Limit" not in client.get("/me").headers
    intercom.rate_limit(3, window_seconds=10)
    answers = [client.event(created_at=second) for second in (1, 2, 3, 4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"3"}
    assert 0 <= int(answers[-1].headers["X-RateLimit-Reset"]) - time.time() <= 11
    assert "Retry-After" not in answers[-1].headers
    assert error_of(answers[-1]) == (429, "rate_limit_exceeded", "Exceeded rate limit of 3 in 10_seconds")
    assert len(intercom.events) == 3


def test_other_apps_use_up_a_part_of_the_rate_limit(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.rate_limit(5)
    intercom.consume(4)
    assert [client.get("/me").status_code for _ in range(2)] == [200, 429]


def test_a_new_window_begins_at_the_reset_time() -> None:
    now = [1_000.5]
    with FakeIntercom(clock=lambda: now[0]) as intercom:
        client = PlainClient(intercom)
        intercom.rate_limit(1)
        assert client.get("/me").headers["X-RateLimit-Reset"] == "1011"
        assert client.get("/me").status_code == 429
        now[0] = 1_010.4
        assert client.get("/me").status_code == 429
        now[0] = 1_011.0
        assert client.get("/me").headers["X-RateLimit-Reset"] == "1021"
        assert client.get("/me").status_code == 429
        intercom.next_window()
        assert client.get("/me").status_code == 200
        intercom.rate_limit(None)
        assert [client.get("/me").status_code for _ in range(3)] == [200] * 3


def test_the_ledger_has_every_call_in_order_and_no_token_in_its_headers(
    intercom: FakeIntercom, client: PlainClient
) -> None:
    client.session.headers["Intercom-Version"] = "2.14"
    answers = [client.get("/me?a=1"), client.event(), client.event("nobody")]
    assert [(call.line, call.status) for call in intercom.ledger] == [
        ("GET /me", 200),
        ("POST /events", 202),
        ("POST /events", 404),
    ]
    assert [call.request_id for call in intercom.ledger] == [answer.headers["X-Request-Id"] for answer in answers]
    assert [call.number for call in intercom.ledger] == [1, 2, 3]
    first, second, _ = intercom.ledger
    assert first.query == "a=1"
    assert first.headers["intercom-version"] == "2.14"
    assert first.headers["authorization"] == "…1234"
    assert first.token == "token-1234"
    assert second.data["event_name"] == "rc_renewal_event"
    assert first.arrived_at < second.arrived_at


def test_calls_are_found_by_method_path_or_route(intercom: FakeIntercom, client: PlainClient) -> None:
    contact_id = intercom.contact("user-1").id
    client.put(f"/contacts/{contact_id}", {})
    client.get(f"/contacts/{contact_id}")
    assert len(intercom.calls("PUT")) == 1
    assert len(intercom.calls(path="/contacts/{id}")) == 2
    assert len(intercom.calls("GET", f"/contacts/{contact_id}")) == 1
    assert intercom.calls(path="/events") == []


def test_counters_say_how_often_what_happened(intercom: FakeIntercom, client: PlainClient) -> None:
    client.event()
    client.event("nobody")
    client.get("/nothing")
    wanted = {"calls": 3, "POST /events": 2, "unknown": 1, "status 202": 1, "status 404": 2, "peak in flight": 1}
    assert wanted.items() <= intercom.counters.items()


def test_a_ledger_with_a_limit_keeps_the_newest_calls() -> None:
    with FakeIntercom(ledger_limit=2) as intercom:
        client = PlainClient(intercom)
        for _ in range(5):
            client.get("/me")
        assert [call.number for call in intercom.ledger] == [4, 5]
        assert intercom.counters["calls"] == 5


def test_a_reset_makes_it_as_new_on_the_same_port(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.accepted_tokens, intercom.region, intercom.latency = {"token-1234"}, "AU", 0.01
    intercom.rate_limit(1)
    client.event()
    url = intercom.url
    intercom.reset()
    assert (intercom.url, intercom.region, intercom.latency) == (url, "US", 0.0)
    assert intercom.accepted_tokens is None
    assert (intercom.ledger, intercom.contacts, intercom.events, intercom.counters["calls"]) == ([], [], [], 0)
    assert [client.get("/me").status_code for _ in range(2)] == [200, 200]
