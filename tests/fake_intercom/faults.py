"""
What can go wrong between an app and Intercom, as values, and the rules that say which calls it happens to.

A fault is made by one of the small functions below and put to work with `FakeIntercom.inject`. It never changes the
workspace itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import TracebackType

from tests.fake_intercom.messages import HTML_TYPE, Answer, Call, Refusal

Hook = Callable[[Call], None]

DEFAULT_ERRORS = {
    401: ("unauthorized", "Access Token Invalid"),
    402: ("client_error", "Your plan does not include this."),
    403: ("api_plan_restricted", "Active subscription needed."),
    404: ("not_found", "User Not Found"),
    408: ("request_timeout", "The server would not wait any longer for the client"),
    422: ("unprocessable_entity", "The request could not be processed"),
    429: ("rate_limit_exceeded", "The rate limit for the App has been exceeded"),
    500: ("server_error", "Unknown server error"),
    502: ("server_error", "Bad gateway"),
    503: ("service_unavailable", "Sorry, the API service is temporarily unavailable"),
    504: ("server_timeout", "Server timed out when making request"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that happens to a call, in this order: the hook is called; with `acts_first` the workspace acts on the
    call; the gate and the delay hold it; then it is closed, or answered with `refusal`, `answer` or what the workspace
    says.
    """

    name: str
    refusal: Refusal | None = None
    answer: Answer | None = None
    acts_first: bool = False
    delay_seconds: float = 0.0
    drip_seconds: float = 0.0
    closes: bool = False
    resets: bool = False
    gate: threading.Event | None = None
    on_request: Hook | None = None


def error(
    status: int,
    code: str | None = None,
    message: str | None = None,
    *,
    headers: dict[str, str] | None = None,
    acts_first: bool = False,
) -> Fault:
    """Intercom's own error.list; code and message default to what Intercom is known to say with that status."""
    known_code, known_message = DEFAULT_ERRORS.get(status, ("client_error", "Something went wrong"))
    refusal = Refusal(status, code or known_code, message or known_message, headers=headers)
    return Fault(f"error {status}", refusal=refusal, acts_first=acts_first)


def html(status: int = 502) -> Fault:
    """A page of the load balancer in front of Intercom (502, 403, or even 200): no JSON, no request id."""
    page = f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>\r\n"
    answer = Answer(status, page.encode(), HTML_TYPE, {"server": "awselb/2.0"}, from_intercom=False)
    return Fault(f"html {status}", answer=answer)


def empty(status: int = 200) -> Fault:
    """An answer without a body where JSON is expected."""
    return Fault(f"empty {status}", answer=Answer(status))


def redirect(location: str, status: int = 302) -> Fault:
    """A redirect to another host, which must never be followed with the token."""
    return Fault(f"redirect {status}", answer=Answer(status, headers={"Location": location}))


def hang(seconds: float, *, acts_first: bool = False) -> Fault:
    """The answer comes `seconds` late; with `acts_first` the workspace has acted before the client gives up."""
    return Fault("hang", delay_seconds=seconds, acts_first=acts_first)


def drip(seconds: float) -> Fault:
    """The workspace acts at once, but its answer trickles out over `seconds`, a few bytes at a time."""
    return Fault("drip", drip_seconds=seconds)


def close_unanswered(*, reset: bool = False) -> Fault:
    """The connection is closed (or reset) before the workspace acts."""
    return Fault("closed unanswered", closes=True, resets=reset)


def lose_answer(*, reset: bool = False) -> Fault:
    """The workspace acts, then the connection is closed (or reset): the answer is lost in flight."""
    return Fault("answer lost", closes=True, resets=reset, acts_first=True)


def hold(gate: threading.Event, *, acts_first: bool = False) -> Fault:
    """Nothing is answered until the test sets the gate; with `acts_first` the workspace acts before that."""
    return Fault("hold", gate=gate, acts_first=acts_first)


def watch(on_request: Hook) -> Fault:
    """Calls the test's hook, in the thread of the connection, and goes on as usual."""
    return Fault("watch", on_request=on_request)


class Rule:
    """Which calls a fault happens to; returned by `inject`, and a context manager that removes itself at its end."""

    def __init__(
        self, fault: Fault, *, times: int | None, seconds: float | None, method: str | None, path: str | None
    ) -> None:
        self.fault = fault
        self.hits = 0
        self.removed = False
        self._times = times
        self._ends_at = None if seconds is None else time.monotonic() + seconds
        self._method = method
        self._path = path

    def take(self, call: Call) -> bool:
        """Whether the fault happens to this call; counts it if so. Called with the lock of the workspace held."""
        if self.spent or (self._method is not None and call.method != self._method):
            return False
        if self._path is not None and not fnmatchcase(call.path, self._path):
            return False
        self.hits += 1
        return True

    @property
    def spent(self) -> bool:
        """Whether it can happen to no further call."""
        used_up = self._times is not None and self.hits >= self._times
        return self.removed or used_up or (self._ends_at is not None and time.monotonic() >= self._ends_at)

    def remove(self) -> None:
        """Stops the rule, and lets go what its gate still holds."""
        self.removed = True
        if self.fault.gate is not None:
            self.fault.gate.set()

    def __enter__(self) -> Rule:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()


def with_hook(fault: Fault, on_request: Hook) -> Fault:
    """The same fault, which also calls the hook first."""
    return replace(fault, on_request=on_request)
