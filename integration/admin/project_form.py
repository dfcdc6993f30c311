"""The form of the settings page: what a person may enter, and what is wrong with it, next to the field.

The rows of event types are generated from the catalogue, so that a new event type needs no change here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms

from integration.admin.event_field import EventField, event_field
from integration.admin.mapping_fields import MAPPING_FIELDS, MappingFields
from integration.admin.opened import OpenedForm
from integration.admin.project_rules import ProjectRules
from integration.admin.secret_fields import API_KEY, CLEAR_API_KEY, CLEARED, SECRETS, TOKEN, SecretFields
from integration.admin.setting_words import change_words
from integration.event_types import CATALOGUE
from integration.mapping import EventPolicy
from integration.models import EventSetting, Project
from integration.models.projects import new_authorization
from integration.models.secrets import Secret

__all__ = ["EVENT_FIELDS", "MORE_EVENT_FIELDS", "ProjectForm", "event_field"]

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Project]
else:
    _ModelForm = forms.ModelForm

EVENT_FIELDS = tuple(event_field(row) for row in CATALOGUE if row.on)
MORE_EVENT_FIELDS = tuple(event_field(row) for row in CATALOGUE if not row.on)


class _ProjectForm(OpenedForm, ProjectRules, SecretFields, MappingFields, _ModelForm):
    """A project's settings; the same form, with fewer fields, adds one."""

    class Meta:
        model = Project
        fields = (
            "name",
            "active",
            "region",
            "missing_contact",
            *MAPPING_FIELDS,
            "reconcile_nightly",
            "keep_successes_days",
            "keep_failures_days",
            "members",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.show_hints(self.instance)
        if self.instance._state.adding:
            return
        policies = self.instance.policy().events
        for row in CATALOGUE:
            self.initial[event_field(row)] = policies.get(row.event_type) or EventPolicy.default(row)
        self.remember_opened()

    # --- What is wrong -----------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        """What single fields cannot know."""
        cleaned = super().clean() or self.cleaned_data
        self.check_rules(cleaned)
        self.check_secrets(cleaned)
        stored = bool(self.instance.revenuecat_api_key) and not cleaned.get(CLEAR_API_KEY)
        is_new_key = bool(cleaned.get(API_KEY))
        self.check_asking(cleaned, has_key=is_new_key or stored, is_new_key=is_new_key)
        return cleaned

    def errors_with_links(self) -> Iterator[tuple[str, Any, str]]:
        """Every error: the id of the field that it stands next to, the field's label, and the error."""
        for name, errors in self.errors.items():
            if name in self.fields:
                bound = self[name]
                yield from ((bound.auto_id, bound.label, str(error)) for error in errors)

    # --- What becomes of it -------------------------------------------------------------------------------

    def prepare_new(self, now: datetime) -> None:
        """Give a new project its Authorization value and its token. Does not save."""
        self.instance.authorization = Secret.of(new_authorization())
        self.instance.replace_intercom_token(self.cleaned_data[TOKEN], now)

    @property
    def changes_workspace(self) -> bool:
        """Whether another token or region was entered, so that what was known of contacts and holds is void."""
        return bool(self.cleaned_data.get(TOKEN)) or "region" in self.changed_data

    @property
    def changes_who_is_who(self) -> bool:
        """Whether what waits for a name may be told to somebody now."""
        return not {"identity", "anonymous", "missing_contact"}.isdisjoint(self.changed_data)

    def apply(self, now: datetime) -> list[str]:
        """Take over secrets; returns the names of all model fields that changed. Does not save.

        Only these are written, so that a hold that a worker sets meanwhile is not undone.
        """
        project = self.instance
        fields = [name for name in self._meta.fields or () if name in self.changed_data]
        if self.cleaned_data.get(TOKEN):
            project.replace_intercom_token(self.cleaned_data[TOKEN], now)
            fields.append("intercom_token")
        if self.changes_workspace:
            project.intercom_token_changed_at = now
            project.forget_workspace()
            fields += ["intercom_token_changed_at", *Project.OF_THE_WORKSPACE]
        fields += self.apply_secrets(project)
        return [name for name in fields if name in _MODEL_FIELDS]

    def save_event_settings(self) -> None:
        """Keep a row for each event type that differs from its default, and no other of those known here."""
        for row in CATALOGUE:
            if event_field(row) not in self.changed_data:
                continue
            policy: EventPolicy = self.cleaned_data[event_field(row)]
            rows = EventSetting.objects.filter(project=self.instance, event_type=str(row.event_type))
            if policy == EventPolicy.default(row):
                rows.delete()
            else:
                values = {"enabled": policy.enabled, "custom_name": policy.custom_name}
                rows.update_or_create(values, project=self.instance, event_type=str(row.event_type))

    def audit(self) -> str:
        """What changed, in a sentence for the audit trail; of a secret only that it changed."""
        said = [self._change(name) for name in self.changed_data]
        return "; ".join(said) + "." if said else "Saved without changes."

    def _change(self, name: str) -> str:
        label = self.fields[name].label or name.replace("_", " ").capitalize()
        if name in CLEARED:
            return f"{self.fields[CLEARED[name]].label} removed"
        if name in SECRETS:
            return f"{label} replaced"
        words = change_words(self.fields[name], self.initial.get(name), self.cleaned_data.get(name))
        return f"{label}: {words}"


_MODEL_FIELDS = frozenset(field.name for field in Project._meta.concrete_fields)

# The catalogue's fields are declared as if they were written out above: Django looks for declared fields only.
_event_fields: dict[str, Any] = {event_field(row): EventField(row) for row in CATALOGUE}
ProjectForm = cast(type[_ProjectForm], type("ProjectForm", (_ProjectForm,), _event_fields))
