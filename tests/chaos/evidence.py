"""
What a scenario leaves behind to judge it by: values only, from the plan, the poster, Intercom's ledger and the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.chaos.plan import Plan


@dataclass(frozen=True, slots=True)
class Call:
    """One `POST /events` of the ledger. `acted` says that the workspace took it in, or had it already."""

    request_id: str
    body: str
    key: str
    status: int | None
    acted: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that Intercom knows at the end; `stored` by product id, `contacts` by external id."""

    calls: list[Call]
    stored: list[str]
    contacts: dict[str, dict[str, Any]]
    violations: list[str]
    counters: Counter[str]


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt of the app's log, with those of its exchanges that were `POST /events`."""

    event_id: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    exchanges: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Log:
    """What the app's tables say at the end; `statuses` counts deliveries."""

    tries: list[Try]
    statuses: Counter[str]
    most_tries: int

    def outcomes(self) -> Counter[str]:
        """How many attempts ended how."""
        return Counter(one.outcome for one in self.tries)


@dataclass(frozen=True, slots=True)
class Freeze:
    """When a worker was frozen, and when it went on: what it had heard just before was not written down until then."""

    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """All there is to judge by; `answered` are the ids that were answered 200, `notes` what the scenario did."""

    plan: Plan
    answered: set[str]
    ledger: Ledger
    log: Log
    notes: Counter[str]
    freezes: Sequence[Freeze] = ()
    # Whether the projects keep running totals on contacts, so that these are judged too.
    with_totals: bool = False
