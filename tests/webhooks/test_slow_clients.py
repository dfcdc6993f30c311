"""
Clients that take their time, over real sockets: none of them may keep the door from others for longer than its time.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from integration.models import WebhookEvent
from tests.factories import make_project, raw, webhook
from tests.webhooks.wire import Address, Wire, chunked, read_answer, serving

pytestmark = pytest.mark.django_db(transaction=True)

HEAD_SECONDS = 2.0
BODY_SECONDS = 3.0
# The worker looks at its clock once a second; and machines are slow.
SLACK_SECONDS = 3.0
# The server of this module has four threads.
CROWD = 16


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[Address]:
    """A web server that is less patient than usual."""
    seconds = {"REQUEST_HEAD_SECONDS": str(HEAD_SECONDS), "REQUEST_BODY_SECONDS": str(BODY_SECONDS)}
    with django_db_blocker.unblock(), serving(**seconds) as running:
        yield running


@pytest.fixture
def wire(address: Address, transactional_db: None) -> Wire:
    """A project behind the web server."""
    return Wire(address, make_project())


def seconds_of(act: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.monotonic()
    act()
    return time.monotonic() - started


def seconds_of_a_good_webhook(wire: Wire) -> float:
    """How long one takes that is as it should be."""
    assert wire.post(raw(webhook())).status == 200
    return seconds_of(lambda: wire.post(raw(webhook())))


def dripping(made: socket.socket, content: bytes, *, pause: float = 0.1) -> float:
    """Send byte after byte until the server ends the connection; how long it has looked on."""
    started = time.monotonic()
    made.settimeout(pause)
    with contextlib.suppress(ConnectionError):
        for number in range(len(content)):
            made.sendall(content[number : number + 1])
            with contextlib.suppress(TimeoutError):
                while made.recv(4096):
                    pass
                break
    return time.monotonic() - started


def test_half_heads_and_silent_connections_keep_nobody_from_the_door(wire: Wire) -> None:
    with ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(wire.connect()).sendall(wire.head()[:40])
            stack.enter_context(wire.connect())
        assert seconds_of_a_good_webhook(wire) < HEAD_SECONDS / 2


def test_half_heads_on_kept_connections_keep_nobody_from_the_door(wire: Wire) -> None:
    body = raw(webhook())
    with ExitStack() as stack:
        for _ in range(CROWD):
            made = stack.enter_context(wire.connect())
            made.sendall(wire.head(f"Content-Length: {len(body)}") + body + wire.head()[:40])
            assert read_answer(made).status == 200
        assert seconds_of_a_good_webhook(wire) < HEAD_SECONDS / 2


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: lo"])
def test_a_head_that_does_not_come_is_waited_for_so_long_and_no_longer(wire: Wire, sent: bytes) -> None:
    with wire.connect() as made:
        made.sendall(sent)
        waited = seconds_of(lambda: made.recv(100))
    assert HEAD_SECONDS - 0.5 < waited < HEAD_SECONDS + SLACK_SECONDS


def test_a_dripping_head_is_ended(wire: Wire) -> None:
    with wire.connect() as made:
        assert dripping(made, wire.head(*(f"X-{number}: 1" for number in range(60)))) < HEAD_SECONDS + SLACK_SECONDS


def test_a_head_that_comes_slowly_but_in_time_is_taken(wire: Wire) -> None:
    body = raw(webhook())
    head = wire.head(f"Content-Length: {len(body)}", "Connection: close")
    with wire.connect() as made:
        for start in range(0, len(head), 40):
            made.sendall(head[start : start + 40])
            time.sleep(0.05)
        made.sendall(body)
        assert read_answer(made).status == 200


def test_an_endless_head_is_not_gathered(wire: Wire) -> None:
    with wire.connect() as made, contextlib.suppress(ConnectionError):
        made.sendall(b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 20_000)
        assert read_answer(made).status in (0, 400, 431)
    assert seconds_of_a_good_webhook(wire) < HEAD_SECONDS / 2


@pytest.mark.parametrize("header", ["Content-Length: 500", "Transfer-Encoding: chunked"])
def test_a_dripping_body_is_ended_and_the_threads_are_free_again(wire: Wire, header: str) -> None:
    drips = b"1;" + b"x" * 498
    with wire.connect() as made:
        made.sendall(wire.head(header))
        assert dripping(made, drips) < BODY_SECONDS + SLACK_SECONDS
    assert not WebhookEvent.objects.exists()


def test_bodies_that_never_come_hold_up_a_good_webhook_for_their_time_at_most(wire: Wire) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(wire.connect()).sendall(wire.head("Content-Length: 500") + b"{")
        assert seconds_of_a_good_webhook(wire) < BODY_SECONDS + SLACK_SECONDS


def test_a_slow_but_honest_body_is_accepted(wire: Wire) -> None:
    body = raw(webhook())
    step = len(body) // 10 + 1
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    for header, content in (
        (f"Content-Length: {len(body)}", pieces),
        ("Transfer-Encoding: chunked", [*(chunked(piece, end=b"") for piece in pieces), b"0\r\n\r\n"]),
    ):
        with wire.connect() as made:
            made.sendall(wire.head(header))
            for piece in content:
                time.sleep(BODY_SECONDS / 2 / len(content))
                made.sendall(piece)
            assert read_answer(made).status == 200


def test_a_body_that_is_asked_for_is_taken(wire: Wire) -> None:
    body = raw(webhook())
    with wire.connect() as made:
        made.sendall(wire.head(f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"))
        assert made.recv(100).startswith(b"HTTP/1.1 100 ")
        made.sendall(body)
        assert read_answer(made).status == 200


def test_strangers_who_owe_a_body_keep_nobody_from_the_door(wire: Wire) -> None:
    head = wire.head("Content-Length: 900000").replace(b"Authorization", b"X-Other")
    with ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(wire.connect()).sendall(head + b"{")
        assert seconds_of_a_good_webhook(wire) < BODY_SECONDS


def test_clients_that_do_not_hang_up_keep_nobody_from_the_door(wire: Wire) -> None:
    with ExitStack() as stack:
        for _ in range(CROWD):
            made = stack.enter_context(wire.connect())
            made.sendall(b"no HTTP\r\n\r\n")
            assert made.recv(100).startswith(b"HTTP/1.1 400 ")
        assert seconds_of_a_good_webhook(wire) < 1.5


def test_clients_that_do_not_take_their_answers_give_their_threads_back(wire: Wire) -> None:
    request = b"GET /static/unfold/css/styles.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(4):
            made = stack.enter_context(socket.socket())
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.connect(wire.address)
            made.sendall(request * 100)
        time.sleep(0.5)
        assert seconds_of_a_good_webhook(wire) < BODY_SECONDS + SLACK_SECONDS
