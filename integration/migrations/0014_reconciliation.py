"""Comparing with RevenueCat: what differs, how far it has come, and who may see it."""

from __future__ import annotations

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ROLES = ("Viewer", "Support", "Integration admin")


def let_see(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Who sees the log sees the discrepancies; a group that has been renamed or taken away is left alone."""
    database = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    content_type, _ = types.get_or_create(app_label="integration", model="discrepancy")
    # Django makes permissions only after the last migration, with this name; it finds it made then.
    permission, _ = permissions.get_or_create(
        content_type=content_type, codename="view_discrepancy", defaults={"name": "Can view discrepancy"}
    )
    for group in apps.get_model("auth", "Group").objects.using(database).filter(name__in=ROLES):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("integration", "0013_revenuecat_api_key"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="reconcile_nightly",
            field=models.CharField(
                choices=[
                    ("off", "Never"),
                    ("list", "Every night: list what differs"),
                    ("repair", "Every night: list what differs, and repair it"),
                ],
                default="off",
                help_text="Asks RevenueCat how the subscriptions of customers with an event in the last seven days stand.",
                max_length=10,
                verbose_name="compare with RevenueCat",
            ),
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("days", models.PositiveSmallIntegerField()),
                ("repair", models.BooleanField()),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("after", models.CharField(blank=True, max_length=255)),
                ("compared", models.PositiveIntegerField(default=0)),
                ("differing", models.PositiveIntegerField(default=0)),
                ("repaired", models.PositiveIntegerField(default=0)),
                ("left_out", models.PositiveIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
                ("busy_until", models.DateTimeField(null=True)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reconciliation",
                        to="integration.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Discrepancy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("held_status", models.CharField(blank=True, max_length=50, verbose_name="status kept")),
                ("held_expires_at", models.DateTimeField(blank=True, null=True, verbose_name="end kept")),
                ("said_status", models.CharField(blank=True, max_length=50, verbose_name="status in RevenueCat")),
                ("said_expires_at", models.DateTimeField(blank=True, null=True, verbose_name="end in RevenueCat")),
                ("found_at", models.DateTimeField(verbose_name="found")),
                ("repaired_at", models.DateTimeField(blank=True, null=True, verbose_name="repaired")),
                ("agreed_at", models.DateTimeField(blank=True, null=True, verbose_name="gone by itself")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="integration.customer",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="integration.project",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "discrepancies",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["project", "-id"], name="discrepancy_project"),
                    models.Index(fields=["project", "found_at"], name="discrepancy_found"),
                    models.Index(fields=["said_status", "-id"], name="discrepancy_said"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("agreed_at", None), ("repaired_at", None)),
                        fields=("customer",),
                        name="one_open_discrepancy_per_customer",
                    )
                ],
            },
        ),
        # Going back leaves the permission: it is of no use without its table.
        migrations.RunPython(let_see, migrations.RunPython.noop),
    ]
