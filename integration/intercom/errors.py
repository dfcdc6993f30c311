"""What can go wrong at Intercom, classified once, by who must act.

Transient: time heals it. Rejected: the payload or the settings must change. Credentials: the operator must
act. Facts: https://developers.intercom.com/docs/references/rest-api/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_MESSAGE = 500


class IntercomError(Exception):
    """Intercom was not told. `message` is for the operator and holds no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TransientError(IntercomError):
    """Time heals it: a timeout, an overload, a broken answer. Try again on the schedule."""


class HoldingError(IntercomError):
    """The whole project has to wait. `reason` is `message` in words of our own.

    A hold's reason outlives the delivery, in the project, the audit trail and the server's log, and Intercom's words
    may name the person that the delivery was about.
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class RateLimitedError(HoldingError):
    """429: the workspace's calls are used up until `reset_at` (unix seconds), or for a while if None."""

    def __init__(self, message: str, *, reset_at: float | None, reason: str = "") -> None:
        super().__init__(message, reason=reason)
        self.reset_at = reset_at


class ContactMissingError(TransientError):
    """No contact has this external id, and the project's settings forbid making one."""


class AmbiguousContactError(IntercomError):
    """Several contacts could be the one; `candidates` has id, external_id, email and name of each."""

    def __init__(self, message: str, *, candidates: list[dict[str, str]]) -> None:
        super().__init__(message)
        self.candidates = candidates


class RejectedError(IntercomError):
    """Intercom understood and said no: the payload or a setting must change before it can work."""


class CredentialsError(HoldingError):
    """The token is refused, or may not do this: the whole project waits for the operator."""


class AttributeProblemError(HoldingError):
    """An attribute of ours cannot be made in this workspace: its name is taken, or there is no room for more."""


# --- Answers that another call can mend; `intercom/contacts.py` catches them ------------------------------


class NotFoundError(RejectedError):
    """404: no such contact."""


class MergedError(RejectedError):
    """410: the contact was merged into `canonical_id` (API 2.16 and later)."""

    def __init__(self, message: str, *, canonical_id: str | None) -> None:
        super().__init__(message)
        self.canonical_id = canonical_id


class ConflictError(RejectedError):
    """409 on create: the contact exists as `contact_id`, which only the message text tells."""

    def __init__(self, message: str, *, contact_id: str | None, archived: bool) -> None:
        super().__init__(message)
        self.contact_id = contact_id
        self.archived = archived


class UnknownAttributeError(RejectedError):
    """400: the custom attribute `name` has to be made in Intercom first."""

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end: its JSON, else its text, else None. Header names are lower case."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_json(self) -> bool:
        """Whether the body could be read as a JSON object or list."""
        return isinstance(self.body, dict | list)

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Intercom's `errors` list, empty where the body has none."""
        listed = self.body.get("errors") if isinstance(self.body, dict) else None
        return [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []

    @property
    def code(self) -> str:
        """The first error's `code`; "" where there is none. Intercom has been seen to send numbers as text."""
        return str(self.errors[0].get("code") or "") if self.errors else ""

    @property
    def said(self) -> str:
        """The first error's message or code, for people."""
        first = self.errors[0] if self.errors else {}
        return str(first.get("message") or first.get("code") or "")[:LONGEST_MESSAGE]
