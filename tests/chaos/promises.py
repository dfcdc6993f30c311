"""
Judges one scenario: what was posted and answered, against what Intercom was told and what the log says of it.

Pure. Every broken promise becomes a sentence with an example; no sentence, no breach.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from tests.chaos.evidence import Call, Evidence, Freeze, Log, Try
from tests.chaos.plan import MOST_MOVED_SECONDS, Event

EXAMPLES = 3
# What counts in a customer's running totals: once each, whatever was repeated.
PAID_TYPES = ("INITIAL_PURCHASE", "RENEWAL")
# Between an answer and the commit of what it said, on a slow machine.
WRITING_TIME = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The counts of the table, and the promises that were broken."""

    delivered: int
    repeats: int
    repeats_excused: int
    customers: int
    customers_right: int
    calls: int
    calls_logged: int
    broken: list[str]


def judge(evidence: Evidence) -> Judgement:
    """Compare everything with everything."""
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in evidence.ledger.calls:
        calls[call.key].append(call)
    tries: dict[str, list[Try]] = defaultdict(list)
    for one in evidence.log.tries:
        tries[one.event_id].append(one)
    events = evidence.plan.by_key
    known = [(event, calls[key], tries[event.event_id]) for key, event in events.items() if key in calls]
    repeats = [_repeats(said, logged, evidence.freezes) for _, said, logged in known]
    logged = [_logged(said, tried) for _, said, tried in known]
    wrong_customers = _wrong_customers(evidence)
    excused, inexcusable = sum(one[0] for one in repeats), sum(one[1] for one in repeats)
    unlogged = [event.key for (event, said, _), count in zip(known, logged, strict=True) if count < len(said)]
    broken = [
        *_lost(evidence),
        *_invented(evidence, calls),
        *_complaint("told Intercom twice although its answer was known", _keys_with(known, repeats)),
        *_complaint("repeated with other bytes", _different_bytes(known)),
        *_complaint("attributes are not those of the newest event", wrong_customers),
        *_complaint("calls to Intercom that no attempt shows", unlogged),
        *_left_behind(evidence.log),
    ]
    customers = len({event.customer for event in _reached(evidence)})
    return Judgement(
        delivered=len(set(evidence.ledger.stored) & events.keys()),
        repeats=excused + inexcusable,
        repeats_excused=excused,
        customers=customers,
        customers_right=customers - len(wrong_customers),
        calls=len(evidence.ledger.calls),
        calls_logged=sum(logged),
        broken=broken,
    )


def _reached(evidence: Evidence) -> list[Event]:
    stored = set(evidence.ledger.stored)
    return [event for key, event in evidence.plan.by_key.items() if key in stored]


def _lost(evidence: Evidence) -> Iterable[str]:
    stored = set(evidence.ledger.stored)
    promised = [event for event in evidence.plan.by_key.values() if event.event_id in evidence.answered]
    yield from _complaint("answered 200 and never reached Intercom", [e.key for e in promised if e.key not in stored])


def _invented(evidence: Evidence, calls: dict[str, list[Call]]) -> Iterable[str]:
    """Nobody posted it, or not with these words; or Intercom was used in a way it does not like."""
    events = evidence.plan.by_key
    yield from _complaint("invented", [key or "?" for key in calls if key not in events])
    wrong = [key for key, said in calls.items() if key in events and not all(_is_true(c, events[key]) for c in said)]
    yield from _complaint("not told as it happened", wrong)
    stored = Counter(evidence.ledger.stored)
    yield from _complaint("stored more than once by Intercom", [key for key, count in stored.items() if count > 1])
    yield from _complaint("what a careful client never sends", evidence.ledger.violations)


def _is_true(call: Call, event: Event) -> bool:
    """Whether the call says what happened; its second may be moved on where another event has it."""
    said = json.loads(call.body)
    moved = said.pop("created_at") - event.at_ms // 1000
    expected = {"event_name": event.kind.event_name, "user_id": event.customer, "metadata": event.metadata()}
    return bool(said == expected and 0 <= moved <= MOST_MOVED_SECONDS)


