"""What stands above every page of the admin while a project is held, fails or is silent: why, and what to do next.

One question a page, asked when the page is drawn; only of projects that the person sees, and each with the way to
where it is resolved. docs/operations.md has the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin.display import clock, list_url
from integration.models import Delivery, WebhookEvent
from integration.models.standings import MOST_FAILED, Trouble, troubles

# A page is not for banners alone; the front page has all that is held.
MOST_BANNERS = 6


@dataclass(frozen=True, slots=True)
class Link:
    """Where a banner leads. `dialog` opens over the page."""

    text: str
    url: str
    dialog: bool = False


@dataclass(frozen=True, slots=True)
class Banner:
    """One thing about one project that somebody must see to."""

    kind: str
    project: UUID
    text: str
    links: tuple[Link, ...] = ()


def banners(request: HttpRequest) -> dict[str, Any]:
    """For the context of every page; unfold calls it (`GLOBAL_CALLBACK`), and a page that shows them asks for them."""
    return {"banners": cache(lambda: _shown(request))}


def _shown(request: HttpRequest) -> dict[str, Any]:
    user = request.user
    if not (
        user.is_staff and (user.has_perm("integration.view_delivery") or user.has_perm("integration.view_project"))
    ):
        return {}
    found = [banner for one in troubles(user, timezone.now()) for banner in _of(request, one)]
    return {"shown": found[:MOST_BANNERS], "more": _more(len(found) - MOST_BANNERS)}


def _more(count: int) -> str:
    if count <= 0:
        return ""
    said = ngettext("And {count} more, of other projects.", "And {count} more, of other projects.", count)
    return said.format(count=count)


def _of(request: HttpRequest, trouble: Trouble) -> list[Banner]:
    sayings: tuple[tuple[Any, Callable[[HttpRequest, Trouble], Banner]], ...] = (
        (trouble.held_since, _held),
        (trouble.failed, _failing),
        (trouble.stuck_since, _stuck),
        (trouble.silent_since, _silent),
    )
    return [say(request, trouble) for is_so, say in sayings if is_so]


def _held(request: HttpRequest, trouble: Trouble) -> Banner:
    said = _("“{name}” is held since {since}, and nothing of it is sent. {reason}")
    since = clock(trouble.held_since) if trouble.held_since else ""
    links: list[Link | None] = []
    if request.user.has_perm("integration.change_project"):
        if trouble.has_token:
            resume = reverse("admin:integration_project_resume", args=[trouble.project])
            links.append(Link(_("Resume"), resume, dialog=True))
        links.append(Link(_("Settings"), _settings_url(trouble)))
    else:
        links.append(_log_link(request, _("What waits"), trouble, status__exact="pending"))
    text = said.format(name=trouble.name, since=since, reason=trouble.hold_reason)
    return Banner("held", trouble.project, text, _known(links))


def _failing(request: HttpRequest, trouble: Trouble) -> Banner:
    said = ngettext(
        "“{name}”: {count} delivery failed in the last 24 hours. See why, remove the cause, and redeliver it.",
        "“{name}”: {count} deliveries failed in the last 24 hours. See why, remove the cause, and redeliver them.",
        trouble.failed,
    )
    count = f"{trouble.failed:,}" if trouble.failed <= MOST_FAILED else _("more than {count}").format(count=MOST_FAILED)
    link = _log_link(request, _("Failed deliveries"), trouble, status__exact="failed")
    return Banner("failing", trouble.project, said.format(name=trouble.name, count=count), _known([link]))


def _stuck(request: HttpRequest, trouble: Trouble) -> Banner:
    said = _(
        "“{name}”: nothing was delivered since {since}, and {count} deliveries are tried again and again. See why."
    )
    since = clock(trouble.stuck_since) if trouble.stuck_since else ""
    link = _log_link(request, _("Retrying deliveries"), trouble, state="retrying")
    text = said.format(name=trouble.name, since=since, count=f"{trouble.retrying:,}")
    return Banner("stuck", trouble.project, text, _known([link]))


def _silent(request: HttpRequest, trouble: Trouble) -> Banner:
    said = _(
        "“{name}” has received nothing since {since}, which is unusually long. Look at the webhook in RevenueCat: does "
        "it still send here, and what is it answered? Switch the project off if nothing more is to come."
    )
    since = clock(trouble.silent_since) if trouble.silent_since else ""
    links: list[Link | None] = []
    if request.user.has_perm("integration.change_project"):
        links.append(Link(_("Settings"), _settings_url(trouble)))
    if request.user.has_perm("integration.view_webhookevent"):
        links.append(Link(_("Webhook events"), list_url(WebhookEvent, project__id__exact=str(trouble.project))))
    return Banner("silent", trouble.project, said.format(name=trouble.name, since=since), _known(links))


def _settings_url(trouble: Trouble) -> str:
    return reverse("admin:integration_project_change", args=[trouble.project])


def _log_link(request: HttpRequest, text: str, trouble: Trouble, **filters: str) -> Link | None:
    if not request.user.has_perm("integration.view_delivery"):
        return None
    return Link(text, list_url(Delivery, project__id__exact=str(trouble.project), **filters))


def _known(links: Iterable[Link | None]) -> tuple[Link, ...]:
    return tuple(link for link in links if link is not None)
