"""The identity queue: whose events wait, why, and who they are. Said once, it holds for all their events."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from integration.admin.access import LogAdmin, ProjectFilter, ScopedActions
from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.counting import MOST_OF_A_ROW, BoundedCount, said
from integration.admin.display import (
    LONGEST_ID,
    NOTHING,
    change_url,
    cut,
    link,
    list_url,
    moment,
    times,
    two_lines,
    unbroken_id,
)
from integration.admin.filters import OpenCaseFilter
from integration.admin.project_actions import ring_after_commit
from integration.mapping import WAIT_SENTENCES, WaitReason
from integration.mapping.identity import SHARED_KEY
from integration.models import Customer, Delivery, IdentityCase, IdentityLink
from integration.revenuecat.events import is_anonymous
from integration.revenuecat.fields import LONGEST_ID as LONGEST_APP_USER_ID

_CONTACT_ID = re.compile(r"\A[0-9A-Za-z]{1,100}\Z")


class ResolveForm(DialogForm):
    """Says who it is: one of the candidates, another contact, or another App User ID."""

    candidate = forms.ChoiceField(
        label=_("One of these contacts"), required=False, widget=UnfoldAdminRadioSelectWidget()
    )
    contact_id = forms.RegexField(
        _CONTACT_ID,
        label=_("Another contact, by Intercom's id"),
        required=False,
        help_text=_("The 24 characters at the end of the contact's address in Intercom."),
        widget=UnfoldAdminTextInputWidget(),
    )
    named = forms.CharField(
        label=_("Another App User ID"),
        required=False,
        max_length=LONGEST_APP_USER_ID,
        help_text=_("The events are then told to the contact with this external id."),
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        object_id = str(kwargs.get("object_id") or (args[1] if len(args) > 1 else ""))
        case = IdentityCase.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        candidates = case.candidates if case else []
        choices = [(one["id"], _described(one)) for one in candidates if _CONTACT_ID.fullmatch(str(one.get("id")))]
        if choices:
            field: Any = self.fields["candidate"]
            field.choices = choices
        else:
            del self.fields["candidate"]

    def clean(self) -> dict[str, Any]:
        """Exactly one of the three."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = [name for name in ("candidate", "contact_id", "named") if cleaned.get(name)]
        if len(given) != 1 and not self.errors:
            # Beside a field, because the dialog shows no errors of the whole form.
            self.add_error("contact_id", gettext("Choose a contact, or enter one of the two ids: exactly one of them."))
        if is_anonymous(cleaned.get("named") or ""):
            self.add_error("named", gettext("This id is anonymous too."))
        return cleaned


def _described(candidate: dict[str, str]) -> str:
    known = [candidate.get(name) for name in ("name", "email", "external_id")]
    return f"{', '.join(one for one in known if one) or gettext('Without a name')} ({candidate['id']})"


RESOLVE_DIALOG = {
    "title": _("Who is this?"),
    "description": _("What waits is then sent, with its original times, and so is all that comes later."),
    "form_class": ResolveForm,
    "form_submit_text": _("Send to this contact"),
}
RETRY_DIALOG = {
    "title": _("Try again"),
    "description": _("Plans what waits anew: after contacts were merged in Intercom, say."),
    "form_submit_text": _("Try again"),
}


