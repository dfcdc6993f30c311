"""How the door stores a webhook: the event and what is owed for it, in one statement. Knows the tables by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from integration.models.events import Envelope
from integration.models.prepared import fetch_prepared
from integration.models.projects import ROW_VERSION
from integration.retry import DeliveryStatus

# One statement, so one transaction and one round trip: a new event is stored with what is owed for it; a repeat,
# also one at the same instant, is counted and owes nothing. Where the project is not the one that let the webhook in
# any more, nothing is stored. And it looks whether the bell has been rung: that costs next to nothing here.
_ACCEPT = f"""
WITH project AS (
    SELECT id FROM integration_project
    WHERE id = %(project)s AND (%(version)s = '' OR {ROW_VERSION} = %(version)s)
), event AS (
    INSERT INTO integration_webhookevent
        (project_id, event_id, type, app_user_id, email, environment, store, product_id, event_at, payload,
         received_at, repeats, transaction_id, original_transaction_id)
    SELECT id, %(event_id)s, %(type)s, %(app_user_id)s, %(email)s, %(environment)s, %(store)s,
           %(product_id)s, %(event_at)s::timestamptz, %(document)s::jsonb, %(now)s, 0,
           %(transaction_id)s, %(original_transaction_id)s
    FROM project
    ON CONFLICT (project_id, event_id)
    DO UPDATE SET repeats = integration_webhookevent.repeats + 1, last_repeated_at = EXCLUDED.received_at
    RETURNING id, repeats
), owed AS (
    INSERT INTO integration_delivery
        (project_id, webhook_event_id, app_user_id, status, reason, explanation, event_type, event_name, tries,
         due_at, created_at, environment, store, contact_only)
    SELECT %(project)s, id, person, %(pending)s, '', '', '', '', 0, %(due)s, %(now)s, %(environment)s, %(store)s,
           %(contact_only)s
    FROM event, unnest(%(people)s::varchar[]) AS person WHERE repeats = 0
)
SELECT repeats = 0, EXISTS (SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %(bell)s AND status = 'todo')
FROM event
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a webhook: whether its event is new, and whether the bell had been rung before it was stored."""

    is_new: bool
    is_rung: bool


def accept(
    project_id: UUID,
    envelope: Envelope,
    now: datetime,
    *,
    version: str,
    bell: str,
    due: datetime | None,
    contact_only: bool,
) -> Accepted | None:
    """See `Delivery.objects.accept`."""
    values = {
        "project": project_id,
        "version": version,
        "bell": bell,
        "pending": str(DeliveryStatus.PENDING),
        "now": now,
        "due": due or now,
        "contact_only": contact_only,
        **{field: getattr(envelope, field) for field in Envelope.__slots__},
    }
    row = fetch_prepared(_ACCEPT, values)
    return Accepted(*row) if row else None
