"""Decides what Intercom is told of one RevenueCat event: plan(event, policy) -> Send | Skip.

Pure: no clock, no database, no network. The same event and policy always give the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integration.customer_state import BILLING_ERROR_STATUS, STATUS, CustomerState, Fact
from integration.event_types import BY_TYPE, CatalogueRow, EventType, event_type_of
from integration.intercom.messages import (
    MOST_METADATA_KEYS,
    AttributeType,
    AttributeValue,
    DataEvent,
    MetadataValue,
    shortened,
)
from integration.revenuecat.events import RevenueCatEvent
from integration.subscription_status import subscription_status

# The custom attributes that this app writes to a contact, and their types in Intercom.
CONTACT_ATTRIBUTES: Mapping[str, str] = {
    "latest_store": AttributeType.STRING,
    "latest_entitlement": AttributeType.STRING,
    "expires_at": AttributeType.DATE,
    STATUS: AttributeType.STRING,
}

# Not among the event types, but they change what is true of the contact.
CONTACT_ONLY_TYPES = frozenset({"UNCANCELLATION", "SUBSCRIPTION_EXTENDED"})

# After these a missing end means access for life; after the others it means nothing.
GIVES_ACCESS_TYPES = frozenset(
    {
        "INITIAL_PURCHASE",
        "RENEWAL",
        "UNCANCELLATION",
        "NON_RENEWING_PURCHASE",
        "SUBSCRIPTION_EXTENDED",
    }
)


class SkipReason(StrEnum):
    """Why nothing is sent; `SKIP_SENTENCES` says it in an operator's words."""

    TEST_EVENT = "test_event"
    NOT_AN_EVENT_TYPE = "not_an_event_type"
    SANDBOX = "sandbox"
    NO_CUSTOMER = "no_customer"
    ANONYMOUS = "anonymous"


SKIP_SENTENCES: dict[SkipReason, str] = {
    SkipReason.TEST_EVENT: "RevenueCat's test event: it arrived, and Intercom is not told of tests.",
    SkipReason.NOT_AN_EVENT_TYPE: "Intercom has no data event for this RevenueCat type; it is kept here.",
    SkipReason.SANDBOX: "A sandbox event, and “Send sandbox events” is off in this project's settings.",
    SkipReason.NO_CUSTOMER: "The event names no customer (app_user_id) that a contact in Intercom could have.",
    SkipReason.ANONYMOUS: (
        "The customer has an anonymous id, and “Skip anonymous customers” is on in this project's settings."
    ),
}


@dataclass(frozen=True, slots=True)
class EventPolicy:
    """A project's override for one event type."""

    enabled: bool = True
    custom_name: str = ""


@dataclass(frozen=True, slots=True)
class ProjectPolicy:
    """The settings of a project that decide what is sent. The defaults are those of a new project."""

    send_sandbox_events: bool = False
    skip_anonymous: bool = False
    events: Mapping[EventType, EventPolicy] = field(default_factory=dict)

    def event_name(self, row: CatalogueRow) -> str:
        """The name to send for an event type: the project's own, or the default."""
        return self.events.get(row.event_type, EventPolicy()).custom_name.strip() or row.default_name

    def sends(self, row: CatalogueRow) -> bool:
        """Whether the data event is sent; only optional event types can be switched off."""
        return not row.optional or self.events.get(row.event_type, EventPolicy()).enabled


