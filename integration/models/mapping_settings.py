"""The part of a project that decides what Intercom is told: the columns, and the ProjectPolicy made of them.

What each setting means is decided in `integration.mapping`; the defaults here are those of a new project there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.core.validators import RegexValidator
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from integration.event_types import EventType
from integration.mapping import (
    AnonymousRule,
    ContactPolicy,
    EventPolicy,
    FieldRule,
    MoneyPolicy,
    ProjectPolicy,
    SandboxRule,
)
from integration.mapping.attributes import DEFAULT_FACTS
from integration.mapping.identity import DEFAULT_SOURCES
from integration.mapping.money import MoneyBasis, MoneyCurrency

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_PREFIX_RULE = RegexValidator(
    r"\A[A-Za-z0-9_-]*\Z", _("Letters, digits, “_” and “-” only: Intercom refuses other names.")
)
_PROJECT_RULE = RegexValidator(
    r"\A(proj)?[0-9a-f]{8}\Z", _("This is no RevenueCat project id. It looks like proj1ab2c3d4, or 1ab2c3d4.")
)


class Sandbox(models.TextChoices):
    """What becomes of sandbox events."""

    SKIP = SandboxRule.SKIP.value, _("Skip them")
    SEND = SandboxRule.SEND.value, _("Send them, like all others")
    LOG = SandboxRule.LOG.value, _("Only log what would be sent")
    OTHER = SandboxRule.OTHER.value, _("Hand them to another project, with its own token and region")


class Anonymous(models.TextChoices):
    """What becomes of the events of anonymous customers."""

    SEND = AnonymousRule.SEND.value, _("Send them, like all others")
    SKIP = AnonymousRule.SKIP.value, _("Skip them")
    HOLD = AnonymousRule.HOLD.value, _("Hold them until an alias or a transfer names the customer")


class Revenue(models.TextChoices):
    """What data events report as revenue."""

    OFF = MoneyBasis.OFF.value, _("No money")
    GROSS = MoneyBasis.GROSS.value, _("What the customer paid")
    AFTER_COMMISSION = MoneyBasis.AFTER_COMMISSION.value, _("After the store's commission")
    PROCEEDS = MoneyBasis.PROCEEDS.value, _("After commission and estimated taxes")


class RevenueCurrency(models.TextChoices):
    """The currency of revenue."""

    PURCHASED = MoneyCurrency.PURCHASED.value, _("The currency of the purchase")
    USD = MoneyCurrency.USD.value, _("US dollars")


class OwnFieldRule(models.TextChoices):
    """When a field of Intercom's own is written."""

    NEVER = FieldRule.NEVER.value, _("Never")
    WHEN_EMPTY = FieldRule.WHEN_EMPTY.value, _("Where it is empty in Intercom")
    ALWAYS = FieldRule.ALWAYS.value, _("Always")


def default_facts() -> list[str]:
    """Those that a new project keeps on contacts."""
    return list(DEFAULT_FACTS)


def default_sources() -> list[str]:
    """Where a new project takes the ids of contacts from."""
    return list(DEFAULT_SOURCES)


def _own_field(label: _StrPromise, source: str) -> models.CharField[str, str]:
    return models.CharField(
        label,
        max_length=10,
        choices=OwnFieldRule.choices,
        default=OwnFieldRule.NEVER,
        help_text=format_lazy(_("Write RevenueCat's {source} to the contact."), source=source),
    )


