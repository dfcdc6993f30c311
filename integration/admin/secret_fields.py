"""The form fields for a project's secrets: they go in and never come out; the hint says which one is stored."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from integration.models import Project
from integration.models.projects import TOKEN_RULE
from integration.models.revenuecat_settings import KEY_RULE
from integration.models.secrets import Secret

TOKEN, SIGNING, CLEAR_SIGNING = "new_intercom_token", "new_signing_secret", "clear_signing_secret"
API_KEY, CLEAR_API_KEY = "new_revenuecat_api_key", "clear_revenuecat_api_key"
SECRETS = (TOKEN, SIGNING, API_KEY)
# What removes a secret, and which.
CLEARED = {CLEAR_SIGNING: SIGNING, CLEAR_API_KEY: API_KEY}
# Their columns.
STORED_IN = {TOKEN: "intercom_token", SIGNING: "signing_secret", API_KEY: "revenuecat_api_key"}

_UNREADABLE = _("The stored value cannot be read (see above). Enter it anew.")
WHERE_IT_IS = _(
    "In Intercom: Settings, Integrations, Developer Hub, your app, Configure, Authentication. "
    "It is stored encrypted and never shown again."
)
_REPLACED = _(
    "A new token forgets what is known of contacts, lifts a hold and sends what waits; check the connection when it "
    "is saved."
)
_WHAT_IT_IS_FOR = _(
    "Optional. RevenueCat shows it once, when you switch on signed webhooks or make a new secret, and a new one voids "
    "the old one at once: paste it here and save right away. Every webhook must then carry a valid signature; what was "
    "refused in between RevenueCat signs anew and sends again."
)
_WHAT_THE_KEY_IS_FOR = _(
    "Optional, for reading names and for comparing subscriptions. In RevenueCat: Project settings, API keys, a secret "
    "key of version V2 that may read products, entitlements and subscriptions. It is stored encrypted and never shown "
    "again."
)


def _secret_field(label: Any, **kwargs: Any) -> forms.CharField:
    # "new-password" keeps a browser from filling in the password of the person who is signed in.
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, max_length=1000, widget=widget, **kwargs)


class SecretFields(forms.Form):
    """Those of a project."""

    new_intercom_token = _secret_field(_("Intercom access token"), validators=[TOKEN_RULE])
    new_signing_secret = _secret_field(_("Signing secret"))
    clear_signing_secret = forms.BooleanField(
        label=_("Remove the signing secret"),
        required=False,
        help_text=_("Webhooks are then told apart by the Authorization value alone."),
        widget=UnfoldBooleanSwitchWidget(),
    )
    new_revenuecat_api_key = _secret_field(_("RevenueCat API key"), validators=[KEY_RULE])
    clear_revenuecat_api_key = forms.BooleanField(
        label=_("Remove the RevenueCat API key"),
        required=False,
        help_text=_("RevenueCat is then asked nothing any more. Webhooks come in as before."),
        widget=UnfoldBooleanSwitchWidget(),
    )

    def show_hints(self, project: Project) -> None:
        """Say below each field what is stored, and where the value is to be found."""
        if project._state.adding:
            if TOKEN in self.fields:
                self.fields[TOKEN].required = True
                self.fields[TOKEN].help_text = WHERE_IT_IS
            return
        token_help = f"{WHERE_IT_IS} {_REPLACED}" if project.intercom_token else WHERE_IT_IS
        self._show_hint(TOKEN, project.intercom_token, token_help)
        self._show_hint(SIGNING, project.signing_secret, _WHAT_IT_IS_FOR)
        self._show_hint(API_KEY, project.revenuecat_api_key, _WHAT_THE_KEY_IS_FOR)

    def _show_hint(self, field: str, secret: Secret, help_text: Any) -> None:
        if field not in self.fields:
            return
        if secret.is_unreadable:
            help_text = _UNREADABLE
        elif secret:
            stored = _("Stored: %s. Leave this blank to keep it.") % secret.hint
            help_text = f"{stored} {help_text}"
        self.fields[field].help_text = help_text

    def check_secrets(self, cleaned: dict[str, Any]) -> None:
        """One cannot be entered and removed at once."""
        if cleaned.get(SIGNING) and cleaned.get(CLEAR_SIGNING):
            self.add_error(CLEAR_SIGNING, _("Either enter a new signing secret or remove it."))
        if cleaned.get(API_KEY) and cleaned.get(CLEAR_API_KEY):
            self.add_error(CLEAR_API_KEY, _("Either enter a new API key or remove it."))

    def apply_secrets(self, project: Project) -> list[str]:
        """Take over those beside the token; returns the columns that changed. Does not save."""
        changed = []
        for clear, field in CLEARED.items():
            if self.cleaned_data.get(field) or self.cleaned_data.get(clear):
                setattr(project, STORED_IN[field], Secret.of(self.cleaned_data.get(field) or ""))
                changed.append(STORED_IN[field])
        return changed