def _repeats(calls: Sequence[Call], tries: Sequence[Try], freezes: Sequence[Freeze]) -> tuple[int, int]:
    """How often the event was told again: with an excuse, and without.

    The excuse is that nobody knew the answer to the call before when the repeat was begun: it was lost on its
    way, it was an error, or whoever heard it died, froze or lost the database before it was written down.
    """
    acted = [call for call in calls if call.acted]
    inexcusable = sum(_was_known(before, again, tries, freezes) for before, again in pairwise(acted))
    return max(len(acted) - 1, 0) - inexcusable, inexcusable


def _was_known(before: Call, again: Call, tries: Sequence[Try], freezes: Sequence[Freeze]) -> bool:
    heard = _try_with(before, tries)
    if heard is None or heard.finished_at is None:
        return False
    if not any(one["request_id"] == before.request_id and one["status"] == 202 for one in heard.exchanges):
        return False
    repeated = _try_with(again, tries)
    if repeated is not None:
        is_late = repeated.started_at >= heard.finished_at and not _froze_between(heard, repeated, freezes)
        return heard is repeated or is_late
    # The repeat itself left no answer: it belongs to a try that was interrupted.
    return not any(one.outcome == "interrupted" and one.started_at < heard.finished_at for one in tries)


def _froze_between(heard: Try, repeated: Try, freezes: Sequence[Freeze]) -> bool:
    """Whether the worker that heard the answer froze right then, and the other one repeated it meanwhile."""
    return any(
        heard.finished_at is not None
        and heard.finished_at >= freeze.began - WRITING_TIME
        and repeated.started_at <= freeze.ended
        for freeze in freezes
    )


def _try_with(call: Call, tries: Sequence[Try]) -> Try | None:
    for one in tries:
        if any(exchange["request_id"] == call.request_id for exchange in one.exchanges):
            return one
    return None


def _logged(calls: Sequence[Call], tries: Sequence[Try]) -> int:
    """How many of the calls the log accounts for: by Intercom's request id, or as a try whose answer nobody heard."""
    named = sum(_try_with(call, tries) is not None for call in calls)
    unanswered = sum(not exchange["request_id"] for one in tries for exchange in one.exchanges)
    interrupted = sum(one.outcome == "interrupted" for one in tries)
    return named + min(len(calls) - named, unanswered + interrupted)


def _keys_with(known: Sequence[tuple[Event, list[Call], list[Try]]], repeats: Sequence[tuple[int, int]]) -> list[str]:
    return [event.key for (event, _, _), (_, inexcusable) in zip(known, repeats, strict=True) if inexcusable]


def _different_bytes(known: Sequence[tuple[Event, list[Call], list[Try]]]) -> list[str]:
    return [event.key for event, said, _ in known if len({call.body for call in said}) > 1]


def _wrong_customers(evidence: Evidence) -> list[str]:
    newest: dict[str, Event] = {}
    for event in _reached(evidence):
        if event.customer not in newest or event.at_ms > newest[event.customer].at_ms:
            newest[event.customer] = event
    expected = {customer: event.attributes() for customer, event in newest.items()}
    held = evidence.ledger.contacts
    if not evidence.with_totals:
        return [customer for customer, wanted in expected.items() if held.get(customer, {}) != wanted]
    # With every option on there are more attributes than these.
    paid = Counter(event.customer for event in _reached(evidence) if event.kind.type in PAID_TYPES)
    for customer, wanted in expected.items():
        wanted["rc_purchases"] = paid[customer]
    return [
        customer
        for customer, wanted in expected.items()
        if {name: held.get(customer, {}).get(name) for name in wanted} != wanted
    ]


def _left_behind(log: Log) -> Iterable[str]:
    owed = {status: count for status, count in log.statuses.items() if status != "delivered"}
    if owed:
        yield "not delivered at the end: " + ", ".join(f"{count} {status}" for status, count in owed.items())
    open_tries = [one.event_id for one in log.tries if one.finished_at is None]
    yield from _complaint("attempts that nobody closed", open_tries)


def _complaint(what: str, found: Sequence[str]) -> Iterable[str]:
    if found:
        shown = ", ".join(found[:EXAMPLES])
        yield f"{len(found)} {what} ({shown}{', …' if len(found) > EXAMPLES else ''})"
