"""
The stand-in itself: a workspace that can be reached over HTTP, with its ledger, its faults and its rate limit.

What tests and the control endpoints call; the work is done in `exchange.py`, `workspace.py` and `wire.py`.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from types import TracebackType

from tests.fake_intercom import control
from tests.fake_intercom.exchange import Exchange
from tests.fake_intercom.faults import Fault, Rule
from tests.fake_intercom.ledger import Ledger
from tests.fake_intercom.limits import RateLimit
from tests.fake_intercom.messages import Call
from tests.fake_intercom.wire import HttpServer, RawRequest, Wire
from tests.fake_intercom.workspace import Workspace

CONTROL_PREFIX = "/_fake/"


class FakeIntercom(Workspace):
    """
    A workspace that listens: `with FakeIntercom() as intercom: requests.get(intercom.url + "/me", …)`.

    `accepted_tokens` None accepts any token that is not empty; `latency` seconds are added to every answer;
    `ledger_limit` keeps only the newest calls, for long benchmarks.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "Demo Workspace",
        region: str = "US",
        latency: float = 0.0,
        accepted_tokens: Collection[str] | None = None,
        ledger_limit: int | None = None,
        verbose: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name=name, region=region, latency=latency, accepted_tokens=accepted_tokens, clock=clock)
        self._ledger = Ledger(ledger_limit)
        self._server = HttpServer(host, port, self._respond)
        self._exchange = Exchange(self, self._ledger, self._server.stopping, verbose=verbose)

    # Coming and going.

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{self._server.host}:{self._server.port}"

    def start(self) -> None:
        """Starts to listen; returns when connections are accepted."""
        self._server.listen()

    def stop(self) -> None:
        """Stops for good; what is held or hangs is let go."""
        self._server.stopping.set()
        self.clear_faults()
        self._server.stop()

    def __enter__(self) -> FakeIntercom:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def reset(self) -> None:
        """As newly made, on the same port: state, ledger, faults, rate limit and settings."""
        self.clear_faults()
        self._server.listen()
        with self.changed:
            self.clear()
            self._ledger.clear()
            self._exchange.limit = None

    # What was asked of it.

    @property
    def ledger(self) -> list[Call]:
        """Every call in order of arrival, also unanswered ones; not those to the control endpoints."""
        with self.changed:
            return list(self._ledger.calls)

    def calls(self, method: str | None = None, path: str | None = None) -> list[Call]:
        """The calls with this method and this path, or this route: `PUT`, `/contacts/{id}`."""
        return [
            call
            for call in self.ledger
            if method in (None, call.method) and (path is None or path in (call.path, call.route.partition(" ")[2]))
        ]

    @property
    def repeats(self) -> list[Call]:
        """The events that were answered 202 but not stored, since the workspace had them already."""
        return [call for call in self.ledger if call.repeat]

    @property
    def violations(self) -> list[str]:
        """What a careful client never sends although Intercom does not refuse it; tests assert that it is empty."""
        with self.changed:
            return list(self._ledger.violations)

    @property
    def counters(self) -> Counter[str]:
        """How often: by route (`POST /events`), by answer (`status 202`), `calls`, `repeats`, `peak in flight`, …"""
        with self.changed:
            return Counter(self._ledger.counters)

    def wait_for(self, predicate: Callable[[], bool], timeout: float = 5.0) -> None:
        """Waits until the predicate holds; it is asked whenever a call arrives or is answered."""
        with self.changed:
            if not self.changed.wait_for(predicate, timeout):
                seen = ", ".join(f"{call.line} -> {call.status}" for call in self.ledger[-8:]) or "none"
                raise AssertionError(f"not within {timeout:g} s; the last calls were: {seen}")

    def wait_for_calls(self, count: int, path: str | None = None, timeout: float = 5.0) -> list[Call]:
        """Waits until that many calls (to that path or route) have arrived, answered or not."""
        self.wait_for(lambda: len(self.calls(path=path)) >= count, timeout)
        return self.calls(path=path)

    # What goes wrong.

    def inject(
        self,
        fault: Fault,
        *,
        times: int | None = 1,
        seconds: float | None = None,
        method: str | None = None,
        path: str | None = None,
    ) -> Rule:
        """
        Makes the fault happen to the next `times` calls (None: to all) within the next `seconds`, of that method and
        to paths like `/contacts/*`. The oldest rule that fits a call wins, one rule a call.
        """
        rule = Rule(fault, times=times, seconds=seconds, method=method, path=path)
        with self.changed:
            self._exchange.rules.append(rule)
        return rule

    def clear_faults(self) -> None:
        """Removes every rule and opens every gate."""
        with self.changed:
            rules, self._exchange.rules = self._exchange.rules, []
        for rule in rules:
            rule.remove()

    def refuse_connections(self) -> None:
        """Stops listening and cuts what is connected, as a service that is down."""
        self._server.refuse()

    def accept_connections(self) -> None:
        """Listens again, on the same port."""
        self._server.listen()

    @contextlib.contextmanager
    def refusing_connections(self) -> Iterator[None]:
        """Refuses connections inside the block."""
        self.refuse_connections()
        try:
            yield
        finally:
            self.accept_connections()

    def rate_limit(self, limit: int | None, window_seconds: float = 10.0) -> None:
        """So many calls in each window from now on; None lifts the limit."""
        with self.changed:
            self._exchange.limit = None if limit is None else RateLimit(limit, window_seconds, self.clock)

    def consume(self, calls: int) -> None:
        """What other apps of the workspace use up of this window."""
        with self.changed:
            if self._exchange.limit is not None:
                self._exchange.limit.consume(calls)

    def next_window(self) -> None:
        """Starts a fresh rate-limit window now."""
        with self.changed:
            if self._exchange.limit is not None:
                self._exchange.limit.next_window()

    def _respond(self, raw: RawRequest, wire: Wire) -> None:
        if raw.target.startswith(CONTROL_PREFIX):
            wire.send(control.answer(self, raw).encoded({}, keep_alive=raw.keep_alive))
        else:
            self._exchange.respond(raw, wire)
