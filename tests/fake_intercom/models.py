"""
What a workspace holds, and the JSON in which Intercom shows it.

Plain values; the rules are elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.fake_intercom.messages import JsonObject

DATA_TYPES = ("string", "integer", "float", "boolean", "datetime", "date", "options")
BUILT_IN_ATTRIBUTES = ("external_id", "email", "name", "phone")


@dataclass(slots=True)
class Contact:
    """A person in the workspace; `id` is Intercom's, `external_id` the app's. A merged one only points on."""

    id: str
    role: str
    external_id: str | None
    created_at: int
    updated_at: int
    custom_attributes: JsonObject = field(default_factory=dict)
    fields: JsonObject = field(default_factory=dict)
    archived: bool = False
    merged_into: str | None = None
    restorable: bool = True

    @property
    def live(self) -> bool:
        """Neither archived nor merged into another contact."""
        return not self.archived and self.merged_into is None

    @property
    def email(self) -> str | None:
        """The e-mail address, if one is known."""
        email = self.fields.get("email")
        return email if isinstance(email, str) else None


@dataclass(slots=True)
class Attribute:
    """One data attribute of people or companies. Names are unique across both."""

    id: int
    name: str
    model: str
    data_type: str
    description: str
    created_at: int
    custom: bool = True
    archived: bool = False


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One data event as Intercom keeps it: the name as sent, and no more than ten keys of metadata."""

    contact_id: str
    event_name: str
    created_at: int
    metadata: JsonObject
    body: bytes
    request_id: str


def normal_name(event_name: str) -> str:
    """Event names are equal without regard to case, and `.` and `$` are stored as `-`."""
    return event_name.lower().replace(".", "-").replace("$", "-")


def contact_json(contact: Contact, workspace_id: str) -> JsonObject:
    """Intercom's contact model, as far as an app reads it."""
    return {
        "type": "contact",
        "id": contact.id,
        "workspace_id": workspace_id,
        "external_id": contact.external_id,
        "role": contact.role,
        "email": contact.fields.get("email"),
        "phone": contact.fields.get("phone"),
        "name": contact.fields.get("name"),
        "avatar": contact.fields.get("avatar"),
        "owner_id": contact.fields.get("owner_id"),
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "signed_up_at": contact.fields.get("signed_up_at"),
        "last_seen_at": contact.fields.get("last_seen_at"),
        "unsubscribed_from_emails": contact.fields.get("unsubscribed_from_emails", False),
        "custom_attributes": contact.custom_attributes,
    }


def attribute_json(attribute: Attribute) -> JsonObject:
    """Intercom's data attribute model; only custom attributes have an id."""
    full_name = f"custom_attributes.{attribute.name}" if attribute.custom else attribute.name
    content: JsonObject = {
        "type": "data_attribute",
        "model": attribute.model,
        "name": attribute.name,
        "full_name": full_name,
        "label": attribute.name,
        "description": attribute.description,
        "data_type": attribute.data_type,
        "api_writable": True,
        "ui_writable": False,
        "messenger_writable": False,
        "custom": attribute.custom,
        "archived": attribute.archived,
        "created_at": attribute.created_at,
        "updated_at": attribute.created_at,
    }
    return {"id": attribute.id} | content if attribute.custom else content


def event_json(event: StoredEvent) -> JsonObject:
    """A stored event for the control endpoint."""
    return {
        "contact_id": event.contact_id,
        "event_name": event.event_name,
        "created_at": event.created_at,
        "metadata": event.metadata,
        "body": json.loads(event.body),
        "request_id": event.request_id,
    }
