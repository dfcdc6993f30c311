"""
Intercom's rate limit: so many calls in a fixed window, told in three headers on every response.

The clock comes in as an argument. Windows start when the limit is set, so that a test never straddles one by chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tests.fake_intercom.messages import Refusal


class RateLimit:
    """`limit` calls in every window of `window_seconds`. Not thread-safe: the workspace's lock is held around it."""

    def __init__(self, limit: int, window_seconds: float, clock: Callable[[], float]) -> None:
        self.limit = limit
        self.window_seconds = window_seconds
        self._clock = clock
        self._started_at = clock()
        self._used = 0

    def consume(self, calls: int) -> bool:
        """Takes that many calls out of the window of now; False if it had not as many left."""
        self._roll()
        self._used += calls
        return self._used <= self.limit

    def next_window(self) -> None:
        """Starts a fresh window now, so that a test need not sleep."""
        self._started_at = self._clock()
        self._used = 0

    def headers(self) -> dict[str, str]:
        """The three headers; the reset time is in whole unix seconds and rounded up, so waiting for it is enough."""
        self._roll()
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self._used)),
            "X-RateLimit-Reset": str(math.ceil(self._started_at + self.window_seconds)),
        }

    def exceeded(self) -> Refusal:
        """The 429; as observed, without Retry-After."""
        window = f"{self.window_seconds:g}_seconds"
        return Refusal(429, "rate_limit_exceeded", f"Exceeded rate limit of {self.limit} in {window}")

    def _roll(self) -> None:
        windows_past = int((self._clock() - self._started_at) // self.window_seconds)
        if windows_past > 0:
            self._started_at += windows_past * self.window_seconds
            self._used = 0
