"""The front page of the admin: what arrived and what became of it, of the projects that somebody sees.

Puts together what `integration.models.overview` and `sending` found out. Nothing is decided or changed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin import charts, dashboard_tables
from integration.admin.access import only_visible, visible_projects
from integration.admin.dashboard_links import Choice, LogLinks
from integration.admin.display import NOTHING, clock
from integration.admin.log_words import STATE_LABELS
from integration.admin.project_display import Notice
from integration.admin.secret_fields import TOKEN
from integration.admin.setting_links import setting_url
from integration.admin.spans import age, long_span
from integration.figures import Funnel, percentile, tallied, window
from integration.models import Project
from integration.models.overview import Coverage, Overview, Scope, coverage, overview
from integration.models.sending import Sending, sending

_OF_A_PROJECT = ("name", "active", "held_at", "held_until", "hold_reason", "intercom_token")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the front page; `url` is where the log shows what was counted."""

    label: str
    value: str
    url: str = ""
    note: str = ""
    tone: str = ""


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the front page shows beside what every page has; unfold calls it (`DASHBOARD_CALLBACK`)."""
    shown: dict[str, Any] = {"title": _("Dashboard"), "may_add": request.user.has_perm("integration.add_project")}
    if not request.user.has_perm("integration.view_delivery"):
        return context | shown | {"is_hidden": True}
    projects = list(only_visible(request, Project.objects.only(*_OF_A_PROJECT), "pk"))
    return context | shown | (_figures(request, projects, timezone.now()) if projects else {"is_empty": True})


def _figures(request: HttpRequest, projects: Sequence[Project], now: datetime) -> dict[str, Any]:
    choice = Choice.of(request, projects)
    shown = window(choice.span, now, timezone.get_current_timezone())
    covered = coverage(shown, now)
    links = LogLinks(choice, shown)
    found = overview(Scope(visible_projects(request), choice.environment), shown, covered.live)
    sends = sending([one.pk for one in projects], now, since=shown.start, environment=choice.environment)
    chosen = [one for one in projects if choice.project is None or one.pk == choice.project.pk]
    funnel = tallied(found.tallies(links.project_id), sum(sends[one.pk].retrying for one in chosen))
    may_change = request.user.has_perm("integration.change_project")
    return {
        "choice": choice,
        "all_url": choice.url(project=""),
        "since": clock(shown.start),
        "notices": _notices(covered),
        "figures": [*_of_funnel(funnel, links, sends, chosen), *_of_time(found, links, sends, chosen, now)],
        "reasons": dashboard_tables.reasons(funnel, links),
        "time_chart": charts.over_time(found.over_time(links.project_id), shown),
        "type_chart": charts.by_event_type(found.tallies(links.project_id)),
        "event_types": dashboard_tables.event_types(found.tallies(links.project_id), links),
        "projects_table": dashboard_tables.projects(projects, found, sends, links),
        "sending_table": dashboard_tables.sending_now(projects, found, sends, now, links),
        "held": [_held(one, may_change) for one in projects if _waits_for_somebody(one)],
        "received": funnel.received,
    }


def _notices(covered: Coverage) -> list[Notice]:
    notices = []
    if covered.as_of is not None:
        said = _(
            "The numbers of before {live} are as of {as_of}: the worker counts them, and has not been heard of since. "
            "Look whether it runs."
        )
        notices.append(Notice("warning", said.format(live=clock(covered.live), as_of=clock(covered.as_of))))
    if covered.missing:
        said = ngettext(
            "{count} hour of this range is still to be counted by the worker, and is in no number.",
            "{count} hours of this range are still to be counted by the worker, and are in no number.",
            covered.missing,
        )
        notices.append(Notice("info", said.format(count=covered.missing)))
    return notices


def _of_funnel(funnel: Funnel, links: LogLinks, sends: dict[Any, Sending], chosen: Sequence[Project]) -> list[Figure]:
    retrying, untried = f"{funnel.retrying:,}", f"{funnel.untried:,}"
    if any(sends[one.pk].is_cut for one in chosen):
        retrying, untried = _("at least {count}").format(count=retrying), _("at most {count}").format(count=untried)
    called = {state: str(STATE_LABELS[state]) for state in ("retrying", "untried")}
    tried, not_tried = _("pending, tried before"), _("pending, the first try is to come")
    return [
        Figure(_("Received"), f"{funnel.received:,}", links.log()),
        _settled(_("Skipped"), "skipped", funnel.skipped.total(), funnel, links),
        _settled(_("Delivered"), "delivered", funnel.delivered, funnel, links, tone="good"),
        Figure(called["retrying"], retrying, links.log(state="retrying"), tried, "warn" if funnel.retrying else ""),
        Figure(called["untried"], untried, links.log(state="untried"), not_tried),
        _settled(_("Failed"), "failed", funnel.failed, funnel, links, tone="bad" if funnel.failed else ""),
    ]


def _settled(label: str, status: str, count: int, funnel: Funnel, links: LogLinks, tone: str = "") -> Figure:
    return Figure(label, f"{count:,}", links.log(status__exact=status), _share(count, funnel), tone)


def _share(count: int, funnel: Funnel) -> str:
    return f"{count / funnel.received:.1%}" if funnel.received else ""


def _of_time(
    found: Overview, links: LogLinks, sends: dict[Any, Sending], chosen: Sequence[Project], now: datetime
) -> list[Figure]:
    histogram = found.latency(links.project_id)
    note = _("from received to delivered")
    times = []
    for label, share in ((_("Half within"), 0.5), (_("95 of 100 within"), 0.95)):
        took = percentile(histogram, share)
        times.append(Figure(label, long_span(took) if took is not None else NOTHING, note=note))
    waits = [oldest for one in chosen if (oldest := sends[one.pk].oldest) is not None]
    if not waits:
        return [*times, Figure(_("Oldest pending"), _("Nothing"))]
    pending = links.log_of_all_times(status__exact="pending")
    return [*times, Figure(_("Oldest pending"), age(min(waits), now), pending)]


def _waits_for_somebody(project: Project) -> bool:
    return project.active and project.held_at is not None and project.held_until is None


def _held(project: Project, may_change: bool) -> dict[str, Any]:
    return {
        "name": project.name,
        "since": clock(project.held_at) if project.held_at else "",
        "reason": project.hold_reason,
        "has_token": bool(project.intercom_token),
        "pk": project.pk,
        "token_url": setting_url(project, TOKEN) if may_change else "",
    }
