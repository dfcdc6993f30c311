"""`GET /health/`: whether what arrives is taken and sent on, for whoever watches this server. Only reads.

Must name no customer, no project and no secret: it asks nobody who they are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from procrastinate.contrib.django.models import ProcrastinateWorker

from integration.models import Delivery, Project
from integration.retry import DeliveryStatus

OK = "ok"
# A worker is heard of every five seconds. One that was killed is started again well within this.
WORKER_SILENT = timedelta(minutes=1)
# What is due is sent at once; later than this, the workers do not keep up, or do not work.
DELIVERY_LATE = timedelta(minutes=10)

DATABASE_AWAY = "The database does not answer."
NOT_MIGRATED = "Migrations of this version are not applied: run manage.py migrate."
NO_WORKER = "No worker has been heard of for a minute."
LATE = "The oldest delivery that is due has waited for more than ten minutes."


# A rate limit ends by itself, and what waits for it counts as late like anything else.
_WAITS_FOR_A_PERSON = Q(held_at__isnull=False, held_until=None)


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Everything: 200 where all parts are "ok", 503 otherwise.

    The body has a "status", "ok" or "failed"; for each of "database", "migrations", "worker" and "deliveries" "ok" or
    a sentence; and, where the database could be asked, the age of the oldest due delivery in "oldest_due_seconds" and
    the number of "held_projects", which wait for a person and fail nothing here.
    """
    try:
        web = _web()
        return _answer(web | _sending(timezone.now()) if web["migrations"] == OK else web)
    except Error:
        return _answer({"database": DATABASE_AWAY})


@never_cache
@require_safe
def web_health(request: HttpRequest) -> JsonResponse:
    """Only what webhooks need: "database" and "migrations". For a load balancer; status and body as in `health`."""
    try:
        return _answer(_web())
    except Error:
        return _answer({"database": DATABASE_AWAY})


def _answer(parts: dict[str, str | int]) -> JsonResponse:
    failed = any(isinstance(said, str) and said != OK for said in parts.values())
    return JsonResponse({"status": "failed" if failed else OK, **parts}, status=503 if failed else 200)


def _web() -> dict[str, str | int]:
    is_migrated = _newest_migrations() <= MigrationRecorder(connection).applied_migrations().keys()
    return {"database": OK, "migrations": OK if is_migrated else NOT_MIGRATED}


@cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of each app in this version; they do not change while a process lives."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _sending(now: datetime) -> dict[str, str | int]:
    # The engine's heartbeats are times of the database's clock.
    is_worked = ProcrastinateWorker.objects.filter(last_heartbeat__gte=Now() - WORKER_SILENT).exists()
    waited = _longest_wait(now)
    return {
        "worker": OK if is_worked else NO_WORKER,
        "deliveries": OK if waited <= DELIVERY_LATE else LATE,
        "oldest_due_seconds": int(waited.total_seconds()),
        "held_projects": Project.objects.filter(_WAITS_FOR_A_PERSON, active=True).count(),
    }


def _longest_wait(now: datetime) -> timedelta:
    """How long the oldest due delivery has waited, of the projects that may send; zero where nothing is due."""
    of_project = Delivery.objects.filter(project=OuterRef("pk"), status=DeliveryStatus.PENDING).order_by("due_at", "id")
    oldest = (
        Project.objects.filter(~_WAITS_FOR_A_PERSON, active=True)
        # One look at the index of what is due for each project, whatever waits behind it.
        .annotate(oldest=Subquery(of_project.values("due_at")[:1]))
        .aggregate(Min("oldest"))["oldest__min"]
    )
    return max(now - oldest, timedelta()) if oldest else timedelta()
