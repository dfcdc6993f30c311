"""Plans the deliveries of one claim, and settles what needs no sending. Inside the claim's transaction; no network.

Here an anonymous customer gets a name: what waited for it is owed again, and goes before the event that told it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from integration.drain.attempt import Crash, guarded
from integration.mapping import AnonymousRule, ProjectPolicy, Send, Skip, Wait, WaitReason, plan
from integration.mapping.identity import Links, links_given
from integration.models import Delivery, DeliveryAttempt, IdentityCase, IdentityLink, Project
from integration.models.attempts import AttemptLog
from integration.retry import gave_up_after_interruptions, settle
from integration.revenuecat.events import RevenueCatEvent


@dataclass(frozen=True, slots=True)
class Decided:
    """A delivery that has to be sent, and what to say for it."""

    delivery: Delivery
    event: RevenueCatEvent
    send: Send


@dataclass(frozen=True, slots=True)
class Decisions:
    """What to send; the others, settled or waiting; and how many stay due, behind what has waited for a name."""

    sends: list[Decided]
    others: list[Delivery]
    held_back: int


def decide(
    project: Project, policy: ProjectPolicy, claimed: Sequence[Delivery], now: datetime, chance: Callable[[], float]
) -> Decisions:
    """Plan what was claimed."""
    read = [(delivery, guarded(partial(_read, delivery))) for delivery in claimed]
    events = [(delivery, event) for delivery, event in read if isinstance(event, RevenueCatEvent)]
    held_back = _give_names(project, policy, events, now) if policy.anonymous is AnonymousRule.HOLD else set()
    links = IdentityLink.objects.known(project, {delivery.app_user_id for delivery, _ in events})
    found = Decisions([], [], len(held_back))
    waiting: list[IdentityCase] = []
    for delivery, event in read:
        if delivery.pk in held_back:
            continue
        other = _other_project(project, delivery, event)
        if other is not None:
            delivery.hand_over(other, now)
            found.others.append(delivery)
            continue
        result = event if isinstance(event, Crash) else guarded(partial(_decision, delivery, event, policy, links))
        if isinstance(result, Decided):
            found.sends.append(result)
            continue
        if isinstance(result, Wait):
            waiting.append(IdentityCase.of(delivery, result.reason, now))
        _settle(delivery, result, now, chance)
        found.others.append(delivery)
    if waiting:
        IdentityCase.objects.open(waiting)
    return found


def _other_project(project: Project, delivery: Delivery, event: RevenueCatEvent | Crash) -> UUID | None:
    """The project that sends it instead of this one. What was handed over once stays there."""
    if isinstance(event, Crash) or delivery.webhook_event.project_id != project.pk:
        return None
    return project.sandbox_project_id if project.hands_over(event) else None


def _read(delivery: Delivery) -> RevenueCatEvent:
    """What the row holds, which another version of this program may have written."""
    return delivery.webhook_event.parsed(delivery.app_user_id)


def _decision(
    delivery: Delivery, event: RevenueCatEvent, policy: ProjectPolicy, links: Links
) -> Decided | Skip | Wait | None:
    """None where its tries are used up."""
    if gave_up_after_interruptions(delivery.tries):
        return None
    planned = plan(event, policy, links)
    return Decided(delivery, event, planned) if isinstance(planned, Send) else planned


def _settle(delivery: Delivery, result: Skip | Wait | Crash | None, now: datetime, chance: Callable[[], float]) -> None:
    if isinstance(result, Skip):
        delivery.skip(result, now)
    elif isinstance(result, Wait):
        delivery.wait(result)
    elif isinstance(result, Crash):
        log_crash(delivery, result, now, chance())
    else:
        given_up = gave_up_after_interruptions(delivery.tries)
        if given_up is not None:
            delivery.settle(given_up, now)


def log_crash(delivery: Delivery, crash: Crash, now: datetime, jitter: float) -> None:
    """A failure of our own before anything was sent: logged as an attempt like any other."""
    settlement = settle(crash.outcome, tries=delivery.tries + 1, now=now, jitter=jitter)
    attempt = DeliveryAttempt(delivery=delivery, started_at=now)
    attempt.close(settlement, AttemptLog(finished_at=now, exchanges=[], traceback=crash.traceback))
    attempt.save()
    delivery.crash(settlement, now)


def _give_names(
    project: Project, policy: ProjectPolicy, events: Sequence[tuple[Delivery, RevenueCatEvent]], now: datetime
) -> set[int]:
    """Owe again what waited for a name that these events tell; returns those that have to go after it."""
    given = {delivery.pk: links_given(event, policy.identity) for delivery, event in events}
    names = {one: link for named_by in given.values() for one, link in named_by.items()}
    if not names:
        return set()
    # Kept also where nobody waits yet: the anonymous event may come later than the one that names it.
    IdentityLink.objects.learn(project, names)
    named_ones = Delivery.objects.filter(project=project, app_user_id__in=names)
    waiting = named_ones.filter(reason=str(WaitReason.ANONYMOUS)).waiting()
    released = set(waiting.values_list("app_user_id", flat=True))
    if not released:
        return set()
    IdentityCase.objects.close(project, released, now)
    waiting.release()
    return {pk for pk, named_by in given.items() if released & named_by.keys()}
