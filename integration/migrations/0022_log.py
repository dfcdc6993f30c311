"""What the log is filtered and searched by, saved links, and bulk redeliveries. The columns are filled by the next one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("integration", "0020_link_email"),
    ]

    operations = [
        # In the database, because a web server of the version before may still be storing.
        migrations.AddField(
            model_name="webhookevent",
            name="transaction_id",
            field=models.CharField(blank=True, db_default="", max_length=255),
        ),
        migrations.AddField(
            model_name="webhookevent",
            name="original_transaction_id",
            field=models.CharField(blank=True, db_default="", max_length=255),
        ),
        migrations.AddField(
            model_name="delivery",
            name="store",
            field=models.CharField(blank=True, db_default="", max_length=50),
        ),
        migrations.AddField(
            model_name="delivery",
            name="last_answer",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="SavedLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(max_length=1000)),
                ("shared", models.BooleanField(default=False)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_links",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="integration.project",
                    ),
                ),
            ],
            options={
                "ordering": ("name", "pk"),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "name"), name="one_saved_link_of_a_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkRedelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("filter", models.JSONField()),
                ("words", models.TextField(verbose_name="filter")),
                ("expected", models.PositiveIntegerField(verbose_name="deliveries")),
                ("is_exact", models.BooleanField()),
                ("newest", models.BigIntegerField()),
                ("after", models.BigIntegerField(default=0)),
                ("redelivered", models.PositiveIntegerField(default=0)),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="cancelled")),
                ("busy_until", models.DateTimeField(blank=True, null=True)),
                ("projects", models.ManyToManyField(related_name="+", to="integration.project")),
                (
                    "started_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "bulk redelivery",
                "verbose_name_plural": "bulk redeliveries",
                "ordering": ("-id",),
                "default_permissions": (),
            },
        ),
    ]
