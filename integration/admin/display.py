"""How values look in the admin: every piece of HTML comes from here or from a template, and is escaped.

Nothing is read from the database and nothing is decided here.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.event_types import CATALOGUE
from integration.models import Delivery
from integration.models.deliveries import STATUS_LABELS
from integration.retry import AttemptOutcome, DeliveryStatus

Cell = SafeString | str

NOTHING = "–"
LONGEST_CELL = 80
# In a list an id is cut to this; the whole of it is the tooltip.
LONGEST_ID = 22

EVENT_LABELS: dict[str, Any] = {str(row.event_type): gettext_lazy(row.label) for row in CATALOGUE}

# The colours of unfold's labels.
STATUS_COLOURS: dict[str, str] = {
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.DELIVERED: "success",
    DeliveryStatus.SKIPPED: "default",
    DeliveryStatus.FAILED: "danger",
}
OUTCOME_COLOURS: dict[str, str] = {
    AttemptOutcome.DELIVERED: "success",
    AttemptOutcome.RETRY: "warning",
    AttemptOutcome.REJECTED: "danger",
    AttemptOutcome.CREDENTIALS: "danger",
    AttemptOutcome.RATE_LIMITED: "warning",
    AttemptOutcome.INTERRUPTED: "warning",
    AttemptOutcome.CRASHED: "danger",
}


def label(text: str, colour: str = "default", title: str = "") -> SafeString:
    """One of unfold's coloured labels."""
    context = {"text": text, "type": colour, "label_title": title}
    return render_to_string("unfold/helpers/label.html", context)


def status_label(delivery: Delivery) -> SafeString:
    """A delivery's status; a pending one that has failed before says so, and one of a first try under way does not."""
    status = DeliveryStatus(delivery.status)
    has_failed = delivery.tries > 1 or (delivery.tries and delivery.explanation)
    if status is DeliveryStatus.PENDING and has_failed:
        return label(_("Retrying"), "warning")
    return label(str(STATUS_LABELS[status]), STATUS_COLOURS[status])


def event_label(delivery: Delivery) -> str:
    """The event type's label, or RevenueCat's own type; also for a type that this version does not know."""
    if delivery.event_type:
        return str(EVENT_LABELS.get(delivery.event_type, delivery.event_type))
    return delivery.webhook_event.type


def moment(at: datetime | None, *, zone: bool = True, now: datetime | None = None) -> SafeString | str:
    """An exact time in the current time zone, with its name or without; the machine-readable one stands beside it.

    With `now` it is also said how long before or after that it is.
    """
    if at is None:
        return NOTHING
    local = local_time(at)
    exact = format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        at.isoformat(),
        f"{local:%A, %d %B %Y %H:%M:%S.%f} {local.tzname()}",
        clock(at) if zone else f"{local:%Y-%m-%d %H:%M:%S}",
    )
    return exact if now is None else format_html('{} <span class="text-xs">({})</span>', exact, ago(at, now))


def ago(at: datetime, now: datetime) -> str:
    """How long before or after `now`, as roughly as people say it: 3 minutes ago, in 2 hours."""
    if abs(at - now) < timedelta(minutes=1):
        return _("in a moment") if at > now else _("just now")
    if at > now:
        return _("in %(span)s") % {"span": timeuntil(at, now, depth=1)}
    return _("%(span)s ago") % {"span": timesince(at, now, depth=1)}


def local_time(at: datetime) -> datetime:
    """In the current time zone; in UTC where it has no such time, as at the end of the last year there is, 9999."""
    try:
        return timezone.localtime(at)
    except OverflowError:
        return at.astimezone(UTC)


def clock(at: datetime) -> str:
    """An exact time as words for a sentence."""
    local = local_time(at)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def lasted(span: timedelta) -> str:
    """A duration, as short as it may be said: 85 ms, 1.2 s, 3 min."""
    seconds = span.total_seconds()
    if seconds < 1:
        return _("%(number)s ms") % {"number": round(seconds * 1000)}
    if seconds < 120:
        return _("%(number)s s") % {"number": f"{seconds:.1f}"}
    return _("%(number)s min") % {"number": round(seconds / 60)}


def times(count: int, noun: str, plural: str = "") -> str:
    """`1 try`, `3 tries`, for the audit trail, which has one language; what a page says is counted by gettext."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def breakable(text: str) -> SafeString:
    """A long name that may be broken after its underscores, where a column is narrow."""
    return format_html_join(mark_safe("_<wbr>"), "{}", ((part,) for part in text.split("_")))


def unbroken_id(text: str) -> SafeString:
    """An id of any length, which may be broken anywhere rather than run into what stands beside it."""
    return format_html('<span class="rc-breakable">{}</span>', text)


def two_lines(first: SafeString | str, second: SafeString | str) -> SafeString:
    """A cell of two lines, the second one small."""
    return format_html('<div class="rc-two-lines"><div>{}</div><div class="text-xs">{}</div></div>', first, second)


def cut(text: str, longest: int = LONGEST_CELL) -> SafeString | str:
    """The beginning of a long text, with the whole of it as a tooltip."""
    if not text:
        return NOTHING
    if len(text) <= longest:
        return text
    return format_html('<span title="{}">{}…</span>', text, text[: longest - 1].rstrip())


def link_to(target: Model | None, text: str = "") -> SafeString | str:
    """A link to an object's page in the admin."""
    if target is None:
        return text or NOTHING
    return link(change_url(target), text or str(target))


def link(url: str, text: str) -> SafeString:
    """A link that looks like one."""
    return format_html('<a href="{}" class="text-link rc-breakable">{}</a>', url, text)


def link_outside(url: str, text: str) -> SafeString:
    """A link to a page of somebody else's, which opens beside this one and is not told where one comes from."""
    return format_html(
        '<a href="{}" target="_blank" rel="noopener noreferrer" class="text-link rc-breakable">{}'
        '<span class="material-symbols-outlined align-middle ml-1 text-base" aria-hidden="true">open_in_new</span></a>',
        url,
        text,
    )


def change_url(target: Model) -> str:
    """The address of an object's page in the admin."""
    return row_url(type(target), target.pk)


def row_url(model: type[Model], pk: Any) -> str:
    """The address of a row's page in the admin, where only its key is at hand."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])


def list_url(model: type[Model], **filters: str) -> str:
    """The address of a list in the admin, filtered."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def pretty(value: Any) -> str:
    """JSON as people read it: indented, in its own order, with its own letters. Not HTML."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def json_block(value: Any, title: str, *, opened: bool = False) -> SafeString:
    """Pretty JSON that can be folded away and copied."""
    context = {"text": pretty(value), "title": title, "opened": opened}
    return render_to_string("integration/json_block.html", context)


def copy_field(value: str, name: str) -> SafeString:
    """A value that is there to be copied, with a button that does it."""
    return render_to_string("integration/copy_field.html", {"value": value, "name": name})
