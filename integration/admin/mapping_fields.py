"""The form fields for what is sent: their choices, and what is wrong with an entry, in Intercom's rules and ours."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db import models
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from integration.admin.event_field import LONGEST_EVENT_NAME
from integration.admin.text_fields import ListField, PairsField
from integration.intercom.messages import LONGEST_STRING, MOST_METADATA_KEYS
from integration.mapping.attributes import ALL_FACTS, OWN_FIELDS
from integration.mapping.identity import ATTRIBUTE_SOURCE, Source
from integration.mapping.metadata import ATTRIBUTE_PREFIX, OFFERED
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
_OURS = frozenset({fact.attribute for fact in ALL_FACTS} | set(TOTALS) | set(OWN_FIELDS))


def _label(name: str) -> dict[str, Any]:
    field: models.Field[Any, Any] = next(field for field in Project._meta.fields if field.name == name)
    return {"label": str(field.verbose_name).capitalize(), "help_text": str(field.help_text)}


def wrong_event_name(name: str) -> str | None:
    """What Intercom would not keep of an event name as it is."""
    if len(name) > LONGEST_EVENT_NAME:
        return f"“{name[:40]}…” is longer than {LONGEST_EVENT_NAME} characters."
    return f"“{name}”: leave out “.” and “$”, Intercom would store them as “-”." if re.search(r"[.$]", name) else None


def _wrong_source(source: str) -> str | None:
    if source in set(Source) or source.removeprefix(ATTRIBUTE_SOURCE) not in ("", source):
        return None
    return f"“{source}” is no source of ids. Possible are: {', '.join(Source)}, {ATTRIBUTE_SOURCE}<name>."


def _wrong_type(name: str) -> str | None:
    return None if _TYPE_NAME.fullmatch(name) else f"“{name}” is no type of a RevenueCat event."


def _wrong_key(key: str) -> str | None:
    if key in OFFERED or (key.startswith(ATTRIBUTE_PREFIX) and _ATTRIBUTE_NAME.fullmatch(key)):
        return None
    return f"“{key}” is no key that an event could have. Possible are: {', '.join(OFFERED)}."


def _wrong_attribute(name: str) -> str | None:
    if not _ATTRIBUTE_NAME.fullmatch(name):
        return f"“{name}” is no name for an attribute: Intercom takes letters, digits, “_” and “-”."
    return f"“{name}” is the name of an attribute that is kept here already." if name in _OURS else None


def _too_long(text: str) -> str | None:
    return f"“{text[:40]}…” is longer than {LONGEST_STRING} characters." if len(text) > LONGEST_STRING else None


class FactsField(forms.TypedMultipleChoiceField):
    """Which facts are kept on the contact; each with the name of its attribute."""

    def __init__(self) -> None:
        super().__init__(
            label="Facts kept on the contact",
            required=False,
            choices=[(fact.name, f"{fact.label} ({fact.attribute})") for fact in ALL_FACTS],
            widget=UnfoldAdminCheckboxSelectMultipleWidget(),
            help_text="Each becomes a custom attribute of the contact. Attributes that Intercom lacks are created.",
        )


class MappingFields(forms.Form):
    """Those fields that are more than a column; the others come from the model."""

    identity = ListField(check=_wrong_source, most=MOST_SOURCES, **_label("identity"))
    custom_types = PairsField(check_left=_wrong_type, check=wrong_event_name, **_label("custom_types"))
    metadata_keys = ListField(check=_wrong_key, most=MOST_METADATA_KEYS, rows=8, **_label("metadata_keys"))
    product_names = PairsField(check_left=_too_long, check=_too_long, **_label("product_names"))
    contact_facts = FactsField()
    subscriber_attributes = PairsField(
        check_left=_too_long, check=_wrong_attribute, alone=True, **_label("subscriber_attributes")
    )
