"""What a list is narrowed down by, in words: each filter and the search, with the address of the list without it.

The list's own filters say what they mean; nothing is read from the database for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from integration.admin.display import clock
from integration.admin.time_range import TimeRangeFilter, end_of_range


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """One thing that the list is narrowed down by; `url` shows the list without it."""

    name: str
    value: str
    url: str


def active_filters(changelist: ChangeList) -> list[ActiveFilter]:
    """The search and then the filters, in their order; none of them where everything is shown."""
    found = [*_search(changelist)]
    for spec in changelist.filter_specs:
        found += _of_range(changelist, spec) if isinstance(spec, TimeRangeFilter) else _of_choice(changelist, spec)
    return found


def _search(changelist: ChangeList) -> Iterator[ActiveFilter]:
    text = changelist.query.strip()
    if text:
        yield ActiveFilter(_("Search"), text, _without(changelist, SEARCH_VAR))


def _of_choice(changelist: ChangeList, spec: Any) -> Iterator[ActiveFilter]:
    for parameter in spec.expected_parameters():
        value = _given(changelist, parameter)
        if value:
            yield ActiveFilter(
                capfirst(str(spec.title)), _words(changelist, spec, value), _without(changelist, parameter)
            )


def _of_range(changelist: ChangeList, spec: TimeRangeFilter) -> Iterator[ActiveFilter]:
    names = {"from": _("%(field)s from"), "to": _("%(field)s until")}
    for end, name in names.items():
        parameters = [f"{spec.parameter_name}_{end}_{part}" for part in (0, 1)]
        entered = [_given(changelist, parameter) for parameter in parameters]
        if any(entered):
            at = end_of_range(end, *entered)
            said = clock(at) if at else " ".join(entered).strip()
            yield ActiveFilter(name % {"field": capfirst(str(spec.title))}, said, _without(changelist, *parameters))


def _given(changelist: ChangeList, parameter: str) -> str:
    return str(changelist.params.get(parameter) or "").strip()


def _words(changelist: ChangeList, spec: Any, value: str) -> str:
    """The choice by its name; what no choice is called by stands there as it is."""
    known: Mapping[str, Any] = {str(key): name for key, name in _choices(spec)}
    if value in known:
        return str(known[value])
    # Django's own filters offer links, of which one is chosen.
    offered = (choice for choice in spec.choices(changelist) if choice.get("selected"))
    return next((str(choice["display"]) for choice in offered), value)


def _choices(spec: Any) -> list[tuple[Any, Any]]:
    field = getattr(spec, "field", None)
    return [*getattr(spec, "lookup_choices", ()), *(getattr(field, "flatchoices", None) or ())]


def _without(changelist: ChangeList, *parameters: str) -> str:
    # By their whole names: Django's `remove` takes away all that begins with them.
    return changelist.get_query_string(dict.fromkeys(parameters))
