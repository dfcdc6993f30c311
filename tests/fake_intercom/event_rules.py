"""
How Intercom answers data events: whom it knows, what it keeps, what it drops without a word.

It answers 202 to a repeat and to metadata it will not use; those are noted on the call, for tests to look at.
"""

from __future__ import annotations

from tests.fake_intercom.contact_rules import user_not_found
from tests.fake_intercom.messages import Answer, Call, JsonObject, Refusal
from tests.fake_intercom.models import Contact
from tests.fake_intercom.workspace import EVENT_NAME_LIMIT, Workspace

METADATA_KEYS_KEPT = 10
STRING_LIMIT = 255
# https://www.intercom.com/help/en/articles/175-set-up-event-tracking-in-intercom
UNUSABLE_IN_KEYS = frozenset(".$~`!@#%^&*'{}|\"\0")
LATEST_PLAUSIBLE_SECOND = 100_000_000_000


def create_event(workspace: Workspace, call: Call) -> Answer:
    """`POST /events`: 202 without a body."""
    event_name = call.data.get("event_name")
    if not isinstance(event_name, str) or not event_name:
        raise Refusal(400, "parameter_not_found", "event_name is required", field="event_name")
    created_at = _created_at(call)
    metadata = call.data.get("metadata", {})
    if not isinstance(metadata, dict):
        raise Refusal(400, "parameter_invalid", "metadata must be an object", field="metadata")
    contact = _contact(workspace, call.data)
    if not workspace.room_for_event_name(event_name):
        # The code really is the status as a string.
        raise Refusal(422, "422", f"Cannot have more than {EVENT_NAME_LIMIT} active event names")
    kept = dict(list(metadata.items())[:METADATA_KEYS_KEPT])
    call.dropped_metadata = tuple(metadata)[METADATA_KEYS_KEPT:]
    for key, value in metadata.items():
        call.violations.extend(_complaints(key, value))
    call.repeat = not workspace.store_event(contact, call, event_name, created_at, kept)
    return Answer(202)


def _created_at(call: Call) -> int:
    created_at = call.data.get("created_at")
    if created_at is None:
        raise Refusal(400, "parameter_not_found", "created_at is required", field="created_at")
    if not isinstance(created_at, int) or isinstance(created_at, bool):
        raise Refusal(400, "parameter_invalid", "created_at must be a unix timestamp in seconds", field="created_at")
    if not 0 < created_at < LATEST_PLAUSIBLE_SECOND:
        call.violations.append(f"created_at {created_at} is not in unix seconds")
    return created_at


def _contact(workspace: Workspace, data: JsonObject) -> Contact:
    """Whom the event is about. That id wins over user_id, and that over email, is an assumption."""
    for field in ("id", "user_id", "email"):
        if field in data and not isinstance(data[field], str):
            raise Refusal(400, "parameter_invalid", f"{field} must be a string", field=field)
    if "id" in data:
        found = workspace.contact_by_id(str(data["id"]))
    elif "user_id" in data:
        found = workspace.find_contact(str(data["user_id"]))
    elif "email" in data:
        found = _only_one_with(workspace, str(data["email"]))
    else:
        raise Refusal(400, "parameter_not_found", "id, user_id or email is required", field="user_id")
    if found is None or not found.live:
        raise user_not_found()
    return found


def _only_one_with(workspace: Workspace, email: str) -> Contact | None:
    found = [each for each in workspace.contacts_with_email(email) if each.live]
    if len(found) > 1:
        message = "Multiple existing users match this email address - must be more specific using user_id"
        raise Refusal(409, "conflict", message)
    return found[0] if found else None


def _complaints(key: str, value: object) -> list[str]:
    """What of one metadata entry Intercom would store but could not use."""
    complaints = []
    if not key or UNUSABLE_IN_KEYS & set(key):
        complaints.append(f"metadata key {key!r} has characters that Intercom does not take")
    if value is None or isinstance(value, bool | list):
        complaints.append(f"metadata {key!r} is {value!r}, which is no type of metadata")
    elif isinstance(value, dict) and not (_is_rich_link(value) or _is_money(value)):
        complaints.append(f"metadata {key!r} is nested")
    elif isinstance(value, str) and len(value) > STRING_LIMIT:
        complaints.append(f"metadata {key!r} is longer than {STRING_LIMIT} characters")
    elif key.endswith("_date") and not isinstance(value, int):
        complaints.append(f"metadata {key!r} is a date but not in unix seconds")
    return complaints


def _is_rich_link(value: JsonObject) -> bool:
    return value.keys() == {"url", "value"} and all(isinstance(part, str) for part in value.values())


def _is_money(value: JsonObject) -> bool:
    amount = value.get("amount")
    is_amount = isinstance(amount, int) and not isinstance(amount, bool) and amount > 0
    return value.keys() == {"amount", "currency"} and is_amount and isinstance(value["currency"], str)
