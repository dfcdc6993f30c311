"""How a test stands, and what a rehearsal would have said to Intercom, for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin.access import only_visible
from integration.admin.display import change_url, json_block
from integration.admin.log_display import LEVELS, delivery_sentence
from integration.admin.project_display import Notice
from integration.drain.rehearsal import Preview
from integration.mapping import Send
from integration.models import Delivery, Project, WebhookEvent
from integration.retry import DeliveryStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery: a level of unfold's messages, a sentence, and where to read more."""

    level: str
    sentence: str
    url: str

    @property
    def as_notices(self) -> list[Notice]:
        """For the template that shows notices."""
        return [Notice(self.level, self.sentence)]


@dataclass(frozen=True, slots=True)
class SampleResult:
    """The newest test. `pending` while something is still to come."""

    event_id: str
    outcomes: Sequence[Outcome]
    pending: bool


def sample_result(request: HttpRequest, project: Project) -> SampleResult | None:
    """How the newest test of the project stands; None where there was none, or it has been pruned."""
    # Read anew: another request may have sent one since.
    event_id = Project.objects.filter(pk=project.pk).values_list("test_event_id", flat=True).first()
    event = WebhookEvent.objects.filter(project=project, event_id=event_id or "").defer("payload").first()
    if event is None:
        return None
    owed = event.deliveries.select_related("project", "webhook_event").defer("webhook_event__payload").order_by("id")
    statuses = list(event.deliveries.values_list("status", flat=True))
    shown = list(only_visible(request, owed).prefetch_related("attempts"))
    outcomes = [_outcome(one) for one in shown]
    if len(shown) < len(statuses):
        outcomes.append(Outcome("info", _("It was handed over: the project for sandbox events sends it."), ""))
    return SampleResult(event.event_id, outcomes, str(DeliveryStatus.PENDING) in statuses)


def _outcome(delivery: Delivery) -> Outcome:
    attempts = sorted(delivery.attempts.all(), key=lambda attempt: attempt.pk)
    sentence = delivery_sentence(delivery, attempts, timezone.now())
    return Outcome(LEVELS[DeliveryStatus(delivery.status)], sentence, change_url(delivery))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would be said for one person: a sentence, and the calls where the reader may see them."""

    sentence: str
    calls: Sequence[tuple[str, SafeString | None, str]]


def rehearsals(previews: Sequence[Preview], *, calls: bool) -> list[Rehearsal]:
    """For the template. Each call: its line, its JSON, what would keep it from being made."""
    return [Rehearsal(_sentence(one), [_call(call) for call in one.calls] if calls else []) for one in previews]


def _sentence(one: Preview) -> str:
    if not isinstance(one.decided, Send):
        return _("Nothing would be sent. %s") % _(one.decided.sentence)
    if one.decided.only_log:
        return _("Nothing would be sent, only logged: “Sandbox events” says so. These calls would be written down:")
    count = ngettext("%d call would be made.", "%d calls would be made.", len(one.calls)) % len(one.calls)
    return f"{count} {one.decided.note}".strip()


def _call(call: dict[str, Any]) -> tuple[str, SafeString | None, str]:
    request = call["request"]
    block = None if request is None else json_block(request, _("What is sent"), opened=True)
    return f"{call['method']} {call['path']}", block, str(call["error"] or "")
