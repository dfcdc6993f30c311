"""What a change of settings would have meant for events that came in lately: impact(seen, before, after). Pure.

It judges by the settings alone: what becomes of each kind of event is asked of `plan`, once for each set of settings,
so that a million events cost little more than counting them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from integration.event_types import EventType
from integration.intercom.messages import normalised_event_name
from integration.mapping.planning import Send, SkipReason, plan
from integration.mapping.policy import ProjectPolicy
from integration.revenuecat.events import ANONYMOUS_PREFIX, RevenueCatEvent

# Of a sandbox event that another project sends.
HANDED_OVER = "handed_over"


class Who(StrEnum):
    """Whom an event is about, as far as the settings care."""

    NAMED = "named"
    ANONYMOUS = "anonymous"
    NOBODY = "nobody"


_EXAMPLES = {Who.NAMED: "somebody", Who.ANONYMOUS: f"{ANONYMOUS_PREFIX}somebody", Who.NOBODY: None}


@dataclass(frozen=True, slots=True)
class Shape:
    """All of an event that decides whether it is told, and under which name."""

    type: str
    is_trial: bool = False
    is_conversion: bool = False
    is_refund: bool = False
    is_sandbox: bool = False
    who: Who = Who.NAMED
    # Whether another project has handed it over: it is never handed on.
    is_foreign: bool = False

    @property
    def example(self) -> RevenueCatEvent:
        """An event of this shape."""
        return RevenueCatEvent(
            id="",
            type=self.type,
            event_timestamp_ms=0,
            app_user_id=_EXAMPLES[self.who],
            period_type="TRIAL" if self.is_trial else None,
            is_trial_conversion=self.is_conversion,
            cancel_reason="CUSTOMER_SUPPORT" if self.is_refund else None,
            environment="SANDBOX" if self.is_sandbox else "PRODUCTION",
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that came in: its shape, whom it is about, and the reason for which its data event was not sent.

    `reason` is None where it was sent, or is still to be; "" where only the contact was updated.
    """

    shape: Shape
    person: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """A project's settings, and whether another project sends its sandbox events."""

    policy: ProjectPolicy
    hands_over: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of an event: the name of its data event, or the reason for none; with neither the contact follows.

    `reason` is a SkipReason, a WaitReason or HANDED_OVER.
    """

    event_type: EventType | None
    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """So many events, of so many people."""

    events: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """Events of one RevenueCat type of which something else becomes."""

    type: str
    before: Outcome
    after: Outcome
    count: Count


@dataclass(frozen=True, slots=True)
class Impact:
    """What differs. Nothing does where `changes` is empty and no attribute comes or goes."""

    looked_at: int = 0
    changes: tuple[Change, ...] = ()
    more: Count = Count()
    fewer: Count = Count()
    renamed: Count = Count()
    names_gone: tuple[str, ...] = ()
    names_new: tuple[str, ...] = ()
    # Custom attributes of contacts, and how many contacts they concern.
    attributes_gone: tuple[str, ...] = ()
    attributes_new: tuple[str, ...] = ()
    contacts: int = 0
    # What was not sent and now would be: how many, by the reason why not and the event type.
    missed: Mapping[tuple[str, EventType | None], int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.changes or (self.contacts and (self.attributes_gone or self.attributes_new)))


def outcome(shape: Shape, settings: Settings) -> Outcome:
    """What becomes of events of this shape with these settings."""
    if settings.hands_over and shape.is_sandbox and not shape.is_foreign and shape.type != "TEST":
        return Outcome(None, reason=HANDED_OVER)
    planned = plan(shape.example, settings.policy)
    if not isinstance(planned, Send):
        return Outcome(planned.event_type, reason=str(planned.reason))
    if planned.only_log:
        return Outcome(planned.event_type, reason=str(SkipReason.SANDBOX_LOGGED))
    return Outcome(planned.event_type, name=planned.data_event.event_name if planned.data_event else "")


def impact(seen: Iterable[Seen], before: Settings, after: Settings) -> Impact:
    """Compare what becomes of these events with the settings `before` and `after` a change."""

    @cache
    def outcomes(shape: Shape) -> tuple[Outcome, Outcome]:
        return outcome(shape, before), outcome(shape, after)

    tally = _Tally()
    for one in seen:
        tally.add(one, *outcomes(one.shape))
    return tally.total(*(frozenset(one.policy.attribute_types()) for one in (before, after)))


# RevenueCat's type of an event, and what becomes of it before and after.
_Key = tuple[str, Outcome, Outcome]


@dataclass(slots=True)
class _Tally:
    """Counts while the events go by."""

    looked_at: int = 0
    told: set[str] = field(default_factory=set)
    old_names: set[str] = field(default_factory=set)
    new_names: set[str] = field(default_factory=set)
    events: Counter[_Key] = field(default_factory=Counter)
    people: defaultdict[_Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    missed: Counter[tuple[str, EventType | None]] = field(default_factory=Counter)

    def add(self, one: Seen, before: Outcome, after: Outcome) -> None:
        """Count one event."""
        self.looked_at += 1
        self.old_names.add(before.name)
        self.new_names.add(after.name)
        if not (before.reason and after.reason):
            self.told.add(one.person)
        # An event type alone makes no difference that anybody sees.
        if (before.name, before.reason) == (after.name, after.reason):
            return
        key = (one.shape.type, before, after)
        self.events[key] += 1
        self.people[key].add(one.person)
        if one.reason is not None and after.name and not before.name:
            self.missed[one.reason, after.event_type] += 1

    def total(self, before: frozenset[str], after: frozenset[str]) -> Impact:
        """All of it, with the attributes that contacts have before and after."""
        changes = [Change(*key, Count(count, len(self.people[key]))) for key, count in self.events.most_common()]
        return Impact(
            looked_at=self.looked_at,
            changes=tuple(changes),
            more=self._count(named_before=False, named_after=True),
            fewer=self._count(named_before=True, named_after=False),
            renamed=self._count(named_before=True, named_after=True),
            names_gone=_without(self.old_names, self.new_names),
            names_new=_without(self.new_names, self.old_names),
            attributes_gone=tuple(sorted(before - after)),
            attributes_new=tuple(sorted(after - before)),
            contacts=len(self.told),
            missed=self.missed,
        )

    def _count(self, *, named_before: bool, named_after: bool) -> Count:
        wanted = (named_before, named_after)
        keys = [key for key in self.events if (bool(key[1].name), bool(key[2].name)) == wanted]
        people: set[str] = set().union(*(self.people[key] for key in keys))
        return Count(sum(self.events[key] for key in keys), len(people))


def _without(names: set[str], others: set[str]) -> tuple[str, ...]:
    """Those of `names` that none of `others` is in Intercom's eyes."""
    known = {normalised_event_name(name) for name in others}
    return tuple(sorted(name for name in names if name and normalised_event_name(name) not in known))
