"""What follows for one customer from what RevenueCat says: nothing, a discrepancy, or a repair.

A repair takes over the facts and owes the newest delivery of the customer again: it writes the contact's attributes
anew, and Intercom drops its data event as a repeat.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum, auto

from django.db import transaction
from django.db.models import F

from integration.inquiry.subjects import Subject
from integration.mapping import Send, plan
from integration.models import Customer, Delivery, Discrepancy, IdentityLink, WebhookEvent
from integration.reconciliation import Truth, decisive, differences, true_facts, truth_of
from integration.retry import DeliveryStatus
from integration.revenuecat.subscriptions import Subscription

# So many of the newest deliveries of a customer are looked at for one that can be sent again.
LOOKED_AT = 10


class Verdict(Enum):
    """What became of one customer."""

    AGREES = auto()
    DIFFERS = auto()
    REPAIRED = auto()
    LEFT_OUT = auto()


def judge(
    subject: Subject, subscriptions: Sequence[Subscription], names: Collection[str], *, asked_at: datetime, repair: bool
) -> Verdict:
    """Compare, write down what differs, and repair it where that is wished; `names` are the attributes to compare."""
    customer = subject.customer
    truth = _truth(customer, subscriptions, asked_at)
    if truth is None:
        return Verdict.LEFT_OUT
    if not differences(customer.known_state(), truth, names):
        if subject.has_open:
            Discrepancy.objects.agreed(customer, asked_at)
        return Verdict.AGREES
    with transaction.atomic():
        # Deliveries before customers, as everywhere, so that nobody locks anybody out.
        newest = _newest(customer) if repair else None
        locked = Customer.objects.lock_rows([customer.pk]).get(customer.pk)
        if locked is None or _is_moving(locked, subject, asked_at):
            return Verdict.LEFT_OUT
        return _write_down(locked, newest, truth, names, asked_at)


def _truth(customer: Customer, subscriptions: Sequence[Subscription], asked_at: datetime) -> Truth | None:
    subscription = decisive(subscriptions)
    if subscription is None:
        return None
    now_ms = int(asked_at.timestamp() * 1000)
    truth = truth_of(subscription, now_ms)
    if truth is not None and truth.status == "cancelled" and _is_prepaid(customer):
        return truth_of(subscription, now_ms, prepaid=True)
    return truth


def _is_prepaid(customer: Customer) -> bool:
    """Whether the customer's newest event that names a kind of period was of a prepaid plan."""
    events = WebhookEvent.objects.filter(deliveries__customer=customer, payload__event__has_key="period_type")
    newest = events.order_by(F("event_at").desc(nulls_last=True), "-id")
    period = newest.values_list("payload__event__period_type", flat=True).first()
    return str(period).upper() == "PREPAID"


def _newest(customer: Customer) -> Delivery | None:
    """The newest delivery that told Intercom of the customer, and would again with today's settings; locked."""
    told = Delivery.objects.filter(customer=customer, status=DeliveryStatus.DELIVERED)
    for delivery in told.select_related("webhook_event", "project").order_by("-id")[:LOOKED_AT]:
        if _would_tell(delivery, customer):
            return told.filter(pk=delivery.pk).select_for_update(of=("self",)).first()
    return None


def _would_tell(delivery: Delivery, customer: Customer) -> bool:
    """Whether sending it again would write this customer's contact: a setting may have changed since."""
    links = IdentityLink.objects.known(delivery.project, {delivery.app_user_id})
    planned = plan(delivery.webhook_event.parsed(delivery.app_user_id), delivery.project.policy(), links)
    return isinstance(planned, Send) and not planned.only_log and planned.identity.key == customer.app_user_id


def _is_moving(locked: Customer, subject: Subject, asked_at: datetime) -> bool:
    """Whether something was learnt since RevenueCat was asked, or is about to be."""
    owed = Delivery.objects.filter(
        project=locked.project_id, app_user_id=subject.app_user_id, status=DeliveryStatus.PENDING
    )
    return locked.state != subject.customer.state or locked.is_busy(asked_at) or owed.exists()


def _write_down(
    customer: Customer, newest: Delivery | None, truth: Truth, names: Collection[str], asked_at: datetime
) -> Verdict:
    state = customer.known_state()
    differing = differences(state, truth, names)
    row = Discrepancy.objects.found(customer, state.attributes(), truth.attributes(), asked_at)
    if newest is None:
        return Verdict.DIFFERS
    facts = true_facts(differing, truth, int(asked_at.timestamp() * 1000))
    customer.state = state.merge(facts).to_json()
    customer.save(update_fields=["state"])
    Delivery.objects.filter(pk=newest.pk).requeue(asked_at)
    row.repair(asked_at)
    return Verdict.REPAIRED
