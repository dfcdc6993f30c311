"""Writes down what became of tries: the attempts, the deliveries, what was learnt of the contacts, and holds.

Compare and swap on the lease: whoever lost it, to another drain or to a redelivery, leaves only its log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from traceback import format_exception
from typing import NamedTuple

from django.db import DataError, IntegrityError, transaction

from integration import retry
from integration.drain.attempt import Attempted
from integration.intercom.contacts import Contact
from integration.mapping import WaitReason
from integration.models import Customer, IdentityCase, Project
from integration.models.attempts import CLOSED_FIELDS
from integration.models.bulk import update_rows
from integration.models.customers import Learnt
from integration.models.deliveries import SETTLED_FIELDS
from integration.storable import storable

logger = logging.getLogger(__name__)

# How a value says that it cannot be stored; a database that is away says something else.
UNWRITABLE = (DataError, IntegrityError, ValueError, TypeError)


class _Judged(NamedTuple):
    """A try, its number, and what follows from it."""

    result: Attempted
    tries: int
    settlement: retry.Settlement


def settle(project: Project, results: Sequence[Attempted], *, now: datetime, chance: Callable[[], float]) -> None:
    """Settle every result in one transaction, and hold the project where one of them asks for it.

    Where a row of them cannot be written, each is settled by itself, so that the others do not suffer for it.
    """
    judged = [_judged(result, result.claim.delivery.tries, now, chance()) for result in results]
    try:
        _write(project, judged, now)
    except UNWRITABLE as error:
        # Its text quotes what could not be written, and the log holds no payload.
        logger.error("project %s: results are written one by one, after %s", project.pk, type(error).__name__)
        for one in judged:
            _write_alone(project, one, now, chance())


def _judged(result: Attempted, tries: int, now: datetime, jitter: float) -> _Judged:
    return _Judged(result, tries, retry.settle(result.outcome, tries=tries, now=now, jitter=jitter))


def _write_alone(project: Project, judged: _Judged, now: datetime, jitter: float) -> None:
    """Write down one result, or else, as a crash, what of it can be written."""
    try:
        _write(project, [judged], now)
        return
    except UNWRITABLE as error:
        result = _crashed(judged.result, error)
    try:
        _write(project, [_judged(result, judged.tries, now, jitter)], now)
    except UNWRITABLE:
        # Its lease runs out, and it is tried again as one whose worker has stopped: eleven times at most.
        logger.error("delivery %s could not be settled", result.claim.delivery.pk)


def _crashed(result: Attempted, error: Exception) -> Attempted:
    trace = storable("".join(format_exception(error)))
    try:
        log = replace(result.log, exchanges=storable(result.log.exchanges), traceback=trace)
    except (TypeError, ValueError):
        log = replace(result.log, exchanges=[], traceback=trace)
    message = f"What came of it could not be written down ({type(error).__name__})."
    # What the contact holds is not known either then.
    return replace(result, outcome=retry.Crashed(message), contact=Contact(), log=log)


def _write(project: Project, judged: Sequence[_Judged], now: datetime) -> None:
    with transaction.atomic():
        _write_rows(judged, now)
        holds = [(one.settlement.hold, one.result.token_since) for one in judged if one.settlement.hold is not None]
        for hold, token_since in holds:
            project.hold(hold.reason, now, until=hold.until, token_since=token_since)
    if holds and project.is_held(now):
        logger.warning("project %s is held: %s", project.pk, project.hold_reason)


def _write_rows(judged: Sequence[_Judged], now: datetime) -> None:
    claims = [one.result.claim for one in judged]
    for result, tries, settlement in judged:
        result.claim.attempt.close(settlement, result.log)
        # As it was before: a settlement that could not be written may have given the try back.
        result.claim.delivery.tries = tries
        result.claim.delivery.settle(settlement, now, note=result.claim.send.note)
        result.claim.delivery.last_answer = result.log.last_answer
        # Nobody was told, and it may be another one who will be.
        result.claim.delivery.counted &= not settlement.candidates
    # Deliveries before customers and each in one order, as everywhere, so that nobody locks anybody out.
    leases = {claim.delivery.pk: claim.lease for claim in claims}
    ours = update_rows([claim.delivery for claim in claims], SETTLED_FIELDS, unchanged=("due_at", leases))
    update_rows([claim.attempt for claim in claims], CLOSED_FIELDS)
    waiting = [one for one in judged if one.settlement.candidates and one.result.claim.delivery.pk in ours]
    if waiting:
        IdentityCase.objects.open([_case(one, now) for one in waiting])
    for one in waiting:
        one.result.claim.customer.give_back(one.result.claim.send.totals)
    Customer.objects.remember([_learnt(one.result, is_ours=one.result.claim.delivery.pk in ours) for one in judged])


def _case(judged: _Judged, now: datetime) -> IdentityCase:
    delivery = judged.result.claim.delivery
    return IdentityCase.of(delivery, WaitReason.AMBIGUOUS, now, judged.settlement.candidates)


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
