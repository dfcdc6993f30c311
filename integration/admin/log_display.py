"""What the admin says of deliveries: the sentence that answers "was it sent, and if not, why not?", and each try.

Nothing is read from the database and nothing is decided here; a template makes the HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.safestring import SafeString

from integration.admin.display import (
    NOTHING,
    OUTCOME_COLOURS,
    clock,
    cut,
    event_label,
    json_block,
    label,
    lasted,
    link,
    link_to,
    moment,
    status_label,
    times,
    unbroken_id,
)
from integration.customer_state import BILLING_ERROR_STATUS, STATUS, Fact
from integration.intercom.messages import AttributeType
from integration.mapping.attributes import ATTRIBUTE, OWN_FIELD, TYPE_OF
from integration.models import Customer, Delivery, DeliveryAttempt
from integration.models.attempts import OUTCOME_LABELS
from integration.retry import AttemptOutcome, DeliveryStatus

Cell = SafeString | str

LEVELS = {
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.DELIVERED: "success",
    DeliveryStatus.SKIPPED: "info",
    DeliveryStatus.FAILED: "error",
}


# --- One delivery in one sentence -----------------------------------------------------------------------------


def delivery_sentence(delivery: Delivery, attempts: Sequence[DeliveryAttempt], now: datetime) -> str:
    """What became of it, when, and why; `attempts` oldest first."""
    arrived = f"{event_label(delivery)} of {delivery.app_user_id or 'nobody'} arrived at {clock(delivery.created_at)}"
    if delivery.status == DeliveryStatus.PENDING:
        return f"{arrived}. {_waiting(delivery, attempts, now)}"
    at = f" at {clock(delivery.finished_at)}" if delivery.finished_at else ""
    if delivery.status == DeliveryStatus.DELIVERED:
        name = f" as {delivery.event_name}" if delivery.event_name else ""
        return f"{arrived} and was delivered{name}{at}. {delivery.explanation}".strip()
    if delivery.status == DeliveryStatus.SKIPPED:
        return f"{arrived} and was skipped{at}. {delivery.explanation}".strip()
    return f"{arrived} and failed{at}. {delivery.explanation}".strip()


def _waiting(delivery: Delivery, attempts: Sequence[DeliveryAttempt], now: datetime) -> str:
    project = delivery.project
    if attempts and attempts[-1].finished_at is None and delivery.due_at and delivery.due_at > now:
        return "It is being sent at this moment."
    if not project.active:
        return f"It waits, because the project “{project}” is switched off."
    if project.is_held(now):
        until = f"until {clock(project.held_until)}" if project.held_until else "until somebody resumes it"
        return f"It waits, because the project “{project}” is held {until}. {project.hold_reason}"
    if delivery.due_at is None:
        return f"It has no next try. {delivery.explanation}".strip()
    if delivery.due_at <= now:
        return "It is due and will be sent in a moment. If it stays here, check that a worker is running."
    tried = f"{times(delivery.tries, 'try', 'tries')} failed so far" if delivery.tries else "It was not tried yet"
    return f"{tried}; the next try is at {clock(delivery.due_at)}. {delivery.explanation}".strip()


def next_try(delivery: Delivery, now: datetime) -> Cell:
    """When it is tried next, or what it waits for."""
    if delivery.due_at is None:
        return "When named" if delivery.status == DeliveryStatus.PENDING else NOTHING
    if not delivery.project.active:
        return "When switched on"
    if delivery.project.is_held(now):
        return (
            "When resumed" if delivery.project.held_until is None else moment(delivery.project.held_until, zone=False)
        )
    return "Now" if delivery.due_at <= now else moment(delivery.due_at, zone=False)


# --- Every try ---------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class AttemptPanel:
    """One try for the template."""

    number: int
    outcome: SafeString
    started: Cell
    lasted: str
    error: str
    # None where they are not for the eyes of who asks.
    exchanges: Sequence[ExchangePanel] | None
    traceback: str


def attempt_panels(
    attempts: Sequence[DeliveryAttempt], *, first: int, exchanges: bool, tracebacks: bool
) -> list[AttemptPanel]:
    """The tries, oldest first, numbered from `first`; exchanges and tracebacks only for who may see them."""
    return [
        AttemptPanel(
            number=number,
            outcome=_outcome(attempt),
            started=moment(attempt.started_at),
            lasted=lasted(attempt.finished_at - attempt.started_at) if attempt.finished_at else "still running",
            error=attempt.error,
            exchanges=_exchanges(attempt) if exchanges else None,
            traceback=attempt.traceback if tracebacks else "",
        )
        for number, attempt in enumerate(attempts, first)
    ]


def _outcome(attempt: DeliveryAttempt) -> SafeString:
    if not attempt.outcome:
        return label("Under way", "info")
    known = {str(outcome): text for outcome, text in OUTCOME_LABELS.items()}
    return label(known.get(attempt.outcome, attempt.outcome), OUTCOME_COLOURS.get(attempt.outcome, "default"))


def _exchanges(attempt: DeliveryAttempt) -> list[ExchangePanel]:
    was_made = attempt.outcome != AttemptOutcome.REHEARSED
    return [_exchange(exchange, was_made=was_made) for exchange in attempt.exchanges]


def _exchange(exchange: dict[str, Any], *, was_made: bool) -> ExchangePanel:
    """A stored exchange; a field that an older version did not write is left out."""
    status, request, response = (exchange.get(key) for key in ("status", "request", "response"))
    succeeded = isinstance(status, int) and 200 <= status < 300
    unanswered = "no answer" if was_made else "not sent"
    return ExchangePanel(
        method=str(exchange.get("method", "")),
        path=str(exchange.get("path", "")),
        status=str(status) if status else unanswered,
        colour="success" if succeeded else "danger" if was_made else "default",
        milliseconds=f"{exchange.get('milliseconds', 0)} ms" if was_made else "",
        request_id=str(exchange.get("request_id", "")),
        headers=sorted((exchange.get("headers") or {}).items()),
        error=str(exchange.get("error", "")),
        request=None if request is None else json_block(request, "What was sent" if was_made else "What would be sent"),
        response=None if response is None else json_block(response, "What Intercom answered"),
    )


# --- Tables ------------------------------------------------------------------------------------------------------


def delivery_table(deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """Deliveries as a table of unfold's; their events must have been fetched with them."""
    rows: list[list[Cell]] = [
        [
            link_to(delivery, clock(delivery.created_at)),
            status_label(delivery),
            event_label(delivery),
            delivery.event_name or NOTHING,
            cut(delivery.explanation),
        ]
        for delivery in deliveries
    ]
    return {"headers": ["Received", "Status", "Event", "Name in Intercom", "Why"], "rows": rows}


