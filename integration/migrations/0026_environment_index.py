"""The index of an environment also holds the store and the time, so that lists filtered by these read no other row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0025_redelivered"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="delivery", name="delivery_environment"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("environment", "PRODUCTION"), _negated=True),
                fields=["environment", "-id", "status", "reason", "event_type", "project", "store", "created_at"],
                name="delivery_environment",
            ),
        ),
    ]
