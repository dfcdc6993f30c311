"""What can go wrong where RevenueCat's API is asked, classified once, by who must act.

Messages are for the operator and hold no key, and of what RevenueCat said only the status and the type of the error:
its own words may name a customer. Facts: https://www.revenuecat.com/docs/api-v2 ("Error Handling", "Rate Limit").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# RevenueCat's limits are for a minute.
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
# Where a refusal for the limit does not say how long.
UNSAID_WAIT_SECONDS = 15.0
_PLAIN_TYPE = re.compile(r"[a-z][a-z_]{0,49}")
_TRANSIENT = frozenset({408, 423, 425})


class RevenueCatError(Exception):
    """RevenueCat did not say what it was asked. `message` is for the operator."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnavailableError(RevenueCatError):
    """Time heals it: a timeout, an overload, a broken answer."""


class UnusableError(UnavailableError):
    """An answer came, and asking again would bring the same: a list without an end, something that is no list."""


class RateLimitedError(UnavailableError):
    """429: the minute's calls are used up; ask again after `seconds`."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class OperatorError(RevenueCatError):
    """Somebody must act: the key, its permissions, the project id, or this server's settings."""


class RefusedError(RevenueCatError):
    """RevenueCat does not take this one question; others it may take."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end: its JSON, or None where it is none. Header names are lower case."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """`RevenueCat answered 403 (authorization_error)`."""
        kind = self.body.get("type") if isinstance(self.body, dict) else None
        shown = f" ({kind})" if isinstance(kind, str) and _PLAIN_TYPE.fullmatch(kind) else ""
        return f"RevenueCat answered {self.status}{shown}"


def error_of(answer: Answer, permission: str) -> RevenueCatError:
    """The error that `answer` stands for, to a question that needs `permission`. Not for 2xx and 404."""
    said = answer.said
    if answer.status == 429:
        seconds = _wait(answer)
        return RateLimitedError(f"{said}: the calls of this minute are used up.", seconds=seconds)
    if answer.status == 401:
        return OperatorError(
            f"{said}: it does not know the API key. Make a secret key of version V2 in RevenueCat (Project settings, "
            "API keys) and enter it on the project's page. Keys of version V1 do not work here."
        )
    if answer.status == 403 and isinstance(answer.body, dict):
        return OperatorError(
            f"{said}: the API key may not do this. It needs the permission {permission}, and must belong to the "
            "project whose RevenueCat id stands on the project's page."
        )
    if 300 <= answer.status < 400:
        return OperatorError(
            f"{said}, a redirect. Redirects are never followed, so that the key stays with RevenueCat. Check "
            "REVENUECAT_API_URL on this server, or the proxy in between."
        )
    # A 403 that is no JSON comes from something in between.
    if answer.status >= 500 or answer.status in _TRANSIENT or not isinstance(answer.body, dict):
        return UnavailableError(f"{said}. If it goes on, look at https://status.revenuecat.com.")
    return RefusedError(f"{said}.")


def _wait(answer: Answer) -> float:
    """What the answer says in its header, else in its body, in seconds, within what can be of a minute's limit."""
    text = answer.headers.get("retry-after")
    seconds = float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
    if seconds is None and isinstance(answer.body, dict):
        said = answer.body.get("backoff_ms")
        seconds = min(said, 10**9) / 1000 if isinstance(said, int) and not isinstance(said, bool) else None
    return min(max(UNSAID_WAIT_SECONDS if seconds is None else seconds, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
