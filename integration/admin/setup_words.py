"""What the steps of setting up say: a sentence for each reason that a state can rest on, with what to do next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.admin.connection import said_of
from integration.admin.display import clock
from integration.admin.project_display import overlap_until
from integration.admin.setup_facts import Gathered
from integration.intercom.workspace import Found, Verdict
from integration.mapping.names import MOST_EVENT_NAMES
from integration.models import Project
from integration.setting_up import StepName, StepState, Why

TITLES: dict[StepName, Any] = {
    StepName.TOKEN: gettext_lazy("Intercom token"),
    StepName.WEBHOOK: gettext_lazy("Webhook"),
    StepName.EVENTS: gettext_lazy("Events"),
    StepName.TEST: gettext_lazy("Test"),
}
STATES: dict[StepState, tuple[Any, str]] = {
    StepState.DONE: (gettext_lazy("Done"), "success"),
    StepState.ATTENTION: (gettext_lazy("Attention"), "warning"),
    StepState.TO_DO: (gettext_lazy("To do"), "info"),
    StepState.WRONG: (gettext_lazy("Wrong"), "danger"),
}
_SENTENCES: dict[Why, Any] = {
    Why.NO_TOKEN: gettext_lazy("Paste the access token into “Intercom access token” below, and save."),
    Why.TOKEN_UNREADABLE: gettext_lazy("The stored access token cannot be read. Enter it anew below, and save."),
    Why.NOT_CHECKED: gettext_lazy("A token is stored. Press “Check connection” to see whose it is and what it may do."),
    Why.HELD: gettext_lazy("Sending is held. %(hold_reason)s Check the connection, then press “Resume”."),
    Why.NO_AUTHORIZATION: gettext_lazy(
        "There is no Authorization value, so every webhook is refused. Press “Rotate authorization” to make one."
    ),
    Why.AUTHORIZATION_UNREADABLE: gettext_lazy(
        "The Authorization value cannot be read, so every webhook is refused. Press “Rotate authorization”."
    ),
    Why.NO_HTTPS: gettext_lazy(
        "No webhook has arrived with the present Authorization value, and the webhook URL begins with http://. "
        "RevenueCat posts only to https:// addresses that it can reach from outside: set PUBLIC_URL on this server."
    ),
    Why.SEEN_WITHOUT_HTTPS: gettext_lazy(
        "Webhooks arrive with the right Authorization value; this was last noted at %(webhook_seen)s. But the webhook "
        "URL begins with http://, and RevenueCat posts only to https:// addresses that it can reach from outside: set "
        "PUBLIC_URL on this server."
    ),
    Why.NO_WEBHOOK: gettext_lazy(
        "No webhook has arrived yet. Copy both values into RevenueCat, then press “Send test event” there."
    ),
    Why.NO_WEBHOOK_SINCE_ROTATION: gettext_lazy(
        "No webhook has arrived with the new Authorization value. Paste it into RevenueCat; the one before it is taken "
        "until %(until)s."
    ),
    Why.WEBHOOK_SEEN: gettext_lazy(
        "Webhooks arrive with the right Authorization value; this was last noted at %(webhook_seen)s."
    ),
    Why.NAMES_CLASH: gettext_lazy(
        "Names were stored that Intercom could not tell apart. Press “Save”: what is wrong is then said next to each."
    ),
    Why.TOO_MANY_NAMES: gettext_lazy(
        "%(names)s event names are used in this workspace, and Intercom takes at most %(most)d. Switch event types "
        "off, or use one name for several projects."
    ),
    Why.EVENTS_CHOSEN: gettext_lazy(
        "%(own_names)d event names are sent%(elsewhere)s; Intercom takes at most %(most)d in a workspace."
    ),
    Why.NOTHING_SENT: gettext_lazy("Nothing has been delivered yet. Send a sample to a contact of your own."),
    Why.DELIVERED: gettext_lazy("Events are delivered; the last one at %(delivered)s."),
    Why.TEST_DELIVERED: gettext_lazy("The newest test was delivered."),
    Why.TEST_FAILED: gettext_lazy("The newest test failed. %(explanation)s"),
    Why.TEST_SKIPPED: gettext_lazy("The newest test arrived and was skipped. %(explanation)s"),
    Why.TEST_PENDING: gettext_lazy("The newest test has arrived and waits to be sent. Look at it, or send another."),
}


def sentence(why: Why, project: Project, gathered: Gathered, now: datetime) -> str:
    """The reason in a sentence or two."""
    if why.value in set(Verdict) and gathered.found is not None:
        return _checked(project, gathered.found)
    elsewhere = _(" (and %d more by other projects here)") % gathered.other_names if gathered.other_names else ""
    test = gathered.test
    return str(_SENTENCES[why]) % {
        "hold_reason": project.hold_reason,
        "until": _said(overlap_until(project, now)),
        "webhook_seen": _said(project.webhook_seen_at),
        "names": gathered.facts.names,
        "own_names": gathered.names,
        "elsewhere": elsewhere,
        "most": MOST_EVENT_NAMES,
        "delivered": _said(gathered.facts.delivered_at),
        "explanation": test.explanation if test else _("Another project sends it."),
    }


def _checked(project: Project, found: Found) -> str:
    """What the newest check found, with when it was."""
    said = said_of(project, found)
    at = _said(project.connection_checked_at)
    return _("%(message)s %(advice)s Checked at %(at)s.") % {"message": said.message, "advice": said.advice, "at": at}


def _said(at: datetime | None) -> str:
    return clock(at) if at else ""
