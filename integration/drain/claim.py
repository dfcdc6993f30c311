"""Takes due deliveries, plans them with today's settings, and writes down what is about to be tried.

All of it inside one transaction, which ends before the first byte leaves: a try is counted before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from integration.drain.attempt import Claim, Crash, Work, guarded
from integration.drain.rehearsal import Rehearsed, contact_update, rehearsed
from integration.intercom.contacts import Contact
from integration.intercom.messages import ContactUpdate, DataEvent, normalised_event_name
from integration.mapping import ProjectPolicy, Send, Skip, SkipReason, plan
from integration.models import Customer, Delivery, DeliveryAttempt, Project
from integration.models.attempts import AttemptLog
from integration.models.bulk import update_rows
from integration.models.customers import PLANNED_FIELDS
from integration.models.deliveries import CLAIMED_FIELDS
from integration.retry import gave_up_after_interruptions, settle

CONTACT_ONLY = "The contact is up to date. No data event: this one was imported for the contact's attributes alone."


@dataclass(frozen=True, slots=True)
class _Planned:
    """A delivery that has to be sent, and what to say for it."""

    delivery: Delivery
    customer: Customer
    send: Send
    contact: Contact
    update: ContactUpdate


@dataclass(frozen=True, slots=True)
class Claimed:
    """How many deliveries left the queue, and those of them that have to be sent."""

    count: int
    works: list[Work]


def claim(
    project: Project,
    *,
    limit: int,
    busy: Collection[str],
    now: datetime,
    lease: datetime,
    chance: Callable[[], float],
) -> Claimed:
    """Lease up to `limit` deliveries until `lease`, none of the customers in `busy`. Inside a transaction."""
    claimed = Delivery.objects.claim(project, now, lease=lease, limit=limit, busy=busy)
    if not claimed:
        return Claimed(0, [])
    customers = Customer.objects.lock(project, [row.app_user_id for row in claimed if row.app_user_id])
    # Somebody else may be sending for a customer; that delivery is left as it was, and due.
    free = [row for row in claimed if not (row.app_user_id and customers[row.app_user_id].is_busy(now))]
    # Planned before, so an attempt may be open still: nobody is sending, so whoever opened it has stopped.
    planned_before = [row for row in free if row.tries or row.customer_id is not None]
    if planned_before:
        DeliveryAttempt.objects.interrupt(planned_before, now)
    works = _start(_plan(project, free, customers, now, chance), now, lease)
    update_rows(free, CLAIMED_FIELDS)
    return Claimed(len(free), works)


def _plan(
    project: Project,
    claimed: Sequence[Delivery],
    customers: Mapping[str, Customer],
    now: datetime,
    chance: Callable[[], float],
) -> list[_Planned]:
    """Settle what needs no sending; return what does."""
    policy = project.policy()
    sends: list[_Planned] = []
    for delivery in claimed:
        given_up = gave_up_after_interruptions(delivery.tries)
        if given_up:
            delivery.settle(given_up, now)
            continue
        planned = guarded(partial(_planned, delivery, project, policy, customers))
        if isinstance(planned, Skip):
            delivery.skip(planned, now)
        elif isinstance(planned, _Planned):
            sends.append(planned)
        elif isinstance(planned, Rehearsed):
            _log_rehearsal(delivery, planned, now)
        else:
            _log_crash(delivery, planned, now, chance())
    return sends


def _planned(
    delivery: Delivery, project: Project, policy: ProjectPolicy, customers: Mapping[str, Customer]
) -> _Planned | Skip | Rehearsed:
    """Everything that reads what rows hold, which another version of this program may have written."""
    event = delivery.webhook_event.parsed(delivery.app_user_id)
    send = plan(event, policy)
    if isinstance(send, Skip):
        return send
    if delivery.contact_only:
        send = replace(send, data_event=None, note=CONTACT_ONLY)
    customer = customers[send.app_user_id]
    if send.only_log:
        return rehearsed(send, customer, project, policy)
    customer.learn(event, send.facts)
    if not delivery.counted:
        customer.count(send.totals)
    contact = customer.contact(project)
    if delivery.tries:
        # What came of the try before is not known for sure: a call that was given up can take effect late, and put
        # back what newer events have changed since.
        contact.told = {}
    return _Planned(delivery, customer, send, contact, contact_update(send, customer, contact, policy))


def _log_crash(delivery: Delivery, crash: Crash, now: datetime, jitter: float) -> None:
    """A failure of our own before anything was sent: logged as an attempt like any other."""
    settlement = settle(crash.outcome, tries=delivery.tries + 1, now=now, jitter=jitter)
    attempt = DeliveryAttempt(delivery=delivery, started_at=now)
    attempt.close(settlement, AttemptLog(finished_at=now, exchanges=[], traceback=crash.traceback))
    attempt.save()
    delivery.crash(settlement, now)


def _log_rehearsal(delivery: Delivery, rehearsed: Rehearsed, now: datetime) -> None:
    """Keep what would have been sent, as an attempt that is none."""
    attempt = DeliveryAttempt(delivery=delivery, started_at=now)
    attempt.rehearse(rehearsed.calls, now)
    attempt.save()
    delivery.skip(Skip(SkipReason.SANDBOX_LOGGED, rehearsed.send.event_type), now)


def _start(sends: Sequence[_Planned], now: datetime, lease: datetime) -> list[Work]:
    """Count the tries and open the attempts."""
    if not sends:
        return []
    seconds = _event_seconds(sends)
    works: list[Work] = []
    for planned in sends:
        second = seconds.get(planned.delivery.pk)
        planned.delivery.plan(planned.send, planned.customer, second)
        planned.customer.busy_until = lease
        attempt = DeliveryAttempt(delivery=planned.delivery, started_at=now)
        works.append(
            Work(
                claim=Claim(planned.delivery, lease, attempt, planned.customer, planned.send),
                contact=planned.contact,
                update=planned.update,
                event=_at_second(planned.send.data_event, second),
            )
        )
    update_rows([work.claim.customer for work in works], PLANNED_FIELDS)
    DeliveryAttempt.objects.bulk_create([work.claim.attempt for work in works])
    return works


def _at_second(event: DataEvent | None, second: int | None) -> DataEvent | None:
    return event if event is None or second is None else replace(event, created_at=second)


def _event_seconds(sends: Sequence[_Planned]) -> dict[int, int]:
    """The second at which each data event is sent: its own, or the next one that is free.

    Intercom keeps one event of a contact, name and second. Once decided it stays, for every retry. There is
    at most one delivery of a customer in a claim, and the customers are locked, so nobody decides beside us.
    """
    decided: dict[int, int] = {}
    undecided: dict[int, tuple[int, str, int]] = {}
    for planned in sends:
        delivery, event = planned.delivery, planned.send.data_event
        if event is None:
            continue
        if delivery.event_second is not None and delivery.event_name == event.event_name:
            decided[delivery.pk] = delivery.event_second
        else:
            undecided[delivery.pk] = (planned.customer.pk, normalised_event_name(event.event_name), event.created_at)
    while undecided:
        others = Delivery.objects.exclude(pk__in=list(undecided))
        taken = others.with_event_seconds(
            {customer for customer, _, _ in undecided.values()}, {second for _, _, second in undecided.values()}
        )
        for delivery_id, (customer_id, name, second) in list(undecided.items()):
            if (customer_id, name, second) in taken:
                undecided[delivery_id] = (customer_id, name, second + 1)
            else:
                decided[delivery_id] = second
                del undecided[delivery_id]
    return decided
