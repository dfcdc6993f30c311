"""Takes due deliveries, plans them with today's settings, and writes down what is about to be tried.

All of it inside one transaction, which ends before the first byte leaves: a try is counted before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from traceback import format_exception

from integration.drain.attempt import Claim, Crash, Work, guarded
from integration.drain.decide import Decided, decide, log_crash
from integration.drain.rehearsal import Rehearsed, contact_update, known_contact, rehearsed
from integration.intercom.contacts import Contact
from integration.intercom.messages import ContactUpdate, DataEvent, normalised_event_name
from integration.mapping import ProjectPolicy, Send, Skip, SkipReason
from integration.models import Customer, Delivery, DeliveryAttempt, Project
from integration.models.bulk import insert_rows, update_rows
from integration.models.customers import PLANNED_FIELDS
from integration.models.deliveries import CLAIMED_FIELDS
from integration.retry import Crashed
from integration.storable import storable

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
    """How many deliveries left the queue or made room for others, and those that have to be sent."""

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
    policy = project.policy()
    decided = decide(project, policy, claimed, now, chance)
    # Who is told nothing has a row as well: they are looked for in the same place.
    named = {row.app_user_id for row in decided.others if row.app_user_id and row.project_id == project.pk}
    customers = Customer.objects.lock(project, named | {one.send.identity.key for one in decided.sends})
    free = _free(decided.sends, customers, now)
    touched = [*decided.others, *(one.delivery for one in free)]
    # Planned before, so an attempt may be open still: nobody is sending, so whoever opened it has stopped.
    planned_before = [row for row in touched if row.tries or row.customer_id is not None]
    if planned_before:
        DeliveryAttempt.objects.interrupt(planned_before, now)
    works = _start(_plan(project, policy, free, customers, now, chance), now, lease)
    update_rows(touched, CLAIMED_FIELDS)
    # What was waiting for a name is due now, so there is more to do at once.
    return Claimed(len(touched) + decided.held_back, works)


def crash_first(
    project: Project,
    error: Exception,
    *,
    busy: Collection[str],
    now: datetime,
    lease: datetime,
    chance: Callable[[], float],
) -> int:
    """Settle as a crash the delivery that a claim of one takes: it cannot be written. Inside a transaction."""
    claimed = Delivery.objects.claim(project, now, lease=lease, limit=1, busy=busy)
    trace = storable("".join(format_exception(error)))
    crash = Crash(Crashed(f"What it says could not be written down ({type(error).__name__})."), trace)
    for delivery in claimed:
        log_crash(delivery, crash, now, chance())
    update_rows(claimed, CLAIMED_FIELDS)
    return len(claimed)


def _free(sends: Sequence[Decided], customers: Mapping[str, Customer], now: datetime) -> list[Decided]:
    """One for each customer nobody is sending for; the others are left as they were, and due."""
    first: dict[str, Decided] = {}
    for one in sends:
        if not customers[one.send.identity.key].is_busy(now):
            first.setdefault(one.send.identity.key, one)
    return list(first.values())


def _plan(
    project: Project,
    policy: ProjectPolicy,
    free: Sequence[Decided],
    customers: Mapping[str, Customer],
    now: datetime,
    chance: Callable[[], float],
) -> list[_Planned]:
    """What to say for each, with what is known of its customer."""
    sends: list[_Planned] = []
    for decided in free:
        customer = customers[decided.send.identity.key]
        planned = guarded(partial(_planned, decided, project, policy, customer))
        if isinstance(planned, _Planned):
            sends.append(planned)
        elif isinstance(planned, Rehearsed):
            _log_rehearsal(decided.delivery, planned, now)
        else:
            log_crash(decided.delivery, planned, now, chance())
    return sends


def _planned(decided: Decided, project: Project, policy: ProjectPolicy, customer: Customer) -> _Planned | Rehearsed:
    """Reads what the customer's row holds, which another version of this program may have written."""
    delivery, send = decided.delivery, decided.send
    if delivery.contact_only:
        send = replace(send, data_event=None, note=CONTACT_ONLY)
    if send.only_log:
        return rehearsed(send, customer, project, policy)
    customer.learn(decided.event, send.facts)
    if not delivery.counted:
        customer.count(send.totals)
    contact = known_contact(send, customer, project)
    if delivery.tries:
        # What came of the try before is not known for sure: a call that was given up can take effect late, and put
        # back what newer events have changed since.
        contact.told = {}
    return _Planned(delivery, customer, send, contact, contact_update(send, customer, contact, policy))


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
    # One of a delivery at a time.
    insert_rows([work.claim.attempt for work in works], by="delivery")
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
