"""Which names a project uses in Intercom, and which of them could not be told apart there. Pure.

Event names: 120 in a workspace, case-insensitive, https://www.intercom.com/help/en/articles/5245634. Attributes: one of
a name; what writes it last would win.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration.event_types import CATALOGUE, CatalogueRow, event_type_of
from integration.intercom.messages import normalised_event_name
from integration.mapping.attributes import attribute_types
from integration.mapping.money import TOTALS
from integration.mapping.policy import ContactPolicy, ProjectPolicy
from integration.revenuecat.events import parse

MOST_EVENT_NAMES = 120


class ClashKind(StrEnum):
    """What is wrong with a custom type, a line `TYPE = event_name`."""

    # The event types know the type already, so that the rule would never be asked.
    KNOWN_TYPE = "known_type"
    # Two lines are for one type.
    SAME_TYPE = "same_type"
    # An event type, or another line, has the name.
    SAME_NAME = "same_name"


@dataclass(frozen=True, slots=True)
class Clash:
    """One thing that is wrong: with which type, and what it meets there (a type, or the label of an event type)."""

    kind: ClashKind
    type: str
    other: str


def event_names(policy: ProjectPolicy) -> frozenset[str]:
    """Every event name that may be sent, as Intercom compares them."""
    named = {policy.event_name(row) for row in CATALOGUE if policy.sends(row)} | set(policy.custom_types.values())
    return frozenset(map(normalised_event_name, named))


def custom_type_clashes(custom_types: Mapping[str, str], names: Mapping[str, str]) -> Iterator[Clash]:
    """What is wrong with the custom types; `names` are the names of the event types by their labels."""
    taken = {normalised_event_name(name): label for label, name in names.items()}
    seen: dict[str, str] = {}
    for webhook_type, name in custom_types.items():
        known = known_event_type(webhook_type)
        if known is not None:
            yield Clash(ClashKind.KNOWN_TYPE, webhook_type, known.label)
        if webhook_type.upper() in seen:
            yield Clash(ClashKind.SAME_TYPE, webhook_type, seen[webhook_type.upper()])
        seen.setdefault(webhook_type.upper(), webhook_type)
        other = taken.setdefault(normalised_event_name(name), webhook_type)
        if other.upper() != webhook_type.upper():
            yield Clash(ClashKind.SAME_NAME, webhook_type, other)


def known_event_type(webhook_type: str) -> CatalogueRow | None:
    """The event type that events of this RevenueCat type are, whatever else they say."""
    event = parse({"type": webhook_type.upper()}, received_at_ms=0)
    found = event_type_of(event, lambda _row: True)
    return next((row for row in CATALOGUE if row.event_type is found), None)


def attribute_clashes(contact: ContactPolicy, *, totals: bool) -> Iterator[tuple[str, str]]:
    """Subscriber attributes that would be written over something else, each with the name in Intercom."""
    taken = {name.lower() for name in attribute_types(contact.facts, contact.prefix, {})}
    taken |= {name.lower() for name in TOTALS} if totals else set()
    for source, name in contact.subscriber_attributes.items():
        if name.lower() in taken:
            yield source, name
        taken.add(name.lower())
