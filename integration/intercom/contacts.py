"""Tells one contact what there is to tell, in as few calls as possible, and mends what Intercom lets us mend.

One call where no attribute changed, two where one did, three for a contact met for the first time. Merged,
archived and vanished contacts, lost races and missing attributes cost a few more, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integration.intercom import own_fields
from integration.intercom.client import IntercomClient
from integration.intercom.errors import (
    AmbiguousContactError,
    ConflictError,
    ContactMissingError,
    MergedError,
    NotFoundError,
    RejectedError,
    TransientError,
)
from integration.intercom.mending import mending_attributes
from integration.intercom.messages import AttributeValue, ContactUpdate, DataEvent

# What helps to tell contacts with one email apart.
_SHOWN = ("id", "external_id", "email", "name")
# Intercom's ids have 24 characters; ours is the room there is to remember one.
LONGEST_CONTACT_ID = 100


@dataclass(slots=True)
class Contact:
    """What is remembered of a contact between deliveries; `tell` keeps it true as it goes, also when it fails.

    `told` are the attributes that Intercom is known to hold. `merged` says that Intercom knows the contact by
    its own id only, because the one with our external id was merged into it.
    """

    contact_id: str | None = None
    merged: bool = False
    told: dict[str, AttributeValue] = field(default_factory=dict)

    def forget(self) -> None:
        """Remember nothing: the contact is not where it was."""
        self.contact_id, self.merged, self.told = None, False, {}


@dataclass(frozen=True, slots=True)
class ContactRules:
    """What may be done about a contact: make a missing one or not; the types of the attributes we write."""

    may_create: bool
    attribute_types: Mapping[str, str]
    # Whether a missing contact is a failure at once, instead of one that time may heal.
    missing_is_final: bool = False


def tell(
    client: IntercomClient,
    contact: Contact,
    update: ContactUpdate,
    event: DataEvent | None,
    rules: ContactRules,
) -> None:
    """Write the contact's attributes, then send the event, if there is one.

    Updates `contact` in place. Raises an IntercomError; what was achieved before it stays in `contact`.
    """
    try:
        _Telling(client, contact, update, rules).run(event)
    except (NotFoundError, MergedError) as error:
        # Intercom's own parts learn of a new, restored or merged contact at different moments.
        contact.forget()
        raise TransientError(f"{error.message} Intercom does not know the contact everywhere yet.") from error


class _Telling:
    """One run of `tell`: the arguments that every step needs."""

    def __init__(
        self,
        client: IntercomClient,
        contact: Contact,
        update: ContactUpdate,
        rules: ContactRules,
    ) -> None:
        self._client = client
        self._contact = contact
        self._update = update
        self._rules = rules

    def run(self, event: DataEvent | None) -> None:
        self._write_attributes()
        if event is None:
            return
        try:
            self._send(event)
        except NotFoundError as error:
            self._refuse_to_replace_the_chosen(error)
            # The remembered contact has gone since: find it, or make it, and say it once more.
            self._contact.forget()
            self._find_or_create()
            self._send(event)

    def _send(self, event: DataEvent) -> None:
        self._client.send_event(event, contact_id=self._contact.contact_id if self._contact.merged else None)

    def _write_attributes(self) -> None:
        if self._contact.contact_id is None:
            self._find_or_create()
            return
        try:
            self._ask_for_fields(self._contact.contact_id)
            if self._update.changed or self._fields_to_write():
                self._put(self._contact.contact_id, self._update.changed)
        except NotFoundError as error:
            self._refuse_to_replace_the_chosen(error)
            self._find_anew()
        except MergedError as error:
            if self._update.contact_id is not None:
                self._contact.forget()
                self._follow_merge(error)
            else:
                self._find_anew()

    def _refuse_to_replace_the_chosen(self, error: NotFoundError) -> None:
        """An operator has said which contact it is: no other one is looked for, or made, in its place."""
        if self._update.contact_id is not None:
            raise RejectedError(
                f"The contact {self._update.contact_id}, which was chosen for this customer in the identity queue, "
                "is gone. Choose another one there, then redeliver."
            ) from error

    def _find_anew(self) -> None:
        self._contact.forget()
        self._find_or_create()

    def _find(self) -> dict[str, Any]:
        email = self._update.email
        if email is None:
            return self._client.find_contact(self._update.external_id)
        found = self._client.contacts_with_email(email)
        if len(found) > 1:
            raise AmbiguousContactError(
                f"{len(found)} contacts in Intercom have the email of this customer.",
                candidates=[{name: str(one.get(name) or "") for name in _SHOWN} for one in found],
            )
        if not found:
            raise NotFoundError("No contact in Intercom has the email of this customer.")
        return found[0]

    def _ask_for_fields(self, contact_id: str) -> None:
        """Ask, once, for fields that may only be written where they are empty."""
        if own_fields.is_unseen(self._update.fields, self._contact.told):
            self._see(self._client.get_contact(contact_id))

    def _see(self, found: Mapping[str, Any]) -> None:
        own_fields.see(found, self._update.fields, self._contact.told)

    def _fields_to_write(self) -> dict[str, str]:
        return own_fields.to_write(self._update.fields, self._contact.told)

    def _find_or_create(self) -> None:
        try:
            found = self._find()
        except MergedError as error:
            self._follow_merge(error)
        except NotFoundError as error:
            if not self._rules.may_create:
                raise self._missing() from error
            self._create()
        else:
            self._see(found)
            is_known_by_id = self._update.email is not None and found.get("external_id") != self._update.external_id
            self._put(_id(found), self._update.attributes, merged=is_known_by_id)

    def _missing(self) -> ContactMissingError | RejectedError:
        who = "the email of this customer" if self._update.email else f"the external id {self._update.external_id}"
        message = f"No contact in Intercom has {who}, and this project never creates contacts."
        return RejectedError(message) if self._rules.missing_is_final else ContactMissingError(message)

    def _follow_merge(self, error: MergedError) -> None:
        if error.canonical_id is None:
            raise RejectedError(f"{error.message} It does not say into which contact.") from error
        self._ask_for_fields(error.canonical_id)
        self._put(error.canonical_id, self._update.attributes, merged=True)

    def _create(self) -> None:
        attributes = self._update.attributes
        fields = {name: wanted.value for name, wanted in self._update.fields.items()}
        if self._update.email is not None:
            fields["email"] = self._update.email
        try:
            made = self._mending(lambda: self._client.create_contact(self._update.external_id, attributes, fields))
        except ConflictError as error:
            self._resolve(error)
        else:
            self._remember(_id(made), attributes, fields)

    def _resolve(self, conflict: ConflictError) -> None:
        """The contact exists although it was not found: archived, or made a moment ago by someone else."""
        if conflict.contact_id is None:
            raise TransientError(f"{conflict.message} It does not say which contact that is.") from conflict
        if conflict.archived:
            self._client.unarchive_contact(conflict.contact_id)
        existing = self._client.get_contact(conflict.contact_id)
        if existing.get("external_id") != self._update.external_id:
            # Writing our id onto somebody else's contact would give one person another's subscription.
            raise RejectedError(
                f"Intercom says that contact {conflict.contact_id} matches {self._update.external_id}, but that "
                "contact has another external id. Merge or correct the contact in Intercom, then redeliver."
            ) from conflict
        self._see(existing)
        self._put(_id(existing), self._update.attributes)

    def _put(
        self,
        contact_id: str,
        attributes: Mapping[str, AttributeValue],
        *,
        merged: bool = False,
    ) -> None:
        fields = self._fields_to_write()
        if attributes or fields:
            # Should no answer come, Intercom may hold the old values or the new ones.
            unsure = {*attributes, *map(own_fields.told_as, fields)}
            self._contact.told = {name: told for name, told in self._contact.told.items() if name not in unsure}
            self._mending(lambda: self._client.update_contact(contact_id, attributes, fields))
        self._remember(contact_id, attributes, fields, merged=merged or self._is_merged(contact_id))

    def _is_merged(self, contact_id: str) -> bool:
        return self._contact.merged and self._contact.contact_id == contact_id

    def _remember(
        self,
        contact_id: str,
        attributes: Mapping[str, AttributeValue],
        fields: Mapping[str, str],
        *,
        merged: bool = False,
    ) -> None:
        self._contact.contact_id = contact_id
        self._contact.merged = merged
        written = {own_fields.told_as(name): value for name, value in fields.items()}
        self._contact.told = {**self._contact.told, **attributes, **written}

    def _mending(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return mending_attributes(self._client, self._rules.attribute_types, call)


def _id(contact: Mapping[str, Any]) -> str:
    found = contact.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST_CONTACT_ID:
        raise TransientError("Intercom's answer names no contact.")
    return found
