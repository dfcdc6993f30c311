"""Gathers what the steps of setting up are decided from. A handful of questions, each by an index."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from integration.admin.project_display import overlap_until
from integration.admin.project_rules import names_of_the_others
from integration.event_types import CATALOGUE
from integration.inquiry.registration import cannot_be_reached
from integration.intercom.workspace import Found
from integration.mapping import ProjectPolicy
from integration.mapping.names import attribute_clashes, custom_type_clashes, event_names
from integration.models import Delivery, Project
from integration.models.secrets import Secret
from integration.retry import DeliveryStatus
from integration.setting_up import Facts, NewestTest, Stored


class Gathered(NamedTuple):
    """The facts, and what the sentences about them name."""

    facts: Facts
    found: Found | None
    # How many event names this project uses, and how many more its workspace has from others here.
    names: int
    other_names: int
    # The newest test's delivery that is to be looked at, where it is a row of this project.
    test: Delivery | None


def gather(project: Project, now: datetime) -> Gathered:
    """What is known of the project."""
    policy = project.policy()
    mine, others = event_names(policy), names_of_the_others(project)
    found = Found.from_json(project.connection)
    tested, test = _tested(project)
    facts = Facts(
        token=_stored(project.intercom_token),
        authorization=_stored(project.authorization),
        verdict=found.verdict if found else None,
        checked_at=project.connection_checked_at,
        held_at=project.held_at if project.held_until is None else None,
        is_https=not cannot_be_reached(project.webhook_url),
        webhook_seen_at=project.webhook_seen_at,
        is_rotating=overlap_until(project, now) is not None,
        names=len(mine | others),
        names_clash=_clashes(policy),
        tested=tested,
        delivered_at=_delivered_at(project),
    )
    return Gathered(facts, found, len(mine), len(others - mine), test)


def _stored(secret: Secret) -> Stored:
    if not secret:
        return Stored.NONE
    return Stored.UNREADABLE if secret.is_unreadable else Stored.THERE


def _clashes(policy: ProjectPolicy) -> bool:
    """Whether names were stored that the settings page would refuse today."""
    names = {row.label: policy.event_name(row) for row in CATALOGUE}
    of_types = next(custom_type_clashes(policy.custom_types, names), None)
    return of_types is not None or any(attribute_clashes(policy.contact, totals=policy.money.totals))


def _tested(project: Project) -> tuple[NewestTest | None, Delivery | None]:
    """The newest test, whoever sends it: where sandbox events are handed over, another project does."""
    if not project.test_event_id:
        return None, None
    rows = Delivery.objects.filter(
        webhook_event__project=project, webhook_event__event_id=project.test_event_id
    ).order_by("id")
    deliveries = list(rows)
    if not deliveries:
        return None, None
    statuses = tuple(DeliveryStatus(one.status) for one in deliveries)
    own = next((one for one in deliveries if one.project_id == project.pk), None)
    return NewestTest(deliveries[0].created_at, statuses), own


def _delivered_at(project: Project) -> datetime | None:
    """When something was last delivered; by the index for pruning, read from its end."""
    settled = Delivery.objects.filter(
        project=project, status=str(DeliveryStatus.DELIVERED), finished_at__isnull=False
    ).order_by("-finished_at")
    return settled.values_list("finished_at", flat=True).first()
