"""Who sees which rows: members see the projects they are members of, superusers see all.

What somebody may do with what they see is a matter of permissions, which the roles hold (migration 0002).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.core.validators import EMPTY_VALUES
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter

from integration.admin.base import BaseAdmin, M, ReadOnlyAdmin
from integration.models import Project

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    class _Related(admin.RelatedFieldListFilter):
        """unfold's dropdown, for the type checker."""

        def value(self) -> Any: ...

else:
    _Related = RelatedDropdownFilter

# None stands for all projects: a superuser's pages ask nothing more than they did.
VisibleProjects = Collection[UUID] | None

_REMEMBERED = "_visible_projects"
_NEWEST = "_newest_visible_row"


def visible_projects(request: HttpRequest) -> VisibleProjects:
    """The ids of the projects whose rows this person sees, asked once a request; None means all of them.

    They go into queries as values and not as a subquery, so that PostgreSQL knows how many rows each one has.
    """
    if request.user.is_superuser:
        return None
    if not hasattr(request, _REMEMBERED):
        user: User | AnonymousUser = request.user
        setattr(request, _REMEMBERED, tuple(Project.objects.visible_to(user).values_list("pk", flat=True)))
    found: tuple[UUID, ...] = getattr(request, _REMEMBERED)
    return found


def only_visible(request: HttpRequest, rows: QuerySet[M], field: str = "project") -> QuerySet[M]:
    """Those of `rows` whose `field` is a project that this person sees."""
    projects = visible_projects(request)
    return rows if projects is None else rows.filter(**{f"{field}__in": projects})


def may_see_payloads(request: HttpRequest) -> bool:
    """Whether this person may read what RevenueCat sent, and what was said to Intercom."""
    return request.user.has_perm("integration.view_payload")


class ScopedActions(BaseAdmin[M]):
    """Buttons whose permissions look at the row too: what cannot be seen cannot be acted on."""

    def sees(self, request: HttpRequest, row: Model | str | None) -> bool:
        """Whether this person sees the row; `row` is its key where unfold asks, and None for a list."""
        if row is None or isinstance(row, Model) or request.user.is_superuser:
            return True
        return self.get_object(request, str(row)) is not None


class LogAdmin(ReadOnlyAdmin[M]):
    """Pages of the log: read-only, and only of projects that this person sees."""

    # The time at which rows arrive, where there is a filter by it.
    arrives_at: ClassVar[str] = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Rows of visible projects."""
        rows = only_visible(request, super().get_queryset(request))
        newest = getattr(request, _NEWEST, None)
        return rows if newest is None else rows.filter(pk__lte=newest)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list; of some projects it begins at their newest row, and not at everybody's on the way to theirs."""
        projects = _asked_for(request)
        if self.arrives_at and projects is not None:
            rows = super().get_queryset(request).order_by("-pk")
            newest = [rows.filter(project=project).values_list("pk", flat=True).first() for project in projects]
            setattr(request, _NEWEST, max((pk for pk in newest if pk is not None), default=0))
        return super().get_changelist_instance(request)

    def get_ordering(self, request: HttpRequest) -> Any:
        """Newest first: by number, but by time in a range of time, or all that is newer would be read on the way."""
        field = self.arrives_at
        if field and any(name.startswith(f"{field}_") and value for name, value in request.GET.items()):
            return (f"-{field}", "-id")
        return super().get_ordering(request)

    @admin.display(description=_("Project"))
    def project_name(self, row: Any) -> str:
        """The project without a link, for those who may not open its page."""
        return str(row.project)

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        """The project is a link for those who may open it."""
        fieldsets = super().get_fieldsets(request, obj)
        if request.user.has_perm("integration.view_project") or request.user.has_perm("integration.change_project"):
            return fieldsets
        return [(title, {**options, "fields": _unlinked(options["fields"])}) for title, options in fieldsets]


def _asked_for(request: HttpRequest) -> VisibleProjects:
    """The projects of which a list can have rows; None where it may be any."""
    visible = visible_projects(request)
    try:
        chosen = UUID(request.GET.get("project__id__exact", ""))
    except ValueError:
        return visible
    return [chosen] if visible is None or chosen in visible else visible


class ProjectFilter(_Related):
    """By project, of those that this person sees."""

    def has_output(self) -> bool:
        """With one project there is nothing to choose, but what an address asks for still counts."""
        return super().has_output() or self.value() not in EMPTY_VALUES

    def field_choices(
        self, field: Field[Any, Any], request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str | _StrPromise]]:
        """The visible projects by name."""
        rows = only_visible(request, Project.objects.all(), "pk")
        return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def _unlinked(fields: Any) -> Any:
    if isinstance(fields, str):
        return "project_name" if fields == "project" else fields
    return tuple(_unlinked(field) for field in fields)
