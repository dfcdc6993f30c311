"""Keeps calls inside the limit that Intercom's own headers announce, for all threads of one drain.

Limits differ by plan and are shared with other apps of the workspace, so nothing is assumed: before the
first answer calls go out freely, afterwards the headers of the newest answer rule.
https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

# Intercom's windows last ten seconds.
LONGEST_WINDOW_SECONDS = 120.0


# Whoever waits while calls are in flight asks again after this long: their answers may show that more is left.
LOOK_SECONDS = 0.2


class RateBudget:
    """Whether a call may go out in the window that Intercom counts in. Thread-safe; times in unix seconds.

    Every answer says how many calls were left when its own was counted. Answers overtake each other, but the lowest
    number is that of the call that was counted last, so it contains all that have been answered. What is in flight may
    be contained or not: a call goes out only while the lowest number is larger than that. Towards the end of the
    window this is too careful for a moment, until the calls in flight are answered and the number is exact.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lowest: int | None = None
        self._limit: int | None = None
        self._reset_at = 0.0
        self._in_flight = 0

    def take(self, now: float) -> float:
        """Reserve one call. Returns 0.0 when it may go out, else the seconds until it is worth asking again."""
        with self._lock:
            if self._lowest is not None and not now < self._reset_at <= now + LONGEST_WINDOW_SECONDS:
                # A new window: how much of it is left is learnt from its first answer. And a reset that is
                # far off is a clock that is wrong: it must not silence the headers that come after it.
                self._lowest, self._reset_at = self._limit, 0.0
            if self._lowest is not None and self._lowest <= self._in_flight:
                wait = max(self._reset_at - now, 0.05)
                return min(wait, LOOK_SECONDS) if self._in_flight else wait
            self._in_flight += 1
            return 0.0

    def give_back(self, headers: Mapping[str, str]) -> None:
        """A call has ended: learn from its answer's headers (lower-case names), if it has any."""
        limit = _number(headers.get("x-ratelimit-limit"))
        left = _number(headers.get("x-ratelimit-remaining"))
        reset_at = _number(headers.get("x-ratelimit-reset"))
        with self._lock:
            self._in_flight -= 1
            if limit is None or left is None or reset_at is None:
                # Intercom may have counted it all the same.
                self._lowest = None if self._lowest is None else self._lowest - 1
                return
            if reset_at < self._reset_at:
                return
            same_window = reset_at == self._reset_at and self._lowest is not None
            self._lowest = min(left, self._lowest) if same_window and self._lowest is not None else left
            self._limit, self._reset_at = limit, float(reset_at)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
