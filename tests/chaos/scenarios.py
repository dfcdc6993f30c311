"""
The scenarios: for each fault its name, its setting, what lets it happen, and how to tell that it did happen.

A scenario whose fault did not bite proves nothing, so that is a failure too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos import faults_intercom, faults_processes
from tests.chaos.evidence import Evidence
from tests.chaos.poster import REFUSED, UNANSWERED
from tests.chaos.stage import Setting, Stage

LEAST_ANSWERED_SHARE = 0.98


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault; `proof` yields what should have shown and did not."""

    name: str
    setting: Setting
    fault: Callable[[Stage], None]
    proof: Callable[[Evidence], Iterator[str]]


def _at_least(count: int, what: str, found: int) -> Iterator[str]:
    if found < count:
        yield f"the fault did not bite: {found} {what}, at least {count} were meant to be"


def enough_was_promised(evidence: Evidence) -> Iterator[str]:
    """An event that was never answered 200 is no promise; too many of those, and little was proven."""
    wanted = int(len(evidence.plan.events) * LEAST_ANSWERED_SHARE)
    yield from _at_least(wanted, "events were answered 200", len(evidence.answered))


def every_post_was_answered(evidence: Evidence) -> Iterator[str]:
    """Only a web server or a database that was killed may leave a post without its 200."""
    if evidence.notes["web kills"] or evidence.notes["database stops"]:
        return
    for what, count in sorted(evidence.notes.items()):
        if what.startswith((UNANSWERED, REFUSED)):
            yield f"the door failed although nothing of it was touched: {count} posts {what}"


def _noted(what: str, count: int) -> Callable[[Evidence], Iterator[str]]:
    return lambda evidence: _at_least(count, what, evidence.notes[what])


def _interrupted(evidence: Evidence) -> Iterator[str]:
    yield from _at_least(5, "worker kills", evidence.notes["worker kills"])
    yield from _at_least(1, "interrupted tries", evidence.log.outcomes()["interrupted"])


def _killed_before_commit(evidence: Evidence) -> Iterator[str]:
    yield from _at_least(2, "worker kills", evidence.notes["worker kills"])
    yield from _at_least(1, "events told again", evidence.ledger.counters["repeats"])


def _tried_again(evidence: Evidence) -> Iterator[str]:
    yield from _at_least(10, "tries that failed", evidence.log.outcomes()["retry"])


def _limited(evidence: Evidence) -> Iterator[str]:
    yield from _at_least(2, "answers 429", evidence.ledger.counters["status 429"])
    yield from _no_tries_burnt(evidence)


def _refused(evidence: Evidence) -> Iterator[str]:
    yield from _at_least(2, "holds", evidence.notes["holds"])
    yield from _at_least(2, "answers 401", evidence.ledger.counters["status 401"])
    yield from _no_tries_burnt(evidence)


def _no_tries_burnt(evidence: Evidence) -> Iterator[str]:
    if evidence.log.most_tries > 1:
        yield f"a hold burnt tries: up to {evidence.log.most_tries} for one delivery"


def _once_each(evidence: Evidence) -> Iterator[str]:
    if evidence.ledger.counters["repeats"]:
        yield f"{evidence.ledger.counters['repeats']} events told again although nothing went wrong"


# The longest first, so that the lanes end at about the same time.
SCENARIOS = (
    Scenario(
        "worker_killed",
        Setting(seconds=30, latency=0.25, projects=8, workers=2, customers=400),
        faults_processes.worker_killed,
        _interrupted,
    ),
    Scenario(
        "worker_killed_before_commit",
        Setting(seconds=20, latency=0.1, projects=4),
        faults_processes.worker_killed_before_commit,
        _killed_before_commit,
    ),
    Scenario(
        "two_workers",
        Setting(seconds=40, latency=0.25, workers=2),
        faults_processes.two_workers,
        _noted("tries under way when their worker froze", 1),
    ),
    Scenario(
        "postgres_stopped",
        Setting(seconds=20, latency=0.02, projects=2),
        faults_processes.postgres_stopped,
        _noted("database stops", 3),
    ),
    Scenario(
        "intercom_hangs",
        Setting(seconds=15, redeliver=True),
        faults_intercom.hangs,
        _tried_again,
    ),
    Scenario(
        "intercom_rate_limit",
        Setting(seconds=20),
        faults_intercom.out_of_calls,
        _limited,
    ),
    Scenario(
        "intercom_errors",
        Setting(seconds=18, redeliver=True),
        faults_intercom.answers_with_errors,
        _tried_again,
    ),
    Scenario(
        "intercom_refuses",
        Setting(seconds=15, redeliver=True),
        faults_intercom.refuses_connections,
        _tried_again,
    ),
    Scenario(
        "token_refused",
        Setting(seconds=15),
        faults_intercom.refuses_token,
        _refused,
    ),
    Scenario(
        "web_killed",
        Setting(seconds=15),
        faults_processes.web_killed,
        _noted("web kills", 3),
    ),
    Scenario(
        "clock_backwards",
        Setting(seconds=12, backwards=True),
        faults_processes.nothing,
        _once_each,
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
