"""Before many deliveries are owed again: what that would be, in words and numbers, and under today's settings.

Reads only; `bulk_redelivery` asks it for the page, and again before it begins.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin.access import visible_projects
from integration.admin.log_query import meant_projects
from integration.admin.log_words import filter_words, reason_words
from integration.drain.dry_run import DryRun, dry_run
from integration.models import Delivery, Project
from integration.models.log_filter import LogFilter

# Beyond this many it is said that there are more: counting a million takes longer than anybody wants to wait.
MOST_COUNTED = 100_000
# So many of the oldest and of the newest are planned with today's settings.
LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be redelivered; `count` and `contacts` go to MOST_COUNTED and one more."""

    meant: LogFilter
    projects: list[Project]
    count: int
    contacts: int
    newest: int
    outcome: DryRun

    @property
    def is_exact(self) -> bool:
        """Whether there are no more than were counted."""
        return self.count <= MOST_COUNTED

    @property
    def words(self) -> str:
        """What the list was filtered by."""
        return filter_words(self.meant)

    @property
    def how_many(self) -> str:
        """So many deliveries, exact or “more than”."""
        return ngettext("%(count)s delivery", "%(count)s deliveries", self.count) % {"count": _how_many(self.count)}

    @property
    def how_many_contacts(self) -> str:
        """The number of customers that they are about."""
        return _how_many(self.contacts) if self.is_exact else _("at least %(count)s") % {"count": f"{self.contacts:,}"}

    @property
    def all_looked_at(self) -> bool:
        """Whether the dry run has seen every one."""
        return self.outcome.looked_at == self.count

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """What the dry run came to, in words."""
        found = self.outcome
        skipped = [
            (_("would be skipped: %(reason)s") % {"reason": reason_words(reason)}, count)
            for reason, count in found.skipped.most_common()
        ]
        rows = [(_("would be sent"), found.sent), (_("would wait in the identity queue"), found.waiting), *skipped]
        rows.append((_("handed over to a project that you do not see"), found.handed_over))
        return [(words, count) for words, count in [*rows, (_("not readable"), found.unreadable)] if count]

    @property
    def nothing(self) -> str:
        """Where there is nothing to redeliver."""
        return _("No delivery matches: %(words)s.") % {"words": self.words}

    @property
    def contacts_warning(self) -> str:
        """How many people it touches."""
        said = ngettext(
            "They are about %(count)s contact in Intercom.",
            "They are about %(count)s contacts in Intercom.",
            self.contacts,
        )
        return said % {"count": self.how_many_contacts}

    def waiting(self, now: datetime) -> list[str]:
        """Why nothing is sent for some of the projects, each in a sentence."""
        said = (project.why_not_sending(now) for project in self.projects)
        return [sentence for sentence in said if sentence]


def planned(request: HttpRequest, meant: LogFilter) -> Plan:
    """Count, and rehearse a sample."""
    projects = meant_projects(request, meant)
    rows = meant.rows(projects)
    # Where projects share a workspace this says too many contacts rather than too few.
    customer = Concat(Cast("project_id", TextField()), Value(" "), "app_user_id")
    customers = Count(customer, distinct=True, filter=~Q(app_user_id=""))
    counted = rows.order_by()[: MOST_COUNTED + 1].aggregate(count=Count("pk"), contacts=customers)
    return Plan(
        meant=meant,
        projects=_projects(projects),
        count=counted["count"],
        contacts=counted["contacts"],
        newest=int(Delivery.objects.aggregate(newest=Max("pk"))["newest"] or 0),
        outcome=dry_run(_sample(rows), visible_projects(request)),
    )


def _sample(rows: QuerySet[Delivery]) -> list[Delivery]:
    whole = rows.select_related("webhook_event", "project", "project__sandbox_project")
    newest = list(whole.order_by("-pk")[:LOOKED_AT])
    if len(newest) < LOOKED_AT:
        return newest
    return newest + list(whole.order_by("pk").filter(pk__lt=newest[-1].pk)[:LOOKED_AT])


def _projects(keys: Collection[UUID] | None) -> list[Project]:
    return list(Project.objects.all() if keys is None else Project.objects.filter(pk__in=keys))


def _how_many(count: int) -> str:
    if count > MOST_COUNTED:
        return _("more than %(count)s") % {"count": f"{MOST_COUNTED:,}"}
    return f"{count:,}"
