"""What to change where an event was not sent: the setting for each reason there is. Pure; a test goes through them all.

Settings are named by the fields of the project's form, so that a link can lead to the field itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration.mapping import SkipReason, WaitReason
from integration.retry import AttemptOutcome, DeliveryStatus

# Stands for the field of the delivery's own event type.
OF_EVENT_TYPE = "event_"
IDENTITY_QUEUE = "identity queue"
# Not a field: the top of the project's page, with what needs attention and its buttons.
PROJECT_PAGE = "project page"

# None where no setting would have sent it.
AFTER_SKIP: Mapping[SkipReason, str | None] = {
    SkipReason.TEST_EVENT: None,
    SkipReason.NOT_AN_EVENT_TYPE: "custom_types",
    SkipReason.EVENT_TYPE_OFF: OF_EVENT_TYPE,
    SkipReason.SANDBOX: "sandbox",
    SkipReason.SANDBOX_LOGGED: "sandbox",
    SkipReason.NO_CUSTOMER: None,
    SkipReason.ANONYMOUS: "anonymous",
}
WHILE_WAITING: Mapping[WaitReason, str] = {
    WaitReason.ANONYMOUS: IDENTITY_QUEUE,
    WaitReason.AMBIGUOUS: IDENTITY_QUEUE,
}
# After the last try. What time heals needs no setting, and what Intercom refused depends on which call it was.
AFTER_TRY: Mapping[AttemptOutcome, str | None] = {
    AttemptOutcome.DELIVERED: None,
    AttemptOutcome.RETRY: None,
    AttemptOutcome.REJECTED: None,
    AttemptOutcome.CREDENTIALS: "new_intercom_token",
    AttemptOutcome.ATTRIBUTES: "contact_facts",
    AttemptOutcome.RATE_LIMITED: None,
    AttemptOutcome.AMBIGUOUS: IDENTITY_QUEUE,
    AttemptOutcome.INTERRUPTED: None,
    AttemptOutcome.CRASHED: None,
    AttemptOutcome.REHEARSED: "sandbox",
}


class Call(StrEnum):
    """What the last call of a try was for."""

    LOOK_UP = "look up the contact"
    CONTACT = "write the contact"
    EVENT = "send the data event"
    OTHER = "something else"


class Standing(StrEnum):
    """Whether the project sends."""

    SENDING = "sending"
    OFF = "off"
    HELD = "held"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is known of a delivery, as far as it matters here. Reasons of a later version are texts like others."""

    status: DeliveryStatus
    reason: str = ""
    event_type: str = ""
    event_name: str = ""
    standing: Standing = Standing.SENDING
    # How the last try ended, and its last call; "" and None where there was none.
    outcome: str = ""
    call: Call | None = None
    may_create: bool = True
    contact_only: bool = False


def setting_to_change(story: Story) -> str | None:
    """The field, IDENTITY_QUEUE or PROJECT_PAGE; None where nothing needs to be changed, or no setting would help."""
    match story.status:
        case DeliveryStatus.SKIPPED:
            found = AFTER_SKIP.get(SkipReason(story.reason)) if story.reason in set(SkipReason) else None
        case DeliveryStatus.DELIVERED:
            # The contact was updated, and there was no data event.
            found = None if story.event_name or story.contact_only else OF_EVENT_TYPE
        case DeliveryStatus.PENDING:
            found = _while_pending(story)
        case _:
            found = _after_try(story)
    if found == OF_EVENT_TYPE:
        return f"{OF_EVENT_TYPE}{story.event_type}" if story.event_type else "custom_types"
    return found


def _while_pending(story: Story) -> str | None:
    if story.standing is Standing.OFF:
        return "active"
    if story.standing is Standing.HELD:
        return _after_try(story) or PROJECT_PAGE
    if story.reason in set(WaitReason):
        return WHILE_WAITING[WaitReason(story.reason)]
    return None if story.standing is Standing.PAUSED else _after_try(story)


def _after_try(story: Story) -> str | None:
    if story.outcome not in set(AttemptOutcome):
        return None
    outcome = AttemptOutcome(story.outcome)
    known = AFTER_TRY[outcome]
    if known is not None or outcome not in (AttemptOutcome.RETRY, AttemptOutcome.REJECTED):
        return known
    if story.call is Call.LOOK_UP:
        # A contact that is not there, and that may not be made.
        return None if story.may_create else "missing_contact"
    if outcome is AttemptOutcome.RETRY:
        return None
    return {Call.EVENT: OF_EVENT_TYPE, Call.CONTACT: "contact_facts"}.get(story.call or Call.OTHER)


def call_of(method: str, path: str) -> Call:
    """What a logged call was for."""
    if path.startswith("/contacts/find_by_external_id/") or path == "/contacts/search":
        return Call.LOOK_UP
    if path == "/events":
        return Call.EVENT
    is_write = method in ("POST", "PUT") and path.startswith("/contacts")
    return Call.CONTACT if is_write else Call.LOOK_UP if path.startswith("/contacts") else Call.OTHER