class IdentityCaseAdmin(ScopedActions[IdentityCase], LogAdmin[IdentityCase]):
    """Who waits; read-only but for the two buttons."""

    list_display = ("who", "why", "pending", "waits_since", "resolved")
    list_filter = (OpenCaseFilter, ("project", ProjectFilter))
    empty_text = _("Nobody waits. Somebody is listed here while nobody knows which contact in Intercom is theirs.")
    search_fields = ("app_user_id",)
    actions_detail = ("resolve", "retry")
    fieldsets = (
        (None, {"fields": ("person", "reason_sentence", ("project", "pending"), ("waits_since", "resolved"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdentityCase]:
        """With the project, and how many deliveries wait."""
        theirs = Delivery.objects.filter(project=OuterRef("project"), app_user_id=OuterRef("app_user_id"))
        waiting = theirs.waiting().order_by().values("pk")[: MOST_OF_A_ROW + 1]
        return super().get_queryset(request).select_related("project").annotate(owed=BoundedCount(waiting))

    def counted(self, count: int) -> str:
        """The queue has one name for all of them together, and none for two."""
        return ngettext("%(count)s case", "%(count)s cases", count) % {"count": f"{count:,}"}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, and by index."""
        text = search_term.strip()
        return (queryset.filter(app_user_id=text) if text else queryset), False

    def has_resolve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Support may, as they may redeliver."""
        return request.user.has_perm("integration.resolve_identitycase") and self.sees(request, obj)

    # --- What it shows ------------------------------------------------------------------------------------

    @admin.display(description=_("Customer, project"))
    def who(self, case: IdentityCase) -> SafeString:
        """Both for the list."""
        return two_lines(cut(case.app_user_id, LONGEST_ID), str(case.project))

    @admin.display(description=_("Customer"))
    def person(self, case: IdentityCase) -> SafeString:
        """The id in whole; anonymous ones are long."""
        return unbroken_id(case.app_user_id)

    @admin.display(description=_("Why"))
    def why(self, case: IdentityCase) -> SafeString | str:
        """In short."""
        return cut(self.reason_sentence(case))

    @admin.display(description=_("Why"))
    def reason_sentence(self, case: IdentityCase) -> str:
        """In whole."""
        return gettext(WAIT_SENTENCES[WaitReason(case.reason)]) if case.reason in set(WaitReason) else case.reason

    @admin.display(description=_("Pending"))
    def pending(self, case: IdentityCase) -> SafeString | str:
        """How many deliveries, as a link to them."""
        count: int = getattr(case, "owed", 0)
        if not count:
            return NOTHING
        pending = ngettext("{count} delivery", "{count} deliveries", count).format(count=said(count))
        filters = {"state": "waiting", "project__id__exact": str(case.project_id), "q": case.app_user_id}
        return link(list_url(Delivery, **filters), pending)

    @admin.display(description=_("Since"))
    def waits_since(self, case: IdentityCase) -> SafeString | str:
        """Since when."""
        return moment(case.since)

    @admin.display(description=_("Resolved"))
    def resolved(self, case: IdentityCase) -> SafeString | str:
        """Since when not any more."""
        return moment(case.resolved_at)

    # --- What can be done ---------------------------------------------------------------------------------

    @action(description=_("Say who it is"), icon="how_to_reg", permissions=["resolve"], dialog=RESOLVE_DIALOG)
    def resolve(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Remember it, and send what waits."""
        given = form.cleaned_data
        contact_id = str(given.get("candidate") or given.get("contact_id") or "")
        return self._release(request, object_id, named=str(given.get("named") or ""), contact_id=contact_id)

    @action(description=_("Try again"), icon="refresh", permissions=["resolve"], dialog=RETRY_DIALOG)
    def retry(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Send what waits, without saying anything."""
        return self._release(request, object_id)

    def _release(self, request: HttpRequest, object_id: str, *, named: str = "", contact_id: str = "") -> HttpResponse:
        case = self.get_object(request, object_id)
        if case is None:
            raise Http404(gettext("There is nobody like this in the queue."))
        with transaction.atomic():
            if contact_id:
                # Somebody we know: then their events and these are one person's.
                known = Customer.objects.filter(project=case.project, contact_id=contact_id).exclude(
                    app_user_id__startswith=SHARED_KEY
                )
                named = known.values_list("app_user_id", flat=True).first() or ""
                contact_id = "" if named else contact_id
            if named or contact_id:
                IdentityLink.objects.decide(case.project, case.app_user_id, named=named, contact_id=contact_id)
            IdentityCase.objects.close(case.project, [case.app_user_id], timezone.now())
            count = _waiting(case).release()
            how = "Named by hand" if named or contact_id else "Tried again"
            self.log_each(request, [case], f"{how}; {times(count, 'delivery', 'deliveries')} released.")
            ring_after_commit([case.project])
        sent = ngettext(
            "{count} delivery was handed to the worker.", "{count} deliveries were handed to the worker.", count
        )
        messages.success(request, sent.format(count=f"{count:,}"))
        return dialog_done(request, change_url(case))


def _waiting(case: IdentityCase) -> Any:
    return Delivery.objects.filter(project=case.project_id, app_user_id=case.app_user_id).waiting()
