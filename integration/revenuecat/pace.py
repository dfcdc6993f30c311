"""Keeps calls inside RevenueCat's limits: so many a minute, evenly, and slower where others use the same key.

RevenueCat tells with every answer how many calls of this minute were used, but not when the minute ends; only a 429
says how long to wait (https://www.revenuecat.com/docs/api-v2, "Rate Limit"). So calls are spread over the minute.
"""

from __future__ import annotations

from collections.abc import Mapping

# What is documented for customer information, and for the configuration of a project, until an answer says otherwise.
CUSTOMERS_A_MINUTE, CONFIGURATION_A_MINUTE = 480, 60
# So much of the limit is left to others who use the key.
SHARE = 0.8
# Above this share of the limit somebody else is using it too: then it is waited for longer between calls.
CROWDED = 0.9
CROWDED_SECONDS = 2.0
MINUTE = 60.0


class Pace:
    """When the next call may go out. Times are seconds of one monotonic clock; for one thread."""

    def __init__(self, per_minute: int, *, burst: int = 1) -> None:
        self._per_minute = per_minute
        # So many calls may go out at once: nobody waits for the few that a button makes.
        self._burst = burst
        self._next_at: float | None = None

    def wait(self, now: float) -> float:
        """The seconds until the next call may go out, and takes that call."""
        spacing = MINUTE / (self._per_minute * SHARE)
        earliest = now - spacing * (self._burst - 1)
        at = earliest if self._next_at is None else max(self._next_at, earliest)
        self._next_at = at + spacing
        return max(at - now, 0.0)

    def heed(self, headers: Mapping[str, str], now: float) -> None:
        """Learn from an answer's headers (lower-case names), if it has any."""
        usage = _number(headers.get("revenuecat-rate-limit-current-usage"))
        limit = _number(headers.get("revenuecat-rate-limit-current-limit"))
        if not limit:
            return
        self._per_minute = limit
        if usage is not None and usage >= limit * CROWDED:
            self._next_at = max(self._next_at or now, now + CROWDED_SECONDS)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
