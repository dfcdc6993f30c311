"""The filter of a list by a range of time, and what somebody has entered into it."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import make_aware
from django.utils.translation import gettext
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.utils import parse_date_str, parse_datetime_str

if TYPE_CHECKING:

    class _TimeRange(admin.FieldListFilter):
        """unfold's time range, for the type checker."""

        parameter_name: str
        used_parameters: dict[str, Any]

else:
    _TimeRange = RangeDateTimeFilter


class TimeRangeFilter(_TimeRange):
    """By a range of time, in the current time zone; a date without a time means the whole day."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What happened in the range, its ends included."""
        for end, lookup in (("from", "gte"), ("to", "lte")):
            entered = [str(self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") or "") for part in (0, 1)]
            if not any(entered):
                continue
            at = end_of_range(end, *entered)
            if at is None:
                messages.warning(request, no_time(*entered))
                continue
            queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": at})
        return queryset


def end_of_range(end: str, date_text: str, time_text: str) -> datetime | None:
    """What somebody has entered as the `from` or the `to` of a range; None where it is no time."""
    return _moment(date_text, time_text, time.min if end == "from" else time.max)


def no_time(date_text: str, time_text: str) -> str:
    """That it was none."""
    said = f"{date_text} {time_text}".strip()
    return gettext("“%(said)s” is no date and time; write 2026-11-24 and 14:30. It was ignored.") % {"said": said}


def _moment(date_text: str, time_text: str, default: time) -> datetime | None:
    if time_text:
        naive = parse_datetime_str(f"{date_text} {time_text}")
    else:
        day = parse_date_str(date_text)
        naive = datetime.combine(day, default) if day else None
    # Not the forms' own way: it refuses the hour that a change of the clocks leaves out or has twice.
    return make_aware(naive) if naive else None
