"""Download as fixture: the webhook of an event as a file, without the person it is about.

The file is a webhook's body as RevenueCat sends it: for `manage.py preview`, `send_sample`, a test or a bug report.
"""

from __future__ import annotations

import json
import re

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from integration.admin.access import LogAdmin, may_see_payloads
from integration.models import WebhookEvent
from integration.revenuecat.anonymised import anonymised


def may_download_fixture(request: HttpRequest) -> bool:
    """Who may read payloads, of events that they may look at."""
    return may_see_payloads(request) and request.user.has_perm("integration.view_webhookevent")


class FixtureDownload(LogAdmin[WebhookEvent]):
    """The address under the page of a webhook event."""

    def get_urls(self) -> list[URLPattern]:
        """Before those of Django, whose last one takes everything."""
        view = self.admin_site.admin_view(self.fixture)
        return [path("<path:object_id>/fixture/", view, name="integration_webhookevent_fixture"), *super().get_urls()]

    def fixture(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The file. Raises Http404 for what somebody does not see, PermissionDenied for who may not read payloads."""
        if not may_download_fixture(request):
            raise PermissionDenied
        event = self.get_object(request, object_id)
        if event is None:
            raise Http404("There is no such event.")
        text = json.dumps(anonymised(event.payload), indent=2, ensure_ascii=False)
        return HttpResponse(
            text + "\n",
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{_file_name(event)}"'},
        )


def _file_name(event: WebhookEvent) -> str:
    """Tells what it is: renewal-4711-anonymised.json."""
    kind = re.sub(r"[^a-z0-9_]+", "_", event.type.lower())[:60].strip("_") or "event"
    return f"{kind}-{event.pk}-anonymised.json"
