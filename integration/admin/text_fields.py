"""Form fields for settings that are a list or a table: one line of text for each entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminTextareaWidget

from integration.storable import storable

# Says what is wrong with one entry, or nothing.
Check = Callable[[str], str | None]


class _LinesField(forms.Field):
    """A text area whose value is no text; blank lines count for nothing."""

    def __init__(self, *, check: Check, rows: int = 4, example: str = "", **kwargs: Any) -> None:
        self._check = check
        attrs = {"rows": rows, "spellcheck": "false", "placeholder": example}
        widget = UnfoldAdminTextareaWidget(attrs=attrs)
        super().__init__(required=False, widget=widget, **kwargs)

    def _lines(self, value: Any) -> list[str]:
        text = storable(str(value or ""))
        return [line.strip() for line in text.splitlines() if line.strip()]

    def _refuse(self, problems: list[str]) -> None:
        if problems:
            raise ValidationError(problems)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the value is another one, and not only its text."""
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class ListField(_LinesField):
    """A list of entries, each once, at most so many."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self._most = most
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> list[str]:
        """The entries in their order."""
        entries = self._lines(value)
        problems = [problem for entry in entries if (problem := self._check(entry))]
        problems += [_("“%s” stands here twice.") % entry for entry in entries if entries.count(entry) > 1][:1]
        if len(entries) > self._most:
            problems.append(
                _("These are %(count)d; at most %(most)d count.") % {"count": len(entries), "most": self._most}
            )
        self._refuse(problems)
        return entries

    def prepare_value(self, value: Any) -> Any:
        """As text."""
        return "\n".join(value) if isinstance(value, list) else value


class PairsField(_LinesField):
    """A table: `left = right` on each line. With `alone`, a left side by itself stands for both."""

    def __init__(self, *, check_left: Check, alone: bool = False, **kwargs: Any) -> None:
        self._check_left = check_left
        self._alone = alone
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> dict[str, str]:
        """The right sides by the left ones."""
        pairs: dict[str, str] = {}
        problems: list[str] = []
        for line in self._lines(value):
            left, sign, right = (part.strip() for part in line.partition("="))
            if self._alone and not sign:
                right = left
            if not left or not right:
                problems.append(_("“%s” has no “=” with something on both sides.") % line)
                continue
            problems += filter(None, (self._check_left(left), self._check(right)))
            if left in pairs:
                problems.append(_("“%s” stands here twice.") % left)
            pairs[left] = right
        self._refuse(problems)
        return pairs

    def prepare_value(self, value: Any) -> Any:
        """As text."""
        if not isinstance(value, dict):
            return value
        return "\n".join(
            left if self._alone and left == right else f"{left} = {right}" for left, right in value.items()
        )
