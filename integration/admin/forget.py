"""Forget: erases all that is kept of a customer, after showing what that is. The audit trail names nobody."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.enums import ActionVariant

from integration.admin.access import ScopedActions
from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.display import change_url, list_url
from integration.models import Customer
from integration.models.forgetting import CustomerBusyError, Erased, Person
from integration.stored_language import stored_language

MOST_IDS_SHOWN = 20


class ForgetForm(DialogForm):
    """Shows what would be erased; the button below it agrees."""

    form_before_template = "integration/forget.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """The ids of the person, and how much is kept."""
        customers = Customer.objects.select_related("project")
        customer = customers.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        if customer is None:
            raise Http404(_("There is no such customer."))
        person = Person.find(customer.project, customer.app_user_id)
        return {
            "project": customer.project,
            "ids": sorted(person.ids)[:MOST_IDS_SHOWN],
            "more_ids": max(len(person.ids) - MOST_IDS_SHOWN, 0),
            "known": person.known(),
            "namesakes": person.namesakes(),
        }


FORGET_DIALOG = {
    "title": gettext_lazy("Forget this customer"),
    "description": gettext_lazy(
        "Erases all that is kept of this person here. It cannot be undone. What Intercom and RevenueCat "
        "know of them stays there, and a webhook that comes later begins anew."
    ),
    "form_class": ForgetForm,
    "form_submit_text": gettext_lazy("Erase all of it"),
}


class ForgetActions(ScopedActions[Customer]):
    """The button of a customer's page."""

    actions_detail = ("forget",)

    def has_forget_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change the project's settings, how long its log is kept among them."""
        return request.user.has_perm("integration.change_project") and self.sees(request, obj)

    @action(
        description=gettext_lazy("Forget"),
        icon="person_remove",
        permissions=["forget"],
        variant=ActionVariant.DANGER,
        dialog=FORGET_DIALOG,
    )
    def forget(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Erase, or say why not."""
        customer = self.get_object(request, object_id)
        if customer is None:
            raise Http404(_("There is no such customer."))
        person = Person.find(customer.project, customer.app_user_id)
        try:
            with transaction.atomic():
                erased = person.forget(timezone.now())
                self._audit(request, person, erased)
        except CustomerBusyError as error:
            messages.error(request, str(error))
            return dialog_done(request, change_url(customer))
        messages.success(request, _("The customer is forgotten: %(erased)s were erased.") % {"erased": erased})
        return dialog_done(request, list_url(Customer))

    def _audit(self, request: HttpRequest, person: Person, erased: Erased) -> None:
        with stored_language():
            message = f"A customer was forgotten: {erased} were erased."
        LogEntry.objects.log_actions(int(request.user.pk or 0), [person.project], CHANGE, message, single_object=True)
