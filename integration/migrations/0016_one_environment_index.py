"""One index for lists of an environment, whatever else they are filtered by; there were two, and neither held enough."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0015_decided_links"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="delivery", name="delivery_environment"),
        migrations.RemoveIndex(model_name="delivery", name="delivery_environment_status"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("environment", "PRODUCTION"), _negated=True),
                fields=["environment", "-id", "status", "reason", "event_type", "project"],
                name="delivery_environment",
            ),
        ),
    ]