@dataclass(frozen=True, slots=True)
class Send:
    """What to say: facts to merge into the contact, and a data event or the reason why there is none."""

    app_user_id: str
    facts: CustomerState
    data_event: DataEvent | None
    event_type: EventType | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is said, and why."""

    reason: SkipReason
    event_type: EventType | None = None

    @property
    def sentence(self) -> str:
        """The reason in words an operator understands, with the setting to change where there is one."""
        return SKIP_SENTENCES[self.reason]


def plan(event: RevenueCatEvent, policy: ProjectPolicy) -> Send | Skip:
    """Decide what Intercom is told of `event` under `policy`."""
    event_type = event_type_of(event)
    reason = _reason_to_skip(event, event_type, policy)
    if reason is not None or event.app_user_id is None:
        return Skip(reason or SkipReason.NO_CUSTOMER, event_type)
    row = BY_TYPE[event_type] if event_type else None
    data_event = _data_event(event, event.app_user_id, policy.event_name(row)) if row and policy.sends(row) else None
    return Send(
        app_user_id=event.app_user_id,
        facts=_facts(event),
        data_event=data_event,
        event_type=event_type,
        note="" if data_event else _contact_only_note(event, row),
    )


def _reason_to_skip(event: RevenueCatEvent, event_type: EventType | None, policy: ProjectPolicy) -> SkipReason | None:
    if event.type == "TEST":
        return SkipReason.TEST_EVENT
    if event_type is None and event.type not in CONTACT_ONLY_TYPES:
        return SkipReason.NOT_AN_EVENT_TYPE
    if event.is_sandbox and not policy.send_sandbox_events:
        return SkipReason.SANDBOX
    if event.app_user_id is None:
        return SkipReason.NO_CUSTOMER
    if event.is_anonymous and policy.skip_anonymous:
        return SkipReason.ANONYMOUS
    return None


def _contact_only_note(event: RevenueCatEvent, row: CatalogueRow | None) -> str:
    if row is None:
        return f"The contact is up to date. There is no data event for {event.type}."
    return f"The contact is up to date. No data event: “{row.label}” is switched off in this project's settings."


def _data_event(event: RevenueCatEvent, user_id: str, name: str) -> DataEvent:
    return DataEvent(
        event_name=name,
        user_id=user_id,
        created_at=event.event_timestamp_ms // 1000,
        metadata=metadata(event),
    )


def metadata(event: RevenueCatEvent) -> dict[str, MetadataValue]:
    """What the data event says: flat, without nulls, at most ten keys, the most telling ones first."""
    values: dict[str, MetadataValue | None] = {
        "product_identifier": event.product_id,
        "entitlement": event.entitlement,
        "store": event.store,
        "expires_at": _seconds(event.expiration_at_ms),
        "environment": event.environment.lower() if event.environment else None,
        "app_id": event.app_id,
        "cancellation_reason": event.cancel_reason if event.type == "CANCELLATION" else None,
        "expiration_reason": event.expiration_reason if event.type == "EXPIRATION" else None,
        "new_product_identifier": event.new_product_id if event.type == "PRODUCT_CHANGE" else None,
    }
    known = {key: _fitting(value) for key, value in values.items() if value is not None}
    return dict(list(known.items())[:MOST_METADATA_KEYS])


def _facts(event: RevenueCatEvent) -> CustomerState:
    """What the event says of the contact, each fact with the event's time."""
    values: dict[str, AttributeValue] = {}
    if event.store:
        values["latest_store"] = _fitting(event.store)
    if event.entitlement:
        values["latest_entitlement"] = _fitting(event.entitlement)
    if event.expiration_at_ms is not None:
        values["expires_at"] = _seconds(event.expiration_at_ms)
    elif event.never_expires and event.entitlement and event.type in GIVES_ACCESS_TYPES:
        values["expires_at"] = None
    facts = {
        name: Fact(value=value, at_ms=event.event_timestamp_ms, event_id=event.id) for name, value in values.items()
    }
    status = subscription_status(event)
    if status is not None:
        yields = event.type == "CANCELLATION" and event.cancel_reason == "BILLING_ERROR"
        facts[BILLING_ERROR_STATUS if yields else STATUS] = Fact(
            value=status,
            at_ms=event.event_timestamp_ms,
            event_id=event.id,
            until_ms=event.grace_period_expiration_at_ms if event.type == "BILLING_ISSUE" else None,
        )
    return CustomerState(facts)


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000


def _fitting(value: str | int) -> str | int:
    return shortened(value) if isinstance(value, str) else value
