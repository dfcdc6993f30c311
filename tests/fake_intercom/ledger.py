"""
Every call in order, and how often what happened.

Not thread-safe: the workspace's lock is held around every method. It judges nothing.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter, deque

from tests.fake_intercom.messages import Call
from tests.fake_intercom.routes import route_of
from tests.fake_intercom.wire import RawRequest

BEARER = "Bearer "


class Ledger:
    """The calls, their violations and the counters; `limit` keeps only the newest calls."""

    def __init__(self, limit: int | None) -> None:
        self.calls: deque[Call] = deque(maxlen=limit)
        self.violations: list[str] = []
        self.counters: Counter[str] = Counter()
        self._prefix = secrets.token_hex(4)
        self._number = 0

    def clear(self) -> None:
        """Forgets everything but how many requests there were, so that request ids stay unique."""
        in_flight = self.counters["in flight"]
        self.calls.clear()
        self.violations.clear()
        self.counters.clear()
        self.counters["in flight"] = in_flight

    def arrived(self, raw: RawRequest) -> Call:
        """Enters a call when it has been read."""
        self._number += 1
        path, _, query = raw.target.partition("?")
        authorization = raw.headers.get("authorization", "")
        token = authorization[len(BEARER) :].strip() if authorization.startswith(BEARER) else ""
        headers = raw.headers | {"authorization": f"…{authorization[-4:]}"} if authorization else raw.headers
        route, argument = route_of(raw.method, path)
        call = Call(
            number=self._number,
            request_id=f"{self._prefix}{self._number:012d}",
            method=raw.method,
            path=path,
            query=query,
            headers=headers,
            token=token,
            body=raw.body,
            json=_parsed(raw.body),
            arrived_at=time.monotonic(),
            route=route,
            argument=argument,
        )
        self.calls.append(call)
        self.counters["calls"] += 1
        self.counters[call.route] += 1
        self.counters["in flight"] += 1
        self.counters["peak in flight"] = max(self.counters["peak in flight"], self.counters["in flight"])
        return call

    def judged(self, call: Call) -> None:
        """Notes what the workspace made of the call."""
        self.violations.extend(f"{call.line}: {violation}" for violation in call.violations)
        if call.repeat:
            self.counters["repeats"] += 1

    def answered(self, call: Call, status: int) -> None:
        """Notes the answer, just before it is written."""
        call.status = status
        call.answered_at = time.monotonic()
        self.counters[f"status {status}"] += 1
        self.counters["in flight"] -= 1

    def unanswered(self) -> None:
        """Notes that a call gets no answer, just before its connection is cut."""
        self.counters["unanswered"] += 1
        self.counters["in flight"] -= 1


def _parsed(body: bytes) -> object:
    """The body as JSON; None where there is none, or where it is not JSON (then `body` tells them apart)."""
    if not body:
        return None
    try:
        parsed: object = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON, although Python's parser takes it")
