"""What stands above the list of deliveries: saved links, and what can be done with all that the filters find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from integration.admin.access import may_see_payloads, visible_projects
from integration.admin.display import list_url
from integration.admin.log_export import LogExport
from integration.admin.log_query import SEARCH, UnusableQueryError, asked, query_of
from integration.models import Delivery, SavedLink
from integration.models.saved_links import MOST_SAVED

LONGEST_NAME, LONGEST_QUERY = 60, 1_000


@dataclass(frozen=True, slots=True)
class Tools:
    """For the template. `query`: what the list is filtered by, `savable` without a search, which is not kept."""

    links: list[SavedLink]
    user_id: int
    query: str
    savable: bool
    may_redeliver: bool
    may_see_payloads: bool


class LogTools(LogExport):
    """Keeping links, and the context of what stands above the list."""

    list_before_template = "integration/log_tools.html"

    def get_urls(self) -> list[URLPattern]:
        """With that of the saved links."""
        view = self.admin_site.admin_view(self.links_view)
        return [path("links/", view, name="integration_delivery_links"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """With what stands above the list, for those who see it."""
        context = dict(extra_context or {})
        if request.method == "GET" and self.has_view_permission(request):
            context["tools"] = Tools(
                links=saved_links(request),
                user_id=int(request.user.pk or 0),
                query=query_of(request),
                savable=bool(query_of(request, without={SEARCH})),
                may_redeliver=request.user.has_perm("integration.redeliver_delivery"),
                may_see_payloads=may_see_payloads(request),
            )
        return super().changelist_view(request, context)

    def links_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the filters of the address under a name, or take one of one's own away."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        with transaction.atomic():
            if "remove" in request.POST:
                _remove(request, request.POST["remove"])
            else:
                _save(request)
        query = query_of(request)
        return HttpResponseRedirect(f"{list_url(Delivery)}?{query}" if query else list_url(Delivery))


def saved_links(request: HttpRequest) -> list[SavedLink]:
    """One's own, and those that others share; without those about projects that this person does not see."""
    projects = visible_projects(request)
    links = SavedLink.objects.seen_by(int(request.user.pk or 0)).select_related("owner")
    return [link for link in links if projects is None or link.project_id is None or link.project_id in projects]


def _save(request: HttpRequest) -> None:
    name, query = request.POST.get("name", "").strip(), query_of(request, without={SEARCH})
    owner, shared = int(request.user.pk or 0), request.POST.get("shared") == "on"
    mine = SavedLink.objects.filter(owner=owner)
    why_not = _why_not(request, name, query) or (
        _("You have %(count)d saved links; remove one first.") % {"count": MOST_SAVED}
        if mine.exclude(name=name).count() >= MOST_SAVED
        else ""
    )
    if why_not:
        messages.error(request, why_not)
        return
    project = QueryDict(query).get("project__id__exact") or None
    values = {"query": query, "shared": shared, "project_id": project}
    link, is_new = SavedLink.objects.update_or_create(values, owner_id=owner, name=name)
    _audit(request, link, ADDITION if is_new else CHANGE, "Saved for everybody." if shared else "Saved.")
    messages.success(request, _("“%(name)s” is saved.") % {"name": name})


def _why_not(request: HttpRequest, name: str, query: str) -> str:
    """Why nothing can be saved; "" where it can."""
    if not name or len(name) > LONGEST_NAME or "\0" in name:
        return _("Give the filters a name of at most %(count)d letters.") % {"count": LONGEST_NAME}
    if not query or len(query) > LONGEST_QUERY:
        return _("Choose filters first: a search is not kept, because it names a person.")
    try:
        asked(request)
    except UnusableQueryError as error:
        return str(error)
    return ""


def _remove(request: HttpRequest, key: str) -> None:
    """One's own; superusers remove what is shared too."""
    links = SavedLink.objects.seen_by(int(request.user.pk or 0))
    if not getattr(request.user, "is_superuser", False):
        links = links.filter(owner=request.user.pk)
    link = links.filter(pk=key).first() if key.isdecimal() and len(key) < 19 else None
    if link is None:
        messages.error(request, _("There is no such saved link."))
        return
    _audit(request, link, DELETION, "Removed.")
    link.delete()
    messages.success(request, _("“%(name)s” is removed.") % {"name": link})


def _audit(request: HttpRequest, link: SavedLink, flag: int, message: str) -> None:
    LogEntry.objects.log_actions(int(request.user.pk or 0), [link], flag, message)
