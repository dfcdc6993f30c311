"""Times as people say them, “5 min ago”, with the exact one beside or behind them. Pure but for the markup."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from integration.admin.display import NOTHING, clock

_SOON = timedelta(seconds=45)
_HOURS, _DAYS = timedelta(hours=1), timedelta(days=1)


def ago(at: datetime, now: datetime) -> str:
    """How long it is to `at`, or since."""
    if abs(now - at) < _SOON:
        return _("just now") if at <= now else _("in a moment")
    span = _span(abs(now - at))
    return _("%(span)s ago") % {"span": span} if at <= now else _("in %(span)s") % {"span": span}


def relative(at: datetime | None, now: datetime) -> SafeString | str:
    """The same as an element that says the exact time too."""
    if at is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>', at.isoformat(), clock(at), ago(at, now)
    )


def _span(span: timedelta) -> str:
    if span < _HOURS:
        return _("%(count)d min") % {"count": max(round(span.total_seconds() / 60), 1)}
    if span < 2 * _DAYS:
        return _("%(count)d h") % {"count": round(span / _HOURS)}
    return _("%(count)d days") % {"count": round(span / _DAYS)}
