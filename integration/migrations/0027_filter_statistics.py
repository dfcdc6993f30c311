"""PostgreSQL learns which filters of the log go together, so that it does not look through all rows for ones there are not.

Without these statistics it takes them for independent: it expects some failed deliveries of every store among the
newest, and reads a million rows before it knows that there are none. They cost nothing but the time of an ANALYZE.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0026_environment_index"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="delivery", name="delivery_store"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["store", "-id", "status", "event_type"], name="delivery_store"),
        ),
        migrations.RunSQL(
            [
                "CREATE STATISTICS delivery_filters (mcv) ON status, event_type, store, reason FROM integration_delivery",
                # So many of the combinations there are: what is not among them is known to be rare.
                "ALTER STATISTICS delivery_filters SET STATISTICS 500",
                "ANALYZE integration_delivery",
            ],
            "DROP STATISTICS delivery_filters",
        ),
    ]
