"""What the banners of the admin say of each project, found out once a minute, so that a page asks one small question.

A row of its own, because a project's row must not be written without need: the door remembers it
(`integration.models.projects.ROW_VERSION`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, models
from django.db.models import OuterRef, Subquery, Sum

from integration.figures import HABIT, HOUR, SHORTEST_SILENCE, is_silent, stuck_since
from integration.models.deliveries import Delivery
from integration.models.projects import Project
from integration.models.tallies import HourlyCount
from integration.retry import DeliveryStatus

# So long a failed delivery is told of on every page.
LATELY = timedelta(hours=24)
# Failed ones are counted so far.
MOST_FAILED = 100
# So many of those that are to be tried later are looked through for some that have been tried before.
MOST_LATER = 1_000

# Of one project at a time and with its id as a value: of all together PostgreSQL reads everybody's newest events on the
# way to those of a project that is silent.
_SIGNS = """
SELECT (
    SELECT received_at FROM integration_webhookevent WHERE project_id = %(project)s ORDER BY id DESC LIMIT 1
), (
    SELECT finished_at FROM integration_delivery
    WHERE project_id = %(project)s AND status = 'delivered' AND finished_at IS NOT NULL
    ORDER BY finished_at DESC LIMIT 1
), count(*) FILTER (WHERE tries > 0), min(created_at) FILTER (WHERE tries > 0)
FROM (
    SELECT tries, created_at FROM integration_delivery
    WHERE project_id = %(project)s AND status = 'pending' AND due_at > %(now)s ORDER BY due_at, id LIMIT %(most)s
) AS later
"""


class ProjectStanding(models.Model):
    """Since when a project has been silent, and since when nothing of it has got through; None where all is well."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="standing")
    silent_since = models.DateTimeField(null=True)
    stuck_since = models.DateTimeField(null=True)
    retrying = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"standing of {self.project_id}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A project that needs somebody, and why; what is None or 0 is no reason."""

    project: UUID
    name: str
    has_token: bool
    held_since: datetime | None
    hold_reason: str
    failed: int
    stuck_since: datetime | None
    retrying: int
    silent_since: datetime | None


def look_after(now: datetime) -> None:
    """Find out how every active project stands. For the worker, once a minute."""
    known = {row.pk: row for row in ProjectStanding.objects.all()}
    for project in Project.objects.filter(active=True).values_list("pk", flat=True):
        received, delivered, retrying, oldest = _signs(project, now)
        before = known.pop(project, None) or ProjectStanding(project_id=project)
        stuck = stuck_since(retrying=retrying, oldest=oldest, delivered=delivered, now=now)
        silent = _silent_since(before, received, now)
        after = (silent, stuck, retrying if stuck else 0)
        if before._state.adding or (before.silent_since, before.stuck_since, before.retrying) != after:
            defaults = dict(zip(("silent_since", "stuck_since", "retrying"), after, strict=True))
            ProjectStanding.objects.update_or_create(project_id=project, defaults=defaults)
    # Of those that are off there is nothing to say.
    ProjectStanding.objects.filter(pk__in=known).delete()


def _signs(project: UUID, now: datetime) -> tuple[datetime | None, datetime | None, int, datetime | None]:
    """When the newest webhook came, when one was last delivered, how many are tried again, and the oldest of these."""
    values: dict[str, object] = {"project": project, "now": now, "most": MOST_LATER}
    with connection.cursor() as cursor:
        cursor.execute(_SIGNS, values)  # type: ignore[arg-type]
        received, delivered, retrying, oldest = cursor.fetchone()
    return received, delivered, retrying, oldest


def _silent_since(standing: ProjectStanding, newest: datetime | None, now: datetime) -> datetime | None:
    """Once silent, a project stays so until something comes: what it used to receive may have been pruned since."""
    if newest is None or (standing.silent_since is not None and newest <= standing.silent_since):
        return standing.silent_since
    if now - newest <= SHORTEST_SILENCE:
        return None
    rows = HourlyCount.objects.filter(project=standing.project_id, hour__gte=newest - HABIT - HOUR, hour__lte=newest)
    hours = dict(rows.values_list("hour").annotate(Sum("count")).values_list("hour", "count__sum"))
    return newest if is_silent(hours, newest, now) else None


def troubles(user: User | AnonymousUser, now: datetime) -> list[Trouble]:
    """The active projects that this person sees and that need somebody, by name: one question."""
    failed = (
        Delivery.objects.filter(project=OuterRef("pk"), status=DeliveryStatus.FAILED, finished_at__gte=now - LATELY)
        .order_by()
        .values("pk")[: MOST_FAILED + 1]
    )
    rows = (
        Project.objects.visible_to(user)
        .filter(active=True)
        .annotate(failed=_Counted(failed))
        .select_related("standing")
        .only("name", "intercom_token", "held_at", "held_until", "hold_reason", *_STANDING)
    )
    found = (_trouble(project) for project in rows)
    return [one for one in found if one.held_since or one.failed or one.stuck_since or one.silent_since]


_STANDING = [f"standing__{name}" for name in ("silent_since", "stuck_since", "retrying")]


class _Counted(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = models.IntegerField()


def _trouble(project: Project) -> Trouble:
    standing = getattr(project, "standing", None) or ProjectStanding()
    held = project.held_at if project.held_until is None else None
    return Trouble(
        project=project.pk,
        name=project.name,
        has_token=bool(project.intercom_token),
        held_since=held,
        hold_reason=project.hold_reason,
        failed=project.failed,  # type: ignore[attr-defined]
        stuck_since=None if held else standing.stuck_since,
        retrying=standing.retrying,
        silent_since=standing.silent_since,
    )
