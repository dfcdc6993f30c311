"""What an event says of the contact: the facts that can be kept, and the attributes that they become. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from integration.customer_state import BILLING_ERROR_STATUS, STATUS, CustomerState, Fact
from integration.intercom.messages import AttributeType, AttributeValue, shortened
from integration.marked import gettext_noop as _
from integration.revenuecat.events import RevenueCatEvent
from integration.subscription_status import subscription_status

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
_RENEWS = frozenset({"INITIAL_PURCHASE", "RENEWAL", "UNCANCELLATION"})
_RENEWS_NO_MORE = frozenset({"CANCELLATION", "EXPIRATION", "SUBSCRIPTION_PAUSED"})
_PROFILE = "https://app.revenuecat.com/projects/{project}/customers/{customer}"
# Where customers change or end a subscription themselves.
_MANAGEMENT = {
    "APP_STORE": "https://apps.apple.com/account/subscriptions",
    "MAC_APP_STORE": "https://apps.apple.com/account/subscriptions",
    "PLAY_STORE": "https://play.google.com/store/account/subscriptions",
    "AMAZON": "https://www.amazon.com/gp/mas/your-account/myapps/yoursubscriptions",
    "ROKU": "https://my.roku.com/account/subscriptions",
}
# How a CustomerState calls what it keeps beside the facts below.
ATTRIBUTE, OWN_FIELD = "attribute:", "field:"
# RevenueCat's reserved subscriber attributes that are fields of Intercom's own.
OWN_FIELDS: Mapping[str, str] = {"email": "$email", "name": "$displayName", "phone": "$phoneNumber"}
_ACCEPTABLE = {
    "email": re.compile(r"[^@\s]+@[^@\s]+"),
    "name": re.compile(r".+", re.DOTALL),
    "phone": re.compile(r"\+[0-9]{6,15}"),
}


@dataclass(frozen=True, slots=True)
class ContactFact:
    """One thing that can be kept on a contact. `read` gives None where the event does not say."""

    name: str
    attribute: str
    type: str
    label: str
    read: Callable[[RevenueCatEvent], AttributeValue]


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000


def _said(field: str) -> Callable[[RevenueCatEvent], AttributeValue]:
    def read(event: RevenueCatEvent) -> AttributeValue:
        value = event.said(field)
        return value if isinstance(value, str) else None

    return read


def _renews(event: RevenueCatEvent) -> AttributeValue:
    if event.type in _RENEWS and event.period_type in ("TRIAL", "INTRO", "NORMAL"):
        return True
    return False if event.type in _RENEWS_NO_MORE else None


def _trial_ends(event: RevenueCatEvent) -> AttributeValue:
    return _seconds(event.expiration_at_ms) if event.period_type == "TRIAL" else None


def _lower(value: str | None) -> str | None:
    return value.lower() if value else None


FACTS: tuple[ContactFact, ...] = (
    ContactFact("store", "latest_store", AttributeType.STRING, _("Store"), lambda event: event.store),
    ContactFact(
        "entitlement",
        "latest_entitlement",
        AttributeType.STRING,
        _("First entitlement"),
        lambda event: event.entitlement,
    ),
    ContactFact(
        "expires", "expires_at", AttributeType.DATE, _("Expires"), lambda event: _seconds(event.expiration_at_ms)
    ),
    ContactFact("status", STATUS, AttributeType.STRING, _("Subscription status"), subscription_status),
    ContactFact("product", "latest_product", AttributeType.STRING, _("Product"), lambda event: event.product_id),
    ContactFact(
        "entitlements",
        "entitlements",
        AttributeType.STRING,
        _("All entitlements"),
        lambda event: ", ".join(event.entitlements) or None,
    ),
    ContactFact(
        "period", "period_type", AttributeType.STRING, _("Kind of period"), lambda event: _lower(event.period_type)
    ),
    ContactFact("renews", "will_renew", AttributeType.BOOLEAN, _("Renews by itself"), _renews),
    ContactFact("trial_ends", "trial_ends_at", AttributeType.DATE, _("Trial ends"), _trial_ends),
    ContactFact("country", "store_country", AttributeType.STRING, _("Country of the store"), _said("country_code")),
    ContactFact("offer", "latest_offer", AttributeType.STRING, _("Offer code"), _said("offer_code")),
    ContactFact(
        "renewal_number",
        "renewal_number",
        AttributeType.INTEGER,
        _("Number of the renewal"),
        lambda event: event.renewal_number,
    ),
    ContactFact(
        "environment",
        "purchase_environment",
        AttributeType.STRING,
        _("Environment"),
        lambda event: _lower(event.environment),
    ),
    ContactFact("last_event", "last_event", AttributeType.STRING, _("Last event"), lambda event: event.type.lower()),
    ContactFact(
        "last_event_time",
        "last_event_at",
        AttributeType.DATE,
        _("Time of the last event"),
        lambda event: _seconds(event.event_timestamp_ms),
    ),
    ContactFact(
        "management_link",
        "subscription_management",
        AttributeType.STRING,
        _("Link to manage the subscription"),
        lambda event: _MANAGEMENT.get(event.store or ""),
    ),
)
PROFILE_LINK = ContactFact(
    "profile_link",
    "revenuecat_profile",
    AttributeType.STRING,
    _("Link to the customer in RevenueCat"),
    lambda _event: None,
)
ALL_FACTS: tuple[ContactFact, ...] = (*FACTS, PROFILE_LINK)
BY_NAME: Mapping[str, ContactFact] = {fact.name: fact for fact in ALL_FACTS}
TYPE_OF: Mapping[str, str] = {fact.attribute: fact.type for fact in ALL_FACTS}
# Those of RevenueCat's own integration for Intercom.
DEFAULT_FACTS = ("store", "entitlement", "expires", "status")


def facts_of(event: RevenueCatEvent, names: tuple[str, ...]) -> dict[str, Fact]:
    """Those of the named facts that `event` tells, each with the event's time, by the names of their attributes."""
    values: dict[str, AttributeValue] = {}
    for name in names:
        fact = BY_NAME.get(name)
        value = fact.read(event) if fact and name != "status" else None
        if fact and value is not None:
            values[fact.attribute] = shortened(value) if isinstance(value, str) else value
        elif name == "expires" and event.never_expires and event.entitlement and event.type in GIVES_ACCESS_TYPES:
            values["expires_at"] = None
    facts = {name: _fact(event, value) for name, value in values.items()}
    if "status" in names:
        facts |= _status(event)
    return facts


