"""
The events of one scenario and the order in which they are posted, made from a seed and nothing else.

What Intercom must be told of an event is written down here, by hand: asking the app's own mapping would prove nothing.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# 2026-01-01T00:00:00Z
FIRST_MS = 1_767_225_600_000
MONTH_MS = 30 * 86_400_000
# How far events of one second are moved apart at most: Intercom keeps one of a contact, name and second.
MOST_MOVED_SECONDS = 20

SAME_SECOND_SHARE = 0.04
TWIN_SHARE = 0.06
LATER_TWIN_SHARE = 0.06
LATE_SHARE = 0.03
# How far events are posted out of order, in places.
SHUFFLED_PLACES = 120
LATE_PLACES = (300, 900)
TWIN_PLACES = (5, 400)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event: what RevenueCat says, and what Intercom must hear."""

    type: str
    period: str
    event_name: str
    status: str
    said: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


# Each of them says all four attributes anew, so the newest event of a customer decides them all.
KINDS = (
    Kind("INITIAL_PURCHASE", "NORMAL", "rc_initial_purchase_event", "active"),
    Kind("INITIAL_PURCHASE", "TRIAL", "rc_trial_started_event", "trial"),
    Kind("RENEWAL", "NORMAL", "rc_renewal_event", "active", {"is_trial_conversion": False}),
    Kind("RENEWAL", "NORMAL", "rc_trial_converted_event", "active", {"is_trial_conversion": True}),
    Kind(
        "CANCELLATION",
        "NORMAL",
        "rc_cancellation_event",
        "cancelled",
        {"cancel_reason": "UNSUBSCRIBE"},
        {"cancellation_reason": "UNSUBSCRIBE"},
    ),
    Kind(
        "CANCELLATION",
        "TRIAL",
        "rc_trial_cancelled_event",
        "cancelled_trial",
        {"cancel_reason": "UNSUBSCRIBE"},
        {"cancellation_reason": "UNSUBSCRIBE"},
    ),
    Kind(
        "EXPIRATION",
        "NORMAL",
        "rc_expiration_event",
        "expired",
        {"expiration_reason": "UNSUBSCRIBE"},
        {"expiration_reason": "UNSUBSCRIBE"},
    ),
)
STORES = ("APP_STORE", "PLAY_STORE", "STRIPE", "AMAZON")


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `key` is its product id, by which it is known again in what Intercom is told."""

    key: str
    event_id: str
    project: int
    customer: str
    kind: Kind
    store: str
    at_ms: int

    @property
    def expires_ms(self) -> int:
        """When the subscription ends by what this event says: another time for every event."""
        return self.at_ms + MONTH_MS

    def webhook(self) -> bytes:
        """What RevenueCat posts."""
        event = {
            "id": self.event_id,
            "type": self.kind.type,
            "event_timestamp_ms": self.at_ms,
            "app_id": "app-chaos",
            "app_user_id": self.customer,
            "aliases": [self.customer],
            "product_id": self.key,
            "period_type": self.kind.period,
            "expiration_at_ms": self.expires_ms,
            "environment": "PRODUCTION",
            "entitlement_ids": [f"entitlement-{self.key}"],
            "store": self.store,
            "price": 5.99,
        }
        return json.dumps({"api_version": "1.0", "event": event | self.kind.said}).encode()

    def metadata(self) -> dict[str, str | int]:
        """What the data event must say."""
        return {
            "product_identifier": self.key,
            "entitlement": f"entitlement-{self.key}",
            "store": self.store,
            "expires_at": self.expires_ms // 1000,
            "environment": "production",
            "app_id": "app-chaos",
            **self.kind.metadata,
        }

    def attributes(self) -> dict[str, str | int]:
        """What the contact must show where no event of the customer is newer."""
        return {
            "latest_store": self.store,
            "latest_entitlement": f"entitlement-{self.key}",
            "expires_at": self.expires_ms // 1000,
            "subscription_status": self.kind.status,
        }


@dataclass(frozen=True, slots=True)
class Posting:
    """One post of an event at its place in the order; postings with the same `together` go out at the same instant."""

    place: float
    event: Event
    together: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is posted, and one more event for each project, for when everything is well again."""

    events: Sequence[Event]
    postings: Sequence[Posting]
    last_events: Sequence[Event]

    @property
    def by_key(self) -> dict[str, Event]:
        """Every event by its product id."""
        return {event.key: event for event in (*self.events, *self.last_events)}


def make_plan(seed: int, *, events: int, customers: int, projects: int, backwards: bool = False) -> Plan:
    """The same plan for the same arguments; `backwards` posts every customer's newest event first."""
    chance = random.Random(seed)
    made = _made_events(chance, events=events, customers=customers, projects=projects)
    if backwards:
        placed = [(float(place), event) for place, event in enumerate(reversed(made))]
    else:
        placed = [(_shuffled(chance, place), event) for place, event in enumerate(made)]
    postings = sorted(_with_repeats(chance, placed), key=lambda posting: posting.place)
    newest_ms = max(event.at_ms for event in made)
    last_events = [
        _event(chance, events + project, project, f"customer-{project}-0", chance.choice(KINDS), newest_ms + 60_000)
        for project in range(projects)
    ]
    return Plan(made, postings, last_events)


def _made_events(chance: random.Random, *, events: int, customers: int, projects: int) -> list[Event]:
    """In the order in which they happened, customer by customer in ever later milliseconds."""
    made: list[Event] = []
    before: dict[str, Event] = {}
    for number in range(events):
        who = chance.randrange(customers)
        project = who % projects
        customer = f"customer-{project}-{who // projects}"
        earlier = before.get(customer)
        kind, at_ms = chance.choice(KINDS), FIRST_MS + who * 1000
        if earlier is not None and chance.random() < SAME_SECOND_SHARE:
            kind, at_ms = earlier.kind, earlier.at_ms + 1
        elif earlier is not None:
            at_ms = earlier.at_ms + chance.randrange(1_000, 90_000)
        before[customer] = _event(chance, number, project, customer, kind, at_ms)
        made.append(before[customer])
    return made


def _event(chance: random.Random, number: int, project: int, customer: str, kind: Kind, at_ms: int) -> Event:
    event_id = str(uuid.UUID(int=chance.getrandbits(128))).upper()
    return Event(f"product-{number:05d}", event_id, project, customer, kind, chance.choice(STORES), at_ms)


def _shuffled(chance: random.Random, place: int) -> float:
    late = chance.uniform(*LATE_PLACES) if chance.random() < LATE_SHARE else 0.0
    return place + chance.uniform(0, SHUFFLED_PLACES) + late


def _with_repeats(chance: random.Random, placed: Sequence[tuple[float, Event]]) -> list[Posting]:
    postings: list[Posting] = []
    for number, (place, event) in enumerate(placed):
        dice = chance.random()
        if dice < TWIN_SHARE:
            postings += [Posting(place, event, together=number)] * 2
            continue
        postings.append(Posting(place, event))
        if dice < TWIN_SHARE + LATER_TWIN_SHARE:
            postings.append(Posting(place + chance.uniform(*TWIN_PLACES), event))
    return postings
