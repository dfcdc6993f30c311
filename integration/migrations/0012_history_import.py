"""Imports of history: how far each has come, and deliveries that send no data event."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0011_sandbox_project"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="contact_only",
            # In the database, because a web server of the version before may still be storing.
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name="HistoryImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, verbose_name="SHA-256 of the file")),
                ("contact_only", models.BooleanField()),
                ("offset", models.BigIntegerField(default=0)),
                ("line", models.BigIntegerField(default=0)),
                ("new", models.BigIntegerField(default=0)),
                ("repeated", models.BigIntegerField(default=0)),
                ("left_out", models.BigIntegerField(default=0)),
                ("unusable", models.BigIntegerField(default=0)),
                ("due_until", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imports",
                        to="integration.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "digest", "contact_only"), name="one_import_of_a_file")
                ],
            },
        ),
    ]
