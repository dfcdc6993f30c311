"""The page of one delivery: the answer in a sentence with the setting to change, every try, and where to look next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.admin import delivery_story, log_display
from integration.admin.access import LogAdmin, may_see_payloads, visible_projects
from integration.admin.attempt_display import Sight, attempt_panels
from integration.admin.delivery_story import May
from integration.admin.fixture import may_download_fixture
from integration.admin.outside import contact_link, profile_link_or_hint
from integration.admin.remedies import IDENTITY_QUEUE
from integration.admin.tries import tries_of, with_tries
from integration.models import Customer, Delivery, DeliveryAttempt, IdentityCase, Project
from integration.retry import DeliveryStatus

# A delivery's page shows no more tries than this, the newest ones.
MOST_ATTEMPTS = 200


class DeliveryPage(LogAdmin[Delivery]):
    """What the page of one delivery shows beside its fields."""

    change_form_outer_before_template = "integration/delivery_top.html"
    change_form_outer_after_template = "integration/attempts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """For the page of one with the number of its tries; a list asks for those of the rows that it shows."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        return with_tries(rows) if match is not None and "object_id" in match.kwargs else rows

    @admin.display(description=gettext_lazy("Tries"))
    def tried(self, delivery: Delivery) -> str:
        """How many there were in all, as the list says it."""
        return f"{tries_of(delivery):,}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One delivery: the answer in one sentence, the facts, every try."""
        delivery = self.get_object(request, object_id)
        context = {**(extra_context or {}), **(self._story(request, delivery) if delivery else {})}
        return super().change_view(request, object_id, form_url, context)

    def _story(self, request: HttpRequest, delivery: Delivery) -> dict[str, Any]:
        now = timezone.now()
        attempts = list(reversed(delivery.attempts.order_by("-id")[:MOST_ATTEMPTS]))
        older = max(tries_of(delivery) - len(attempts), 0)
        sight = Sight(
            exchanges=may_see_payloads(request),
            tracebacks=bool(getattr(request.user, "is_superuser", False)),
            now=now,
            base_url=delivery.project.intercom_url,
        )
        panels = attempt_panels(attempts, sight, first=older + 1)
        sentence = log_display.delivery_sentence(delivery, attempts, now)
        advice = self._advice(request, delivery, attempts)
        if log_display.is_on_its_way(delivery, attempts, now):
            advice = delivery_story.look_again(delivery)
        return {
            "notices": [
                {
                    "level": log_display.LEVELS[DeliveryStatus(delivery.status)],
                    "text": format_html("{} {}", sentence, advice) if advice else sentence,
                }
            ],
            "steps": delivery_story.timeline(delivery, panels, older, now),
            "links": self._links(request, delivery, attempts),
        }

    def _advice(self, request: HttpRequest, delivery: Delivery, attempts: Sequence[DeliveryAttempt]) -> Any:
        setting = delivery_story.what_to_change(delivery, attempts, timezone.now())
        case = None
        if setting == IDENTITY_QUEUE:
            cases = IdentityCase.objects.filter(project=delivery.project_id, app_user_id=delivery.app_user_id)
            case = cases.only("pk").first()
        return delivery_story.advice(setting, delivery.project, case, who_may(request))

    def _links(
        self, request: HttpRequest, delivery: Delivery, attempts: Sequence[DeliveryAttempt]
    ) -> list[SafeString | str]:
        """Where to look next: the customer in both products, a preview with the settings of today, a fixture."""
        customer = Customer.objects.filter(pk=delivery.customer_id).first() if delivery.customer_id else None
        event = delivery.webhook_event
        is_own = event.project_id == delivery.project_id
        found = [
            profile_link_or_hint(delivery.project, delivery.app_user_id, who_may(request)) if is_own else "",
            contact_link(delivery.project, customer, _workspace(delivery.project, attempts)),
        ]
        visible = visible_projects(request)
        if visible is None or event.project_id in visible:
            found += _of_event(request, delivery)
        return [one for one in found if one]


def who_may(request: HttpRequest) -> May:
    """Where the person may be led to."""
    user = request.user
    return May(
        see_settings=user.has_perm("integration.view_project") or user.has_perm("integration.change_project"),
        see_queue=user.has_perm("integration.view_identitycase"),
    )


def _of_event(request: HttpRequest, delivery: Delivery) -> list[SafeString | str]:
    """What can be done with the webhook, by who may read it."""
    found: list[SafeString | str] = []
    preview = _preview_url() if may_see_payloads(request) else ""
    if preview:
        url = f"{preview}?event={delivery.webhook_event_id}&project={delivery.project_id}"
        found.append(_link(url, _("Preview with today's settings")))
    if may_download_fixture(request):
        url = reverse("admin:integration_webhookevent_fixture", args=[delivery.webhook_event_id])
        found.append(_link(url, _("Download as fixture")))
    return found


def _link(url: str, text: str) -> SafeString:
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)


def _preview_url() -> str:
    try:
        return reverse("admin:integration_preview")
    except NoReverseMatch:
        return ""


def _workspace(project: Project, attempts: Sequence[DeliveryAttempt]) -> str:
    """The workspace of today's token, as the contacts in Intercom's answers name it; "" where none does."""
    since = project.intercom_token_changed_at
    for attempt in reversed(attempts):
        for exchange in attempt.exchanges if since is None or attempt.started_at >= since else ():
            response = exchange.get("response") if isinstance(exchange, dict) else None
            workspace = response.get("workspace_id") if isinstance(response, dict) else None
            if isinstance(workspace, str) and workspace:
                return workspace
    return ""
