"""Decides what Intercom is told of one RevenueCat event: plan(event, policy) -> Send | Skip. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from integration.customer_state import CustomerState
from integration.event_types import BY_TYPE, CatalogueRow, EventType, event_type_of
from integration.intercom.messages import DataEvent
from integration.mapping.attributes import facts_of, profile_fact, said_of_person
from integration.mapping.identity import NO_LINKS, Identity, Links, identify
from integration.mapping.metadata import metadata
from integration.mapping.money import NO_TOTALS, Money, Totals, money_of, totals_of
from integration.mapping.policy import AnonymousRule, ProjectPolicy, SandboxRule
from integration.marked import gettext_noop as _
from integration.revenuecat.events import RevenueCatEvent

# Contacts follow these also where their data events are off, as those of RevenueCat's own integration do.
ALWAYS_UPDATE_CONTACT = frozenset({EventType.UNCANCELLATION, EventType.SUBSCRIPTION_EXTENDED})


class SkipReason(StrEnum):
    """Why nothing is sent; `SKIP_SENTENCES` says it in an operator's words."""

    TEST_EVENT = "test_event"
    NOT_AN_EVENT_TYPE = "not_an_event_type"
    EVENT_TYPE_OFF = "event_type_off"
    SANDBOX = "sandbox"
    SANDBOX_LOGGED = "sandbox_logged"
    NO_CUSTOMER = "no_customer"
    ANONYMOUS = "anonymous"


SKIP_SENTENCES: dict[SkipReason, str] = {
    SkipReason.TEST_EVENT: _("RevenueCat's test event: it arrived, and Intercom is not told of tests."),
    SkipReason.NOT_AN_EVENT_TYPE: _(
        "Intercom has no data event for this RevenueCat type; it is kept here. A custom type in this project's "
        "settings can give it one."
    ),
    SkipReason.EVENT_TYPE_OFF: _("This event type is switched off in this project's settings, under “More events”."),
    SkipReason.SANDBOX: _("A sandbox event, and “Sandbox events” are skipped in this project's settings."),
    SkipReason.SANDBOX_LOGGED: _(
        "A sandbox event, and “Sandbox events” are only logged in this project's settings: the attempt shows what "
        "would have been sent."
    ),
    SkipReason.NO_CUSTOMER: _("The event names no customer (app_user_id) that a contact in Intercom could have."),
    SkipReason.ANONYMOUS: _(
        "The customer has an anonymous id, and “Anonymous customers” are skipped in this project's settings."
    ),
}


class WaitReason(StrEnum):
    """Why a delivery waits until somebody is named; `WAIT_SENTENCES` says it in an operator's words."""

    ANONYMOUS = "waits_for_a_name"
    AMBIGUOUS = "waits_for_a_choice"


WAIT_SENTENCES: dict[WaitReason, str] = {
    WaitReason.ANONYMOUS: _(
        "The customer only has an anonymous id. It waits until an alias or a transfer names them, or until you do in "
        "the identity queue."
    ),
    WaitReason.AMBIGUOUS: _(
        "Several contacts in Intercom have the customer's email. It waits until you choose one in the identity queue."
    ),
}


@dataclass(frozen=True, slots=True)
class Send:
    """What to say: facts to merge into the contact, and a data event or the reason why there is none.

    `totals` is what the event adds to the customer's running totals, to be counted once. `only_log` asks for a record
    of what would be said, and for nothing else.
    """

    identity: Identity
    facts: CustomerState
    data_event: DataEvent | None
    event_type: EventType | None
    note: str = ""
    totals: Totals = NO_TOTALS
    only_log: bool = False

    @property
    def external_id(self) -> str:
        """Our id of the person, by which Intercom knows the contact unless the identity says otherwise."""
        return self.identity.external_id


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be said yet, because nobody knows to whom."""

    reason: WaitReason
    event_type: EventType | None = None

    @property
    def sentence(self) -> str:
        """The reason in words an operator understands, and what ends the waiting."""
        return WAIT_SENTENCES[self.reason]


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is said, and why."""

    reason: SkipReason
    event_type: EventType | None = None

    @property
    def sentence(self) -> str:
        """The reason in words an operator understands, with the setting to change where there is one."""
        return SKIP_SENTENCES[self.reason]


