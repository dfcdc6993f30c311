"""Settings that somebody has entered and not saved: the project as it would be. Writes nothing.

What stands in the form's fields for secrets is taken out before anybody reads it, so that it can get nowhere.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, QueryDict

from integration.admin.project_form import event_field
from integration.event_types import CATALOGUE
from integration.mapping import EventPolicy, ProjectPolicy
from integration.models import Project

_TOKEN_OF_THE_FORM = "csrfmiddlewaretoken"  # noqa: S105 - the name of a field
Values = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A project as it would be, what differs from the stored one, and what is wrong with it."""

    project: Project
    policy: ProjectPolicy
    # Names of the form's fields whose values differ; and the same in a sentence.
    changed: frozenset[str]
    said: str
    errors: tuple[str, ...]
    # What was entered but for secrets, and the names of the secrets that were.
    values: Values
    secrets: tuple[str, ...]


def read_unsaved(
    page: admin.ModelAdmin[Project], request: HttpRequest, project: Project, entered: QueryDict
) -> Unsaved:
    """What `entered`, the settings page's form, would make of `project`, which stays as it is."""
    form_class: Any = page.get_form(request, project, change=True)
    secret = {name for name, field in form_class.base_fields.items() if _is_secret(field)}
    values = {name: list(texts) for name, texts in entered.lists() if name not in secret | {_TOKEN_OF_THE_FORM}}
    form = form_class(_query(values), instance=copy.copy(project))
    valid = form.is_valid()
    return Unsaved(
        project=form.instance,
        policy=_policy(form, project) if valid else project.policy(),
        changed=frozenset(form.changed_data),
        said=form.audit() if valid else "",
        errors=() if valid else tuple(_errors(form)),
        values=values,
        secrets=tuple(name for name in form_class.base_fields if name in secret and entered.get(name)),
    )


def packed(unsaved: Unsaved) -> str:
    """What was entered, in one text that a page can carry along."""
    return json.dumps(unsaved.values)


def unpacked(text: str) -> QueryDict | None:
    """The same as a form posts it; None where the text is none of ours."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _query(values) if _is_values(values) else None


def _is_secret(field: forms.Field) -> bool:
    return getattr(field.widget, "input_type", "") == "password"


def _is_values(values: Any) -> bool:
    lists = values.values() if isinstance(values, dict) else [None]
    return all(isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in lists)


def _query(values: Values) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, texts in values.items():
        query.setlist(name, texts)
    return query


def _policy(form: Any, project: Project) -> ProjectPolicy:
    """The settings as they would be; of event types that the form does not have, as they are."""
    events = dict(project.policy().events)
    for row in CATALOGUE:
        entered = form.cleaned_data.get(event_field(row))
        if isinstance(entered, EventPolicy):
            events[row.event_type] = entered
    policy: ProjectPolicy = form.instance.policy_with(events)
    return policy


def _errors(form: Any) -> list[str]:
    labels = {name: str(field.label or name) for name, field in form.fields.items()}
    return [
        f"{labels[name]}: {' '.join(texts)}" if name in labels else " ".join(texts)
        for name, texts in form.errors.items()
    ]
