"""The part of a project for asking RevenueCat: the columns. Webhooks come in without any of it."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from integration.models.secrets import SecretField
from integration.revenuecat.api import BASE_URL

# Printable ASCII without spaces, as for access tokens.
KEY_RULE = RegexValidator(
    r"\A[!-~]*\Z", _("This is no API key: it holds spaces or special characters. Copy it again, by itself.")
)


class Nightly(models.TextChoices):
    """Whether the customers of the last days are compared with RevenueCat every night."""

    OFF = "off", _("Never")
    LIST = "list", _("Every night: list what differs")
    REPAIR = "repair", _("Every night: list what differs, and repair it")


class RevenueCatSettings(models.Model):
    """The key; which project it is asked about stands in `revenuecat_project`, which links need too."""

    revenuecat_api_key = SecretField(_("RevenueCat API key"), blank=True)
    reconcile_nightly = models.CharField(
        _("compare with RevenueCat"),
        max_length=10,
        choices=Nightly.choices,
        default=Nightly.OFF,
        help_text=_("Asks RevenueCat how the subscriptions of customers with an event in the last seven days stand."),
    )

    class Meta:
        abstract = True

    @property
    def revenuecat_url(self) -> str:
        """The base of RevenueCat's API, without a trailing slash."""
        return str(settings.REVENUECAT_API_URL).rstrip("/") or BASE_URL
