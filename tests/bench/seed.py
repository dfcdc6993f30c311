"""
Fills the database: a million settled deliveries in a minute or two, or a backlog that is due, with all that belongs
to them.

The app makes a few rows of each kind (`patterns`); SQL copies them, each copy of another customer, event and time.
Nothing else may write meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager

from django.db import connection, transaction

from integration.models import Project
from tests.bench import patterns
from tests.bench.patterns import Pattern

DAYS = 30
# What has been settled arrived before the bench began.
SETTLED_UNTIL = "now() - interval '10 minutes'"
EVENTS_OF_A_CUSTOMER = 10
# Random parts in front, as ids in real apps have; the same customers however often a project is filled.
_USER = "md5('customer ' || %(project)s || person)"

_PATTERNS = """
CREATE TEMP TABLE pattern ON COMMIT DROP AS
SELECT given.*, d.customer_id, d.app_user_id AS named, d.status, d.reason, d.explanation, d.event_type, d.event_name,
    d.event_second, d.tries, d.last_answer, d.finished_at - d.created_at AS took, e.type, e.environment, e.store,
    e.product_id,
    e.event_at IS NOT NULL AS timed, e.app_user_id AS event_user, e.email AS event_email, e.payload::text AS payload,
    coalesce(nullif(c.contact_id, ''), 'no contact') AS contact, c.aliases::text AS aliases, c.state::text AS state,
    c.told::text AS told
FROM jsonb_to_recordset(%(patterns)s) AS given(number int, delivery_id bigint, token text, mail text, event_id text,
    at_ms text, expires_ms text)
JOIN integration_delivery d ON d.id = given.delivery_id
JOIN integration_webhookevent e ON e.id = d.webhook_event_id
LEFT JOIN integration_customer c ON c.project_id = d.project_id AND c.app_user_id = d.app_user_id
"""
_COPIES = f"""
CREATE TEMP TABLE copy ON COMMIT DROP AS
WITH drawn AS MATERIALIZED (
    SELECT n, (%(slots)s::int[])[1 + floor(random() * 1000)::int] AS number, {{person}} AS person,
        {{received_at}} AS received_at
    FROM generate_series(1, %(count)s) n
)
SELECT n, number, received_at, user_id, left(user_id, 12) || '@example.com' AS mail,
    left(md5('contact ' || user_id), 24) AS contact, upper(gen_random_uuid()::text) AS event_id,
    floor(extract(epoch FROM received_at) * 1000)::bigint - 2345 AS at_ms
FROM (SELECT *, {_USER} AS user_id FROM drawn) AS named
"""
_MONTH_MS = 30 * 86_400_000 + 7_000


def _filled(column: str) -> str:
    """A pattern's text with what differs from copy to copy put in, in SQL."""
    pairs = (
        ("token", "user_id"),
        ("mail", "mail"),
        ("event_id", "event_id"),
        ("contact", "contact"),
        ("at_ms", "at_ms::text"),
        ("expires_ms", f"(copy.at_ms + {_MONTH_MS})::text"),
    )
    for old, new in pairs:
        column = f"replace({column}, pattern.{old}, {new if new.startswith('(') else 'copy.' + new})"
    return column


def _filled_seconds(column: str) -> str:
    """The same, where times are in seconds too."""
    filled = f"replace({_filled(column)}, left(pattern.at_ms, -3), (copy.at_ms / 1000)::text)"
    return f"replace({filled}, left(pattern.expires_ms, -3), ((copy.at_ms + {_MONTH_MS}) / 1000)::text)"


def _whose(column: str) -> str:
    return f"replace(pattern.{column}, pattern.token, copy.user_id)"


