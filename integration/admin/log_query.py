"""What the address of the list of deliveries asks for, for whoever does something with all of it.

Stricter than the list: what the list would leave out with a warning must not turn into “everything” here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from integration.admin.access import may_see_payloads, only_visible, visible_projects
from integration.admin.time_range import end_of_range, no_time
from integration.models import Project
from integration.models.log_filter import LogFilter

SEARCH = "q"
PLAIN: Mapping[str, str] = {
    "status__exact": "status",
    "state": "state",
    "project__id__exact": "project",
    "event_type": "event_type",
    "environment": "environment",
    "store": "store",
    "reason": "reason",
    "answer": "answer",
    SEARCH: "text",
}
RANGE = tuple(f"created_at_{end}_{part}" for end in ("from", "to") for part in (0, 1))
# What is said of a list besides its filters: page, order, that something was wrong, where somebody came from.
NO_FILTERS = frozenset({"p", "o", "e", "all", "_changelist_filters", "_popup", "_to_field", "_facets"})


class UnusableQueryError(Exception):
    """The address asks for something that cannot be meant. Its text says what, and is safe to show."""


def asked(request: HttpRequest) -> LogFilter:
    """The filters in the address. Raises UnusableQueryError."""
    given = {name: str(value).strip() for name, value in request.GET.items() if name not in NO_FILTERS}
    query = {name: value for name, value in given.items() if value}
    unknown = sorted(query.keys() - PLAIN.keys() - set(RANGE))
    if unknown or any("\0" in value for value in query.values()):
        raise UnusableQueryError(_("The address asks for what no filter of the list offers."))
    plain: dict[str, Any] = {PLAIN[name]: value for name, value in query.items() if name in PLAIN}
    if "project" in plain:
        plain["project"] = _key(request, plain["project"])
    return LogFilter(
        **plain,
        since=_end(query, "from"),
        until=_end(query, "to"),
        exchanges="text" in plain and may_see_payloads(request),
    )


def query_of(request: HttpRequest, *, without: Collection[str] = ()) -> str:
    """The same filters as the end of an address, and nothing else."""
    known = (*PLAIN, *RANGE)
    query = {name: str(request.GET.get(name, "")).strip() for name in known if name not in without}
    return urlencode({name: value for name, value in query.items() if value and "\0" not in value})


def meant_projects(request: HttpRequest, meant: LogFilter) -> Collection[UUID] | None:
    """The projects that a filter is about, of those that this person sees; None stands for all there are."""
    visible = visible_projects(request)
    if not meant.project:
        return visible
    project = UUID(meant.project)
    return [project] if visible is None or project in visible else []


def _end(query: Mapping[str, str], end: str) -> Any:
    entered = [query.get(f"created_at_{end}_{part}", "") for part in (0, 1)]
    if not any(entered):
        return None
    at = end_of_range(end, *entered)
    if at is None:
        raise UnusableQueryError(no_time(*entered))
    return at


def _key(request: HttpRequest, text: str) -> str:
    """The key of a project; of one that this person does not see nothing is said, not even what it is called."""
    try:
        key = UUID(text)
    except ValueError as error:
        raise UnusableQueryError(_("There is no such project.")) from error
    if not only_visible(request, Project.objects.filter(pk=key), "pk").exists():
        raise UnusableQueryError(_("There is no such project."))
    return str(key)
