"""Reads single cells of a transaction export (CSV), in all the ways RevenueCat has written them. Pure.

Since version 4 of the export a yes is `true`, before it was `t`; lists stood in braces, later in brackets; JSON has had
quotes of its own around it (https://www.revenuecat.com/docs/integrations/scheduled-data-exports).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

# A row by its columns, as the CSV has it.
Row = Mapping[str, str]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# How databases and spreadsheets write nothing, in small letters.
NOTHING = frozenset({"", "null", "none", "\\n"})
FLAGS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
MOST_DIGITS = 30
# Around the names of a list, whichever way it was written.
AROUND_NAMES = " \t'\"\\"


class UnusableRowError(ValueError):
    """A row that cannot be read; the message says why, and quotes nothing of the row."""


def text(row: Row, column: str) -> str | None:
    """What a cell says, or None where it says nothing or the export lacks the column."""
    cell = (row.get(column) or "").strip()
    return None if cell.lower() in NOTHING else cell


def required(row: Row, column: str) -> str:
    """What a cell says. Raises UnusableRowError where it says nothing."""
    said = text(row, column)
    if said is None:
        raise UnusableRowError(f"{column} is empty.")
    return said


def flag(row: Row, column: str) -> bool:
    """Yes or no; nothing is a no. Raises UnusableRowError where it is neither."""
    said = text(row, column)
    if said is None:
        return False
    if said.lower() not in FLAGS:
        raise UnusableRowError(f"{column} is neither true nor false.")
    return FLAGS[said.lower()]


def time_ms(row: Row, column: str) -> int | None:
    """A time (UTC, unless it says otherwise) in unix milliseconds. Raises UnusableRowError where it is none."""
    said = text(row, column)
    if said is None:
        return None
    try:
        moment = _moment(said.removesuffix(" UTC"))
    except ValueError as error:
        raise UnusableRowError(f"{column} is not a time.") from error
    milliseconds = (moment - EPOCH) // timedelta(milliseconds=1)
    if milliseconds < 0:
        raise UnusableRowError(f"{column} lies before 1970.")
    return milliseconds


def _moment(said: str) -> datetime:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        # Spreadsheets drop the zero of an hour before ten.
        moment = datetime.strptime(said, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def number(row: Row, column: str) -> Decimal | None:
    """A number with exactly its digits, or None where there is none that could be money or a share."""
    try:
        value = Decimal(text(row, column) or "")
    except InvalidOperation:
        return None
    # With exponents of any size sums overflow.
    return value if value.is_finite() and abs(value.adjusted()) <= MOST_DIGITS else None


def whole_number(row: Row, column: str) -> int | None:
    """A whole number that is not negative, or None where there is none."""
    value = number(row, column)
    return int(value) if value is not None and value == value.to_integral_value() and 0 <= value < 10**9 else None


def names(row: Row, column: str) -> list[str]:
    """The names of a list: `["a", "b"]`, `['a', 'b']` or `{a,b}`."""
    said = (text(row, column) or "").strip(AROUND_NAMES).strip("[]{}")
    found = (name.strip(AROUND_NAMES) for name in said.split(","))
    return [name for name in found if name.lower() not in NOTHING]


def attributes(row: Row, column: str) -> dict[str, Any]:
    """Subscriber attributes; nothing where they cannot be read, because the purchase is worth more than they are."""
    said: Any = text(row, column) or "{}"
    try:
        # Twice where the JSON was wrapped into a string of its own.
        for _ in range(2):
            said = json.loads(said) if isinstance(said, str) else said
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
