"""
The stand-in as a program of its own: it says where it listens, is driven over HTTP, and stops when told.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.fake_intercom import FakeIntercom, faults
from tests.plain_client import PlainClient

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def client(intercom: FakeIntercom) -> PlainClient:
    return PlainClient(intercom)


@pytest.fixture
def program() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.fake_intercom", "--port", "0", "--region", "Europe", "--verbose"]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        yield running
        running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_prints_its_address_answers_and_stops(
    program: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert program.stdout is not None
    assert program.stderr is not None
    url = program.stdout.readline().strip()
    assert PlainClient(url).get("/me").json()["app"]["region"] == "Europe"
    program.send_signal(number)
    assert program.wait(timeout=5) == 0
    assert program.stderr.read() == "GET /me -> 200\n"
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_a_taken_port_is_an_error_and_not_a_second_stand_in(intercom: FakeIntercom) -> None:
    command = [sys.executable, "-m", "tests.fake_intercom", "--port", str(intercom.port)]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert "in use" in outcome.stderr


def test_the_program_needs_neither_django_nor_the_app() -> None:
    script = "import sys, tests.fake_intercom; print([m for m in sys.modules if m.split('.')[0] in %r])"
    unwanted = ("django", "requests", "integration", "rcintercom")
    command = [sys.executable, "-c", script % (unwanted,)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_state_is_arranged_and_read_over_http(client: PlainClient) -> None:
    client.post("/_fake/attributes", {"name": "plan"})
    added = client.post("/_fake/contacts", {"external_id": "user-1", "custom_attributes": {"plan": "a"}}).json()
    client.post("/_fake/contacts", {"external_id": "user-2", "merged_into": added["id"]})
    client.post("/_fake/contacts", {"external_id": "user-3", "archived": True, "restorable": False})
    client.event(metadata={"a": None})
    client.event()
    contacts = client.get("/_fake/contacts").json()["contacts"]
    assert [(each["archived"], each["merged_into"]) for each in contacts] == [
        (False, None),
        (False, added["id"]),
        (True, None),
    ]
    (event,) = client.get("/_fake/events").json()["events"]
    assert (event["contact_id"], event["body"]["user_id"]) == (added["id"], "user-1")
    assert [each["name"] for each in client.get("/_fake/attributes").json()["attributes"]] == ["plan"]
    summary = client.get("/_fake/summary").json()
    assert (summary["contacts"], summary["events"], summary["counters"]["repeats"]) == (3, 1, 1)
    assert len(summary["violations"]) == 1


def test_the_ledger_is_read_in_pages_and_tells_no_token(client: PlainClient) -> None:
    client.event()
    for _ in range(3):
        client.get("/me")
    calls = client.get("/_fake/ledger").json()["calls"]
    assert [call["number"] for call in calls] == [1, 2, 3, 4]
    assert (calls[0]["json"]["event_name"], calls[0]["status"]) == ("rc_renewal_event", 404)
    page = client.get("/_fake/ledger?after=2&limit=1")
    assert [call["number"] for call in page.json()["calls"]] == [3]
    assert "token-1234" not in page.text


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "error", "status": 503}, 503),
        ({"kind": "html"}, 502),
        ({"kind": "empty"}, 200),
        ({"kind": "redirect"}, 302),
        ({"kind": "hang", "for_seconds": 0.01}, 200),
        ({"kind": "drip", "for_seconds": 0.01}, 200),
        ({"kind": "close"}, None),
        ({"kind": "lose_answer", "reset": True}, None),
    ],
)
def test_every_fault_can_be_injected_over_http(
    intercom: FakeIntercom, client: PlainClient, fault: dict[str, object], status: int | None
) -> None:
    assert client.post("/_fake/faults", fault | {"method": "GET", "path": "/me", "times": 1}).status_code == 200
    try:
        answered = client.get("/me").status_code
    except requests.ConnectionError:
        answered = None
    assert answered == status
    assert client.get("/me").status_code == 200


def test_a_hold_over_http_lasts_until_faults_are_deleted(intercom: FakeIntercom, client: PlainClient) -> None:
    client.post("/_fake/faults", {"kind": "hold", "times": None})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(PlainClient(intercom).get, "/me")
        intercom.wait_for_calls(1)
        client.delete("/_fake/faults")
        assert answer.result().status_code == 200
    assert client.get("/me").status_code == 200


def test_settings_rate_limit_and_reset_over_http(client: PlainClient) -> None:
    client.post("/_fake/settings", {"region": "AU", "accepted_tokens": ["other"]})
    assert client.get("/me").status_code == 401
    client.post("/_fake/settings", {"accepted_tokens": None})
    client.post("/_fake/rate_limit", {"limit": 3, "window_seconds": 60})
    client.post("/_fake/rate_limit", {"consume": 2})
    assert client.get("/me").json()["app"]["region"] == "AU"
    assert client.get("/me").status_code == 429
    client.post("/_fake/reset")
    assert client.get("/me").json()["app"]["region"] == "US"
    assert len(client.get("/_fake/ledger").json()["calls"]) == 1


def test_connections_are_refused_for_a_while_over_http(intercom: FakeIntercom, client: PlainClient) -> None:
    gate = threading.Event()
    intercom.inject(faults.hold(gate))
    assert PlainClient(intercom).post("/_fake/refuse", {"seconds": 0.1}).status_code == 200
    # The call is held until its connection is cut, which says that refusing has begun.
    with pytest.raises(requests.ConnectionError):
        client.get("/me")
    with pytest.raises(requests.ConnectionError, match="refused"):
        client.get("/me")
    gate.set()
    # And that it ends is seen by asking again, with the patience of urllib3.
    client.session.mount(intercom.url, HTTPAdapter(max_retries=Retry(connect=8, backoff_factor=0.02)))
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_fake/faults", {"kind": "flood"}),
        ("/_fake/faults", {"kind": "error", "status": "500"}),
        ("/_fake/contacts", {"external_id": 7}),
        ("/_fake/contacts", ["a"]),
        ("/_fake/ledger?after=x", None),
    ],
)
def test_a_control_that_means_nothing_is_refused(client: PlainClient, path: str, body: object) -> None:
    answer = client.get(path) if body is None else client.post(path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_an_unknown_control_lists_the_known_ones(client: PlainClient) -> None:
    answer = client.get("/_fake/nothing")
    assert answer.status_code == 404
    assert "GET /_fake/ledger" in answer.json()["known"]
