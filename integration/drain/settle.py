"""Writes down what became of tries: the attempts, the deliveries, what was learnt of the contacts, and holds.

Compare and swap on the lease: whoever lost it, to another drain or to a redelivery, leaves only its log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from integration import retry
from integration.drain.attempt import Attempted
from integration.models import Customer, Delivery, Project
from integration.models.attempts import CLOSED_FIELDS
from integration.models.bulk import update_rows
from integration.models.deliveries import SETTLED_FIELDS

logger = logging.getLogger(__name__)

LEARNT_FIELDS = ("contact_id", "contact_merged", "told", "told_at", "busy_until")


def settle(project: Project, results: Sequence[Attempted], *, now: datetime, chance: Callable[[], float]) -> None:
    """Settle every result in one transaction, and hold the project where one of them asks for it."""
    settlements = [
        (result, retry.settle(result.outcome, tries=result.claim.delivery.tries, now=now, jitter=chance()))
        for result in results
    ]
    holds = [(settlement.hold, result.token_since) for result, settlement in settlements if settlement.hold is not None]
    with transaction.atomic():
        _write(settlements, now)
        for hold, token_since in holds:
            project.hold(hold.reason, now, until=hold.until, token_since=token_since)
    if holds and project.is_held(now):
        logger.warning("project %s is held: %s", project.pk, project.hold_reason)


def _write(settlements: list[tuple[Attempted, retry.Settlement]], now: datetime) -> None:
    claims = [result.claim for result, _ in settlements]
    # Deliveries before customers and each in one order, as everywhere, so that nobody locks anybody out.
    rows = Delivery.objects.lock(claim.delivery.pk for claim in claims)
    customers = Customer.objects.lock_rows(claim.customer.pk for claim in claims)
    moved: list[Delivery] = []
    for result, settlement in settlements:
        claim = result.claim
        claim.attempt.close(settlement, result.log)
        row = rows.get(claim.delivery.pk)
        is_ours = row is not None and row.due_at == claim.lease
        if row is not None and is_ours:
            row.settle(settlement, now, note=claim.send.note)
            moved.append(row)
        if claim.customer.pk in customers:
            _learn(customers[claim.customer.pk], result, is_ours=is_ours)
    update_rows(moved, SETTLED_FIELDS)
    update_rows([claim.attempt for claim in claims], CLOSED_FIELDS)
    update_rows(list(customers.values()), LEARNT_FIELDS)


def _learn(customer: Customer, result: Attempted, *, is_ours: bool) -> None:
    """Take over what the try learnt, unless somebody has decided otherwise while it was under way."""
    claim = result.claim
    # A redelivery, or another drain, has changed what is believed: then the attributes are written once more.
    is_overtaken = not is_ours or customer.told != claim.customer.told
    customer.remember(result.contact, claim.attempt.started_at)
    if is_overtaken:
        customer.told = {}
    if customer.busy_until == claim.lease:
        customer.busy_until = None
