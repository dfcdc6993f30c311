"""The indexes of the new filters and searches, made when all is filled. An event id is looked up within projects now."""

import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models import F, Q

from integration.models.attempts import RequestIds


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0023_fill_log"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="webhookevent",
            name="integration_event_i_40bca5_idx",
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(
                condition=Q(("transaction_id", ""), _negated=True), fields=["transaction_id"], name="event_transaction"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(
                condition=Q(
                    Q(("original_transaction_id", ""), _negated=True),
                    Q(("original_transaction_id", F("transaction_id")), _negated=True),
                ),
                fields=["original_transaction_id"],
                name="event_original_transaction",
            ),
        ),
        migrations.RemoveIndex(
            model_name="delivery",
            name="delivery_reason",
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=Q(("reason", ""), _negated=True),
                fields=["reason", "-id", "status", "event_type", "store", "project"],
                name="delivery_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["store", "-id"], name="delivery_store"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=Q(("last_answer__gte", 300), ("last_answer", 0), _connector="OR"),
                fields=["-id", "last_answer", "status", "event_type", "store", "project"],
                name="delivery_answer",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=Q(("status", "pending"), ("tries__gt", 0)), fields=["-id"], name="delivery_retrying"
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=django.contrib.postgres.indexes.GinIndex(fields=["aliases"], name="customer_aliases"),
        ),
        migrations.AddIndex(
            model_name="deliveryattempt",
            index=django.contrib.postgres.indexes.GinIndex(
                RequestIds("exchanges"),
                condition=Q(("outcome__in", ("", "delivered")), _negated=True),
                name="attempt_request_ids",
            ),
        ),
    ]
