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
from integration.models import Delivery, Project
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
    holds = [settlement.hold for _, settlement in settlements if settlement.hold is not None]
    with transaction.atomic():
        _write(settlements, now)
        for hold in holds:
            project.hold(hold.reason, now, until=hold.until)
    if holds:
        logger.warning("project %s is held: %s", project.pk, holds[0].reason)


def _write(settlements: list[tuple[Attempted, retry.Settlement]], now: datetime) -> None:
    ids = [result.claim.delivery.pk for result, _ in settlements]
    rows = {row.pk: row for row in Delivery.objects.filter(pk__in=ids).order_by("id").select_for_update()}
    moved: list[Delivery] = []
    for result, settlement in settlements:
        claim = result.claim
        claim.attempt.close(settlement, result.log)
        claim.customer.remember(result.contact, claim.attempt.started_at)
        claim.customer.busy_until = None
        row = rows.get(claim.delivery.pk)
        if row is not None and row.due_at == claim.lease:
            row.settle(settlement, now, note=claim.send.note)
            moved.append(row)
    update_rows(moved, SETTLED_FIELDS)
    update_rows([result.claim.attempt for result, _ in settlements], CLOSED_FIELDS)
    update_rows([result.claim.customer for result, _ in settlements], LEARNT_FIELDS)
