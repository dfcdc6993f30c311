"""A project's settings, as far as they decide what Intercom is told. The defaults are those of a new project. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integration.customer_state import CustomerState
from integration.event_types import CatalogueRow, EventType
from integration.intercom.messages import AttributeValue, OwnField
from integration.mapping.attributes import DEFAULT_FACTS, attribute_types, attributes_of, own_fields_of
from integration.mapping.identity import DEFAULT_SOURCES
from integration.mapping.money import TOTALS, MoneyBasis, MoneyCurrency, Totals


class SandboxRule(StrEnum):
    """What becomes of the events of sandbox purchases."""

    SKIP = "skip"
    SEND = "send"
    LOG = "log"
    # Sent by another project, with its token and its settings; here they are skipped while there is none.
    OTHER = "other"


class AnonymousRule(StrEnum):
    """What becomes of the events of customers who only have an id that RevenueCat made up."""

    SEND = "send"
    SKIP = "skip"
    HOLD = "hold"


class FieldRule(StrEnum):
    """When one of Intercom's own fields of a contact is written: email, name or phone."""

    NEVER = "never"
    WHEN_EMPTY = "when_empty"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class EventPolicy:
    """A project's override for one event type."""

    enabled: bool = True
    custom_name: str = ""

    @classmethod
    def default(cls, row: CatalogueRow) -> EventPolicy:
        """What holds for an event type where a project says nothing."""
        return cls(enabled=row.on)


@dataclass(frozen=True, slots=True)
class MoneyPolicy:
    """Whether data events carry money, and which."""

    basis: MoneyBasis = MoneyBasis.OFF
    currency: MoneyCurrency = MoneyCurrency.PURCHASED
    # Whether the contact keeps running totals, in US dollars.
    totals: bool = False


@dataclass(frozen=True, slots=True)
class ContactPolicy:
    """What is kept on the contact."""

    # Names of facts (integration.mapping.attributes).
    facts: tuple[str, ...] = DEFAULT_FACTS
    prefix: str = ""
    # RevenueCat's subscriber attributes, and the names of the Intercom attributes that they become.
    subscriber_attributes: Mapping[str, str] = field(default_factory=dict)
    # By the names of Intercom's own fields: email, name, phone.
    own_fields: Mapping[str, FieldRule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProjectPolicy:
    """The settings of a project that decide what is sent."""

    sandbox: SandboxRule = SandboxRule.SKIP
    anonymous: AnonymousRule = AnonymousRule.SEND
    # Where the contact's id comes from, the first that says something wins (integration.mapping.identity).
    identity: tuple[str, ...] = DEFAULT_SOURCES
    events: Mapping[EventType, EventPolicy] = field(default_factory=dict)
    # RevenueCat types that no event type covers, in capitals, and the names under which they are sent.
    custom_types: Mapping[str, str] = field(default_factory=dict)
    money: MoneyPolicy = field(default_factory=MoneyPolicy)
    # Names of metadata keys in their order (integration.mapping.metadata); empty stands for the usual ones.
    metadata: tuple[str, ...] = ()
    contact: ContactPolicy = field(default_factory=ContactPolicy)
    # Ids of products and entitlements, and what people call them.
    product_names: Mapping[str, str] = field(default_factory=dict)
    # RevenueCat's own id of the project, for links to its customers' pages.
    revenuecat_project: str = ""

    def event_name(self, row: CatalogueRow) -> str:
        """The name to send for an event type: the project's own, or the default."""
        return self.of(row).custom_name.strip() or row.default_name

    def sends(self, row: CatalogueRow) -> bool:
        """Whether the data event is sent; only optional event types can be switched off."""
        return not row.optional or self.of(row).enabled

    def of(self, row: CatalogueRow) -> EventPolicy:
        """The project's override for an event type, or the default."""
        return self.events.get(row.event_type) or EventPolicy.default(row)

    def custom_name_of(self, webhook_type: str) -> str | None:
        """The event name for a RevenueCat type that no event type covers, where the project has a rule for it."""
        return self.custom_types.get(webhook_type.upper())

    # --- The contact --------------------------------------------------------------------------------------

    def attributes(self, state: CustomerState, totals: Totals) -> dict[str, AttributeValue]:
        """The custom attributes that the contact of a customer in this state should have."""
        kept = self.contact
        values = attributes_of(state, kept.facts, kept.prefix, kept.subscriber_attributes)
        return values | totals.attributes() if self.money.totals else values

    def own_fields(self, state: CustomerState) -> dict[str, OwnField]:
        """What Intercom's own fields of the contact should be, and whether only where they are empty."""
        values = own_fields_of(state)
        return {
            name: OwnField(values[name], only_when_empty=rule is FieldRule.WHEN_EMPTY)
            for name, rule in self.contact.own_fields.items()
            if name in values and rule is not FieldRule.NEVER
        }

    def attribute_types(self) -> dict[str, str]:
        """Every custom attribute that may be written, and its type in Intercom."""
        kept = self.contact
        types = attribute_types(kept.facts, kept.prefix, kept.subscriber_attributes)
        return types | dict(TOTALS) if self.money.totals else types
