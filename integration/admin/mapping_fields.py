"""The form fields for what is sent: their choices, and what is wrong with an entry, in Intercom's rules and ours."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db import models
from django.utils.html import escape
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from integration.admin.event_field import LONGEST_EVENT_NAME
from integration.admin.text_fields import ListField, PairsField
from integration.intercom.messages import LONGEST_STRING, MOST_METADATA_KEYS
from integration.mapping.attributes import ALL_FACTS, OWN_FIELDS
from integration.mapping.identity import ATTRIBUTE_SOURCE, Source
from integration.mapping.metadata import ATTRIBUTE_PREFIX, OFFERED, USUAL
from integration.mapping.money import TOTALS
from integration.models import Project

# What the settings page shows of the mapping, beside the event types.
MAPPING_FIELDS = (
    "sandbox",
    "sandbox_project",
    "anonymous",
    "identity",
    "custom_types",
    "money",
    "money_currency",
    "lifetime_totals",
    "metadata_keys",
    "product_names",
    "contact_facts",
    "attribute_prefix",
    "subscriber_attributes",
    "email_rule",
    "name_rule",
    "phone_rule",
    "revenuecat_project",
)
# https://developers.intercom.com/docs/references/rest-api/api.intercom.io/data-attributes/createdataattribute
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]{1,190}")
_TYPE_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
MOST_SOURCES = 10
_KEYS = format_lazy(
    gettext_lazy("Possible are {keys}, and {prefix}<name> for a subscriber attribute."),
    keys=", ".join(OFFERED),
    prefix=ATTRIBUTE_PREFIX,
)
_OURS = frozenset({fact.attribute for fact in ALL_FACTS} | set(TOTALS) | set(OWN_FIELDS))


def _label(name: str, more_help: Any = "") -> dict[str, Any]:
    field: models.Field[Any, Any] = next(field for field in Project._meta.fields if field.name == name)
    # Pages show help as it is, and some of it has <name> in it.
    help_text = format_lazy("{} {}", field.help_text, more_help) if more_help else field.help_text
    return {"label": capfirst(field.verbose_name), "help_text": escape(help_text)}


def wrong_event_name(name: str) -> str | None:
    """What Intercom would not keep of an event name as it is."""
    if len(name) > LONGEST_EVENT_NAME:
        return _too_long(name, LONGEST_EVENT_NAME)
    if re.search(r"[.$]", name):
        return _("“%s”: leave out “.” and “$”, Intercom would store them as “-”.") % name
    return None


def _wrong_source(source: str) -> str | None:
    if source in set(Source) or source.removeprefix(ATTRIBUTE_SOURCE) not in ("", source):
        return None
    possible = f"{', '.join(Source)}, {ATTRIBUTE_SOURCE}<name>"
    return _("“%(source)s” is no source of ids. Possible are: %(possible)s.") % {"source": source, "possible": possible}


def _wrong_type(name: str) -> str | None:
    return None if _TYPE_NAME.fullmatch(name) else _("“%s” is no type of a RevenueCat event.") % name


def _wrong_key(key: str) -> str | None:
    if key in OFFERED or (key.startswith(ATTRIBUTE_PREFIX) and _ATTRIBUTE_NAME.fullmatch(key)):
        return None
    possible = ", ".join(OFFERED)
    return _("“%(key)s” is no key that an event could have. Possible are: %(possible)s.") % {
        "key": key,
        "possible": possible,
    }


def _wrong_attribute(name: str) -> str | None:
    if not _ATTRIBUTE_NAME.fullmatch(name):
        return _("“%s” is no name for an attribute: Intercom takes letters, digits, “_” and “-”.") % name
    return _("“%s” is the name of an attribute that is kept here already.") % name if name in _OURS else None


def _too_long(text: str, longest: int = LONGEST_STRING) -> str | None:
    if len(text) <= longest:
        return None
    return _("“%(text)s…” is longer than %(longest)d characters.") % {"text": text[:40], "longest": longest}


class FactsField(forms.TypedMultipleChoiceField):
    """Which facts are kept on the contact; each with the name of its attribute."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Facts kept on the contact"),
            required=False,
            choices=[
                (fact.name, format_lazy("{} ({})", gettext_lazy(fact.label), fact.attribute)) for fact in ALL_FACTS
            ],
            widget=UnfoldAdminCheckboxSelectMultipleWidget(),
            help_text=gettext_lazy(
                "Each becomes a custom attribute of the contact. Attributes that Intercom lacks are created."
            ),
        )


class MappingFields(forms.Form):
    """Those fields that are more than a column; the others come from the model."""

    identity = ListField(check=_wrong_source, most=MOST_SOURCES, **_label("identity"))
    custom_types = PairsField(
        check_left=_wrong_type, check=wrong_event_name, example="SPIN_THE_WHEEL = wheel_spun", **_label("custom_types")
    )
    metadata_keys = ListField(
        check=_wrong_key, most=MOST_METADATA_KEYS, rows=8, example="\n".join(USUAL), **_label("metadata_keys", _KEYS)
    )
    product_names = PairsField(
        check_left=_too_long, check=_too_long, example="com.example.premium = Premium", **_label("product_names")
    )
    contact_facts = FactsField()
    subscriber_attributes = PairsField(
        check_left=_too_long,
        check=_wrong_attribute,
        alone=True,
        example="plan = plan_tier",
        **_label("subscriber_attributes"),
    )
