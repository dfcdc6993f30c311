"""Redelivering all that a filter finds: what it would be, how far it has come, and its end. The worker does it.

`integration.redelivering` is the task; here it is begun and cancelled, each with a line in the audit trail.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.enums import ActionVariant

from integration.admin.access import ScopedActions, only_visible, visible_projects
from integration.admin.base import DialogForm, ReadOnlyAdmin, action, dialog_done
from integration.admin.bulk_start import MOST_COUNTED, Plan, planned
from integration.admin.display import NOTHING, change_url, clock, label, list_url, moment, times
from integration.admin.log_query import UnusableQueryError, asked, query_of
from integration.admin.log_words import filter_words
from integration.models import BulkRedelivery, Delivery, Project
from integration.redelivering import ring_redelivery
from integration.sign_in.verified import signed_in
from integration.stored_language import stored_language

CANCEL_DIALOG = {
    "title": gettext_lazy("Stop redelivering"),
    "description": gettext_lazy(
        "Redelivers no more. What the worker has by now is still sent; the rest stays as it is."
    ),
    "form_submit_text": gettext_lazy("Redeliver no more"),
}


class BulkRedeliveryAdmin(ScopedActions[BulkRedelivery], ReadOnlyAdmin[BulkRedelivery]):
    """For those who may redeliver: of projects that they see, all of them."""

    list_display = ("started", "state", "who", "words", "how_far")
    list_display_links = ("started",)
    empty_text = gettext_lazy(
        "“Redeliver all that match”, or “Redeliver many”, above the list of deliveries makes an entry here."
    )
    actions_detail = ("cancel",)
    change_form_outer_before_template = "integration/bulk_progress.html"
    fieldsets = ((None, {"fields": (("state", "how_far"), "words", ("started", "who"), "ended")}),)

    class Media:
        js: ClassVar = ("integration/progress.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRedelivery]:
        """Those whose projects one sees, every one of them."""
        rows = super().get_queryset(request).select_related("started_by")
        projects = visible_projects(request)
        if projects is None:
            return rows
        return rows.exclude(projects__in=Project.objects.exclude(pk__in=projects))

    def get_urls(self) -> list[URLPattern]:
        """With that of the progress, which the page asks."""
        view = self.admin_site.admin_view(self.progress_view)
        return [
            path("<path:object_id>/progress/", view, name="integration_bulkredelivery_progress"),
            *super().get_urls(),
        ]

    # --- Who may ----------------------------------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may redeliver and see the log."""
        return request.user.has_perms(("integration.redeliver_delivery", "integration.view_delivery"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They may begin one."""
        return self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Likewise."""
        return self.has_view_permission(request)

    def has_cancel_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They may cancel what they see."""
        return self.has_view_permission(request) and self.sees(request, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """`Cancel` stands there while there is something to cancel."""
        run = self.get_object(request, object_id)
        return [] if run is None or run.is_over else super().get_actions_detail(request, object_id)

    # --- Beginning --------------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """What would be redelivered; and begins it where it is confirmed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            meant = asked(request)
        except UnusableQueryError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(list_url(Delivery))
        plan = planned(request, meant) if query_of(request) else None
        if request.method == "POST" and plan is not None and plan.count:
            return self._begin(request, plan)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Redeliver many"),
            "opts": self.opts,
            "plan": plan,
            "waiting": plan.waiting(timezone.now()) if plan else [],
            "query": query_of(request),
            "projects": only_visible(request, Project.objects.all(), "pk"),
            "most_counted": f"{MOST_COUNTED:,}",
            "media": self.media,
        }
        return TemplateResponse(request, "integration/bulk_start.html", context)

    def _begin(self, request: HttpRequest, plan: Plan) -> HttpResponse:
        by = signed_in(request)
        run = BulkRedelivery(
            started_by=by,
            started_at=timezone.now(),
            filter=plan.meant.to_json(),
            words=_stored_words(plan),
            expected=min(plan.count, MOST_COUNTED),
            is_exact=plan.is_exact,
            newest=plan.newest,
        )
        with transaction.atomic():
            # One click after the other: the second one finds what the first one has begun.
            User.objects.select_for_update(no_key=True).get(pk=by.pk)
            unfinished = self.get_queryset(request).filter(finished_at=None, cancelled_at=None)
            same = unfinished.filter(started_by=by, filter=run.filter).first()
            if same is not None:
                messages.info(request, _("You have begun this already, and it is under way."))
                return HttpResponseRedirect(change_url(same))
            run.save()
            run.projects.set(plan.projects)
            LogEntry.objects.log_actions(int(request.user.pk or 0), [run], ADDITION, _started(plan, run))
            transaction.on_commit(lambda: ring_redelivery(run.pk), robust=True)
        return HttpResponseRedirect(change_url(run))

    @action(
        description=gettext_lazy("Cancel"),
        icon="stop_circle",
        permissions=["cancel"],
        variant=ActionVariant.DANGER,
        dialog=CANCEL_DIALOG,
    )
    def cancel(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Redeliver no more."""
        run = self.get_object(request, object_id)
        if run is None:
            raise Http404("There is no such bulk redelivery.")
        if run.cancel(timezone.now()):
            self.log_each(request, [run], f"Cancelled after {times(run.redelivered, 'delivery', 'deliveries')}.")
            messages.success(request, _sent_again(run.redelivered))
        else:
            messages.info(request, f"{_stand(run)} {self.how_far(run)}. {_('There was nothing left to cancel.')}")
        return dialog_done(request, change_url(run))

    # --- How far it has come ----------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How far it has come; the page asks anew by itself, or when it is loaded again."""
        run = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if run is not None:
            held = [said for said in (one.why_not_sending(timezone.now()) for one in run.projects.all()) if said]
            context |= {"run": run, "stand": _stand(run), "progress_said": self.how_far(run), "waiting": held}
            context["title"] = _("Bulk redelivery")
        return super().change_view(request, object_id, form_url, context)

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The same for the script of the page."""
        run = self.get_object(request, object_id) if self.has_view_permission(request) else None
        if run is None:
            raise Http404("There is no such bulk redelivery.")
        return JsonResponse({"percent": run.percent, "said": self.how_far(run), "over": run.is_over})

    @admin.display(description=gettext_lazy("State"))
    def state(self, run: BulkRedelivery) -> SafeString:
        """As a coloured label."""
        if run.cancelled_at is not None:
            return label(_("Cancelled"), "default")
        if run.finished_at is not None:
            return label(_("Finished"), "success")
        return label(_("Under way"), "info")

    @admin.display(description=gettext_lazy("So far"))
    def how_far(self, run: BulkRedelivery) -> str:
        """How many of how many."""
        whole = f"{run.expected:,}" if run.is_exact else _("more than %(count)s") % {"count": f"{run.expected:,}"}
        said = ngettext(
            "%(done)s of %(whole)s delivery was handed to the worker again",
            "%(done)s of %(whole)s deliveries were handed to the worker again",
            run.expected,
        )
        return said % {"done": f"{run.redelivered:,}", "whole": whole}

    @admin.display(description=gettext_lazy("Started"))
    def started(self, run: BulkRedelivery) -> SafeString | str:
        """When."""
        return moment(run.started_at)

    @admin.display(description=gettext_lazy("Ended"))
    def ended(self, run: BulkRedelivery) -> SafeString | str:
        """When it was finished or cancelled."""
        return moment(run.finished_at or run.cancelled_at)

    @admin.display(description=gettext_lazy("By"))
    def who(self, run: BulkRedelivery) -> str:
        """Who began it."""
        return run.started_by.get_username() if run.started_by else NOTHING


def _stand(run: BulkRedelivery) -> str:
    """Whether it is at its end, and since when."""
    if run.cancelled_at is not None:
        return _("It was cancelled at %s.") % clock(run.cancelled_at)
    if run.finished_at is not None:
        return _("It was finished at %s.") % clock(run.finished_at)
    return _("It is under way since %s.") % clock(run.started_at)


@stored_language()
def _stored_words(plan: Plan) -> str:
    return filter_words(plan.meant, search=False)


@stored_language()
def _started(plan: Plan, run: BulkRedelivery) -> str:
    return f"Bulk redelivery of {plan.how_many} started: {run.words}."


def _sent_again(count: int) -> str:
    said = ngettext(
        "Cancelled: %(count)s delivery is sent again.", "Cancelled: %(count)s deliveries are sent again.", count
    )
    return said % {"count": f"{count:,}"}
