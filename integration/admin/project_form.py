"""The form of the settings page: what a person may enter, and what is wrong with it, next to the field.

Secrets go in and never come out. The rows of event types are generated from the catalogue, so that a new event
type needs no change here.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from integration.admin.event_field import EventField
from integration.admin.mapping_fields import MAPPING_FIELDS, MappingFields
from integration.event_types import CATALOGUE, CatalogueRow
from integration.intercom.messages import normalised_event_name
from integration.mapping import EventPolicy
from integration.models import EventSetting, Project
from integration.models.mapping_settings import Sandbox
from integration.models.projects import TOKEN_RULE, new_authorization
from integration.models.revenuecat_settings import KEY_RULE, Nightly
from integration.models.secrets import Secret

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Project]
else:
    _ModelForm = forms.ModelForm

TOKEN, SIGNING, CLEAR_SIGNING = "new_intercom_token", "new_signing_secret", "clear_signing_secret"
API_KEY, CLEAR_API_KEY = "new_revenuecat_api_key", "clear_revenuecat_api_key"
_UNREADABLE = "The stored value cannot be read (see above). Enter it anew."


def event_field(row: CatalogueRow) -> str:
    """The name of the form field of an event type."""
    return f"event_{row.event_type}"


EVENT_FIELDS = tuple(event_field(row) for row in CATALOGUE if row.on)
MORE_EVENT_FIELDS = tuple(event_field(row) for row in CATALOGUE if not row.on)


def _secret_field(label: str, **kwargs: Any) -> forms.CharField:
    # "new-password" keeps a browser from filling in the password of the person who is signed in.
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, max_length=1000, widget=widget, **kwargs)


class _ProjectForm(MappingFields, _ModelForm):
    """A project's settings; the same form, with fewer fields, adds one."""

    new_intercom_token = _secret_field("Intercom access token", validators=[TOKEN_RULE])
    new_signing_secret = _secret_field("Signing secret")
    clear_signing_secret = forms.BooleanField(
        label="Remove the signing secret",
        required=False,
        help_text="Webhooks are then told apart by the Authorization value alone.",
        widget=UnfoldBooleanSwitchWidget(),
    )

    new_revenuecat_api_key = _secret_field("RevenueCat API key", validators=[KEY_RULE])
    clear_revenuecat_api_key = forms.BooleanField(
        label="Remove the RevenueCat API key",
        required=False,
        help_text="RevenueCat is then asked nothing any more. Webhooks come in as before.",
        widget=UnfoldBooleanSwitchWidget(),
    )

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
        if self.instance._state.adding:
            if TOKEN in self.fields:
                self.fields[TOKEN].required = True
                self.fields[TOKEN].help_text = _WHERE_IT_IS
            return
        self._show_hint(TOKEN, self.instance.intercom_token, _WHERE_IT_IS)
        self._show_hint(SIGNING, self.instance.signing_secret, _WHAT_IT_IS_FOR)
        self._show_hint(API_KEY, self.instance.revenuecat_api_key, _WHAT_THE_KEY_IS_FOR)
        policies = self.instance.policy().events
        for row in CATALOGUE:
            self.initial[event_field(row)] = policies.get(row.event_type) or EventPolicy.default(row)

    def _show_hint(self, field: str, secret: Secret, help_text: str) -> None:
        if field not in self.fields:
            return
        if secret.is_unreadable:
            help_text = _UNREADABLE
        elif secret:
            help_text = f"Stored: {secret.hint}. Leave this blank to keep it. {help_text}"
        self.fields[field].help_text = help_text

    # --- What is wrong -----------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        """Two event types under one name could not be told apart in Intercom."""
        cleaned = super().clean() or self.cleaned_data
        # All are looked at before any is refused: add_error() takes a refused value out of what is compared.
        twins = {row: self._twin(row) for row in CATALOGUE}
        for row, twin in twins.items():
            if twin is not None:
                self.add_error(event_field(row), f"“{twin.label}” has this name already. Give each its own.")
        self._check_sandbox(cleaned)
        if cleaned.get(SIGNING) and cleaned.get(CLEAR_SIGNING):
            self.add_error(CLEAR_SIGNING, "Either enter a new signing secret or remove it.")
        if cleaned.get(API_KEY) and cleaned.get(CLEAR_API_KEY):
            self.add_error(CLEAR_API_KEY, "Either enter a new API key or remove it.")
        self._check_asking(cleaned)
        return cleaned

    def _check_sandbox(self, cleaned: dict[str, Any]) -> None:
        """Whoever hands over needs somebody who sends."""
        other: Project | None = cleaned.get("sandbox_project")
        if cleaned.get("sandbox") != Sandbox.OTHER:
            return
        if other is None or other == self.instance:
            self.add_error("sandbox_project", "Choose the other project that sends the sandbox events.")
        elif other.sandbox != Sandbox.SEND:
            self.add_error("sandbox_project", f"“{other}” does not send sandbox events. Change that there first.")

    def _check_asking(self, cleaned: dict[str, Any]) -> None:
        """RevenueCat can be asked only with a key, about a project."""
        stored = bool(self.instance.revenuecat_api_key) and not cleaned.get(CLEAR_API_KEY)
        has_key = bool(cleaned.get(API_KEY)) or stored
        nightly = cleaned.get("reconcile_nightly", Nightly.OFF) != Nightly.OFF
        if nightly and not has_key:
            self.add_error("reconcile_nightly", "This needs a RevenueCat API key.")
        if (cleaned.get(API_KEY) or nightly) and not cleaned.get("revenuecat_project", ""):
            self.add_error("revenuecat_project", "RevenueCat cannot be asked without the id of the project there.")

    def _twin(self, row: CatalogueRow) -> CatalogueRow | None:
        """Another event type that has this one's custom name."""
        custom = self._custom_name(row)
        if not custom:
            return None
        wanted = normalised_event_name(custom)
        others = ((other, self._custom_name(other) or other.default_name) for other in CATALOGUE if other is not row)
        return next((other for other, name in others if normalised_event_name(name) == wanted), None)

    def _custom_name(self, row: CatalogueRow) -> str:
        policy: EventPolicy | None = self.cleaned_data.get(event_field(row))
        return policy.custom_name if policy else ""

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
            fields += ["intercom_token", "intercom_token_changed_at"]
        elif self.changes_workspace:
            project.intercom_token_changed_at = now
            fields.append("intercom_token_changed_at")
        if self.cleaned_data.get(SIGNING) or self.cleaned_data.get(CLEAR_SIGNING):
            project.signing_secret = Secret.of(self.cleaned_data.get(SIGNING) or "")
            fields.append("signing_secret")
        if self.cleaned_data.get(API_KEY) or self.cleaned_data.get(CLEAR_API_KEY):
            project.revenuecat_api_key = Secret.of(self.cleaned_data.get(API_KEY) or "")
            fields.append("revenuecat_api_key")
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
        if name in (CLEAR_SIGNING, CLEAR_API_KEY):
            return f"{self.fields[_CLEARED[name]].label} removed"
        if name in (TOKEN, SIGNING, API_KEY):
            return f"{label} replaced"
        before, after = (_said(value) for value in (self.initial.get(name), self.cleaned_data.get(name)))
        return f"{label}: {before} → {after}"


