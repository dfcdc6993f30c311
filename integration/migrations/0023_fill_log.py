"""Fill what the log is filtered and searched by: batch by batch, so that the door and the drains never wait long."""

from typing import Any

from django.db import connection, migrations
from django.db.models import Max

BATCH = 5_000

_TRANSACTIONS = """
UPDATE integration_webhookevent SET
    transaction_id = left(coalesce(payload #>> '{event,transaction_id}', ''), 255),
    original_transaction_id = left(coalesce(payload #>> '{event,original_transaction_id}', ''), 255)
WHERE id > %s AND id <= %s AND transaction_id = '' AND original_transaction_id = ''
    AND (jsonb_typeof(payload #> '{event,transaction_id}') = 'string'
         OR jsonb_typeof(payload #> '{event,original_transaction_id}') = 'string')
"""
_STORES = """
UPDATE integration_delivery AS d SET store = e.store
FROM integration_webhookevent AS e
WHERE e.id = d.webhook_event_id AND d.id > %s AND d.id <= %s AND d.store <> e.store
"""
# Of what was not delivered: a delivered one's last answer is a plain yes, and in no index.
_ANSWERS = """
UPDATE integration_delivery AS d SET last_answer = coalesce((newest.exchange ->> 'status')::smallint, 0)
FROM (
    SELECT DISTINCT ON (delivery_id) delivery_id, exchanges -> -1 AS exchange
    FROM integration_deliveryattempt
    WHERE delivery_id > %s AND delivery_id <= %s AND finished_at IS NOT NULL AND jsonb_array_length(exchanges) > 0
        AND outcome <> 'rehearsed'
    ORDER BY delivery_id, id DESC
) AS newest
WHERE newest.delivery_id = d.id AND d.status <> 'delivered' AND d.last_answer IS NULL
"""


def fill(apps: Any, _schema_editor: Any) -> None:
    for model, statements in (("WebhookEvent", [_TRANSACTIONS]), ("Delivery", [_STORES, _ANSWERS])):
        last = apps.get_model("integration", model).objects.aggregate(last=Max("id"))["last"] or 0
        for start in range(0, last, BATCH):
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement, [start, start + BATCH])


class Migration(migrations.Migration):
    # Each batch is a transaction of its own. Interrupted, it goes on where it is run again.
    atomic = False

    dependencies = [
        ("integration", "0022_log"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
