"""
One scenario's stage: its servers, its book, its poster and its clock, from the first start to the evidence.

A scenario's fault is a function of a stage (`faults_*`); everything around it is the same for all of them.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.chaos.book import Book
from tests.chaos.evidence import Evidence, Freeze
from tests.chaos.plan import Plan, Posting
from tests.chaos.poster import Poster
from tests.chaos.servers import Servers

LOOK_SECONDS = 0.05
LEDGER = "ledger.jsonl"
POSTED_SECONDS = 90.0
# A killed worker's deliveries are leased for 45 seconds, a job whose end was never written down for 90.
DELIVERED_SECONDS = 150.0
REDELIVER_EVERY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scenario wants; `seconds` is how long posting lasts, `latency` how long Intercom takes to answer."""

    seconds: float
    latency: float = 0.0
    projects: int = 1
    workers: int = 1
    customers: int = 300
    backwards: bool = False
    # Whether an operator presses Redeliver, once the fault is over, on what waits for its next try.
    redeliver: bool = False


class Stage:
    """`with Stage(...) as stage: stage.open(); fault(stage); stage.settle(); evidence = stage.evidence()`."""

    def __init__(self, setting: Setting, plan: Plan, *, seed: int, directory: Path, ports: tuple[int, int]) -> None:
        self.setting = setting
        self.plan = plan
        self.chance = random.Random(seed)
        self.notes: Counter[str] = Counter()
        self.freezes: list[Freeze] = []
        self.book = Book()
        self.everything = False
        self._directory = directory
        self.servers = Servers(directory, web_port=ports[0], intercom_port=ports[1], notes=self.notes)
        self.poster = Poster([])

    def open(self, *, everything: bool) -> None:
        """Start all that is needed; nothing is posted yet. With `everything` the projects have every option on."""
        self.everything = everything
        self.book.open(self.setting.projects, everything=everything)
        self.servers.start(self.setting.workers)
        self.servers.intercom.tell("settings", latency=self.setting.latency)
        self.poster = Poster(self.book.addresses(self.servers.web_port))
        self.poster.start()

    def post_everything(self) -> None:
        """Begin to post the plan."""
        self.poster.add(self.plan.postings, self.setting.seconds)

    def pause(self, seconds: float) -> None:
        """Let time pass, looking after the servers."""
        self.until(lambda: False, seconds)

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until `condition`, for at most so many seconds. Returns whether it came true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.servers.look_after()
            if condition():
                return True
            time.sleep(min(LOOK_SECONDS, max(deadline - time.monotonic(), 0)))
        return condition()

    def settle(self) -> None:
        """The fault is over: wait until nothing is owed, then see that a last event gets through as well."""
        self._deliver()
        self.poster.add([Posting(0.0, event) for event in self.plan.last_events], 0.0)
        self._deliver()

    def evidence(self) -> Evidence:
        """What there is to judge by. Ends the posting."""
        self.poster.stop()
        return Evidence(
            plan=self.plan,
            answered=set(self.poster.answered),
            ledger=self.servers.intercom.ledger(self._directory / LEDGER),
            log=self.book.log(),
            notes=self.notes + self.poster.counts,
            freezes=self.freezes,
            with_totals=self.everything,
        )

    def _deliver(self) -> None:
        self.until(lambda: self.poster.is_done, POSTED_SECONDS)
        redelivered_at = 0.0

        def nothing_is_owed() -> bool:
            nonlocal redelivered_at
            if self.setting.redeliver and time.monotonic() - redelivered_at > REDELIVER_EVERY_SECONDS:
                redelivered_at = time.monotonic()
                self.notes["redelivered by the operator"] += self.book.redeliver_what_waits()
            return not self.book.owed()

        self.until(nothing_is_owed, DELIVERED_SECONDS)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # First the servers: a poster that waits for an answer then waits no longer.
        self.servers.stop()
        self.poster.stop()