def state_table(customer: Customer) -> dict[str, Any]:
    """What is known of a customer: the attributes that the contact should have, and since when."""
    state = customer.known_state()
    rows: list[list[Cell]] = [
        [_attribute(name), _value(name, value), _as_of(state.facts.get(name) or state.facts.get(BILLING_ERROR_STATUS))]
        for name, value in sorted(state.attributes().items())
    ]
    return {"headers": ["Attribute", "Value", "As of"], "rows": rows}


def _attribute(name: str) -> str:
    if name.startswith(ATTRIBUTE):
        return f"{name.removeprefix(ATTRIBUTE)} (subscriber attribute)"
    return f"{name.removeprefix(OWN_FIELD)} (field of Intercom's own)" if name.startswith(OWN_FIELD) else name


def _value(name: str, value: Any) -> str:
    if value is None:
        return "none (cleared)"
    if TYPE_OF.get(name) == AttributeType.DATE and isinstance(value, int):
        return clock(datetime.fromtimestamp(value, UTC))
    return str(value)


def _as_of(fact: Fact | None) -> Cell:
    return at_ms(fact.at_ms) if fact else NOTHING


def customer_cell(delivery: Delivery, url: str | None) -> Cell:
    """The customer of a delivery, as a link where there is a row for them."""
    name = delivery.app_user_id
    if not name:
        return NOTHING
    return link(url, name) if url else unbroken_id(name)


def subscription_status(customer: Customer) -> str:
    """The status that the contact should have, as far as it is known."""
    return str(customer.known_state().attributes().get(STATUS) or NOTHING)


def at_ms(milliseconds: int) -> Cell:
    """A time in unix milliseconds; 0 is none."""
    return moment(datetime.fromtimestamp(milliseconds / 1000, UTC)) if milliseconds else NOTHING
