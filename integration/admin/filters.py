"""The filters of several lists. Each is backed by an index, or by a list that is known without asking the rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from integration.admin.access import visible_projects
from integration.models import WebhookEvent
from integration.reconciliation import STATUSES

if TYPE_CHECKING:

    class Dropdown(admin.SimpleListFilter):
        """unfold's dropdown, for the type checker."""

else:
    Dropdown = DropdownFilter

MOST_TYPES = 100
# So many events of a member's projects together are looked through for their types: no index tells them by project.
NEWEST = 2_000

# Jumps from one type to the next along the index, so that it costs as many looks as there are types.
_TYPES = """
WITH RECURSIVE found AS (
    (SELECT type FROM integration_webhookevent ORDER BY type LIMIT 1)
    UNION ALL
    SELECT (SELECT e.type FROM integration_webhookevent e WHERE e.type > found.type ORDER BY e.type LIMIT 1)
    FROM found WHERE found.type IS NOT NULL
)
SELECT type FROM found WHERE type IS NOT NULL LIMIT %s
"""


class OpenCaseFilter(Dropdown):
    """The identity queue: who waits, who did, or both."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Two of the three; who waits is shown without being asked for."""
        return [("resolved", _("Resolved")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those in that state."""
        if self.value() == "all":
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() != "resolved")


class EnvironmentFilter(Dropdown):
    """By RevenueCat's environment."""

    title = _("environment")
    parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """RevenueCat knows two."""
        return [("PRODUCTION", _("Production")), ("SANDBOX", _("Sandbox"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What is of that environment."""
        return queryset.filter(environment=self.value()) if self.value() else queryset


class DiscrepancyFilter(Dropdown):
    """By whether there still is something to do."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """As the list names them."""
        return [("open", _("Open")), ("repaired", _("Repaired")), ("gone", _("Gone"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Discrepancies in that state."""
        conditions = {
            "open": {"repaired_at__isnull": True, "agreed_at__isnull": True},
            "repaired": {"repaired_at__isnull": False},
            "gone": {"repaired_at__isnull": True, "agreed_at__isnull": False},
        }
        return queryset.filter(**conditions.get(self.value() or "", {}))


class StatusSaidFilter(Dropdown):
    """By the subscription status that RevenueCat named."""

    title = _("status in RevenueCat")
    parameter_name = "said_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Every status that a comparison can come to."""
        return [(status, status.replace("_", " ").capitalize()) for status in STATUSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Discrepancies where RevenueCat said so."""
        return queryset.filter(said_status=self.value()) if self.value() else queryset


class WebhookTypeFilter(Dropdown):
    """By RevenueCat's own type, of which there may be new ones any day."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The types that have arrived; for members, of the newest events of their projects."""
        projects = visible_projects(request)
        if projects is not None:
            return [(name, name) for name in _newest_types(projects)]
        with connection.cursor() as cursor:
            cursor.execute(_TYPES, [MOST_TYPES])
            return [(name, name) for (name,) in cursor.fetchall()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Events of that type."""
        return queryset.filter(type=self.value()) if self.value() else queryset


def _newest_types(projects: Collection[UUID]) -> list[str]:
    """Project by project, each as a value: otherwise PostgreSQL reads everybody's newest events on the way."""
    each = NEWEST // max(len(projects), 1) + 1
    events = WebhookEvent.objects.order_by("-id").values_list("type", flat=True)
    newest = events.none().union(*(events.filter(project=project)[:each] for project in projects))
    return sorted(newest)[:MOST_TYPES]
