"""
The state of one Intercom workspace: contacts, data attributes, events, and the verbs with which a test arranges them.

No HTTP here: `api.py` answers requests from this state, `server.py` lets them in.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection

from tests.fake_intercom.messages import Call, JsonObject
from tests.fake_intercom.models import Attribute, Contact, StoredEvent, normal_name

ATTRIBUTE_LIMIT = 250
EVENT_NAME_LIMIT = 120


def new_contact_id() -> str:
    """24 hexadecimal digits, as Intercom's ids."""
    return secrets.token_hex(12)


class Workspace:
    """The state, behind one lock. `changed` is notified whenever a call arrives or is answered."""

    def __init__(
        self,
        *,
        name: str,
        region: str,
        latency: float = 0.0,
        accepted_tokens: Collection[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.changed = threading.Condition(threading.RLock())
        self._as_made = (name, region, latency, accepted_tokens)
        self.clear()

    def clear(self) -> None:
        """Empties the workspace and puts its settings back."""
        with self.changed:
            self.name, self.region, self.latency, self.accepted_tokens = self._as_made
            self.id_code = "demo1234"
            self.merged_status = 410
            self.unique_emails = False
            self._contacts: dict[str, Contact] = {}
            self._id_by_external_id: dict[str, str] = {}
            self._attributes: dict[tuple[str, str], Attribute] = {}
            self._events: dict[str, list[StoredEvent]] = {}
            self._event_keys: set[tuple[str, str, int]] = set()
            self._event_names: set[str] = set()

    # What tests ask.

    @property
    def contacts(self) -> list[Contact]:
        """Every contact, also archived and merged ones, oldest first."""
        with self.changed:
            return list(self._contacts.values())

    def find_contact(self, external_id: str) -> Contact | None:
        """The contact with this external id, in whatever state."""
        with self.changed:
            return self._contacts.get(self._id_by_external_id.get(external_id, ""))

    def contact(self, external_id: str) -> Contact:
        """The same, for tests that know it exists."""
        found = self.find_contact(external_id)
        if found is None:
            raise AssertionError(f"Intercom has no contact with the external id {external_id!r}")
        return found

    def contact_by_id(self, contact_id: str) -> Contact | None:
        """The contact with this id of Intercom's."""
        with self.changed:
            return self._contacts.get(contact_id)

    @property
    def attributes(self) -> dict[str, Attribute]:
        """The custom attributes of people by name, also archived ones."""
        with self.changed:
            return {name: found for (model, name), found in self._attributes.items() if model == "contact"}

    @property
    def all_attributes(self) -> list[Attribute]:
        """Every custom attribute, of people and of companies."""
        with self.changed:
            return list(self._attributes.values())

    @property
    def events(self) -> list[StoredEvent]:
        """Every stored event, contact by contact, each in order of arrival."""
        with self.changed:
            return [event for events in self._events.values() for event in events]

    def events_of(self, external_id: str) -> list[StoredEvent]:
        """The stored events of one contact, in order of arrival."""
        with self.changed:
            return list(self._events.get(self._id_by_external_id.get(external_id, ""), ()))

    @property
    def event_names(self) -> frozenset[str]:
        """The active event names, as they are compared."""
        with self.changed:
            return frozenset(self._event_names)

    # What tests arrange.

    def add_contact(
        self,
        external_id: str | None = None,
        *,
        role: str = "user",
        custom_attributes: JsonObject | None = None,
        contact_id: str | None = None,
        email: str | None = None,
        fields: JsonObject | None = None,
    ) -> Contact:
        """Puts a contact there without any check; `fields` are name, phone and the like."""
        now = int(self.clock())
        contact = Contact(contact_id or new_contact_id(), role, external_id, now, now)
        contact.custom_attributes = dict(custom_attributes or {})
        contact.fields = dict(fields or {})
        if email is not None:
            contact.fields["email"] = email
        with self.changed:
            self._contacts[contact.id] = contact
            if external_id is not None:
                self._id_by_external_id[external_id] = contact.id
        return contact

    def archive(self, contact: Contact, *, restorable: bool = True) -> None:
        """Archives a contact; one that is not restorable refuses to be unarchived."""
        with self.changed:
            contact.archived = True
            contact.restorable = restorable

    def merge(self, contact: Contact, into: Contact) -> None:
        """Merges the first contact into the second, which becomes the canonical one."""
        with self.changed:
            contact.merged_into = into.id

    def delete(self, contact: Contact) -> None:
        """Removes a contact for good, with its events: its id and external id are unknown from now on."""
        with self.changed:
            self._contacts.pop(contact.id, None)
            self._events.pop(contact.id, None)
            if contact.external_id is not None and self._id_by_external_id.get(contact.external_id) == contact.id:
                del self._id_by_external_id[contact.external_id]

    def add_attribute(
        self,
        name: str,
        data_type: str = "string",
        *,
        model: str = "contact",
        description: str = "",
        archived: bool = False,
    ) -> Attribute:
        """Puts a custom attribute there without any check."""
        with self.changed:
            number = len(self._attributes) + 1
            attribute = Attribute(number, name, model, data_type, description, int(self.clock()), archived=archived)
            self._attributes[model, name] = attribute
        return attribute

    def add_event_names(self, count: int) -> None:
        """Uses up that many of the event names a workspace may have."""
        with self.changed:
            self._event_names.update(f"other-app-event-{number}" for number in range(count))

    # What the rules do; the lock is held by the caller.

    def set_external_id(self, contact: Contact, external_id: str | None) -> None:
        """Moves a contact to another external id."""
        if contact.external_id is not None:
            self._id_by_external_id.pop(contact.external_id, None)
        contact.external_id = external_id
        if external_id is not None:
            self._id_by_external_id[external_id] = contact.id

    def contacts_with_email(self, email: str) -> list[Contact]:
        """Contacts that were not merged away, by e-mail; there may be several."""
        return [each for each in self._contacts.values() if each.email == email and each.merged_into is None]

    def attribute(self, model: str, name: str) -> Attribute | None:
        """A custom attribute, also an archived one."""
        return self._attributes.get((model, name))

    def live_attribute_count(self) -> int:
        """How many custom attributes count towards the limit."""
        return sum(not each.archived for each in self._attributes.values())

    def room_for_event_name(self, event_name: str) -> bool:
        """Whether the name is active already, or one more may be."""
        return normal_name(event_name) in self._event_names or len(self._event_names) < EVENT_NAME_LIMIT

    def store_event(self, contact: Contact, call: Call, event_name: str, created_at: int, metadata: JsonObject) -> bool:
        """Stores an event unless (contact, name, second) was stored before; False for such a repeat."""
        key = (contact.id, normal_name(event_name), created_at)
        if key in self._event_keys:
            return False
        self._event_keys.add(key)
        self._event_names.add(key[1])
        event = StoredEvent(contact.id, event_name, created_at, metadata, call.body, call.request_id)
        self._events.setdefault(contact.id, []).append(event)
        return True
