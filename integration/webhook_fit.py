"""Whether the webhook that RevenueCat has for a project fits it, and what would have to be changed there. Pure.

What is expected follows from the project's settings alone: its URL, what becomes of sandbox events, and which events
it wants. A filter for one app of the project is left as it is, because no setting here says which app is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from integration.event_types import CATALOGUE, EventType
from integration.revenuecat.webhooks import FILTERABLE, LONGEST_NAME, PRODUCTION, SANDBOX, Webhook, WebhookWishes

# RevenueCat's types by which the contact follows a subscription, whether or not their data events are sent.
_ALWAYS = frozenset(
    {
        "initial_purchase",
        "renewal",
        "product_change",
        "cancellation",
        "billing_issue",
        "non_renewing_purchase",
        "uncancellation",
        "expiration",
        "subscription_extended",
    }
)
# Event types that come with a RevenueCat type of another name.
_OTHERWISE: Mapping[EventType, str] = {
    EventType.TRIAL_STARTED: "initial_purchase",
    EventType.TRIAL_CONVERTED: "renewal",
    EventType.TRIAL_CANCELLED: "cancellation",
    EventType.NON_SUBSCRIPTION_PURCHASE: "non_renewing_purchase",
    EventType.REFUND: "cancellation",
}
_PAYWALL = "paywall_"


class Misfit(StrEnum):
    """What can no longer fit; the first part says whose it is."""

    WEBHOOK_MISSING = "webhook_missing"
    WEBHOOK_URL = "webhook_url"
    WEBHOOK_TWICE = "webhook_twice"
    WEBHOOK_ENVIRONMENT = "webhook_environment"
    WEBHOOK_EVENTS = "webhook_events"
    WEBHOOK_OFF = "webhook_off"
    WEBHOOK_AUTHORIZATION = "webhook_authorization"
    REVENUECAT_REFUSED = "revenuecat_refused"
    INTERCOM_TOKEN = "intercom_token"  # noqa: S105 - the name of a finding
    INTERCOM_REGION = "intercom_region"
    INTERCOM_WORKSPACE = "intercom_workspace"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit, in a sentence that says what to do."""

    kind: Misfit
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a project wants of its webhook. `mark` stands in the path of its URL and in no other project's."""

    url: str
    mark: str
    known_id: str = ""
    wants_sandbox: bool = False
    event_types: Collection[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is about to be written; `before` is blank where the webhook is made anew."""

    what: str
    before: str
    after: str


def wanted_types(sent: Collection[EventType], *, names_matter: bool) -> frozenset[str]:
    """The types that must come, of those that RevenueCat can filter by.

    `sent` are the event types whose data events are sent; `names_matter` where anonymous customers wait for a name.
    """
    said = {_OTHERWISE.get(one, str(one)) for one in sent} | ({"transfer"} if names_matter else set())
    return (_ALWAYS | said) & FILTERABLE


def paywall_types(sent: Collection[EventType]) -> list[str]:
    """The labels of the paywall events among `sent`: RevenueCat sends them only where its dashboard says so."""
    return [row.label for row in CATALOGUE if row.event_type in sent and row.event_type.startswith(_PAYWALL)]


def ours(webhooks: Sequence[Webhook], expected: Expected) -> list[Webhook]:
    """Those of `webhooks` that are this project's, the best first: by the URL, else by what was made here before."""
    exact = [one for one in webhooks if one.url == expected.url]
    marked = [one for one in webhooks if one.url != expected.url and expected.mark in one.url]
    known = [one for one in webhooks if expected.known_id and one.id == expected.known_id]
    return list({one.id: one for one in (*exact, *marked, *known)}.values())


def findings(webhooks: Sequence[Webhook], expected: Expected) -> list[Finding]:
    """What does not fit."""
    found = ours(webhooks, expected)
    if not found:
        return [
            Finding(
                Misfit.WEBHOOK_MISSING,
                "RevenueCat has no webhook with this project's URL: register it with “Register webhook”, or add it by "
                "hand in RevenueCat.",
            )
        ]
    first, twins = found[0], [one for one in found if one.url == expected.url]
    misfits = list(_misfits(first, expected))
    if len(twins) > 1:
        names = ", ".join(f"“{one.name}”" for one in twins)
        misfits.append(
            Finding(
                Misfit.WEBHOOK_TWICE,
                f"RevenueCat has {len(twins)} webhooks with this project's URL ({names}), so that every event comes "
                "more than once. Repeats are dropped here; delete all but one of them in RevenueCat.",
            )
        )
    return misfits


def _misfits(webhook: Webhook, expected: Expected) -> list[Finding]:
    found = []
    if webhook.url != expected.url:
        found.append(
            Finding(
                Misfit.WEBHOOK_URL,
                f"RevenueCat's webhook “{webhook.name}” goes to {webhook.url}, and this project's URL is "
                f"{expected.url}. Correct it with “Update webhook”, or by hand in RevenueCat.",
            )
        )
    if webhook.is_off:
        found.append(
            Finding(
                Misfit.WEBHOOK_OFF,
                f"RevenueCat's webhook “{webhook.name}” is switched off: no events come. Switch it on in RevenueCat.",
            )
        )
    missing = missing_types(webhook, expected)
    if missing:
        found.append(
            Finding(
                Misfit.WEBHOOK_EVENTS,
                f"RevenueCat's webhook “{webhook.name}” does not send: {', '.join(missing)}. This project wants them: "
                "take the filter away with “Update webhook”, or in RevenueCat.",
            )
        )
    environment = _environment_misfit(webhook, expected)
    return [*found, Finding(Misfit.WEBHOOK_ENVIRONMENT, environment)] if environment else found


def missing_types(webhook: Webhook, expected: Expected) -> list[str]:
    """What the webhook's filter keeps back."""
    return [] if webhook.event_types is None else sorted(set(expected.event_types) - set(webhook.event_types))


def _environment_misfit(webhook: Webhook, expected: Expected) -> str:
    if webhook.environment == SANDBOX:
        return (
            f"RevenueCat's webhook “{webhook.name}” sends sandbox events alone: real purchases do not come. Choose "
            "both environments with “Update webhook”, or in RevenueCat."
        )
    if webhook.environment == PRODUCTION and expected.wants_sandbox:
        return (
            f"RevenueCat's webhook “{webhook.name}” sends no sandbox events, and this project wants them. Choose both "
            "environments with “Update webhook”, or have sandbox events skipped in this project's settings."
        )
    return ""


def wishes_for(webhook: Webhook | None, expected: Expected, *, name: str, authorization: str) -> WebhookWishes:
    """What to tell RevenueCat: all of a new webhook, and of one that is there only what does not fit.

    The Authorization value is always told, because RevenueCat does not say which one it has.
    """
    if webhook is None:
        return WebhookWishes(
            name=name[:LONGEST_NAME],
            url=expected.url,
            authorization=authorization,
            both_environments=True,
            all_event_types=True,
        )
    return WebhookWishes(
        url=None if webhook.url == expected.url else expected.url,
        authorization=authorization,
        both_environments=bool(_environment_misfit(webhook, expected)),
        all_event_types=bool(missing_types(webhook, expected)),
    )


def changes(webhook: Webhook | None, wishes: WebhookWishes, *, authorization_hint: str) -> list[Change]:
    """The same for a person, without the Authorization value."""
    said = [
        Change("Name", "", wishes.name or ""),
        Change("URL", webhook.url if webhook else "", wishes.url or ""),
        Change("Authorization header", "RevenueCat does not say" if webhook else "", authorization_hint),
        Change(
            "Environment",
            _environment(webhook) if webhook else "",
            "production and sandbox" if wishes.both_environments else "",
        ),
        Change("Events", _filter(webhook) if webhook else "", "all" if wishes.all_event_types else ""),
        Change("Apps", "", "" if webhook else "all"),
    ]
    return [one for one in said if one.after]


def described(webhook: Webhook) -> str:
    """What RevenueCat sends, in a sentence."""
    apps = f"the app {webhook.app_id} alone" if webhook.app_id else "all apps"
    return f"“{webhook.name}”: {_environment(webhook)}, {_filter(webhook)} events, {apps}"


def _environment(webhook: Webhook) -> str:
    return webhook.environment or "production and sandbox"


def _filter(webhook: Webhook) -> str:
    return "all" if webhook.event_types is None else f"{len(webhook.event_types)} kinds of"
