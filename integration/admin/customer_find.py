"""Find a customer: one box for an email address, an App User ID or an alias, exactly, in all projects that one sees.

Only indexed columns are asked. One match leads to its page at once; of several it is said in which project each is.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminTextInputWidget

from integration.admin.access import LogAdmin, only_visible
from integration.admin.customer_display import at_ms, subscription_status
from integration.admin.display import Cell, change_url, list_url
from integration.models import Customer, Delivery, IdentityLink, Project
from integration.models.log_search import find_customers
from integration.revenuecat.fields import LONGEST_ID

MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Match:
    """One customer that was found, for the template."""

    name: str
    email: str
    project: str
    status: str
    last_event: Cell
    url: str


class FindCustomer(LogAdmin[Customer]):
    """The page, and its address."""

    def get_urls(self) -> list[URLPattern]:
        """Before those of Django, whose last one takes everything."""
        view = self.admin_site.admin_view(self.find)
        return [path("find/", view, name="integration_customer_find"), *super().get_urls()]

    def find(self, request: HttpRequest) -> HttpResponse:
        """The box, and what was found; `q` is what is looked for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        text = request.GET.get("q", "").strip()
        found = self._found(request, text)
        if len(found) == 1:
            return HttpResponseRedirect(change_url(found[0]))
        attrs = {"autofocus": True, "autocomplete": "off", "spellcheck": "false", "id": "find-customer"}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": _("Find a customer"),
            "text": text,
            "box": UnfoldAdminTextInputWidget(attrs=attrs).render("q", text),
            "matches": [_match(one) for one in found[:MOST_FOUND]],
            "more": len(found) > MOST_FOUND,
            "waiting": self._waiting(request, text) if text and not found else "",
        }
        return TemplateResponse(request, "integration/customer_find.html", context)

    def _found(self, request: HttpRequest, text: str) -> list[Customer]:
        if not text or "\0" in text or len(text) > LONGEST_ID:
            return []
        rows = only_visible(request, Customer.objects.select_related("project")).filter(_known_as(request, text))
        # In an order that no index has: all that match are looked up, and nothing else is read on the way to them.
        return list(rows.order_by((F("id") + 0).asc())[: MOST_FOUND + 1])

    def _waiting(self, request: HttpRequest, text: str) -> str:
        """The list of deliveries, where there are some of somebody who is no customer yet."""
        if "\0" in text or not request.user.has_perm("integration.view_delivery"):
            return ""
        owed = only_visible(request, Delivery.objects.all()).filter(app_user_id=text)
        return list_url(Delivery, q=text) if owed.order_by().exists() else ""


def _known_as(request: HttpRequest, text: str) -> Q:
    named = find_customers(text)
    # The projects as a subquery: the index of the links begins with them, and they are few.
    projects: QuerySet[Project] = only_visible(request, Project.objects.all(), "pk")
    links = IdentityLink.objects.filter(project__in=projects.order_by().values("pk"), app_user_id=text).exclude(
        named=""
    )
    for project, name in links.values_list("project", "named"):
        named |= Q(project=project, app_user_id=name)
    return named


def _match(customer: Customer) -> Match:
    return Match(
        name=str(customer),
        email=customer.email,
        project=str(customer.project),
        status=subscription_status(customer),
        last_event=at_ms(customer.last_event_at_ms),
        url=change_url(customer),
    )
