"""The webhooks that RevenueCat's API v2 lists and takes (“webhook integrations”), read forgivingly. Pure.

Source: https://www.revenuecat.com/docs/api-v2/integration. The Authorization value is write-only there: no answer tells
it. Neither does the documented API know a signing secret, nor whether a webhook is switched off; both are read where an
answer has them. Paywall events are switched on in RevenueCat's dashboard alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integration.revenuecat import fields
from integration.revenuecat.errors import Answer, OperatorError
from integration.storable import storable

PRODUCTION, SANDBOX = "production", "sandbox"
# The event types that RevenueCat's API can filter by; more may be added without notice.
FILTERABLE = frozenset(
    {
        "initial_purchase",
        "renewal",
        "product_change",
        "cancellation",
        "billing_issue",
        "non_renewing_purchase",
        "uncancellation",
        "transfer",
        "subscription_paused",
        "expiration",
        "subscription_extended",
        "invoice_issuance",
        "temporary_entitlement_grant",
        "refund_reversed",
        "virtual_currency_transaction",
    }
)
LONGEST_NAME = 1500
LONGEST_SHOWN = 2000
_USABLE_ID = re.compile(r"[0-9A-Za-z_-]{1,255}")
# What is said of a field that RevenueCat does not take.
_ADVICE: Mapping[str, str] = {
    "url": "It does not take the webhook URL: it wants an https:// address that can be reached from outside. Set "
    "PUBLIC_URL on this server.",
    "authorization_header": "It does not take the Authorization value. Make another with “Rotate authorization”.",
    "app_id": "It knows no app with this id. Choose the app of the webhook in RevenueCat's dashboard.",
}
_REFUSALS = frozenset({400, 409, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook of a project in RevenueCat."""

    id: str
    name: str
    url: str
    # `production` or `sandbox`; "" stands for both.
    environment: str = ""
    # The types it is sent for, in small letters; None stands for all.
    event_types: tuple[str, ...] | None = None
    # The one app it is sent for; "" stands for all.
    app_id: str = ""
    is_off: bool = False
    signing_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookWishes:
    """What a webhook should be; None leaves a thing as it is, or to RevenueCat where one is made."""

    name: str | None = None
    url: str | None = None
    authorization: str | None = field(default=None, repr=False)
    both_environments: bool = False
    all_event_types: bool = False

    def body(self) -> dict[str, Any]:
        """As RevenueCat's API wants it."""
        said: dict[str, Any] = {"name": self.name, "url": self.url, "authorization_header": self.authorization}
        said = {name: value for name, value in said.items() if value is not None}
        # null stands for both, and for all.
        if self.both_environments:
            said["environment"] = None
        if self.all_event_types:
            said["event_types"] = None
        return said


def webhook(item: Mapping[str, Any]) -> Webhook | None:
    """A webhook that can be told from others and has an address."""
    identifier, url = fields.text(item.get("id")), _shown(item.get("url"))
    # Its id becomes a part of an address.
    if not identifier or not url or not _USABLE_ID.fullmatch(identifier):
        return None
    return Webhook(
        id=identifier,
        name=_shown(item.get("name")),
        url=url,
        environment=_shown(item.get("environment")).lower(),
        event_types=_event_types(item.get("event_types")),
        app_id=_shown(item.get("app_id")),
        is_off=item.get("enabled") is False or item.get("disabled") is True,
        signing_secret=fields.text(item.get("signing_secret")) or "",
    )


def refusal_of(answer: Answer) -> OperatorError | None:
    """Why RevenueCat does not take a webhook, where it is one of the answers to what was said; else None."""
    if answer.status == 404 and answer.body is not None:
        return OperatorError(
            "RevenueCat answered 404: it knows no such webhook, or no project with this id. Open this dialog again; if "
            "it says so again, check “RevenueCat project id” on the project's page."
        )
    if answer.status not in _REFUSALS or not isinstance(answer.body, dict):
        return None
    advice = _ADVICE.get(
        str(answer.body.get("param")), "It does not take this webhook. Set it up by hand in RevenueCat."
    )
    return OperatorError(f"{answer.said}. {advice}")


def _shown(value: Any) -> str:
    """A text that pages and rows can hold."""
    return str(storable(fields.text(value) or ""))[:LONGEST_SHOWN].strip()


def _event_types(value: Any) -> tuple[str, ...] | None:
    """An empty filter is taken for none: a webhook that is never sent could not be made."""
    if not isinstance(value, list):
        return None
    return tuple(sorted({_shown(one).lower() for one in value if _shown(one)})) or None
