"""Intercom's own fields of one contact (email, name, phone): what is known of them, what is to be written. Pure."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from integration.intercom.messages import AttributeValue, OwnField


def told_as(field: str) -> str:
    """The name under which it is remembered what a field holds; no attribute can have it."""
    return f"field:{field}"


def is_unseen(wanted: Mapping[str, OwnField], told: Mapping[str, AttributeValue]) -> bool:
    """Whether the contact has to be asked for: a field may only be written where it is empty, and was never seen."""
    return any(own.only_when_empty and told_as(name) not in told for name, own in wanted.items())


def see(found: Mapping[str, Any], wanted: Mapping[str, OwnField], told: MutableMapping[str, AttributeValue]) -> None:
    """Remember what the contact holds, as Intercom has just shown it."""
    for name in wanted:
        held = found.get(name)
        told[told_as(name)] = held if isinstance(held, str) else ""


def to_write(wanted: Mapping[str, OwnField], told: Mapping[str, AttributeValue]) -> dict[str, str]:
    """The fields that the contact does not hold yet, as far as they may be written."""
    return {name: own.value for name, own in wanted.items() if _differs(own, told.get(told_as(name)))}


def _differs(own: OwnField, held: AttributeValue) -> bool:
    return not held if own.only_when_empty else held != own.value
