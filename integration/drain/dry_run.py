"""What would become of deliveries if they were owed again now: planned with today's settings, and nothing is sent.

Reads rows and never writes any; no network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from integration.drain.attempt import Crash, guarded
from integration.mapping import ProjectPolicy, Send, Skip, SkipReason, Wait, plan
from integration.mapping.identity import Links
from integration.models import Delivery, IdentityLink, Project
from integration.revenuecat.events import RevenueCatEvent


@dataclass(slots=True)
class DryRun:
    """How many of those looked at would be sent, would wait for a name, or skipped again, by reason."""

    looked_at: int = 0
    sent: int = 0
    waiting: int = 0
    # Whoever asks does not see the project that would send them.
    handed_over: int = 0
    # What is in their rows cannot be read by this version.
    unreadable: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)

    def note(self, decided: Send | Skip | Wait | Crash | None) -> None:
        """Count one."""
        self.looked_at += 1
        if decided is None:
            self.handed_over += 1
        elif isinstance(decided, Send) and not decided.only_log:
            self.sent += 1
        elif isinstance(decided, Send):
            self.skipped[SkipReason.SANDBOX_LOGGED] += 1
        elif isinstance(decided, Skip):
            self.skipped[decided.reason] += 1
        elif isinstance(decided, Wait):
            self.waiting += 1
        else:
            self.unreadable += 1


class _Settings:
    """The settings of each project and what is known of these people in it, read once."""

    def __init__(self, people: set[str]) -> None:
        self._people = people
        self._known: dict[UUID, tuple[ProjectPolicy, Links]] = {}

    def of(self, project: Project) -> tuple[ProjectPolicy, Links]:
        """Those of this project."""
        if project.pk not in self._known:
            self._known[project.pk] = project.policy(), IdentityLink.objects.known(project, self._people)
        return self._known[project.pk]


def dry_run(deliveries: Sequence[Delivery], seen: Collection[UUID] | None = None) -> DryRun:
    """Plan these; their webhook events and projects must have been fetched with them.

    By the settings of the projects that are `seen` alone; None stands for all there are.
    """
    found = DryRun()
    settings = _Settings({delivery.app_user_id for delivery in deliveries})
    for delivery in deliveries:
        found.note(guarded(partial(_decided, delivery, settings, seen)))
    return found


def _decided(delivery: Delivery, settings: _Settings, seen: Collection[UUID] | None) -> Send | Skip | Wait | None:
    event = delivery.webhook_event.parsed(delivery.app_user_id)
    sender = _sender(delivery, event)
    if seen is not None and sender.pk not in seen:
        return None
    policy, links = settings.of(sender)
    return plan(event, policy, links)


def _sender(delivery: Delivery, event: RevenueCatEvent) -> Project:
    """The project that sends it: another one, where the one that it came to hands it over."""
    project = delivery.project
    handed_over = delivery.webhook_event.project_id == project.pk and project.hands_over(event)
    return project.sandbox_project if handed_over and project.sandbox_project is not None else project
