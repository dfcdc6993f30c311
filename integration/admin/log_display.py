"""What the admin says of deliveries: the sentence that answers "was it sent, and if not, why not?", and the tables.

Nothing is read from the database and nothing is decided here; a template makes the HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin.display import (
    NOTHING,
    Cell,
    clock,
    cut,
    event_label,
    link,
    link_to,
    moment,
    status_label,
    unbroken_id,
)
from integration.models import Delivery, DeliveryAttempt
from integration.retry import DeliveryStatus

LEVELS = {
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.DELIVERED: "success",
    DeliveryStatus.SKIPPED: "info",
    DeliveryStatus.FAILED: "error",
}


# --- One delivery in one sentence -----------------------------------------------------------------------------


def delivery_sentence(delivery: Delivery, attempts: Sequence[DeliveryAttempt], now: datetime) -> str:
    """What became of it, when, and why; `attempts` oldest first."""
    arrived = _("%(event)s of %(customer)s arrived at %(time)s") % {
        "event": event_label(delivery),
        "customer": delivery.app_user_id or _("nobody"),
        "time": clock(delivery.created_at),
    }
    if delivery.status == DeliveryStatus.PENDING:
        return f"{arrived}. {_waiting(delivery, attempts, now)}"
    return f"{arrived} {_ended(delivery)}. {delivery.explanation}".strip()


def _ended(delivery: Delivery) -> str:
    if delivery.status == DeliveryStatus.DELIVERED:
        named = _("and was delivered as %(name)s") % {"name": delivery.event_name}
        said = named if delivery.event_name else _("and was delivered")
    elif delivery.status == DeliveryStatus.SKIPPED:
        said = _("and was skipped")
    else:
        said = _("and failed")
    return f"{said} {_('at %(time)s') % {'time': clock(delivery.finished_at)}}" if delivery.finished_at else said


def is_on_its_way(delivery: Delivery, attempts: Sequence[DeliveryAttempt], now: datetime) -> bool:
    """Whether a worker has it, or takes it in a moment, so that what is said of it is soon over."""
    if delivery.status != DeliveryStatus.PENDING or delivery.due_at is None:
        return False
    sends = delivery.project.active and not delivery.project.is_held(now)
    return _is_being_sent(delivery, attempts, now) or (sends and delivery.due_at <= now)


def _is_being_sent(delivery: Delivery, attempts: Sequence[DeliveryAttempt], now: datetime) -> bool:
    is_leased = delivery.due_at is not None and delivery.due_at > now
    return is_leased and bool(attempts) and attempts[-1].finished_at is None


def _waiting(delivery: Delivery, attempts: Sequence[DeliveryAttempt], now: datetime) -> str:
    project = delivery.project
    if _is_being_sent(delivery, attempts, now):
        return _("It is being sent at this moment.")
    if not project.active:
        return _("It waits, because the project “%(project)s” is switched off.") % {"project": project}
    if project.is_held(now):
        until = project.held_until
        end = _("until %(time)s") % {"time": clock(until)} if until else _("until somebody resumes it")
        held = _("It waits, because the project “%(project)s” is held %(end)s.") % {"project": project, "end": end}
        return f"{held} {project.hold_reason}"
    if delivery.due_at is None:
        return f"{_('It has no next try.')} {delivery.explanation}".strip()
    if delivery.due_at <= now:
        return _("It is due and will be sent in a moment. If it stays here, check that a worker is running.")
    tried = _tried(delivery, max(len(attempts), delivery.tries))
    following = _("%(tried)s; the next try is at %(time)s.") % {"tried": tried, "time": clock(delivery.due_at)}
    return f"{following} {delivery.explanation}".strip()


def _tried(delivery: Delivery, tries: int) -> str:
    """How often. Of what was redelivered an earlier try may well have gone through."""
    if not tries:
        return _("It was not tried yet")
    if delivery.redelivered:
        said = ngettext("It was tried once so far", "It was tried %(tries)s times so far", tries)
    else:
        said = ngettext("%(tries)s try failed so far", "%(tries)s tries failed so far", tries)
    return said % {"tries": tries}


def next_try(delivery: Delivery, now: datetime) -> Cell:
    """When it is tried next, or what it waits for."""
    if delivery.due_at is None:
        return _("When named") if delivery.status == DeliveryStatus.PENDING else NOTHING
    if not delivery.project.active:
        return _("When switched on")
    if delivery.project.is_held(now):
        until = delivery.project.held_until
        return _("When resumed") if until is None else moment(until, zone=False)
    return _("Now") if delivery.due_at <= now else moment(delivery.due_at, zone=False)


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
    return {"headers": [_("Received"), _("Status"), _("Event"), _("Name in Intercom"), _("Why")], "rows": rows}


def customer_cell(delivery: Delivery, url: str | None) -> Cell:
    """The customer of a delivery, as a link where there is a row for them."""
    name = delivery.app_user_id
    if not name:
        return NOTHING
    return link(url, name) if url else unbroken_id(name)
