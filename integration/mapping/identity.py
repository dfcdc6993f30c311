"""Who an event is about in Intercom's eyes: which id names the contact, and which ids are one person's. Pure.

A project lists its sources in order; the first that has something to say wins. An id that RevenueCat's SDK made up
counts only where nothing else does, and then the project's rule for anonymous customers says what becomes of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration.revenuecat.events import RevenueCatEvent, is_anonymous
from integration.revenuecat.fields import NOT_IN_IDS, usable_id

# Begins the keys of people who are not known by an App User ID; none of those can begin with it.
SHARED_KEY = NOT_IN_IDS
# With what stands before it in a key it has to fit where an App User ID fits.
LONGEST_EMAIL = 240
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
# How a source names a subscriber attribute: `attribute:intercom_id`.
ATTRIBUTE_SOURCE = "attribute:"


class Source(StrEnum):
    """Where an id can come from, beside `attribute:<name>`."""

    APP_USER_ID = "app_user_id"
    ORIGINAL_APP_USER_ID = "original_app_user_id"
    ALIAS = "alias"
    EMAIL = "email"


DEFAULT_SOURCES = (Source.APP_USER_ID.value,)


@dataclass(frozen=True, slots=True)
class Identity:
    """How Intercom knows the person: by our id for them, by their email, or by its own id of the contact.

    `key` tells people apart here: events with one key are told one after the other, to one contact.
    """

    external_id: str
    email: str | None = None
    contact_id: str | None = None

    @property
    def key(self) -> str:
        """The name of the person's row."""
        if self.contact_id is not None:
            return f"{SHARED_KEY}contact:{self.contact_id}"
        return f"{SHARED_KEY}email:{self.email}" if self.email is not None else self.external_id

    @property
    def is_anonymous(self) -> bool:
        """Whether all that is known is an id that RevenueCat's SDK made up."""
        return self.contact_id is None and self.email is None and is_anonymous(self.external_id)


@dataclass(frozen=True, slots=True)
class Link:
    """What is known of an App User ID beside its events: another id of the person, or Intercom's id of the contact."""

    app_user_id: str = ""
    contact_id: str = ""
    # That of the event which named an anonymous id, where the project knows people by their email.
    email: str = ""
    # Whether an operator said so, which goes before what events say.
    decided: bool = False


Links = Mapping[str, Link]
NO_LINKS: Links = {}


def identify(event: RevenueCatEvent, sources: tuple[str, ...], links: Links) -> Identity | None:
    """The person that `event` is about, or None where it names nobody. Anonymous only where nobody else is named."""
    if event.app_user_id is None:
        return None
    link = links.get(event.app_user_id)
    if link is not None and link.contact_id:
        return Identity(event.app_user_id, contact_id=link.contact_id)
    if link is not None and link.decided and link.app_user_id:
        return Identity(link.app_user_id)
    for source in sources:
        if source == Source.EMAIL:
            email = _usable_email(event)
            if email:
                return Identity(event.app_user_id, email=email)
            continue
        found = _id_from(source, event)
        if found is not None and not is_anonymous(found):
            return Identity(found)
    named = link.app_user_id if link is not None else ""
    # Who gave the name is known by email; the event that it is given to says none.
    email = link.email if link is not None and Source.EMAIL in sources else ""
    return Identity(named or event.app_user_id, email=email or None)


def _usable_email(event: RevenueCatEvent) -> str:
    email = (event.email or "").strip().lower()
    return email if _EMAIL.fullmatch(email) and len(email) <= LONGEST_EMAIL else ""


def _id_from(source: str, event: RevenueCatEvent) -> str | None:
    if source == Source.APP_USER_ID:
        return event.app_user_id
    if source == Source.ORIGINAL_APP_USER_ID:
        return event.original_app_user_id
    if source == Source.ALIAS:
        return next((alias for alias in event.aliases if usable_id(alias) and not is_anonymous(alias)), None)
    return usable_id(event.subscriber_attributes.get(source.removeprefix(ATTRIBUTE_SOURCE)))


def names_given(event: RevenueCatEvent) -> dict[str, str]:
    """Anonymous ids that `event` shows to belong to somebody with a name: {anonymous id: named id}."""
    of_one = (*event.aliases, event.original_app_user_id or "")
    given = _named(of_one, (event.app_user_id or "", *event.aliases))
    # A side of a transfer is one customer: its own name goes before that of the other side.
    for ids, others in ((event.transferred_from, event.transferred_to), (event.redeemed_from, event.redeemed_by)):
        given |= _named(ids, (*ids, *others))
        given |= _named(others, others)
    return given


def links_given(event: RevenueCatEvent, sources: tuple[str, ...]) -> dict[str, Link]:
    """What `event` tells of anonymous ids: whose they are, and by which email the project knows that person."""
    person = identify(event, sources, NO_LINKS)
    email = person.email if person is not None else None
    of_one = {event.app_user_id, event.original_app_user_id, *event.aliases}
    return {
        one: Link(named, email=email if email and one in of_one else "") for one, named in names_given(event).items()
    }


def _named(ids: tuple[str, ...], names: tuple[str, ...]) -> dict[str, str]:
    named = next((name for name in names if usable_id(name) and not is_anonymous(name)), None)
    return {} if named is None else {one: named for one in ids if usable_id(one) and is_anonymous(one)}
