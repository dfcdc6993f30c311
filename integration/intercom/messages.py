"""The two things said to Intercom, as values that know their JSON. Pure.

Limits and rules: https://developers.intercom.com/docs/references/rest-api/api.intercom.io/data-events
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AttributeValue = str | int | float | bool | None
# A mapping is one of Intercom's own kinds of value: money ({"amount", "currency"}), a rich link ({"url", "value"}).
MetadataValue = str | int | float | Mapping[str, str | int]

# Intercom keeps the first ten metadata keys, in the order in which they are sent, and drops the rest.
MOST_METADATA_KEYS = 10
# Longer strings are not documented to survive; cutting them visibly beats losing the whole call.
LONGEST_STRING = 255


class AttributeType:
    """Intercom's data types for the custom attributes that this app writes."""

    STRING = "string"
    DATE = "date"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class OwnField:
    """What one of Intercom's own fields of a contact (email, name, phone) should be."""

    value: str
    only_when_empty: bool


@dataclass(frozen=True, slots=True)
class ContactUpdate:
    """What a contact's custom attributes, and some of its own fields, should be.

    `attributes` is everything known; `changed` is the part that Intercom is not known to hold yet, and the
    only part sent to a contact that was written before. None as a value clears the attribute.
    """

    external_id: str
    attributes: Mapping[str, AttributeValue]
    changed: Mapping[str, AttributeValue]
    fields: Mapping[str, OwnField] = field(default_factory=dict)
    # Set where the contact is the one with this email, and where somebody has said which one it is.
    email: str | None = None
    contact_id: str | None = None


@dataclass(frozen=True, slots=True)
class DataEvent:
    """One `POST /events`; `created_at` in unix seconds. Intercom drops a repeat of (contact, name, second)."""

    event_name: str
    user_id: str
    created_at: int
    metadata: Mapping[str, MetadataValue]

    def body(self, *, contact_id: str | None = None) -> dict[str, object]:
        """The JSON body. With `contact_id` the contact is named by Intercom's own id instead of `user_id`,
        which is what a contact that was merged into another one needs.
        """
        who = {"id": contact_id} if contact_id else {"user_id": self.user_id}
        return {
            "event_name": self.event_name,
            **who,
            "created_at": self.created_at,
            "metadata": dict(self.metadata),
        }


def normalised_event_name(name: str) -> str:
    """The name as Intercom compares it: case-insensitive, with `.` and `$` stored as `-`."""
    return name.lower().replace(".", "-").replace("$", "-")


def shortened(text: str) -> str:
    """`text`, cut to what Intercom keeps of a string; the ellipsis shows that something was cut."""
    return text if len(text) <= LONGEST_STRING else text[: LONGEST_STRING - 1] + "…"