class MappingSettings(models.Model):
    """The columns. The three own fields of Intercom's are `email_rule`, `name_rule` and `phone_rule`."""

    sandbox = models.CharField(
        _("sandbox events"),
        max_length=10,
        choices=Sandbox.choices,
        default=Sandbox.SKIP,
        help_text=_("What to do with events of purchases in a store's sandbox."),
    )
    anonymous = models.CharField(
        _("anonymous customers"),
        max_length=10,
        choices=Anonymous.choices,
        default=Anonymous.SEND,
        help_text=_("Events of customers who only have an id that RevenueCat made up ($RCAnonymousID:…)."),
    )
    identity = models.JSONField(
        _("which id names the contact"),
        default=default_sources,
        help_text=_(
            "One a line; the first that an event has wins: app_user_id, original_app_user_id, alias (the first that is "
            "not anonymous), attribute:<name> (a subscriber attribute), email."
        ),
    )
    custom_types = models.JSONField(
        _("custom types"),
        default=dict,
        blank=True,
        help_text=_(
            "RevenueCat types that are none of the above (names that you chose yourself, or that are new), and the "
            "event names to send for them. One a line: TYPE = event_name."
        ),
    )

    money = models.CharField(
        _("revenue"),
        max_length=20,
        choices=Revenue.choices,
        default=Revenue.OFF,
        help_text=_("Data events then carry “revenue”, or for money given back “refund” and a negative “net_revenue”."),
    )
    money_currency = models.CharField(
        _("currency of revenue"), max_length=10, choices=RevenueCurrency.choices, default=RevenueCurrency.PURCHASED
    )
    lifetime_totals = models.BooleanField(
        _("running totals"),
        default=False,
        help_text=_(
            "Keep rc_lifetime_revenue_usd, rc_purchases and rc_refunds on the contact, counted from now on. "
            "Needs revenue to be on."
        ),
    )

    metadata_keys = models.JSONField(
        _("metadata"),
        default=list,
        blank=True,
        help_text=_("At most ten keys, one a line, in the order in which Intercom shows them. Blank: the usual ones."),
    )
    product_names = models.JSONField(
        _("names of products and entitlements"),
        default=dict,
        blank=True,
        help_text=_("For the metadata keys product_name and entitlement_name. One a line: id = name."),
    )

    contact_facts = models.JSONField(_("facts kept on the contact"), default=default_facts, blank=True)
    attribute_prefix = models.CharField(
        _("prefix of their names"),
        max_length=20,
        blank=True,
        validators=[_PREFIX_RULE],
        help_text=_(
            "For example rc_. Changing it makes new attributes in Intercom; the old ones keep their last values."
        ),
    )
    subscriber_attributes = models.JSONField(
        _("subscriber attributes"),
        default=dict,
        blank=True,
        help_text=_(
            "RevenueCat's custom attributes to copy to the contact. One a line: name, or name = name_in_intercom."
        ),
    )
    email_rule = _own_field(_("email"), "$email")
    name_rule = _own_field(_("name"), "$displayName")
    phone_rule = _own_field(_("phone"), "$phoneNumber")
    revenuecat_project = models.CharField(
        _("RevenueCat project id"),
        max_length=12,
        blank=True,
        validators=[_PROJECT_RULE],
        help_text=_("For links to customers in RevenueCat: the part after /projects/ in the address of its dashboard."),
    )

    class Meta:
        abstract = True

    def policy_with(self, events: Mapping[EventType, EventPolicy]) -> ProjectPolicy:
        """The settings as the mapping wants them, with these overrides for event types."""
        rules = {"email": self.email_rule, "name": self.name_rule, "phone": self.phone_rule}
        return ProjectPolicy(
            sandbox=SandboxRule(self.sandbox),
            anonymous=AnonymousRule(self.anonymous),
            identity=tuple(self.identity),
            events=events,
            custom_types={name.upper(): event_name for name, event_name in self.custom_types.items()},
            money=MoneyPolicy(
                basis=MoneyBasis(self.money),
                currency=MoneyCurrency(self.money_currency),
                totals=self.lifetime_totals and self.money != Revenue.OFF,
            ),
            metadata=tuple(self.metadata_keys),
            contact=ContactPolicy(
                facts=tuple(self.contact_facts),
                prefix=self.attribute_prefix,
                subscriber_attributes=self.subscriber_attributes,
                own_fields={name: FieldRule(rule) for name, rule in rules.items() if rule != OwnFieldRule.NEVER},
            ),
            product_names=self.product_names,
            revenuecat_project=self.revenuecat_project,
        )
