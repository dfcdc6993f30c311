"""What a filter of the log says, in words: one part of it, or all that a list is filtered by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.admin.display import EVENT_LABELS, clock
from integration.mapping import SkipReason, WaitReason
from integration.models import Project
from integration.models.deliveries import STATUS_LABELS
from integration.models.log_filter import NO_ANSWER, NO_DATA_EVENT, LogFilter

STATE_LABELS: dict[str, Any] = {
    "retrying": gettext_lazy("Retrying"),
    "untried": gettext_lazy("Not tried yet"),
    "waiting": gettext_lazy("In the identity queue"),
    "unsent": gettext_lazy("Failed or skipped"),
}
STORE_NAMES: dict[str, Any] = {
    "APP_STORE": "App Store",
    "PLAY_STORE": "Google Play",
    "MAC_APP_STORE": "Mac App Store",
    "AMAZON": "Amazon",
    "STRIPE": "Stripe",
    "RC_BILLING": "RevenueCat Billing",
    "PADDLE": "Paddle",
    "ROKU": "Roku",
    "PROMOTIONAL": gettext_lazy("Granted"),
    "TEST_STORE": gettext_lazy("Test store"),
}
REASON_NAMES: dict[str, Any] = {
    SkipReason.TEST_EVENT: gettext_lazy("Test event"),
    SkipReason.NOT_AN_EVENT_TYPE: gettext_lazy("Not an event type"),
    SkipReason.EVENT_TYPE_OFF: gettext_lazy("Event type off"),
    SkipReason.SANDBOX: gettext_lazy("Sandbox"),
    SkipReason.SANDBOX_LOGGED: gettext_lazy("Sandbox, only logged"),
    SkipReason.NO_CUSTOMER: gettext_lazy("No customer"),
    SkipReason.ANONYMOUS: gettext_lazy("Anonymous"),
    WaitReason.ANONYMOUS: gettext_lazy("Waits for a name"),
    WaitReason.AMBIGUOUS: gettext_lazy("Waits for a choice"),
}


def store_words(store: str) -> str:
    """A store by the name people know; one that is not known here by RevenueCat's own."""
    return str(STORE_NAMES.get(store, store))


def reason_words(reason: str) -> str:
    """A reason for skipping or waiting; one of a later version as it is."""
    return str(REASON_NAMES.get(reason, reason))


def answer_words(answer: str) -> str:
    """A status of Intercom's, or a class of them."""
    return _("No answer") if answer == NO_ANSWER else answer


def event_type_words(event_type: str) -> str:
    """An event type, or that there is none."""
    return _("None of these") if event_type == NO_DATA_EVENT else str(EVENT_LABELS.get(event_type, event_type))


def filter_words(asked: LogFilter, *, search: bool = True) -> str:
    """All that a list is filtered by: `Status: Failed; Store: Stripe`. Without whom it is about unless `search`."""
    return "; ".join(_parts(asked, search=search)) or _("Everything")


def _parts(asked: LogFilter, *, search: bool) -> Iterator[str]:
    labels = {str(status): label for status, label in STATUS_LABELS.items()}
    said = (
        (_("Status"), labels.get(asked.status, asked.status)),
        (_("State"), str(STATE_LABELS.get(asked.state, asked.state))),
        (_("Project"), _project(asked.project)),
        (_("Event type"), event_type_words(asked.event_type)),
        (_("Environment"), asked.environment.capitalize()),
        (_("Store"), store_words(asked.store)),
        (_("Reason"), reason_words(asked.reason)),
        (_("Intercom's last answer"), answer_words(asked.answer)),
        (_("Received from"), clock(asked.since) if asked.since else ""),
        (_("Received until"), clock(asked.until) if asked.until else ""),
        (_("Search"), asked.text if search else _("an id or email") if asked.text else ""),
    )
    return (f"{name}: {value}" for name, value in said if value)


def _project(key: str) -> str:
    return str(Project.objects.filter(pk=key).first() or _("one that is gone")) if key else ""
