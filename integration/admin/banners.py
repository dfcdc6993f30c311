"""What stands above every page of the admin while a project is held, fails or is silent: why, and what to do next.

One box with a line for each, the worst first. One question a page, asked when the page is drawn; only of projects that
the person sees, and each with the way to where it is resolved. docs/operations.md has the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin.display import list_url
from integration.admin.spans import age
from integration.models import Delivery, WebhookEvent
from integration.models.standings import MOST_FAILED, Trouble, troubles

# So many lines are open; the others are folded below them.
MOST_OPEN = 3
# A page is not for banners alone; the front page has all that is held.
MOST_LINES = 20


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
    found = troubles(user, timezone.now())
    lines = [say(request, one) for say in _SAYINGS for one in found]
    shown = [line for line in lines if line is not None]
    folded = len(shown) - MOST_OPEN
    return {
        "open": shown[:MOST_OPEN],
        "folded": shown[MOST_OPEN:MOST_LINES],
        "and_more": ngettext("and %(count)d more", "and %(count)d more", folded) % {"count": folded},
        "left_out": max(len(shown) - MOST_LINES, 0),
    }


def _held(request: HttpRequest, trouble: Trouble) -> Banner | None:
    if trouble.held_since is None or _says_so_itself(request, trouble.project):
        return None
    links: list[Link | None] = []
    if request.user.has_perm("integration.change_project"):
        if trouble.has_token:
            resume = reverse("admin:integration_project_resume", args=[trouble.project])
            links.append(Link(_("Resume"), resume, dialog=True))
        links.append(Link(_("Settings"), _settings_url(trouble)))
    else:
        links.append(_log_link(request, _("What waits"), trouble, status__exact="pending"))
    said = _("“%(name)s” has been held for %(span)s: %(reason)s") % {
        "name": trouble.name,
        "span": _span(trouble.held_since),
        # What to do about it is said where the link leads.
        "reason": _first_sentence(trouble.hold_reason),
    }
    return Banner("held", said, _known(links))


def _first_sentence(text: str) -> str:
    first, stop, _rest = text.partition(". ")
    return f"{first}{stop.strip()}"


def _says_so_itself(request: HttpRequest, project: UUID) -> bool:
    """Whether the page says that the project is held, and more of it: its own page, and the front page."""
    found = request.resolver_match
    if found is None:
        return False
    if found.view_name == "admin:index":
        return request.user.has_perm("integration.view_delivery")
    return found.view_name == "admin:integration_project_change" and found.kwargs["object_id"] == str(project)


def _failing(request: HttpRequest, trouble: Trouble) -> Banner | None:
    if not trouble.failed:
        return None
    said = ngettext(
        "“%(name)s”: %(count)s delivery failed in the last 24 hours.",
        "“%(name)s”: %(count)s deliveries failed in the last 24 hours.",
        trouble.failed,
    )
    count = str(trouble.failed)
    if trouble.failed > MOST_FAILED:
        count = _("more than %(count)s") % {"count": MOST_FAILED}
    link = _log_link(request, _("Failed deliveries"), trouble, status__exact="failed")
    return Banner("failing", said % {"name": trouble.name, "count": count}, _known([link]))


def _stuck(request: HttpRequest, trouble: Trouble) -> Banner | None:
    if trouble.stuck_since is None:
        return None
    said = ngettext(
        "“%(name)s”: nothing was delivered for %(span)s, and %(count)s delivery is tried again and again.",
        "“%(name)s”: nothing was delivered for %(span)s, and %(count)s deliveries are tried again and again.",
        trouble.retrying,
    )
    text = said % {"name": trouble.name, "span": _span(trouble.stuck_since), "count": f"{trouble.retrying:,}"}
    link = _log_link(request, _("Retrying deliveries"), trouble, state="retrying")
    return Banner("stuck", text, _known([link]))


def _silent(request: HttpRequest, trouble: Trouble) -> Banner | None:
    if trouble.silent_since is None:
        return None
    said = _(
        "“%(name)s” has received nothing for %(span)s, unusually long. Does its webhook in RevenueCat still send here?"
    )
    links: list[Link | None] = []
    if request.user.has_perm("integration.change_project"):
        links.append(Link(_("Settings"), _settings_url(trouble)))
    if request.user.has_perm("integration.view_webhookevent"):
        links.append(Link(_("Webhook events"), list_url(WebhookEvent, project__id__exact=str(trouble.project))))
    text = said % {"name": trouble.name, "span": _span(trouble.silent_since)}
    return Banner("silent", text, _known(links))


# The worst first: nothing is sent, some of it is lost unless somebody acts, it will be sent late, perhaps all is well.
_SAYINGS: tuple[Callable[[HttpRequest, Trouble], Banner | None], ...] = (_held, _failing, _stuck, _silent)


def _span(at: datetime) -> str:
    return age(at, timezone.now())


def _settings_url(trouble: Trouble) -> str:
    return reverse("admin:integration_project_change", args=[trouble.project])


def _log_link(request: HttpRequest, text: str, trouble: Trouble, **filters: str) -> Link | None:
    if not request.user.has_perm("integration.view_delivery"):
        return None
    return Link(text, list_url(Delivery, project__id__exact=str(trouble.project), **filters))


def _known(links: Iterable[Link | None]) -> tuple[Link, ...]:
    return tuple(link for link in links if link is not None)
