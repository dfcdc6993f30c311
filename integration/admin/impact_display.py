"""What the admin says of a change's impact: sentences, the table of what differs, and what can be redelivered.

Nothing is decided here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integration.admin.display import EVENT_LABELS, clock, link, list_url, local_time
from integration.event_types import EventType
from integration.mapping import SkipReason, WaitReason
from integration.mapping.impact import HANDED_OVER, Count, Impact, Outcome
from integration.models import Delivery, Project
from integration.models.lately import Lately
from integration.retry import DeliveryStatus

_REASONS: dict[str, Promise] = {
    SkipReason.TEST_EVENT: gettext_lazy("Skipped: a test event"),
    SkipReason.NOT_AN_EVENT_TYPE: gettext_lazy("Skipped: no event type"),
    SkipReason.EVENT_TYPE_OFF: gettext_lazy("Skipped: switched off"),
    SkipReason.SANDBOX: gettext_lazy("Skipped: sandbox"),
    SkipReason.SANDBOX_LOGGED: gettext_lazy("Only logged: sandbox"),
    SkipReason.NO_CUSTOMER: gettext_lazy("Skipped: no customer"),
    SkipReason.ANONYMOUS: gettext_lazy("Skipped: anonymous customer"),
    WaitReason.ANONYMOUS: gettext_lazy("Held for a name"),
    HANDED_OVER: gettext_lazy("Handed to another project"),
}
# Where one of these was the reason, what is sent now is a matter of the event type.
_BY_EVENT_TYPE = frozenset({"", str(SkipReason.EVENT_TYPE_OFF)})


def looked_sentence(recent: Lately) -> str:
    """What was looked at."""
    count = len(recent.seen)
    if recent.is_all:
        text = ngettext(
            "Over the last 7 days %(count)s event came in. With the changed settings there would have been:",
            "Over the last 7 days %(count)s events came in. With the changed settings there would have been:",
            count,
        )
        return text % {"count": f"{count:,}"}
    text = _(
        "The newest %(count)s events were looked at; the oldest of them came in at %(since)s. With the changed "
        "settings there would have been:"
    )
    return text % {"count": f"{count:,}", "since": clock(recent.since)}


def lines(impact: Impact) -> list[str]:
    """What differs, a sentence for each thing."""
    more, fewer, renamed = impact.more, impact.fewer, impact.renamed
    told = [
        (
            more,
            ngettext("%(events)s more event to %(contacts)s", "%(events)s more events to %(contacts)s", more.events),
        ),
        (
            fewer,
            ngettext(
                "%(events)s event fewer, to %(contacts)s", "%(events)s events fewer, to %(contacts)s", fewer.events
            ),
        ),
        (
            renamed,
            ngettext(
                "%(events)s event under another name, to %(contacts)s",
                "%(events)s events under other names, to %(contacts)s",
                renamed.events,
            ),
        ),
    ]
    lists = [
        (impact.names_gone, _("These event names would no longer appear: %(names)s")),
        (impact.names_new, _("These event names would be new: %(names)s")),
    ]
    if impact.contacts:
        lists += [
            (impact.attributes_gone, _("These attributes of contacts would no longer be kept up to date: %(names)s")),
            (impact.attributes_new, _("These attributes of contacts would be new: %(names)s")),
        ]
    return [
        *(text % {"events": f"{count.events:,}", "contacts": _contacts(count)} for count, text in told if count.events),
        *(text % {"names": ", ".join(names)} for names, text in lists if names),
    ]


def _contacts(count: Count) -> str:
    return ngettext("%(count)s contact", "%(count)s contacts", count.people) % {"count": f"{count.people:,}"}


def table(impact: Impact) -> dict[str, Any]:
    """Every kind of event of which something else becomes, as a table of unfold's."""
    rows = [
        [
            _label(one.after.event_type or one.before.event_type, one.type),
            _becomes(one.before),
            _becomes(one.after),
            f"{one.count.events:,}",
            f"{one.count.people:,}",
        ]
        for one in impact.changes
    ]
    return {"headers": [_("Event"), _("As stored"), _("As changed"), _("Events"), _("Customers")], "rows": rows}


def _label(event_type: EventType | None, otherwise: str) -> str:
    return str(EVENT_LABELS[str(event_type)]) if event_type else otherwise


def _becomes(outcome: Outcome) -> SafeString | str:
    if outcome.name:
        return format_html('<code class="rc-breakable">{}</code>', outcome.name)
    return str(_REASONS.get(outcome.reason, outcome.reason)) if outcome.reason else _("Only the contact is updated")


# --- What can be redelivered ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """Deliveries that were not sent for one reason, and where they can be redelivered."""

    count: int
    text: str
    url: str


def missed_sentence(impact: Impact) -> str:
    """What can be done about the past; blank where there is nothing."""
    count = sum(impact.missed.values())
    text = ngettext(
        "%(count)s event that was not sent is among them. You can redeliver it after saving.",
        "%(count)s events that were not sent are among them. You can redeliver them after saving.",
        count,
    )
    return text % {"count": f"{count:,}"} if count else ""


def offers(project: Project, impact: Impact, since: datetime) -> list[Offer]:
    """Where to redeliver what was not sent since then and would be now, the most first."""
    counts: Counter[tuple[str, EventType | None]] = Counter()
    for (reason, event_type), count in impact.missed.items():
        counts[reason, event_type if reason in _BY_EVENT_TYPE else None] += count
    return [
        Offer(count, _label(event_type, str(_REASONS.get(reason, reason))), _url(project, reason, event_type, since))
        for (reason, event_type), count in counts.most_common()
    ]


def offer_message(found: list[Offer]) -> SafeString:
    """The offers in one sentence, each a link."""
    links = ((link(one.url, f"{one.text} ({one.count:,})"),) for one in found)
    return format_html(
        "{} {}", _("Events of the last 7 days that were not sent would be sent now. Redeliver them:"),
        format_html_join(", ", "{}", links),
    )  # fmt: skip


def _url(project: Project, reason: str, event_type: EventType | None, since: datetime) -> str:
    """The page that redelivers what a filter of the log finds; the filtered log where there is no such page."""
    local = local_time(since)
    filters = {
        "project__id__exact": str(project.pk),
        "status__exact": str(DeliveryStatus.SKIPPED if reason else DeliveryStatus.DELIVERED),
        "created_at_from_0": f"{local:%Y-%m-%d}",
        "created_at_from_1": f"{local:%H:%M:%S}",
    }
    filters |= {"reason": reason} if reason else {}
    filters |= {"event_type": str(event_type)} if event_type else {}
    try:
        return f"{reverse('admin:integration_bulkredelivery_add')}?{urlencode(filters)}"
    except NoReverseMatch:
        return list_url(Delivery, **filters)
