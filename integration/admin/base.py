"""Our base classes over unfold's ModelAdmin: the only module that knows how unfold is to be subclassed.

They keep lists cheap (bounded counts, no sorting by columns without an index) and write the audit trail. What
a page shows is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.db.models.fields.related import RelatedField
from django.db.models.options import Options
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action as unfold_action
from unfold.forms import BaseDialogForm
from unfold.views import ChangeList as UnfoldChangeList

from integration.admin.active_filters import ActiveFilter, active_filters
from integration.admin.counting import BoundedPaginator
from integration.admin.display import NOTHING
from integration.admin.history import history_table

M = TypeVar("M", bound=Model)
F = TypeVar("F", bound=Callable[..., Any])

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    class _Unfold(admin.ModelAdmin[M]):
        """What of unfold is used here, for the type checker: unfold has no types."""

        def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]: ...
        def get_actions_row(self, request: HttpRequest) -> list[Any]: ...

    _ChangeList = ChangeList

    def action(
        *,
        description: str | _StrPromise,
        permissions: Sequence[str],
        icon: str | None = None,
        variant: Any = None,
        dialog: dict[str, Any] | None = None,
    ) -> Callable[[F], F]:
        """unfold's decorator for actions; with a `dialog` the method also gets its valid form."""

    class DialogForm(forms.Form):
        """A form in unfold's dialog: shown by GET, carried out by POST."""

        cleaned_data: dict[str, Any]

        def __init__(self, request: HttpRequest, object_id: str) -> None: ...

else:

    class _Unfold(UnfoldModelAdmin, Generic[M]):
        pass

    _ChangeList = UnfoldChangeList
    action = unfold_action
    DialogForm = BaseDialogForm


class IndexedList(_ChangeList):
    """Sorted by nothing that its page does not name in `sortable_by`: of that Django takes only the links away."""

    def get_ordering_field(self, field_name: Any) -> Any:
        """What a column is sorted by; None where it is not."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def narrowed_by(self) -> list[ActiveFilter]:
        """The filters and the search, for what stands above the rows."""
        return active_filters(self)

    def how_many(self) -> str:
        """The number of rows, as far as they are counted."""
        page: Any = self.model_admin
        rows: str = page.counted(self.result_count)
        if not self.paginator.has_more:
            return rows
        return _("More than %(rows)s; narrow them down with the filters.") % {"rows": rows}

    def get_results(self, request: HttpRequest) -> None:
        """The rows of a page. Its head would offer “Show all” beside their number, which undoes a search."""
        super().get_results(request)
        self.full_result_count = self.result_count


class BaseAdmin(_Unfold[M]):
    """What all our pages have in common."""

    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = True
    show_full_result_count = False
    empty_value_display = NOTHING
    # Counting what each choice of a filter would find reads the whole table, once for each choice.
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    # Only what a page names can be sorted by: any other column would be sorted without an index.
    sortable_by: ClassVar[tuple[str, ...]] = ()
    # What makes rows appear, where there are none yet.
    empty_text: ClassVar[Any] = ""
    object_history_template = "integration/history.html"
    # Deleting many rows collects everything that hangs on them, one by one; pages that allow deleting say so.
    actions: Sequence[Any] = ()

    class Media:
        js = ("integration/copy.js",)

    def counted(self, count: int) -> str:
        """So many rows, in words."""
        return f"{count:,} {self.opts.verbose_name if count == 1 else self.opts.verbose_name_plural}"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Ours."""
        return IndexedList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without Django's own "delete selected"."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what a filter of this list asks for; anything else is answered 400, and so is NUL, which no row holds.

        Django allows every column of a row and every lookup. Whoever sees a list could then ask, letter by letter, for
        what its pages do not show: payloads, secrets, who is a member.
        """
        return "\0" not in value and any(
            lookup in _parameters(self.model, one) for one in self.get_list_filter(request)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Django's search. Suggestions ask it without a form, so that NUL, which no row holds, gets as far as here."""
        if "\0" in search_term:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Options[Any], object_id: str
    ) -> TemplateResponse:
        """404, also for what somebody may not see; Django would send them to the front page with 302."""
        context = {**self.admin_site.each_context(request), "title": _("Page not found")}
        return TemplateResponse(request, "admin/404.html", context, status=404)

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """The pages of a list; those of a history begin with its newest line, which Django puts last."""
        if queryset.model is LogEntry:
            queryset = queryset.order_by("-action_time", "-pk")
        return super().get_paginator(request, queryset, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who did what, with the times as all other pages show them."""
        response = super().history_view(request, object_id, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "action_list" in context:
            context["history"] = history_table(context["action_list"])
        return response

    def log_each(self, request: HttpRequest, objects: QuerySet[M] | Sequence[M], message: str) -> None:
        """Write who did what to each object into Django's audit trail. `message` holds no secret.

        The trail outlives the log, so rows are named by their number and not by the person they are about.
        """
        kind = ContentType.objects.get_for_model(self.model)
        LogEntry.objects.bulk_create(
            LogEntry(
                user_id=int(request.user.pk or 0),
                content_type=kind,
                object_id=str(row.pk),
                object_repr=f"{self.opts.verbose_name_raw} {row.pk}",
                action_flag=CHANGE,
                change_message=message,
            )
            for row in objects
        )


class ReadOnlyAdmin(BaseAdmin[M]):
    """Pages of what happened: nobody adds, changes or deletes it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody; the permission itself still opens the page and the actions."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[str]:
        """All that the page shows."""
        return [field for _, options in self.get_fieldsets(request, obj) for field in _flat(options["fields"])]


def _parameters(model: type[Model], list_filter: Any) -> frozenset[str]:
    """What the links and fields of one filter write into an address."""
    if hasattr(list_filter, "parameter_name"):
        return frozenset({list_filter.parameter_name})
    name, kind = list_filter if isinstance(list_filter, tuple) else (list_filter, None)
    field = model._meta.get_field(name)
    if isinstance(kind, type) and issubclass(kind, RangeDateTimeFilter):
        return frozenset(f"{name}_{end}_{part}" for end in ("from", "to") for part in (0, 1))
    if not isinstance(field, RelatedField):
        return frozenset({f"{name}__exact"})
    of_nobody = {f"{name}__isnull"} if field.many_to_many else set()
    return frozenset({f"{name}__{field.target_field.name}__exact"} | of_nobody)


def dialog_done(request: HttpRequest, url: str) -> HttpResponse:
    """The end of a dialog: back to `url`, for htmx and for a browser without scripts."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def _flat(fields: Sequence[Any]) -> list[str]:
    return [name for field in fields for name in ([field] if isinstance(field, str) else field)]