def plan(event: RevenueCatEvent, policy: ProjectPolicy, links: Links = NO_LINKS) -> Send | Skip | Wait:
    """Decide what Intercom is told of `event` under `policy`; `links` is what is known of App User IDs beside it."""
    event_type = event_type_of(event, policy.sends)
    row = BY_TYPE[event_type] if event_type else None
    name = _event_name(event, row, policy)
    identity = identify(event, policy.identity, links)
    reason = _reason_to_skip(event, row, name, identity, policy)
    if reason is not None or identity is None:
        return Skip(reason or SkipReason.NO_CUSTOMER, event_type)
    if identity.is_anonymous and policy.anonymous is AnonymousRule.HOLD:
        return Wait(WaitReason.ANONYMOUS, event_type)
    money = money_of(event, policy.money.basis, policy.money.currency)
    return Send(
        identity=identity,
        facts=_facts(event, row, policy),
        data_event=_data_event(event, identity.external_id, name, row, policy, money) if name else None,
        event_type=event_type,
        note="" if name else _contact_only_note(event, row),
        totals=totals_of(event, policy.money.basis) if policy.money.totals else NO_TOTALS,
        only_log=event.is_sandbox and policy.sandbox is SandboxRule.LOG,
    )


def _event_name(event: RevenueCatEvent, row: CatalogueRow | None, policy: ProjectPolicy) -> str | None:
    """The name under which the data event is sent, or None where there is none."""
    if row is None:
        return policy.custom_name_of(event.type)
    return policy.event_name(row) if policy.sends(row) else None


def _reason_to_skip(
    event: RevenueCatEvent,
    row: CatalogueRow | None,
    name: str | None,
    identity: Identity | None,
    policy: ProjectPolicy,
) -> SkipReason | None:
    if event.type == "TEST":
        return SkipReason.TEST_EVENT
    if name is None and not _updates_contact(row):
        return SkipReason.EVENT_TYPE_OFF if row else SkipReason.NOT_AN_EVENT_TYPE
    if event.is_sandbox and policy.sandbox in (SandboxRule.SKIP, SandboxRule.OTHER):
        return SkipReason.SANDBOX
    if identity is None:
        return SkipReason.NO_CUSTOMER
    if identity.is_anonymous and policy.anonymous is AnonymousRule.SKIP:
        return SkipReason.ANONYMOUS
    return None


def _updates_contact(row: CatalogueRow | None) -> bool:
    """Whether the contact follows events of this type even where their data events are switched off."""
    return row is not None and (row.on or row.event_type in ALWAYS_UPDATE_CONTACT)


def _contact_only_note(event: RevenueCatEvent, row: CatalogueRow | None) -> str:
    if row is None or not row.on:
        return (
            f"The contact is up to date. There is no data event for {event.type}: it is off in this project's settings."
        )
    return f"The contact is up to date. No data event: “{row.label}” is switched off in this project's settings."


def _data_event(
    event: RevenueCatEvent,
    user_id: str,
    name: str,
    row: CatalogueRow | None,
    policy: ProjectPolicy,
    money: Money | None,
) -> DataEvent:
    return DataEvent(
        event_name=name,
        user_id=user_id,
        created_at=event.event_timestamp_ms // 1000,
        metadata=metadata(event, row, policy, money),
    )


def _facts(event: RevenueCatEvent, row: CatalogueRow | None, policy: ProjectPolicy) -> CustomerState:
    """What the event says of the contact, each fact with the event's time."""
    wanted = policy.contact
    facts = said_of_person(event, wanted.subscriber_attributes, frozenset(wanted.own_fields))
    if row is not None and row.updates_contact:
        facts |= facts_of(event, wanted.facts) | profile_fact(event, wanted.facts, policy.revenuecat_project)
    return CustomerState(facts)
