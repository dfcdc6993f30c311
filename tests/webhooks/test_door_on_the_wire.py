"""
The door behind its real web server, over real sockets: lengths, chunks, broken and slow bodies, crowds.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from integration.models import Delivery, WebhookEvent
from tests.factories import make_project, raw, webhook
from tests.webhooks.wire import Address, Wire, chunked, read_answer, serving

pytestmark = pytest.mark.django_db(transaction=True)

TOO_LARGE = 1024 * 1024 + 1
FIXED = raw(webhook(id="1"))


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[Address]:
    """The web server of this module."""
    with django_db_blocker.unblock(), serving() as running:
        yield running


@pytest.fixture
def wire(address: Address, transactional_db: None) -> Wire:
    """A project behind the web server."""
    return Wire(address, make_project())


CHUNKED = "Transfer-Encoding: chunked"


def test_the_door_survives_a_database_that_has_cut_every_connection(wire: Wire) -> None:
    assert wire.post(raw(webhook())).status == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert [wire.post(raw(webhook())).status for _ in range(4)] == [200] * 4


def test_an_accepted_event_is_committed_before_the_answer(wire: Wire) -> None:
    answer = wire.post(raw(webhook()))
    assert (answer.status, answer.json) == (200, {"status": "accepted"})
    assert WebhookEvent.objects.count() == Delivery.objects.count() == 1


def test_the_same_event_at_the_same_instant_is_accepted_once_and_its_repeats_are_counted(wire: Wire) -> None:
    crowd = 12
    request = raw(webhook())
    barrier = threading.Barrier(crowd)
    answers: list[str] = []

    def post() -> None:
        barrier.wait(10)
        answers.append(wire.post(request).json["status"])

    threads = [threading.Thread(target=post) for _ in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert Counter(answers) == {"accepted": 1, "duplicate": crowd - 1}
    assert WebhookEvent.objects.get().repeats == crowd - 1
    assert Delivery.objects.count() == 1


def test_two_events_on_one_connection_are_two_events(wire: Wire) -> None:
    with wire.connect() as made:
        for _ in range(2):
            body = raw(webhook())
            made.sendall(wire.head(f"Content-Length: {len(body)}") + body)
            assert read_answer(made).status == 200
    assert WebhookEvent.objects.count() == 2


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_body_in_chunks_is_read(wire: Wire, size: int) -> None:
    body = raw(webhook())
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    answer = wire.say(wire.head(CHUNKED) + chunked(*pieces))
    assert (answer.status, WebhookEvent.objects.count()) == (200, 1)


def test_a_body_in_chunks_over_1_mib_is_413(wire: Wire) -> None:
    answer = wire.say(wire.head(CHUNKED, "Connection: close") + chunked(b"x" * TOO_LARGE))
    assert answer.status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-1\r\n{}\r\n0\r\n\r\n",
        b"5\r\n{}\r\n0\r\n\r\n",
        b"ffffffffffffffffffffff\r\n{}",
        b"\r\n\r\n",
        chunked(FIXED, end=b""),
        chunked(FIXED, end=b"0\r\n"),
        chunked(FIXED)[:-20],
        b"2\r\n{}0\r\n\r\n",
        b"2;" + b"x" * 9000 + b"\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_broken_chunks_are_never_an_error_of_ours(wire: Wire, body: bytes) -> None:
    assert wire.say(wire.head(CHUNKED) + body, shut=True).status in (0, 400)
    assert not WebhookEvent.objects.exists()
    assert wire.post(raw(webhook())).status == 200


def test_a_declared_length_over_1_mib_is_413_before_a_byte_of_the_body_is_sent(wire: Wire) -> None:
    for length in (str(TOO_LARGE), "9" * 20):
        answer = wire.say(wire.head(f"Content-Length: {length}"))
        assert answer.status == 413 and answer.json == {"detail": "The body is larger than 1 MiB."}


def test_a_body_over_1_mib_that_is_sent_all_the_same_is_413(wire: Wire) -> None:
    assert wire.post(b"x" * TOO_LARGE).status == 413
    assert wire.post(raw(webhook())).status == 200


@pytest.mark.parametrize("kept", [0, 1, 50, -1])
def test_a_body_that_breaks_off_is_400_and_stores_nothing(wire: Wire, kept: int) -> None:
    body = raw(webhook())
    answer = wire.say(wire.head(f"Content-Length: {len(body)}") + body[:kept], shut=True)
    assert answer.status in (0, 400)
    assert not WebhookEvent.objects.exists()


def test_a_body_shorter_than_declared_is_400_though_it_is_json(wire: Wire) -> None:
    body = raw(webhook())
    answer = wire.say(wire.head(f"Content-Length: {len(body) + 10}") + body, shut=True)
    assert answer.status in (0, 400)
    assert not WebhookEvent.objects.exists()


def test_a_body_longer_than_declared_is_cut_where_it_was_declared_to_end(wire: Wire) -> None:
    body = raw(webhook())
    assert wire.say(wire.head(f"Content-Length: {len(body)}", "Connection: close") + body + b"garbage").status == 200
    assert wire.say(wire.head(f"Content-Length: {len(body) - 1}", "Connection: close") + body).status == 400


@pytest.mark.parametrize("length", ["²", "-1", "abc", "1, 2", "+5", "9" * 5000, ""])
def test_an_odd_length_is_never_an_error_of_ours(wire: Wire, length: str) -> None:
    assert wire.say(wire.head(f"Content-Length: {length}") + raw(webhook()), shut=True).status in (0, 400, 413, 431)
    assert not WebhookEvent.objects.exists()


def test_a_length_together_with_chunks_is_refused(wire: Wire) -> None:
    answer = wire.say(wire.head("Content-Length: 5", CHUNKED) + chunked(raw(webhook())), shut=True)
    assert answer.status in (0, 400)


def test_no_length_at_all_is_an_empty_body(wire: Wire) -> None:
    assert wire.say(wire.head("Connection: close")).status == 400
    assert wire.say(wire.head(version="1.0")).status == 400


def test_a_connection_reset_in_the_middle_of_a_body_harms_nobody(wire: Wire) -> None:
    for _ in range(5):
        with wire.connect() as made:
            made.sendall(wire.head("Content-Length: 500") + b'{"event": ')
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert wire.post(raw(webhook())).status == 200


def test_a_body_that_comes_byte_by_byte_is_read_and_others_pass_it_by(wire: Wire) -> None:
    body = raw(webhook())
    with wire.connect() as slow:
        slow.sendall(wire.head(f"Content-Length: {len(body)}"))
        for number in range(20):
            slow.sendall(body[number : number + 1])
        assert wire.post(raw(webhook())).status == 200
        slow.sendall(body[20:])
        assert read_answer(slow).status == 200
    assert WebhookEvent.objects.count() == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_405(wire: Wire, method: str) -> None:
    assert wire.say(wire.head("Content-Length: 0", "Connection: close", method=method)).status == 405