_MODEL_FIELDS = frozenset(field.name for field in Project._meta.concrete_fields)
_WHERE_IT_IS = (
    "In Intercom: Settings, Integrations, Developer Hub, your app, Configure, Authentication. "
    "It is stored encrypted and never shown again."
)
_WHAT_IT_IS_FOR = (
    "Optional. RevenueCat shows it when you switch on signed webhooks; every webhook must then carry a valid signature."
)
_WHAT_THE_KEY_IS_FOR = (
    "Optional, for reading names and for comparing subscriptions. In RevenueCat: Project settings, API keys, a secret "
    "key of version V2 that may read products, entitlements and subscriptions. It is stored encrypted and never shown "
    "again."
)
_CLEARED = {CLEAR_SIGNING: SIGNING, CLEAR_API_KEY: API_KEY}

# The catalogue's fields are declared as if they were written out above: Django looks for declared fields only.
_event_fields: dict[str, Any] = {event_field(row): EventField(row) for row in CATALOGUE}
ProjectForm = cast(type[_ProjectForm], type("ProjectForm", (_ProjectForm,), _event_fields))


def _said(value: Any) -> str:
    if isinstance(value, EventPolicy):
        return f"{value.custom_name or 'default name'}{'' if value.enabled else ' (switched off)'}"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | QuerySet):
        # People, by the names they sign in with.
        return ", ".join(sorted(str(one) for one in value)) or "nobody"
    return str(value) if value not in (None, "") else "blank"
