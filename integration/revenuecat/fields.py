"""Reads single fields of a webhook's `event`, forgivingly: what cannot be used is None or empty. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# 9999-12-31T23:59:59.999Z, the last moment a Python datetime can hold. Larger numbers are not times.
LATEST_MS = 253_402_300_799_999
# Long enough for every id RevenueCat is known to give; Intercom's strings end there too.
LONGEST_ID = 255
# More is no price of anything, and no number that Intercom or a total could hold.
LARGEST_AMOUNT = 10**10
# A control character that no id has, so that keys of our own can begin with it.
NOT_IN_IDS = "\x1f"
# Beyond it a number is no longer the same one to every reader of JSON.
LARGEST_NUMBER = 2**53

Scalar = str | int | float | bool


def text(value: Any) -> str | None:
    """A text that says something."""
    return value if isinstance(value, str) and value.strip() else None


def upper(value: Any) -> str | None:
    """A text that says something, in capitals, as RevenueCat writes its constants."""
    found = text(value)
    return found.strip().upper() if found else None


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list that say something."""
    return tuple(item for item in value if text(item)) if isinstance(value, list) else ()


def usable_id(value: Any) -> str | None:
    """An id, where it is one that Intercom could hold."""
    found = text(value)
    return found if found and len(found) <= LONGEST_ID and NOT_IN_IDS not in found else None


def usable_ids(value: Any) -> tuple[str, ...]:
    """The ids of a list that Intercom could hold."""
    return tuple(item for item in texts(value) if usable_id(item))


def time_ms(value: Any) -> int | None:
    """A time in unix milliseconds."""
    # A bool is an int to Python, and a whole float is a time all the same.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LATEST_MS
    return value if usable else None


def amount(value: Any) -> Decimal | None:
    """A number with exactly the digits in which it was sent; None where it is none that could be money."""
    # In this order nan and infinity are none, and neither is an integer that no float could hold.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number and abs(value) < LARGEST_AMOUNT else None


def share(value: Any) -> Decimal | None:
    """A part of a whole, between 0 and 1."""
    found = amount(value)
    return found if found is not None and 0 <= found <= 1 else None


def count(value: Any) -> int | None:
    """A whole number that is not negative."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST_AMOUNT else None


def attribute_values(value: Any) -> dict[str, str]:
    """The subscriber attributes that have a value, by their names."""
    if not isinstance(value, Mapping):
        return {}
    found = {name: text(one.get("value")) for name, one in value.items() if isinstance(one, Mapping)}
    return {name: said for name, said in found.items() if said is not None}


def scalar(value: Any) -> Scalar | None:
    """A single value that says something, and that every reader of JSON understands alike."""
    if isinstance(value, str):
        return value if value.strip() else None
    return value if isinstance(value, int | float) and abs(value) < LARGEST_NUMBER else None
