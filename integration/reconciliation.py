"""Compares what is kept of a customer with how RevenueCat's API says their subscriptions stand now. Pure.

The table is in docs/operations.md ("Comparing with RevenueCat"). The API cannot say everything that webhooks say, so
that two words can agree that are not the same: whether a paid period is an introductory one, for example.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from integration.customer_state import STATUS, CustomerState, Fact
from integration.intercom.messages import AttributeValue
from integration.revenuecat.subscriptions import Subscription

EXPIRES = "expires_at"
# The id that stands in the place of an event's where a fact comes from a comparison.
EVENT_ID = "compared with RevenueCat"
# Stores move an end by moments; less than this is no difference.
CLOSE_ENOUGH_SECONDS = 60
# A granted entitlement for life ends in two hundred years.
FOR_LIFE_MS = 100 * 365 * 86_400_000
# RevenueCat's words for a subscription (https://www.revenuecat.com/docs/api-v2, "Subscription Data Model"), and ours
# while it goes on and when it will not renew. What is retried without access has told of its end.
_WORDS: Mapping[str, tuple[str, str]] = {
    "trialing": ("trial", "cancelled_trial"),
    "active": ("active", "cancelled"),
    "in_grace_period": ("grace_period", "grace_period"),
    "in_billing_retry": ("expired", "expired"),
    "paused": ("paused", "paused"),
    "expired": ("expired", "expired"),
}
# Of an entitlement that was granted, which is a subscription to the API.
_GRANTED: Mapping[str, str] = {"active": "promotional", "expired": "expired_promotional"}
# All that a comparison can come to.
STATUSES = tuple(dict.fromkeys([*(word for words in _WORDS.values() for word in words), *_GRANTED.values()]))
# Statuses of ours that mean the same as what the API can say.
_AGREES: Mapping[str, frozenset[str]] = {
    # The API does not tell an introductory period from a normal one.
    "active": frozenset({"intro"}),
    # Nor whether it was a trial that could not be charged.
    "grace_period": frozenset({"grace_period_trial"}),
    # Nor which of several that are over had the newest event; there is no access either way.
    "expired": frozenset({"expired_promotional"}),
    "expired_promotional": frozenset({"expired"}),
}
# While a charge is tried again without access, the cancellation for the billing error has been told, and says as much.
_AGREES_IN_RETRY = frozenset({"cancelled", "cancelled_trial"})
# A prepaid plan is active until it ends, and never renews.
_AGREES_PREPAID = frozenset({"active", "intro"})


@dataclass(frozen=True, slots=True)
class Truth:
    """What RevenueCat says now. `expires_at` is unix seconds, None for ever; it counts only where `end_is_known`."""

    status: str
    agrees: frozenset[str]
    expires_at: int | None = None
    end_is_known: bool = False
    grace_until_ms: int | None = None

    def attributes(self) -> dict[str, AttributeValue]:
        """As the attributes of a contact."""
        return {STATUS: self.status} | ({EXPIRES: self.expires_at} if self.end_is_known else {})


def decisive(subscriptions: Iterable[Subscription]) -> Subscription | None:
    """The one subscription that counts: of those that give access, else of all, the one that ends last.

    Those whose status says nothing of ours (`unknown`, `incomplete`, a new word) do not count.
    """
    usable = [one for one in subscriptions if _status(one) is not None]
    return max(usable, key=_importance, default=None)


def truth_of(subscription: Subscription, now_ms: int, *, prepaid: bool = False) -> Truth | None:
    """How this subscription stands, in the words of `subscription_status`; None where it has no such word.

    `prepaid` says that the customer's newest event was of a prepaid plan, which the API does not tell.
    """
    status = _status(subscription)
    if status is None:
        return None
    agrees = _AGREES.get(status, frozenset()) | {status}
    if subscription.status == "in_billing_retry":
        agrees |= _AGREES_IN_RETRY
    if status == "cancelled" and prepaid:
        status, agrees = "active", agrees | _AGREES_PREPAID
    in_grace = status == "grace_period"
    for_life = subscription.ends_at is not None and subscription.ends_at > now_ms + FOR_LIFE_MS
    return Truth(
        status=status,
        agrees=agrees,
        expires_at=None if subscription.ends_at is None or for_life else subscription.ends_at // 1000,
        # In a grace period webhooks tell two ends, and a pause may have none.
        end_is_known=subscription.ends_at is not None and not in_grace and status != "paused",
        grace_until_ms=subscription.ends_at if in_grace else None,
    )


def differences(state: CustomerState, truth: Truth, names: Collection[str]) -> dict[str, AttributeValue]:
    """The attributes among `names` that should be something else, and what they should be."""
    held = state.attributes()
    found: dict[str, AttributeValue] = {}
    if STATUS in names and held.get(STATUS) not in truth.agrees:
        found[STATUS] = truth.status
    if EXPIRES in names and truth.end_is_known and not _same_end(held, truth.expires_at):
        found[EXPIRES] = truth.expires_at
    return found


def true_facts(differing: Mapping[str, AttributeValue], truth: Truth, at_ms: int) -> CustomerState:
    """What RevenueCat said, as facts of the time at which it was asked: only newer events overrule them."""
    return CustomerState(
        {
            name: Fact(
                value=value,
                at_ms=at_ms,
                event_id=EVENT_ID,
                until_ms=truth.grace_until_ms if name == STATUS else None,
            )
            for name, value in differing.items()
        }
    )


def _same_end(held: Mapping[str, AttributeValue], expires_at: int | None) -> bool:
    known = held.get(EXPIRES)
    if not isinstance(known, int) or expires_at is None:
        return EXPIRES in held and known is None and expires_at is None
    return abs(known - expires_at) < CLOSE_ENOUGH_SECONDS


def _importance(subscription: Subscription) -> tuple[bool, int, int]:
    # One without an end that gives access goes on for ever; a pause without one is over for the moment.
    endless = subscription.ends_at is None and subscription.gives_access
    ends_at = 2**63 if endless else subscription.ends_at or 0
    return (subscription.gives_access, ends_at, subscription.starts_at or 0)


def _status(subscription: Subscription) -> str | None:
    """The status alone, None for one that says nothing of ours."""
    if subscription.store == "promotional" and subscription.status in _GRANTED:
        return _GRANTED[subscription.status]
    words = _WORDS.get(subscription.status)
    return words[subscription.auto_renewal_status == "will_not_renew"] if words else None
