"""Two people at one project's settings: whoever saves later is told what the other one has changed, and asked to look.

The page carries a mark of each setting as it was when it was opened. Only what is entered on the page has a mark, so
what webhooks, workers and checks write on a project is nobody's change. A mark tells values apart and gives none away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.admin.secret_fields import CLEARED, STORED_IN
from integration.admin.setting_words import value_words
from integration.mapping import EventPolicy
from integration.models import Project
from integration.models.secrets import Secret, SecretUnreadableError

OPENED = "opened"
_AT = "at"
_MARK_LENGTH = 16
_THEIRS = gettext_lazy("Changed since you opened this page. This is the new value.")
_BOTH = gettext_lazy("Changed since you opened this page, to: %s. Saving puts your value in its place.")
_THEIR_SECRET = gettext_lazy("Replaced since you opened this page. Leave this blank to keep the new one.")
_MY_SECRET = gettext_lazy("Enter this again: no page keeps it.")


class OpenedField(forms.CharField):
    """What the page carries along; no setting, so it never counts as changed."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput())

    def has_changed(self, initial: Any, data: Any) -> bool:
        """No."""
        return False


class OpenedForm(forms.Form):
    """Part of the settings page's form; `instance` is the project as it is stored."""

    opened = OpenedField()
    instance: Project
    # Who has saved something else since the page was opened, in a sentence.
    conflict: str = ""
    _marks: dict[str, str]

    def remember_opened(self) -> None:
        """Mark each setting as it is stored; the page brings the marks back."""
        secrets = {name: getattr(self.instance, column) for name, column in STORED_IN.items()}
        self._marks = {
            name: _mark(field, secrets.get(name, self.initial.get(name)))
            for name, field in self.fields.items()
            if name != OPENED and name not in CLEARED
        }
        self.initial[OPENED] = json.dumps({_AT: timezone.now().isoformat(), **self._marks})

    def full_clean(self) -> None:
        """What others have changed is looked at when nothing else is wrong any more."""
        super().full_clean()
        if self.is_bound and not self.errors and not self.instance._state.adding:
            self._look_for_others()

    def _look_for_others(self) -> None:
        opened = _read(self.cleaned_data.get(OPENED, ""))
        mine = {name: _mark(self.fields[name], self.cleaned_data.get(name)) for name in self._marks}
        # What both have entered alike is no matter, as when “Save” was pressed twice.
        theirs = [name for name, mark in self._marks.items() if mark not in (opened.get(name, mark), mine[name])]
        if not theirs:
            return
        self.conflict = _sentence(_who(self.instance, opened.get(_AT, "")))
        untouched = [name for name in theirs if name not in STORED_IN and mine[name] == opened[name]]
        self._show_what_is_stored(untouched)
        for name in theirs:
            self.add_error(name, self._note(name, untouched))
        for name in STORED_IN:
            if self.data.get(name) and name not in theirs:
                self.add_error(name, str(_MY_SECRET))

    def _note(self, name: str, untouched: list[str]) -> str:
        if name in STORED_IN:
            return f"{_MY_SECRET} {_THEIR_SECRET}" if self.data.get(name) else str(_THEIR_SECRET)
        if name in untouched:
            return str(_THEIRS)
        return str(_BOTH) % value_words(self.fields[name], self.initial.get(name))

    def _show_what_is_stored(self, names: list[str]) -> None:
        """In these fields; the others keep what was entered, and the next save is compared with what is stored now."""
        posted: Any = self.data
        data = posted.copy()
        for name in names:
            for part, texts in _posted(name, self.fields[name], self.initial.get(name)).items():
                data.setlist(part, texts)
        data[OPENED] = self.initial[OPENED]
        self.data = data


def _sentence(who: list[str]) -> str:
    return _(
        "Nothing was saved yet: %(who)s changed this project since you opened it. What you entered is kept; look at "
        "these, and save again:"
    ) % {"who": ", ".join(who) or _("somebody")}


def _who(project: Project, since: str) -> list[str]:
    """The names of those who have a line in the project's history since then."""
    at = None
    with suppress(ValueError):
        at = parse_datetime(since)
    if at is None or timezone.is_naive(at):
        return []
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Project), object_id=str(project.pk)
    )
    return sorted({entry.user.get_username() for entry in entries.filter(action_time__gte=at).select_related("user")})


def _read(text: str) -> Mapping[str, str]:
    """The marks that a page has brought back; none where it has none, as one that was opened before an upgrade."""
    try:
        marks = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    whole = isinstance(marks, dict) and all(isinstance(mark, str) for mark in marks.values())
    return marks if whole else {}


def _mark(field: forms.Field, value: Any) -> str:
    said = json.dumps(_plain(field, value), sort_keys=True, default=str)
    return salted_hmac("integration.admin.opened", said).hexdigest()[:_MARK_LENGTH]


def _plain(field: forms.Field, value: Any) -> Any:
    """The same for a value as it is stored and as it is entered."""
    if isinstance(value, Secret):
        try:
            return value.reveal()
        except SecretUnreadableError:
            return None
    if isinstance(value, EventPolicy):
        return [value.custom_name, value.enabled]
    if isinstance(field, forms.ModelMultipleChoiceField):
        return sorted(str(one.pk) for one in value or ())
    if isinstance(field, forms.ModelChoiceField):
        return str(getattr(value, "pk", value) or "")
    return sorted(value or ()) if isinstance(field, forms.MultipleChoiceField) else value


def _posted(name: str, field: forms.Field, value: Any) -> dict[str, list[str]]:
    """What a browser posts of a field that shows this value."""
    if isinstance(value, EventPolicy):
        return {f"{name}_name": [value.custom_name], f"{name}_send": ["on"] if value.enabled else []}
    if isinstance(value, bool):
        return {name: ["on"] if value else []}
    prepared = field.prepare_value(value)
    if isinstance(prepared, list | tuple):
        return {name: [str(one) for one in prepared]}
    return {name: ["" if prepared is None else str(prepared)]}
