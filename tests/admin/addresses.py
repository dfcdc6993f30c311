"""
Every address of the admin, filled in with rows of a project, so that a page which is added is tried too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from integration.mapping import WaitReason
from integration.models import BulkRedelivery, Delivery, Discrepancy, IdentityCase, Project
from tests.factories import receive, run_drain


@dataclass(frozen=True)
class Rows:
    """One row of each kind, and how the routes of the admin name them."""

    project: Project
    delivery: Delivery
    discrepancy: Discrepancy
    user: User
    run: BulkRedelivery

    def url(self, route: str) -> str:
        """The address of a route for these rows."""
        model = route.split("/")[1] if route.count("/") > 1 else ""
        keys = {
            "project": self.project.pk,
            "preview": self.project.pk,
            "delivery": self.delivery.pk,
            "webhookevent": self.delivery.webhook_event_id,
            "customer": self.delivery.customer_id,
            "identitycase": IdentityCase.objects.get(project=self.project).pk,
            "discrepancy": self.discrepancy.pk,
            "bulkredelivery": self.run.pk,
            "user": self.user.pk,
            "group": Group.objects.get(name="Viewer").pk,
        }
        filled = route.replace("<path:object_id>", str(keys.get(model, 0))).replace("<id>", str(self.user.pk))
        filled = filled.replace("<path:content_type_id>", str(ContentType.objects.get_for_model(Delivery).pk))
        return f"/admin/{filled}"


def routes() -> list[str]:
    """Every route of the admin that has a name; the others only lead to one of these."""

    def walk(patterns: Any, before: str) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, before + str(pattern.pattern))
            elif isinstance(pattern, URLPattern) and pattern.name:
                yield before + str(pattern.pattern)

    found = [route for route in walk(admin.site.get_urls(), "") if not route.startswith("^")]
    return [*found, "integration/", "auth/"]


ROUTES = routes()


def rows_of(project: Project, user: User) -> Rows:
    """A project with something in its log."""
    delivery = receive(project, app_user_id=f"customer of {project}")
    run_drain(project)
    delivery.refresh_from_db()
    IdentityCase.objects.open([IdentityCase.of(delivery, WaitReason.ANONYMOUS, timezone.now())])
    found = Discrepancy(project=project, customer=delivery.customer, said_status="expired", found_at=timezone.now())
    found.save()
    run = BulkRedelivery(started_at=timezone.now(), filter={"status": "skipped"}, words="Skipped", expected=1)
    run.is_exact, run.newest = True, delivery.pk
    run.save()
    run.projects.set([project])
    return Rows(project, delivery, found, user, run)
