"""A row of RevenueCat's transaction export (CSV) as the webhooks it stands for. Pure.

A row is one transaction as it is by now, no event: what happened is read off the times it holds. What they cannot tell
is left out; docs/operations.md says what that is. Columns:
https://www.revenuecat.com/docs/integrations/scheduled-data-exports
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from integration.revenuecat import cells
from integration.revenuecat.cells import Row, UnusableRowError
from integration.revenuecat.events import is_anonymous
from integration.revenuecat.transaction_times import Times

# By these ids they are told from RevenueCat's own. The same row always gives the same ones.
ID_PREFIX = "export-"
NAMESPACE = uuid.UUID("0b4c1f2e-7d0a-5f7e-9a55-3c1d5f0f7a11")
SOURCE = "A row of a transaction export; RevenueCat did not send this webhook."
IDS = ("rc_last_seen_app_user_id_alias", "rc_original_app_user_id")
# Without these a row says too little, or a sandbox purchase would be taken for a real one.
REQUIRED = (
    "store_transaction_id", "store", "product_identifier", "start_time", "end_time", "is_auto_renewable",
    "is_trial_period", "is_sandbox",
)  # fmt: skip
# All that is read off a row.
KNOWN = frozenset(
    {
        *REQUIRED, *IDS, "effective_end_time", "grace_period_end_time", "refunded_at", "unsubscribe_detected_at",
        "billing_issues_detected_at", "auto_resume_time", "is_trial_conversion", "is_in_intro_offer_period",
        "original_store_transaction_id", "renewal_number", "ownership_type", "purchased_currency", "price_in_usd",
        "purchase_price_in_usd", "price_in_purchased_currency", "purchase_price_in_purchased_currency",
        "tax_percentage", "commission_percentage", "entitlement_identifiers", "presented_offering", "country", "offer",
        "custom_subscriber_attributes", "reserved_subscriber_attributes",
    }
)  # fmt: skip
NEVER_EMPTY = ("is_auto_renewable", "is_trial_period", "is_sandbox")


def missing_columns(header: Iterable[str]) -> list[str]:
    """The columns without which a file is no transaction export that can be used."""
    there = set(header)
    missing = [column for column in REQUIRED if column not in there]
    return missing if there & set(IDS) else [IDS[0], *missing]


def webhooks_of(row: Row, *, now_ms: int) -> list[dict[str, Any]]:
    """The bodies of the webhooks that a transaction stands for, in the order in which they happened.

    None for one that was taken back. An end that lies after `now_ms` has not happened yet. Raises UnusableRowError.
    """
    times = Times.of(row)
    if times.is_void:
        return []
    shared = _shared(row, times)
    told = list(_told(row, times, shared))
    if _has_an_end(row, shared):
        told += _expiration(times, shared, told, now_ms)
    told.sort(key=lambda event: int(event["event_timestamp_ms"]))
    return [{"event": event, "source": SOURCE} for event in told]


def _told(row: Row, times: Times, shared: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All but the end."""
    yield _purchase(row, times, shared)
    if times.refunded is not None:
        yield _refund(row, times, shared, times.refunded)
    if times.unsubscribed is not None and times.belongs(times.unsubscribed, late_ms=0):
        yield _event(shared, "CANCELLATION", times.unsubscribed, ends=times.ends, cancel_reason="UNSUBSCRIBE")
    if times.billing_issue is not None and times.belongs(times.billing_issue):
        # RevenueCat sends the two together (https://www.revenuecat.com/docs/integrations/webhooks/event-flows).
        grace: dict[str, Any] = {"grace_period_expiration_at_ms": times.grace_ends}
        yield _event(shared, "BILLING_ISSUE", times.billing_issue, ends=times.ends, **grace)
        yield _event(shared, "CANCELLATION", times.billing_issue, ends=times.ends, cancel_reason="BILLING_ERROR")


