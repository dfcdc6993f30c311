"""The export of what the list of deliveries shows: a button above it, a streamed file, a line in the audit trail."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, When
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from integration.admin.access import LogAdmin, may_see_payloads, visible_projects
from integration.admin.display import list_url, times
from integration.admin.exporting import Export
from integration.admin.log_query import UnusableQueryError, asked, meant_projects
from integration.admin.log_words import filter_words
from integration.models import Delivery, Project
from integration.models.log_filter import LogFilter
from integration.stored_language import stored_language

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
# A file takes a thread of this process for as long as it is being read; the others are for webhooks and pages.
_one_at_a_time = threading.BoundedSemaphore(1)


class LogExport(LogAdmin[Delivery]):
    """The address that the button posts to."""

    def get_urls(self) -> list[URLPattern]:
        """With that of the export."""
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="integration_delivery_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The filtered deliveries as a file; with payloads for those who may see them and ask for them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        kind = request.POST.get("format")
        if kind not in CONTENT_TYPES:
            return self._back(request, _("Choose CSV or JSON lines."))
        try:
            meant = asked(request)
        except UnusableQueryError as error:
            return self._back(request, str(error))
        if not _one_at_a_time.acquire(blocking=False):
            return self._back(request, _("Another export is being made at this moment. Try again in a minute."))
        try:
            return self._file(request, meant, kind)
        except BaseException:
            _one_at_a_time.release()
            raise

    def _file(self, request: HttpRequest, meant: LogFilter, kind: str) -> StreamingHttpResponse:
        payload = _payload(request) if request.POST.get("payloads") == "on" else None
        projects = meant_projects(request, meant)
        what = _what(meant, kind, with_payloads=payload is not None)
        entries = _audit(request, projects, f"{what}.")
        export = Export(meant.rows(projects), as_csv=kind == "csv", payload=payload, done=_Done(entries, what))
        name = f"deliveries-{timezone.now():%Y%m%d-%H%M%S}.{kind}"
        response = StreamingHttpResponse(export, content_type=CONTENT_TYPES[kind])
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _back(self, request: HttpRequest, why: str) -> HttpResponseRedirect:
        messages.error(request, why)
        return HttpResponseRedirect(list_url(Delivery))


@stored_language()
def _what(meant: LogFilter, kind: str, *, with_payloads: bool) -> str:
    """What is exported, without whom it is about."""
    what = f"Log exported as {'CSV' if kind == 'csv' else 'JSON lines'}{', with payloads' if with_payloads else ''}"
    return f"{what}: {filter_words(meant, search=False)}"


def _payload(request: HttpRequest) -> Combinable | None:
    """What RevenueCat sent, for those who may see it; of an event that was handed over, who see where it came to."""
    if not may_see_payloads(request):
        return None
    projects, payload = visible_projects(request), F("webhook_event__payload")
    return payload if projects is None else Case(When(webhook_event__project__in=projects, then=payload))


class _Done:
    """Writes down how many there were, and lets the next export begin."""

    def __init__(self, entries: list[int], what: str) -> None:
        self._entries = entries
        self._what = what

    def __call__(self, count: int) -> None:
        _one_at_a_time.release()
        said = f"{self._what}; {times(count, 'delivery', 'deliveries')}."
        LogEntry.objects.filter(pk__in=self._entries).update(change_message=said)


def _audit(request: HttpRequest, projects: Collection[UUID] | None, message: str) -> list[int]:
    """A line for each project whose log is exported, before the first row leaves."""
    rows = Project.objects.all() if projects is None else Project.objects.filter(pk__in=projects)
    made: Any = LogEntry.objects.log_actions(int(request.user.pk or 0), list(rows), CHANGE, message)
    return [entry.pk for entry in made or ()]
