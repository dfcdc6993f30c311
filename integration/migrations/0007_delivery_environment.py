"""The environment on each delivery, for the log. What is there already is filled by the migration after this one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0006_customer_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="environment",
            # In the database, because a web server of the version before may still be storing.
            field=models.CharField(blank=True, db_default="", max_length=50),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("environment", "PRODUCTION"), _negated=True),
                fields=["environment", "-id"],
                name="delivery_environment",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("environment", "PRODUCTION"), _negated=True),
                fields=["environment", "status", "-id"],
                name="delivery_environment_status",
            ),
        ),
    ]