def _purchase(row: Row, times: Times, shared: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {"is_trial_conversion": cells.flag(row, "is_trial_conversion")}
    if not cells.flag(row, "is_auto_renewable") or shared["period_type"] == "PROMOTIONAL":
        kind, own = "NON_RENEWING_PURCHASE", {}
    elif own["is_trial_conversion"] or _is_renewal(shared):
        kind = "RENEWAL"
    else:
        kind = "INITIAL_PURCHASE"
    ends = times.access_ends if shared["period_type"] == "PROMOTIONAL" and times.ends is None else times.ends
    own |= {"price": _price(row, "usd"), "price_in_purchased_currency": _price(row, "purchased_currency")}
    # Once, whatever becomes of its times in a later export: no total may count it twice.
    return _event(shared, kind, times.starts, ends=ends, key=["PURCHASE"], **own)


def _has_an_end(row: Row, shared: dict[str, Any]) -> bool:
    """Whether it is a subscription or a grant. The end of anything else would be taken for one of a subscription."""
    return cells.flag(row, "is_auto_renewable") or shared["period_type"] == "PROMOTIONAL"


def _is_renewal(shared: dict[str, Any]) -> bool:
    """The count starts at 1; where it was left out of the export, the ids tell the first one from those after it."""
    if shared["renewal_number"] is not None:
        return bool(shared["renewal_number"] > 1)
    return bool(shared["transaction_id"] != shared["original_transaction_id"])


def _refund(row: Row, times: Times, shared: dict[str, Any], refunded: int) -> dict[str, Any]:
    own: dict[str, Any] = {
        "cancel_reason": "CUSTOMER_SUPPORT",
        "price": _given_back(row, "usd"),
        "price_in_purchased_currency": _given_back(row, "purchased_currency"),
    }
    if times.refunded_in_time:
        ends = times.access_ends if _has_an_end(row, shared) else times.ends
        return _event(shared, "CANCELLATION", refunded, ends=ends, key=["REFUND"], **own)
    # One of a period that was over by then is about money, and says nothing of the subscription: it may go on.
    event = _event(shared, "CANCELLATION", refunded, ends=None, key=["REFUND"], **own, entitlement_ids=None)
    del event["expiration_at_ms"]
    return event


def _expiration(times: Times, shared: dict[str, Any], told: list[dict[str, Any]], now_ms: int) -> list[dict[str, Any]]:
    """The end of access, where it has come and the row says why nothing followed: most periods are renewed."""
    ends = times.access_ends
    reasons = {
        "SUBSCRIPTION_PAUSED": ends is not None and times.resumes is not None and times.resumes > ends,
        "CUSTOMER_SUPPORT": times.refunded_in_time,
        "BILLING_ERROR": times.belongs(times.billing_issue),
        "UNSUBSCRIBE": times.belongs(times.unsubscribed),
        None: shared["period_type"] == "PROMOTIONAL",
    }
    found = [reason for reason, holds in reasons.items() if holds]
    if ends is None or ends > now_ms or not found:
        return []
    # RevenueCat tells of it last, also where a refund was noticed only after the end that it brought about.
    of_this_period = [event["event_timestamp_ms"] for event in told if "expiration_at_ms" in event]
    at_ms = max(ends, 1 + max(of_this_period))
    return [_event(shared, "EXPIRATION", at_ms, ends=ends, key=["EXPIRATION", ends], expiration_reason=found[0])]


def _event(
    shared: dict[str, Any], kind: str, at_ms: int, *, ends: int | None, key: list[Any] | None = None, **own: Any
) -> dict[str, Any]:
    """`key` tells it from the others of its transaction; without one it is its time, and of the whole subscription."""
    transaction = [shared[name] for name in ("store", "environment", "original_transaction_id")]
    reason = own.get("cancel_reason")
    distinct = [kind, reason, at_ms] if key is None else [*key, shared["transaction_id"], shared["renewal_number"]]
    event_id = uuid.uuid5(NAMESPACE, json.dumps([*transaction, *distinct]))
    return {
        "id": f"{ID_PREFIX}{event_id}",
        "type": kind,
        "event_timestamp_ms": at_ms,
        **shared,
        "expiration_at_ms": ends,
        **own,
    }


def _shared(row: Row, times: Times) -> dict[str, Any]:
    """What all events of a transaction say, under RevenueCat's names."""
    ids = [said for said in (cells.text(row, column) for column in IDS) if said is not None]
    if not ids:
        raise UnusableRowError(f"{IDS[0]} and {IDS[1]} are empty.")
    for column in NEVER_EMPTY:
        cells.required(row, column)
    store = cells.required(row, "store").upper()
    transaction_id = cells.required(row, "store_transaction_id")
    return {
        # RevenueCat's rule for webhooks: rather one that the app gave than one that was made up.
        "app_user_id": next((one for one in ids if not is_anonymous(one)), ids[0]),
        "original_app_user_id": cells.text(row, IDS[1]),
        "aliases": list(dict.fromkeys(ids)),
        "subscriber_attributes": {
            **cells.attributes(row, "custom_subscriber_attributes"),
            **cells.attributes(row, "reserved_subscriber_attributes"),
        },
        "product_id": cells.text(row, "product_identifier"),
        "period_type": _period_type(row, store),
        "purchased_at_ms": times.starts,
        "environment": "SANDBOX" if cells.flag(row, "is_sandbox") else "PRODUCTION",
        "entitlement_ids": cells.names(row, "entitlement_identifiers") or None,
        "presented_offering_id": cells.text(row, "presented_offering"),
        "transaction_id": transaction_id,
        "original_transaction_id": cells.text(row, "original_store_transaction_id") or transaction_id,
        "is_family_share": is_family_share(row),
        "country_code": cells.text(row, "country"),
        "store": store,
        "currency": cells.text(row, "purchased_currency"),
        "tax_percentage": _as_json(cells.number(row, "tax_percentage")),
        "commission_percentage": _as_json(cells.number(row, "commission_percentage")),
        "offer_code": cells.text(row, "offer"),
        "renewal_number": cells.whole_number(row, "renewal_number"),
    }


def _period_type(row: Row, store: str) -> str:
    if store == "PROMOTIONAL":
        return "PROMOTIONAL"
    if cells.flag(row, "is_trial_period"):
        return "TRIAL"
    return "INTRO" if cells.flag(row, "is_in_intro_offer_period") else "NORMAL"


def is_family_share(row: Row) -> bool:
    """Whether somebody else of the family has paid; RevenueCat's own sums leave these out."""
    return (cells.text(row, "ownership_type") or "").upper() == "FAMILY_SHARED"


def _price(row: Row, currency: str) -> float | None:
    """What was paid. Before version 4 there is one price, and it stays when money is given back."""
    if is_family_share(row):
        return None
    paid = cells.number(row, f"purchase_price_in_{currency}")
    return _as_json(cells.number(row, f"price_in_{currency}") if paid is None else paid)


def _given_back(row: Row, currency: str) -> float | None:
    """What was given back, as a negative amount: all that was paid, less what is left of it."""
    paid, left = cells.number(row, f"purchase_price_in_{currency}"), cells.number(row, f"price_in_{currency}")
    if paid is None:
        paid, left = left, Decimal(0)
    if paid is None or is_family_share(row):
        return None
    amount = paid - (left or 0)
    return _as_json(-amount) if amount > 0 else None


def _as_json(value: Decimal | None) -> float | None:
    # The shortest text of a float gives back the digits of the cell, as long as they are those of money.
    return None if value is None else float(value)
