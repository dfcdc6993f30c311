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
from integration.models import Customer, Project
from integration.models.attempts import CLOSED_FIELDS
from integration.models.bulk import update_rows
from integration.models.customers import Learnt
from integration.models.deliveries import SETTLED_FIELDS

logger = logging.getLogger(__name__)


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
    for result, settlement in settlements:
        result.claim.attempt.close(settlement, result.log)
        result.claim.delivery.settle(settlement, now, note=result.claim.send.note)
    # Deliveries before customers and each in one order, as everywhere, so that nobody locks anybody out.
    leases = {claim.delivery.pk: claim.lease for claim in claims}
    ours = update_rows([claim.delivery for claim in claims], SETTLED_FIELDS, unchanged=("due_at", leases))
    update_rows([claim.attempt for claim in claims], CLOSED_FIELDS)
    Customer.objects.remember([_learnt(result, is_ours=result.claim.delivery.pk in ours) for result, _ in settlements])


def _learnt(result: Attempted, *, is_ours: bool) -> Learnt:
    claim = result.claim
    return Learnt(
        customer_id=claim.customer.pk,
        contact=result.contact,
        believed=claim.customer.told,
        learnt_at=claim.attempt.started_at,
        lease=claim.lease,
        is_ours=is_ours,
    )
