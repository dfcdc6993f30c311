"""The customers, read-only: how each stands in plain words, what Intercom knows, and every event with its tries."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.admin import customer_display as show
from integration.admin import search
from integration.admin.access import ProjectFilter
from integration.admin.customer_find import FindCustomer
from integration.admin.customer_history import page_of
from integration.admin.delivery_page import who_may
from integration.admin.display import LONGEST_ID, NOTHING, ago, change_url, cut, moment, two_lines, unbroken_id
from integration.admin.forget import ForgetActions
from integration.admin.outside import contact_link, profile_link_or_hint
from integration.mapping import WAIT_SENTENCES, WaitReason
from integration.models import Customer, IdentityCase

# In the list they are cut to this; the whole of them is the tooltip.
LONGEST_EMAIL, LONGEST_CONTACT = 30, 14


class CustomerAdmin(ForgetActions, FindCustomer):
    """The customers of all projects, and what Intercom knows of them."""

    list_display = ("whose", "short_email", "status", "contact_in_short", "newest_event")
    list_fullwidth = True
    empty_text = _("A customer is listed here when their first event is dealt with.")
    list_filter = (("project", ProjectFilter),)
    search_fields = ("app_user_id",)
    search_help_text = search.CUSTOMER_HELP_TEXT
    change_form_outer_before_template = "integration/delivery_top.html"
    change_form_outer_after_template = "integration/customer.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "person",
                    ("email", "project"),
                    ("last_event", "contact"),
                    ("last_told", "money"),
                    "other_ids",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """With the project."""
        return super().get_queryset(request).select_related("project")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, and by index."""
        text = search_term.strip()
        return (search.search_customers(queryset, text) if text else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One customer: how they stand, and their events."""
        customer = self.get_object(request, object_id)
        context = {**(extra_context or {}), **(self._story(request, customer) if customer else {})}
        return super().change_view(request, object_id, form_url, context)

    def _story(self, request: HttpRequest, customer: Customer) -> dict[str, Any]:
        now, may = timezone.now(), who_may(request)
        may_redeliver = request.user.has_perm("integration.redeliver_delivery")
        page = page_of(customer, request.GET.get("before", ""), may_redeliver=may_redeliver, now=now)
        standing = f"{show.standing_sentence(customer, page.product, now)} {show.told_sentence(customer, now)}"
        links = [
            profile_link_or_hint(customer.project, customer.app_user_id, may),
            contact_link(customer.project, customer),
        ]
        return {
            "notices": [{"level": "info", "text": standing}],
            "cases": _open_cases(customer) if may.see_queue else [],
            "links": [one for one in links if one],
            "attributes": show.state_table(customer),
            "told": show.told_table(customer),
            "page": page,
        }

    @admin.display(description=gettext_lazy("App User ID"))
    def person(self, customer: Customer) -> SafeString:
        """In whole, and broken rather than run into what stands beside it."""
        return unbroken_id(str(customer))

    @admin.display(description=gettext_lazy("Customer, project"))
    def whose(self, customer: Customer) -> SafeString:
        """Both for the list, as all that follow to the newest event."""
        return two_lines(cut(str(customer), LONGEST_ID), str(customer.project))

    @admin.display(description=gettext_lazy("Email"))
    def short_email(self, customer: Customer) -> SafeString | str:
        """The email address."""
        return cut(customer.email, LONGEST_EMAIL)

    @admin.display(description=gettext_lazy("Contact in Intercom"))
    def contact_in_short(self, customer: Customer) -> SafeString | str:
        """The beginning of Intercom's own id of the contact."""
        return cut(customer.contact_id, LONGEST_CONTACT)

    @admin.display(description=gettext_lazy("Last event"))
    def newest_event(self, customer: Customer) -> SafeString | str:
        """How long ago it happened, and when."""
        at = show.time_of(customer.last_event_at_ms)
        return two_lines(ago(at, timezone.now()), moment(at, zone=False)) if at else NOTHING

    @admin.display(description=gettext_lazy("Running totals"))
    def money(self, customer: Customer) -> str:
        """Where the project keeps them, or did."""
        return show.totals_text(customer)

    @admin.display(description=gettext_lazy("Subscription"))
    def status(self, customer: Customer) -> str:
        """The subscription status as far as it is known."""
        return show.subscription_status(customer)

    @admin.display(description=gettext_lazy("Last event"))
    def last_event(self, customer: Customer) -> SafeString | str:
        """When the newest event happened."""
        return show.at_ms(customer.last_event_at_ms)

    @admin.display(description=gettext_lazy("Contact in Intercom"))
    def contact(self, customer: Customer) -> str:
        """Intercom's own id of the contact."""
        if not customer.contact_id:
            return _("Not known yet")
        merged = _("%(contact)s (merged into this one)") % {"contact": customer.contact_id}
        return merged if customer.contact_merged else customer.contact_id

    @admin.display(description=gettext_lazy("Last told"))
    def last_told(self, customer: Customer) -> SafeString | str:
        """When Intercom was last told something."""
        return moment(customer.told_at)

    @admin.display(description=gettext_lazy("Other ids"))
    def other_ids(self, customer: Customer) -> str:
        """The aliases that RevenueCat named."""
        return ", ".join(str(alias) for alias in customer.aliases if alias != customer.app_user_id) or NOTHING


def _open_cases(customer: Customer) -> list[dict[str, str]]:
    """Where the customer waits in the identity queue, under any of their ids."""
    ids = {customer.app_user_id, *(str(alias) for alias in customer.aliases)}
    rows = IdentityCase.objects.filter(project=customer.project_id, app_user_id__in=ids, resolved_at=None)
    sentences = {str(reason): _(WAIT_SENTENCES[reason]) for reason in WaitReason}
    return [
        {"id": case.app_user_id, "why": sentences.get(case.reason, case.reason), "url": change_url(case)}
        for case in rows
    ]
