"""
Everything that can go wrong with the stand-in goes wrong as it does with the real one, and only when a test says so.

No test sleeps to let something happen: gates, hooks and `wait_for` say when it has.
"""

from __future__ import annotations

import time

import pytest
import requests

from tests.fake_intercom import FakeIntercom, faults
from tests.plain_client import PlainClient, error_of


@pytest.fixture
def client(intercom: FakeIntercom) -> PlainClient:
    intercom.add_contact("user-1")
    return PlainClient(intercom)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (401, "unauthorized", "Access Token Invalid"),
        (402, "client_error", "Your plan does not include this."),
        (403, "api_plan_restricted", "Active subscription needed."),
        (429, "rate_limit_exceeded", "The rate limit for the App has been exceeded"),
        (500, "server_error", "Unknown server error"),
        (503, "service_unavailable", "Sorry, the API service is temporarily unavailable"),
        (504, "server_timeout", "Server timed out when making request"),
    ],
)
def test_an_error_is_what_intercom_says_with_that_status(
    intercom: FakeIntercom, client: PlainClient, status: int, code: str, message: str
) -> None:
    intercom.inject(faults.error(status))
    assert error_of(client.event()) == (status, code, message)
    assert client.event().status_code == 202
    assert len(intercom.events) == 1


def test_code_message_and_headers_of_an_error_can_be_chosen(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.error(403, "token_revoked", "Gone", headers={"X-Extra": "a"}))
    answer = client.get("/me")
    assert error_of(answer) == (403, "token_revoked", "Gone")
    assert answer.headers["X-Extra"] == "a"


def test_an_error_can_come_after_the_workspace_has_acted(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.error(504, acts_first=True))
    assert client.event().status_code == 504
    assert len(intercom.events) == 1


def test_a_fault_happens_as_often_as_it_should(intercom: FakeIntercom, client: PlainClient) -> None:
    rule = intercom.inject(faults.error(500), times=2)
    assert [client.get("/me").status_code for _ in range(3)] == [500, 500, 200]
    assert (rule.hits, rule.spent) == (2, True)
    assert [call.fault for call in intercom.ledger] == ["error 500", "error 500", ""]


def test_a_fault_for_all_calls_ends_with_its_block_or_when_cleared(intercom: FakeIntercom, client: PlainClient) -> None:
    with intercom.inject(faults.error(401), times=None):
        assert [client.get("/me").status_code for _ in range(3)] == [401] * 3
    assert client.get("/me").status_code == 200
    intercom.inject(faults.error(402), times=None)
    assert client.get("/me").status_code == 402
    intercom.clear_faults()
    assert client.get("/me").status_code == 200


def test_a_fault_for_a_while_ends_by_itself(intercom: FakeIntercom, client: PlainClient) -> None:
    rule = intercom.inject(faults.error(500), times=None, seconds=30)
    assert client.get("/me").status_code == 500
    rule.remove()
    intercom.inject(faults.error(500), times=None, seconds=0)
    assert client.get("/me").status_code == 200


def test_a_fault_can_be_for_a_method_and_a_path(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.error(500), times=None, path="/contacts/*", method="GET")
    contact_id = intercom.contact("user-1").id
    assert client.get(f"/contacts/{contact_id}").status_code == 500
    assert client.put(f"/contacts/{contact_id}", {}).status_code == 200
    assert client.event().status_code == 202


def test_faults_happen_in_the_order_in_which_they_were_injected(intercom: FakeIntercom, client: PlainClient) -> None:
    for status in (500, 502, 503):
        intercom.inject(faults.error(status))
    assert [client.get("/me").status_code for _ in range(4)] == [500, 502, 503, 200]


@pytest.mark.parametrize("status", [502, 403, 200])
def test_a_page_of_the_load_balancer_is_html_without_a_request_id(
    intercom: FakeIntercom, client: PlainClient, status: int
) -> None:
    intercom.rate_limit(100)
    intercom.inject(faults.html(status))
    answer = client.event()
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")
    assert answer.headers["Server"] == "awselb/2.0"
    assert answer.text.startswith("<html>")
    assert "X-Request-Id" not in answer.headers
    assert "X-RateLimit-Limit" not in answer.headers
    assert intercom.events == []


def test_an_answer_can_be_empty(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.empty(200))
    assert (client.get("/me").status_code, intercom.ledger[-1].status) == (200, 200)
    intercom.inject(faults.empty(503))
    answer = client.get("/me")
    assert (answer.status_code, answer.content) == (503, b"")


def test_a_redirect_points_to_another_host(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.redirect("https://elsewhere.invalid/me"))
    answer = client.get("/me")
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.invalid/me")


def test_a_closed_connection_leaves_the_call_unanswered_and_undone(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.close_unanswered())
    with pytest.raises(requests.ConnectionError, match="RemoteDisconnected"):
        client.event()
    assert intercom.ledger[-1].status is None
    assert intercom.counters["unanswered"] == 1
    assert intercom.events == []
    assert client.event().status_code == 202


def test_a_lost_answer_leaves_the_event_stored_and_its_retry_a_repeat(
    intercom: FakeIntercom, client: PlainClient
) -> None:
    intercom.inject(faults.lose_answer())
    with pytest.raises(requests.ConnectionError):
        client.event()
    assert len(intercom.events) == 1
    assert client.event().status_code == 202
    assert len(intercom.events) == 1
    assert [call.body for call in intercom.repeats] == [intercom.events[0].body]


def test_a_connection_can_be_reset(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.lose_answer(reset=True))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        client.event()
    intercom.inject(faults.close_unanswered(reset=True))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        client.event()


def test_a_hanging_answer_outlasts_the_patience_of_a_client(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.hang(30, acts_first=True))
    with pytest.raises(requests.ReadTimeout):
        client.post("/events", {"event_name": "a", "created_at": 1, "user_id": "user-1"}, timeout=0.05)
    assert len(intercom.events) == 1
    started = time.monotonic()
    intercom.stop()
    assert time.monotonic() - started < 2


def test_a_slow_answer_comes_after_all(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.hang(0.05))
    started = time.monotonic()
    assert client.event().status_code == 202
    assert time.monotonic() - started >= 0.05


def test_a_dripping_answer_slips_past_the_timeout_of_single_reads(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.inject(faults.drip(0.3))
    started = time.monotonic()
    assert client.get("/me", timeout=0.1).json()["type"] == "admin"
    assert time.monotonic() - started >= 0.25


def test_every_answer_is_as_late_as_the_latency_says(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.latency = 0.05
    started = time.monotonic()
    client.get("/me")
    client.get("/me")
    assert time.monotonic() - started >= 0.1