_EVENTS = f"""
INSERT INTO integration_webhookevent (id, project_id, event_id, type, app_user_id, email, environment, store,
    product_id, event_at, payload, received_at, repeats, transaction_id, original_transaction_id)
SELECT %(event)s + n, %(project)s, copy.event_id, type, {_whose("event_user")},
    replace(event_email, pattern.mail, copy.mail), environment, store, product_id,
    CASE WHEN timed THEN to_timestamp(copy.at_ms / 1000.0) END, {_filled("payload")}::jsonb, received_at, 0,
    CASE WHEN store <> '' THEN left(copy.event_id, 18) ELSE '' END,
    CASE WHEN store <> '' THEN left(md5('first ' || copy.user_id), 18) ELSE '' END
FROM copy JOIN pattern USING (number) ORDER BY n
"""
_CUSTOMERS = f"""
INSERT INTO integration_customer (project_id, app_user_id, aliases, email, last_event_at_ms, state, contact_id,
    contact_merged, told, told_at)
SELECT DISTINCT ON ({_whose("named")}) %(project)s::uuid, {_whose("named")}, {_filled("aliases")}::jsonb,
    CASE WHEN customer_id IS NULL THEN '' ELSE copy.mail END, CASE WHEN customer_id IS NULL THEN 0 ELSE copy.at_ms END,
    {_filled_seconds("state")}::jsonb, CASE WHEN customer_id IS NULL THEN '' ELSE copy.contact END, false,
    {_filled_seconds("told")}::jsonb, CASE WHEN customer_id IS NOT NULL THEN received_at + took END
FROM copy JOIN pattern USING (number) WHERE named <> '' AND state IS NOT NULL
ORDER BY {_whose("named")}, customer_id IS NULL, n DESC
ON CONFLICT (project_id, app_user_id) DO NOTHING
"""
_DELIVERIES = f"""
INSERT INTO integration_delivery (id, project_id, webhook_event_id, customer_id, app_user_id, status, reason,
    explanation, event_type, event_name, event_second, tries, due_at, created_at, finished_at, environment, store,
    last_answer)
SELECT %(delivery)s + n, %(project)s, %(event)s + n, c.id, {_whose("named")}, status, reason, explanation, event_type,
    event_name, CASE WHEN event_second IS NOT NULL THEN copy.at_ms / 1000 END, tries,
    CASE WHEN status = 'pending' THEN received_at END, received_at, received_at + took, environment, store,
    last_answer
FROM copy JOIN pattern USING (number) LEFT JOIN integration_customer c
    ON pattern.customer_id IS NOT NULL AND c.project_id = %(project)s AND c.app_user_id = {_whose("named")}
ORDER BY n
"""
# Every call has an id of its own at Intercom; here, every try.
_CALLS = f"""regexp_replace({_filled_seconds("exchanges")}, '("request_id": )"[^"]*"',
    '\\1"' || left(md5(copy.event_id || nth), 20) || '"', 'g')"""
_ATTEMPTS = f"""
INSERT INTO integration_deliveryattempt (delivery_id, started_at, finished_at, outcome, error, exchanges, traceback)
SELECT %(delivery)s + n, received_at + after, received_at + after + lasted, outcome, error,
    {_CALLS}::jsonb, traceback
FROM copy JOIN pattern USING (number) JOIN (
    SELECT delivery_id, a.id AS nth, a.started_at - d.created_at AS after, a.finished_at - a.started_at AS lasted,
        outcome, error, exchanges::text AS exchanges, traceback
    FROM integration_deliveryattempt a JOIN integration_delivery d ON d.id = a.delivery_id
    WHERE d.id IN (SELECT delivery_id FROM pattern)
) AS try ON try.delivery_id = pattern.delivery_id
ORDER BY n, nth
"""
_TABLES = ("integration_webhookevent", "integration_delivery", "integration_deliveryattempt", "integration_customer")


def settled(project: Project, count: int, *, customers: int | None = None) -> None:
    """`count` deliveries of the last 30 days, nearly all settled well; some customers have many more than others."""
    step = f"interval '{DAYS} days' * ((%(count)s - n) / %(count)s::float)"
    _copy(
        project,
        count,
        patterns.settled(project),
        person=f"floor(power(random(), 2) * {customers or max(count // EVENTS_OF_A_CUSTOMER, 1)})::int",
        received_at=f"{SETTLED_UNTIL} - {step}",
    )


def due(project: Project, count: int, *, customers: int | None = None) -> None:
    """`count` deliveries that are due, one customer after the other; every one of them can be sent."""
    _copy(
        project,
        count,
        patterns.pending(project),
        person=f"n %% {customers or max(count // EVENTS_OF_A_CUSTOMER, 1)}",
        received_at="now() - interval '2 milliseconds' * (%(count)s - n)",
    )


def _copy(
    project: Project,
    count: int,
    making: AbstractContextManager[list[Pattern]],
    *,
    person: str,
    received_at: str,
) -> None:
    with making as made:
        values: dict[str, str | int | list[int]] = {
            "project": str(project.pk),
            "count": count,
            "patterns": _document(made),
            "slots": _slots(made),
        }
        with transaction.atomic(), connection.cursor() as cursor:
            for name, table in (("event", "integration_webhookevent"), ("delivery", "integration_delivery")):
                cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
                values[name] = cursor.fetchone()[0]
            cursor.execute(_PATTERNS, values)
            cursor.execute(_COPIES.format(person=person, received_at=received_at), values)
            for statement in (_EVENTS, _CUSTOMERS, _DELIVERIES, _ATTEMPTS):
                cursor.execute(statement, values)
            for table in _TABLES[:2]:
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    with connection.cursor() as cursor:
        # As autovacuum does, sooner or later: up-to-date statistics, and pages that are known to be all visible.
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(_TABLES)}")


def _document(made: Sequence[Pattern]) -> str:
    return json.dumps(
        [
            {
                "number": number,
                "delivery_id": one.delivery_id,
                "token": one.user,
                "mail": one.email,
                "event_id": one.event_id,
                "at_ms": str(one.at_ms),
                "expires_ms": str(one.expires_ms),
            }
            for number, one in enumerate(made)
        ]
    )


def _slots(made: Sequence[Pattern]) -> list[int]:
    """A thousand numbers of patterns, as often as their shares say."""
    total = sum(one.share for one in made)
    slots = [number for number, one in enumerate(made) for _ in range(round(one.share * 1000 / total))]
    return (slots + [0] * 1000)[:1000]
