"""
How many calls still go out in this window, learnt from headers alone; the time is told, nothing waits.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.intercom.rate_limit import RateBudget

NOW = 1_700_000_000.0
RESET = 1_700_000_010


def headers(*, left: object, limit: object = 100, reset: object = RESET) -> dict[str, str]:
    return {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(left), "x-ratelimit-reset": str(reset)}


def after_an_answer(*, left: int, limit: int = 100) -> RateBudget:
    """A budget that has seen one call, whose answer said so."""
    budget = RateBudget()
    assert budget.take(NOW) == 0
    budget.give_back(headers(left=left, limit=limit))
    return budget


def taken(budget: RateBudget, now: float, most: int = 1000) -> int:
    """How many calls may go out now, none of them answered yet."""
    for count in range(most):
        if budget.take(now):
            return count
    return most


def test_before_the_first_answer_calls_go_out_freely() -> None:
    assert taken(RateBudget(), NOW) == 1000


def test_as_many_calls_go_out_as_the_answer_says_are_left() -> None:
    assert taken(after_an_answer(left=7), NOW) == 7


def test_when_none_is_left_the_wait_lasts_until_the_reset() -> None:
    assert after_an_answer(left=0).take(NOW) == pytest.approx(10)
    assert after_an_answer(left=0).take(NOW + 9.5) == pytest.approx(0.5)


def test_a_wait_is_never_so_short_that_it_becomes_a_busy_loop() -> None:
    assert after_an_answer(left=0).take(RESET - 0.0001) >= 0.05


def test_a_new_window_begins_at_its_reset() -> None:
    budget = after_an_answer(left=0, limit=5)
    assert budget.take(NOW) > 0
    assert budget.take(RESET) == 0


def test_calls_in_flight_are_counted_against_what_an_answer_reports() -> None:
    budget = RateBudget()
    for _ in range(4):
        assert budget.take(NOW) == 0
    budget.give_back(headers(left=10))
    assert taken(budget, NOW) == 10 - 3


def test_answers_that_overtake_each_other_never_raise_what_is_left() -> None:
    budget = RateBudget()
    for _ in range(4):
        budget.take(NOW)
    budget.give_back(headers(left=5))
    budget.give_back(headers(left=7))
    budget.give_back(headers(left=6))
    # The fourth call may be one of the five.
    assert taken(budget, NOW) == 4


def test_an_answer_of_an_older_window_is_not_believed() -> None:
    budget = after_an_answer(left=2)
    assert budget.take(NOW) == 0
    budget.give_back(headers(left=100, reset=RESET - 10))
    # It was counted in the older window, too.
    assert taken(budget, NOW) == 2


def test_a_call_without_an_answer_may_have_been_counted() -> None:
    budget = after_an_answer(left=2)
    assert budget.take(NOW) == 0
    budget.give_back({})
    assert taken(budget, NOW) == 1


def test_whoever_waits_while_calls_are_in_flight_asks_again_soon() -> None:
    budget = after_an_answer(left=2)
    assert taken(budget, NOW) == 2
    assert 0 < budget.take(NOW) <= 0.2


def test_an_answer_of_the_next_window_is_believed() -> None:
    budget = after_an_answer(left=1)
    assert budget.take(NOW) == 0
    budget.give_back(headers(left=50, reset=RESET + 10))
    assert taken(budget, NOW) == 50


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"x-ratelimit-remaining": "0"},
        headers(left="none"),
        headers(left="-1"),
        headers(left=0, reset="soon"),
        headers(left=0, limit=""),
        headers(left="²"),
    ],
    ids=str,
)
def test_headers_that_are_missing_or_no_numbers_limit_nothing(said: dict[str, str]) -> None:
    budget = RateBudget()
    budget.take(NOW)
    budget.give_back(said)
    assert taken(budget, NOW) == 1000


def test_a_call_that_got_no_answer_is_given_back() -> None:
    budget = RateBudget()
    for _ in range(5):
        budget.take(NOW)
    for _ in range(4):
        budget.give_back({})
    budget.give_back(headers(left=9))
    assert taken(budget, NOW) == 9


def test_many_threads_never_take_more_than_is_left() -> None:
    budget = after_an_answer(left=50)
    start = threading.Barrier(8)
    got: list[int] = []

    def grab() -> None:
        start.wait()
        got.extend(1 for _ in range(20) if budget.take(NOW) == 0)

    threads = [threading.Thread(target=grab) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 50


@given(st.lists(st.one_of(st.just(None), st.integers(0, 20), st.text(max_size=3))))
def test_whatever_answers_say_a_call_may_go_out_or_is_told_how_long_to_wait(answers: list[int | str | None]) -> None:
    budget, now = RateBudget(), NOW
    for left in answers:
        wait = budget.take(now)
        assert 0 <= wait <= 10
        if wait == 0:
            budget.give_back({} if left is None else headers(left=left))
        else:
            now += wait


def test_a_reset_in_the_far_future_does_not_silence_the_headers_after_it() -> None:
    budget = RateBudget()
    budget.take(NOW)
    budget.give_back(headers(left=0, reset=10**15))
    assert budget.take(NOW) == 0.0
    budget.give_back(headers(left=0))
    assert budget.take(NOW) > 0


class Workspace:
    """Intercom as it counts: a call when it arrives, in windows of ten seconds; refused calls are not counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used: Counter[int] = Counter()
        self.refused = 0

    def arrive(self, now: float, weight: int = 1) -> dict[str, str]:
        window = int(now // 10)
        if self.used[window] + weight > self.limit:
            self.refused += weight
        else:
            self.used[window] += weight
        return headers(limit=self.limit, left=self.limit - self.used[window], reset=(window + 1) * 10)


# Fewer threads than the limit: before the first answer nobody knows it.
@settings(max_examples=25)
@given(st.integers(45, 120), st.integers(1, 40), st.randoms(use_true_random=False))
def test_alone_a_whole_window_is_used_and_nothing_refused(limit: int, threads: int, chance: random.Random) -> None:
    budget, workspace, number = RateBudget(), Workspace(limit), itertools.count()
    # Each thread asks, its call arrives some time later, and its answer comes back some time after that.
    moments: list[tuple[float, int, str, dict[str, str]]] = [(NOW, next(number), "ask", {}) for _ in range(threads)]
    while moments:
        now, _, what, said = heapq.heappop(moments)
        if now >= NOW + 40:
            continue
        if what == "ask":
            wait = budget.take(now)
            then = (now + wait, "ask", said) if wait else (now + chance.uniform(0, 0.1), "arrive", said)
        elif what == "arrive":
            then = (now + chance.uniform(0.01, 0.4), "answer", workspace.arrive(now))
        else:
            budget.give_back(said)
            then = (now, "ask", said)
        heapq.heappush(moments, (then[0], next(number), then[1], then[2]))

    assert workspace.refused == 0
    # As much as so many threads can send: half a second a call at most.
    possible = min(limit, threads * 10 * 2)
    for window in (1, 2, 3):
        assert workspace.used[int(NOW // 10) + window] >= 0.95 * possible - 1
