"""Copy each event's environment to its deliveries: batch by batch, so that the door and the drains never wait long."""

from typing import Any

from django.db import connection, migrations
from django.db.models import Max

BATCH = 5_000

_FILL = """
UPDATE integration_delivery AS d SET environment = e.environment
FROM integration_webhookevent AS e
WHERE e.id = d.webhook_event_id AND d.id > %s AND d.id <= %s AND d.environment <> e.environment
"""


def fill(apps: Any, _schema_editor: Any) -> None:
    last = apps.get_model("integration", "Delivery").objects.aggregate(last=Max("id"))["last"] or 0
    for start in range(0, last, BATCH):
        with connection.cursor() as cursor:
            cursor.execute(_FILL, [start, start + BATCH])


class Migration(migrations.Migration):
    # Each batch is a transaction of its own. Interrupted, it goes on where it is run again.
    atomic = False

    dependencies = [
        ("integration", "0007_delivery_environment"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
