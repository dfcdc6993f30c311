"""The front page's tables, as unfold's component wants them: heads, and rows of cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from integration.admin.dashboard_links import LogLinks
from integration.admin.display import EVENT_LABELS, NOTHING, link, two_lines
from integration.admin.log_words import STATE_LABELS
from integration.admin.project_display import state_label
from integration.admin.spans import age, long_span
from integration.figures import Funnel, Tally, drained_in, percentile, tallied
from integration.models import Project
from integration.models.log_filter import NO_DATA_EVENT
from integration.models.overview import Overview
from integration.models.sending import Sending
from integration.retry import DeliveryStatus

Cell = SafeString | str
# Where something would wait for longer, nobody wants to know it to the hour.
_AT_ONCE = timedelta(seconds=2)


def reasons(funnel: Funnel, links: LogLinks) -> dict[str, Any]:
    """Why what was skipped was skipped, the commonest first."""
    rows: list[list[Cell]] = [
        [
            reason.replace("_", " ").capitalize(),
            _number(count, links.log(status__exact="skipped", reason=reason)),
        ]
        for reason, count in funnel.skipped.most_common()
        if count
    ]
    return {"headers": [_("Reason for skipping"), _("Skipped")], "rows": rows}


def event_types(tallies: Iterable[Tally], links: LogLinks) -> dict[str, Any]:
    """What became of each event type, the commonest first; what is pending has none yet."""
    types: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for tally in tallies:
        if tally.status != DeliveryStatus.PENDING:
            types[tally.event_type][tally.status] += tally.count
    settled = (DeliveryStatus.DELIVERED, DeliveryStatus.SKIPPED, DeliveryStatus.FAILED)
    rows: list[list[Cell]] = []
    for name in sorted(types, key=lambda one: -types[one].total()):
        asked = {"event_type": name or NO_DATA_EVENT}
        cells = [_number(types[name][one], links.log(status__exact=str(one), **asked)) for one in settled]
        rows.append([str(EVENT_LABELS.get(name, name)) or _("None of these"), *cells])
    return {"headers": [_("Event type"), _("Delivered"), _("Skipped"), _("Failed")], "rows": rows}


def projects(
    shown: Sequence[Project], found: Overview, sends: Mapping[UUID, Sending], links: LogLinks
) -> dict[str, Any]:
    """The funnel of each project, with links that choose it."""
    retrying, untried = (str(STATE_LABELS[state]) for state in ("retrying", "untried"))
    headers = [
        *(_("Project"), _("Received"), _("Skipped"), _("Delivered"), retrying, untried, _("Failed")),
        *(_("Half within"), _("95 of 100 within")),
    ]
    rows: list[list[Cell]] = []
    for one in shown:
        funnel = tallied(found.tallies(one.pk), sends[one.pk].retrying)
        numbers: tuple[tuple[int, dict[str, str]], ...] = (
            (funnel.received, {}),
            (funnel.skipped.total(), {"status__exact": "skipped"}),
            (funnel.delivered, {"status__exact": "delivered"}),
            (funnel.retrying, {"state": "retrying"}),
            (funnel.untried, {"state": "untried"}),
            (funnel.failed, {"status__exact": "failed"}),
        )
        times = [percentile(found.latency(one.pk), share) for share in (0.5, 0.95)]
        rows.append(
            [
                link(links.choice.url(project=str(one.pk)), one.name),
                *(_number(count, links.log(one, **filters)) for count, filters in numbers),
                *(NOTHING if took is None else long_span(took) for took in times),
            ]
        )
    return {"headers": headers, "rows": rows}


def sending_now(
    shown: Sequence[Project], found: Overview, sends: Mapping[UUID, Sending], now: datetime, links: LogLinks
) -> dict[str, Any]:
    """What each project has yet to send, what Intercom lets it, and when it will be done."""
    headers = [
        *(_("Project"), _("State"), _("Due now"), _("Oldest pending")),
        *(_("Intercom's rate limit"), _("Done in")),
    ]
    rows: list[list[Cell]] = []
    for one in shown:
        sends_now = sends[one.pk]
        pending = links.log_of_all_times(one, status__exact="pending")
        due = _due(sends_now, found, one)
        oldest = NOTHING if sends_now.oldest is None else age(sends_now.oldest, now)
        cells = [_number(due, pending, more=sends_now.is_cut), oldest, _budget(sends_now, now)]
        rows.append([one.name, state_label(one, now), *cells, _done(one, due, sends_now, now)])
    return {"headers": headers, "rows": rows}


def _due(sends: Sending, found: Overview, project: Project) -> int:
    """How many are due; where more wait than were looked at, how many are pending by what was counted."""
    return max(sends.due, tallied(found.tallies(project.pk)).pending) if sends.is_cut else sends.due


def _budget(sends: Sending, now: datetime) -> Cell:
    if sends.limit is None:
        return _("Not known yet")
    limit = _("{limit} calls in 10 s").format(limit=f"{sends.limit:,}")
    if sends.left is None:
        return limit
    is_present = sends.resets_at is not None and sends.resets_at > now.timestamp()
    said = _("{left} left") if is_present else _("{left} were left at the last call")
    return two_lines(limit, said.format(left=f"{sends.left:,}"))


def _done(project: Project, due: int, sends: Sending, now: datetime) -> str:
    if not due:
        return _("Nothing is due")
    if not project.active:
        return _("Off: it waits")
    if project.is_held(now):
        return _("Held: it waits") if project.held_until is None else _("Pausing")
    left = drained_in(due, done_in_a_minute=sends.done_in_a_minute, limit=sends.limit)
    if left is None:
        return _("Not known yet")
    return _("Moments") if left < _AT_ONCE else _("About {span}").format(span=long_span(left))


def _number(count: int, url: str, *, more: bool = False) -> Cell:
    """A number that leads into the log; of nothing there is nothing to show."""
    said = f"{count:,}{'+' if more else ''}"
    return format_html('<a href="{}" class="text-link">{}</a>', url, said) if count else said
