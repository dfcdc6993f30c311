"""What the values of settings are called where they are spoken of: as on the page, and not as they are stored.

Used of fields whose values are shown; of a secret nothing is said but that it changed.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from integration.mapping import EventPolicy


def change_words(field: forms.Field, before: Any, after: Any) -> str:
    """`United States → Europe`; of a table only the lines that differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        before, after = _lines_not_in(before, after), _lines_not_in(after, before)
    return f"{value_words(field, before)} → {value_words(field, after)}"


def value_words(field: forms.Field, value: Any) -> str:
    """A value of this field."""
    if isinstance(value, EventPolicy):
        name = value.custom_name or _("default name")
        return name if value.enabled else _("%s (switched off)") % name
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(field, forms.ModelMultipleChoiceField):
        # People, by the names they sign in with.
        return ", ".join(sorted(str(one) for one in value or ())) or _("nobody")
    if value in (None, "", [], {}, ()):
        return _("blank")
    if isinstance(field, forms.ModelChoiceField):
        return _row(field, value)
    if isinstance(value, dict):
        return ", ".join(f"{left} = {right}" for left, right in value.items())
    choices: Any = field.choices if isinstance(field, forms.ChoiceField) else ()
    names = {key: str(label) for key, label in choices}
    entries = value if isinstance(value, list | tuple) else [value]
    return ", ".join(names.get(entry, str(entry)) for entry in entries)


def _row(field: forms.ModelChoiceField[Any], value: Any) -> str:
    try:
        return str(field.to_python(value))
    except ValidationError:
        return _("one that is gone")


def _lines_not_in(table: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    return {left: right for left, right in table.items() if other.get(left) != right}
