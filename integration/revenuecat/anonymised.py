"""A webhook without the person it is about: for a bug report, or as a fixture of a test. Pure.

Ids, email addresses, names and the values of subscriber attributes become made-up ones, the same one for the same text
everywhere, so that the event still means what it meant. What is not known today is taken for personal, unless it looks
like one of RevenueCat's constants.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from integration.revenuecat.events import is_anonymous

_IDS = ("app_user_id", "original_app_user_id")
_LISTS_OF_IDS = ("aliases", "transferred_from", "transferred_to", "redeemed_from", "redeemed_by")
# What they say is about a product, a price or an app, and never about a person.
KEPT = frozenset(
    {
        *("type", "environment", "purchase_environment", "store", "app_id", "period_type", "is_family_share"),
        *("product_id", "new_product_id", "product_display_name", "entitlement_id", "entitlement_ids"),
        *("presented_offering_id", "offer_code", "is_trial_conversion", "renewal_number", "experiments"),
        *("experiment_id", "experiment_variant", "cancel_reason", "expiration_reason", "currency", "country_code"),
        *("price", "price_in_purchased_currency", "tax_percentage", "commission_percentage", "takehome_percentage"),
        *("discount_percentage", "discount_amount", "discount_identifier", "adjustments", "source", "price_id"),
        *("current_product_id", "resulting_product_id", "paywall_id", "paywall_name", "offering_id", "locale"),
        *("exit_offer_offering_id", "platform", "display_mode", "component_type", "component_name", "workflow_id"),
        *("workflow_step_id", "redemption_outcome", "redemption_platform"),
    }
)
# How RevenueCat writes its constants.
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]{1,40}")
_FIELD_NAME = re.compile(r"[$A-Za-z_][$A-Za-z0-9_-]{0,63}")
_NAMESPACE = uuid.UUID("6f2b6a1e-6a53-4d0e-8d33-0c6f6c1d3a55")
# How the values of these look, so that what reads them reads on.
_ATTRIBUTES = {"$email": "user_{}@example.com", "$displayName": "Customer {}", "$phoneNumber": "+1555010{:04d}"}


def anonymised(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a webhook with the same shape, about nobody; `body` stays as it is."""
    event = body.get("event")
    said = _MadeUp(event if isinstance(event, Mapping) else {})
    return {
        _name(key, said): _event(value, said)
        if key == "event" and isinstance(value, Mapping)
        else _field(key, value, said)
        for key, value in body.items()
    }


class _MadeUp:
    """What stands for each text that is not to be told."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._known: dict[str, str] = {}
        for one in _ids(event):
            number = len(self._known) + 1
            made_up = f"$RCAnonymousID:{number:032x}" if is_anonymous(one) else f"user_{number}"
            self._known.setdefault(one, made_up)

    def of(self, text: str, pattern: str = "text {}") -> str:
        """The same one for the same text; an id stands for an id wherever it is."""
        if not text.strip():
            return text
        return self._known.setdefault(text, pattern.format(len(self._known) + 1))

    def apart(self, text: str, pattern: str) -> str:
        """As `of`, but of this very form, also where the text is an id as well."""
        return self._known.setdefault(f"{pattern} {text}", pattern.format(len(self._known) + 1)) if text else text

    def knows(self, text: str) -> bool:
        """Whether it was replaced elsewhere."""
        return text in self._known


def _ids(event: Mapping[str, Any]) -> Iterable[str]:
    named = [event.get(key) for key in _IDS]
    for key in _LISTS_OF_IDS:
        listed = event.get(key)
        named += listed if isinstance(listed, list) else []
    return [one for one in named if isinstance(one, str) and one.strip()]


def _event(event: Mapping[str, Any], said: _MadeUp) -> dict[str, Any]:
    return {_name(key, said): _field(key, value, said) for key, value in event.items()}


def _field(key: str, value: Any, said: _MadeUp) -> Any:
    if key == "id" and isinstance(value, str):
        return str(uuid.uuid5(_NAMESPACE, value)).upper()
    if key == "subscriber_attributes" and isinstance(value, Mapping):
        return {_name(name, said): _attribute(name, one, said) for name, one in value.items()}
    if key in KEPT or key == "api_version":
        return value
    return said.of(value, "transaction_{}") if _is_transaction(key, value) else _hidden(value, said)


def _is_transaction(key: str, value: Any) -> bool:
    return isinstance(value, str) and key.endswith("transaction_id")


def _attribute(name: str, one: Any, said: _MadeUp) -> Any:
    if not isinstance(one, Mapping):
        return _hidden(one, said)
    hidden = {_name(key, said): _hidden(value, said) for key, value in one.items() if key != "value"}
    if "value" not in one:
        return hidden
    value = one["value"]
    if isinstance(value, str):
        value = said.apart(value, _ATTRIBUTES[name]) if name in _ATTRIBUTES else said.of(value, "value {}")
    return {"value": value if isinstance(value, str) else _hidden(value, said), **hidden}


def _hidden(value: Any, said: _MadeUp) -> Any:
    if isinstance(value, str):
        return value if _CONSTANT.fullmatch(value) and not said.knows(value) else said.of(value)
    if isinstance(value, Mapping):
        return {_name(key, said): _hidden(one, said) for key, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one, said) for one in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # One that is an id as well, perhaps.
    return said.of(str(value)) if is_number and said.knows(str(value)) else value


def _name(key: str, said: _MadeUp) -> str:
    """A key: the name of a field as a rule, but somebody may have used an id for one."""
    return key if _FIELD_NAME.fullmatch(key) and not said.knows(key) else said.of(key, "key {}")
