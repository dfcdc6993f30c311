"""How the tries of a delivery look: each with its HTTP calls, for who may see them. A template makes the HTML.

Nothing is read from the database and nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from integration.admin.display import OUTCOME_COLOURS, Cell, json_block, label, lasted, moment
from integration.intercom.curl import as_curl
from integration.models import DeliveryAttempt
from integration.models.attempts import OUTCOME_LABELS
from integration.retry import AttemptOutcome


@dataclass(frozen=True, slots=True)
class ExchangePanel:
    """One HTTP call for the template; texts, not HTML, but for the folded JSON."""

    method: str
    path: str
    status: str
    colour: str
    milliseconds: str
    request_id: str
    headers: Sequence[tuple[str, str]]
    error: str
    request: SafeString | None
    response: SafeString | None
    # The command that makes the same call; None where it was not made, or where the log has only a part of it.
    curl: str | None
    # The last call is open from the start, where it went wrong.
    opened: bool


@dataclass(frozen=True, slots=True)
class AttemptPanel:
    """One try for the template."""

    number: int
    outcome: SafeString
    colour: str
    started: Cell
    lasted: str
    error: str
    is_running: bool
    # None where they are not for the eyes of who asks.
    exchanges: Sequence[ExchangePanel] | None
    traceback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What of a try somebody may see, when, and where Intercom is asked today."""

    exchanges: bool
    tracebacks: bool
    now: datetime
    base_url: str


def attempt_panels(attempts: Sequence[DeliveryAttempt], sight: Sight, *, first: int) -> list[AttemptPanel]:
    """The tries, oldest first, numbered from `first`; exchanges and tracebacks only for who may see them."""
    newest = attempts[-1] if attempts else None
    return [
        AttemptPanel(
            number=number,
            outcome=outcome_label(attempt),
            colour=outcome_colour(attempt),
            started=moment(attempt.started_at, now=sight.now),
            lasted=how_long(attempt),
            error=attempt.error,
            is_running=attempt.finished_at is None,
            exchanges=_exchanges(attempt, sight, is_newest=attempt is newest) if sight.exchanges else None,
            traceback=attempt.traceback if sight.tracebacks else "",
        )
        for number, attempt in enumerate(attempts, first)
    ]


def how_long(attempt: DeliveryAttempt) -> str:
    """From its start to its end."""
    return lasted(attempt.finished_at - attempt.started_at) if attempt.finished_at else _("still running")


def outcome_text(attempt: DeliveryAttempt) -> str:
    """How it ended, in words; also for an outcome of a later version."""
    if not attempt.outcome:
        return _("Under way")
    known = {str(outcome): str(text) for outcome, text in OUTCOME_LABELS.items()}
    return known.get(attempt.outcome, attempt.outcome)


def outcome_colour(attempt: DeliveryAttempt) -> str:
    """One of unfold's colours of labels."""
    return OUTCOME_COLOURS.get(attempt.outcome, "default") if attempt.outcome else "info"


def outcome_label(attempt: DeliveryAttempt) -> SafeString:
    """Both, as one of unfold's labels."""
    return label(outcome_text(attempt), outcome_colour(attempt))


def _exchanges(attempt: DeliveryAttempt, sight: Sight, *, is_newest: bool) -> list[ExchangePanel]:
    was_made = attempt.outcome != AttemptOutcome.REHEARSED
    last = len(attempt.exchanges)
    return [
        _exchange(exchange, sight.base_url, was_made=was_made, is_last=is_newest and number == last)
        for number, exchange in enumerate(attempt.exchanges, 1)
    ]


def _exchange(exchange: Mapping[str, Any], base_url: str, *, was_made: bool, is_last: bool) -> ExchangePanel:
    """A stored exchange; a field that an older version did not write is left out."""
    status, request, response = (exchange.get(key) for key in ("status", "request", "response"))
    method, path = str(exchange.get("method", "")), str(exchange.get("path", ""))
    succeeded = isinstance(status, int) and 200 <= status < 300
    unanswered = _("no answer") if was_made else _("not sent")
    return ExchangePanel(
        method=method,
        path=path,
        status=str(status) if status else unanswered,
        colour="success" if succeeded else "danger" if was_made else "default",
        milliseconds=_("%(number)s ms") % {"number": exchange.get("milliseconds", 0)} if was_made else "",
        request_id=str(exchange.get("request_id", "")),
        headers=sorted((exchange.get("headers") or {}).items()),
        error=str(exchange.get("error", "")),
        request=None
        if request is None
        else json_block(request, _("What was sent") if was_made else _("What would be sent")),
        response=None if response is None else json_block(response, _("What Intercom answered")),
        curl=as_curl(base_url, method, path, request) if was_made and method else None,
        opened=is_last and not succeeded,
    )
