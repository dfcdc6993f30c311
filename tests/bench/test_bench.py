"""The bench's own sums: percentiles, verdicts and exit codes, and webhooks that differ and are taken."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest

from integration.envelopes import parse_envelope
from tests.bench import load, table
from tests.bench.figure import Figure, at_least, at_most, percentile
from tests.bench.webhooks import encoder, product_id

KEPT = at_least("door", "rate", 0.8, 0.7, "0.80")
BROKEN = at_most("door", "p99", 2.5, 2, "2.50")
TOLD = Figure("door", "p50", "3 ms", note="half of them")
OK_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (0, 1)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, value: float) -> None:
    """Of 1 to 100 in any order."""
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    """And of none there is none."""
    assert percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 50)


def test_promises_hold_at_their_limit() -> None:
    """At least and at most include it."""
    assert at_least("p", "w", 0.7, 0.7, "").kept and at_most("p", "w", 2, 2, "").kept
    assert not at_least("p", "w", 0.699, 0.7, "").kept


@pytest.mark.parametrize(("figures", "code"), [([KEPT, TOLD], 0), ([KEPT, BROKEN], 1), ([], 1)])
def test_a_broken_promise_is_an_exit_code(figures: list[Figure], code: int) -> None:
    """And so is a run that measured nothing."""
    assert table.exit_code(figures) == code


def test_the_table_says_what_was_broken_and_what_is_only_told() -> None:
    """One line each; notes come after them."""
    _, _, kept, broken, told, _, note = table.lines([KEPT, BROKEN, TOLD])
    assert kept.endswith("kept") and broken.endswith("BROKEN") and told.endswith("3 ms")
    assert note == "door: p50: half of them."
    assert table.verdict([KEPT, BROKEN, TOLD]) == "1 of 2 promises broken"


def test_every_webhook_is_another_event_of_the_same_size_that_the_door_takes() -> None:
    """Of as many customers as are wanted."""
    encode = encoder(3)
    bodies = [encode(number) for number in (1, 2, 3, 123_456)]
    envelopes = [parse_envelope(body) for body in bodies]
    assert len({len(body) for body in bodies}) == 1
    assert len({envelope.event_id for envelope in envelopes}) == 4
    assert {envelope.app_user_id for envelope in envelopes} == {f"customer-00000{number}" for number in range(3)}
    assert [envelope.product_id for envelope in envelopes] == [product_id(number) for number in (1, 2, 3, 123_456)]


@pytest.mark.parametrize("per_second", [None, 200.0])
def test_what_was_posted_is_told_apart_by_its_answer(per_second: float | None) -> None:
    """The first two connections hang up instead of answering."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_answer, args=(listener,), daemon=True).start()
        port = int(listener.getsockname()[1])
        job = load.Job(port, "/", "x", 10, 20, 5.0, connections=2, per_second=per_second)
        outcome = load.run(job)
    assert outcome.statuses == {"200": 18, "none": 2}
    assert outcome.answered == 18 and set(outcome.numbers) < set(range(10, 30))
    assert len(outcome.milliseconds) == len(outcome.answered_at) == 18
    assert per_second is None or outcome.seconds >= 19 / 200


def _answer(listener: socket.socket) -> None:
    """Whoever is hung up on connects again, and is answered."""
    for number in range(4):
        threading.Thread(target=_serve, args=(listener.accept()[0], number >= 2), daemon=True).start()


def _serve(connection: socket.socket, answers: bool) -> None:
    with closing(connection):
        while b"\r\n\r\n" in connection.recv(65_536) and answers:
            # In two pieces, as it may come.
            connection.sendall(OK_ANSWER[:30])
            connection.sendall(OK_ANSWER[30:])
