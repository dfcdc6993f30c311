"""
Tests can hold the stand-in, watch it, take it down and wait for it, and it always stops cleanly.

No test sleeps to let something happen: gates, hooks and `wait_for` say when it has.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.fake_intercom import Call, FakeIntercom, faults
from tests.plain_client import PlainClient


@pytest.fixture
def client(intercom: FakeIntercom) -> PlainClient:
    intercom.add_contact("user-1")
    return PlainClient(intercom)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as running:
        yield running


def test_a_gate_holds_a_call_until_the_test_opens_it(
    intercom: FakeIntercom, client: PlainClient, pool: ThreadPoolExecutor
) -> None:
    gate = threading.Event()
    intercom.inject(faults.hold(gate))
    answer = pool.submit(client.event)
    (call,) = intercom.wait_for_calls(1, "/events")
    assert (call.status, call.fault, intercom.events) == (None, "hold", [])
    gate.set()
    assert answer.result().status_code == 202
    assert len(intercom.events) == 1


def test_a_gate_can_hold_just_the_answer(intercom: FakeIntercom, client: PlainClient, pool: ThreadPoolExecutor) -> None:
    rule = intercom.inject(faults.hold(threading.Event(), acts_first=True))
    answer = pool.submit(client.event)
    intercom.wait_for_calls(1)
    intercom.wait_for(lambda: rule.hits == 1)
    assert not answer.done()
    rule.remove()
    assert answer.result().status_code == 202


def test_stopping_lets_go_what_a_gate_holds(
    intercom: FakeIntercom, client: PlainClient, pool: ThreadPoolExecutor
) -> None:
    intercom.inject(faults.hold(threading.Event()))
    answer = pool.submit(client.event)
    intercom.wait_for_calls(1)
    intercom.stop()
    with pytest.raises(requests.ConnectionError):
        answer.result(timeout=5)
    assert intercom.events == []


def test_a_hook_sees_the_call_before_the_workspace_acts(intercom: FakeIntercom, client: PlainClient) -> None:
    seen: list[tuple[str, int]] = []

    def on_request(call: Call) -> None:
        seen.append((call.line, len(intercom.events)))
        intercom.archive(intercom.contact("user-1"))

    intercom.inject(faults.watch(on_request), path="/events")
    assert client.event().status_code == 404
    assert seen == [("POST /events", 0)]


def test_a_hook_can_go_with_any_fault(intercom: FakeIntercom, client: PlainClient) -> None:
    seen: list[Call] = []
    intercom.inject(faults.with_hook(faults.error(500), seen.append))
    assert client.get("/me").status_code == 500
    assert seen == intercom.ledger


def test_a_hook_that_fails_is_reported_with_the_violations(intercom: FakeIntercom, client: PlainClient) -> None:
    def on_request(call: Call) -> None:
        raise AssertionError("not this call")

    intercom.inject(faults.watch(on_request))
    assert client.get("/me").status_code == 200
    assert "not this call" in intercom.violations[0]


def test_connections_are_refused_and_accepted_again_on_the_same_port(
    intercom: FakeIntercom, client: PlainClient
) -> None:
    assert client.get("/me").status_code == 200
    url = intercom.url
    with intercom.refusing_connections():
        for _ in range(2):
            with pytest.raises(requests.ConnectionError, match=r"refused|aborted"):
                client.get("/me")
        with pytest.raises(requests.ConnectionError, match="Connection refused"):
            requests.get(url + "/me", timeout=5)
    assert intercom.url == url
    assert client.get("/me").status_code == 200
    assert len(intercom.ledger) == 2


def test_going_down_does_not_wait_for_a_call_that_is_held(
    intercom: FakeIntercom, client: PlainClient, pool: ThreadPoolExecutor
) -> None:
    intercom.inject(faults.hold(threading.Event()))
    answer = pool.submit(client.event)
    intercom.wait_for_calls(1)
    started = time.monotonic()
    intercom.refuse_connections()
    with pytest.raises(requests.ConnectionError):
        answer.result(timeout=5)
    assert time.monotonic() - started < 2


def test_nothing_is_left_running_after_a_stop() -> None:
    before = set(threading.enumerate())
    with FakeIntercom() as intercom:
        for _ in range(3):
            PlainClient(intercom).get("/me")
    assert set(threading.enumerate()) <= before


def test_refusing_twice_and_stopping_meanwhile_are_fine() -> None:
    with FakeIntercom() as intercom:
        intercom.refuse_connections()
        intercom.refuse_connections()
    intercom.accept_connections()
    with pytest.raises(requests.ConnectionError):
        requests.get(intercom.url + "/me", timeout=5)


def test_waiting_in_vain_says_what_was_seen(intercom: FakeIntercom, client: PlainClient) -> None:
    client.get("/me")
    with pytest.raises(AssertionError, match=r"not within 0.01 s; the last calls were: GET /me -> 200"):
        intercom.wait_for_calls(2, timeout=0.01)


def test_many_connections_are_kept_alive_and_answered_at_once(
    intercom: FakeIntercom, client: PlainClient, pool: ThreadPoolExecutor
) -> None:
    gate = threading.Event()
    intercom.inject(faults.hold(gate), times=4)
    clients = [PlainClient(intercom) for _ in range(4)]
    answers = [pool.submit(each.get, "/me") for each in clients]
    intercom.wait_for_calls(4)
    assert intercom.counters["peak in flight"] == 4
    gate.set()
    assert [answer.result().status_code for answer in answers] == [200] * 4
    assert {answer.result().headers["Connection"] for answer in answers} == {"keep-alive"}


@pytest.mark.parametrize(
    "request_text",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_the_stand_in_lives_on(
    intercom: FakeIntercom, client: PlainClient, request_text: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", intercom.port), timeout=5) as connection:
        connection.sendall(request_text)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
        assert connection.recv(1000) == b""
    assert client.get("/me").status_code == 200