def _status(event: RevenueCatEvent) -> dict[str, Fact]:
    status = subscription_status(event)
    if status is None:
        return {}
    yields = event.type == "CANCELLATION" and event.cancel_reason == "BILLING_ERROR"
    until_ms = event.grace_period_expiration_at_ms if event.type == "BILLING_ISSUE" else None
    return {BILLING_ERROR_STATUS if yields else STATUS: _fact(event, status, until_ms)}


def _fact(event: RevenueCatEvent, value: AttributeValue, until_ms: int | None = None) -> Fact:
    return Fact(value=value, at_ms=event.event_timestamp_ms, event_id=event.id, until_ms=until_ms)


def profile_fact(event: RevenueCatEvent, names: tuple[str, ...], project: str) -> dict[str, Fact]:
    """The link to the customer in RevenueCat, where it is kept on the contact."""
    link = profile_link(project, event.app_user_id or "") if PROFILE_LINK.name in names else None
    return {PROFILE_LINK.attribute: _fact(event, shortened(link))} if link else {}


def profile_link(project: str, customer: str) -> str | None:
    """RevenueCat's page of a customer, where the project's id is known. Seen in its dashboard, not documented."""
    if not project:
        return None
    return _PROFILE.format(project=quote(project.removeprefix("proj"), safe=""), customer=quote(customer, safe=""))


def said_of_person(
    event: RevenueCatEvent, attributes: Mapping[str, str], own_fields: frozenset[str]
) -> dict[str, Fact]:
    """The wanted ones of RevenueCat's subscriber attributes, as they are kept in a CustomerState."""
    if not attributes and not own_fields:
        return {}
    said = event.subscriber_attributes
    found = {ATTRIBUTE + name: said[name] for name in attributes if name in said}
    found |= {
        OWN_FIELD + name: said[source] for name, source in OWN_FIELDS.items() if name in own_fields and source in said
    }
    return {name: _fact(event, shortened(value)) for name, value in found.items()}


def attributes_of(
    state: CustomerState, names: tuple[str, ...], prefix: str, subscriber_attributes: Mapping[str, str]
) -> dict[str, AttributeValue]:
    """The custom attributes that a contact in this state should have, under the names that Intercom knows them by."""
    known = state.attributes()
    kept = {BY_NAME[name].attribute for name in names if name in BY_NAME}
    values = {f"{prefix}{name}": value for name, value in known.items() if name in kept}
    for source, name in subscriber_attributes.items():
        if ATTRIBUTE + source in known:
            values[name] = known[ATTRIBUTE + source]
    return values


def attribute_types(names: tuple[str, ...], prefix: str, subscriber_attributes: Mapping[str, str]) -> dict[str, str]:
    """Every custom attribute that may be written with these settings, and its type in Intercom."""
    types = {f"{prefix}{BY_NAME[name].attribute}": BY_NAME[name].type for name in names if name in BY_NAME}
    return types | dict.fromkeys(subscriber_attributes.values(), AttributeType.STRING)


def own_fields_of(state: CustomerState) -> dict[str, str]:
    """What is known for Intercom's own fields, where Intercom could take it: it refuses the whole call otherwise."""
    found = {name: state.facts.get(OWN_FIELD + name) for name in OWN_FIELDS}
    values = {name: str(fact.value) for name, fact in found.items() if fact is not None}
    return {name: value for name, value in values.items() if _ACCEPTABLE[name].fullmatch(value)}
