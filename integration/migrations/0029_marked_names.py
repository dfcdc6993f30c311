"""What fields and models are called, for translation: no column changes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0028_registering"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="customer",
            options={"ordering": ("app_user_id",), "verbose_name": "customer", "verbose_name_plural": "customers"},
        ),
        migrations.AlterModelOptions(
            name="delivery",
            options={
                "ordering": ("-id",),
                "permissions": (("redeliver_delivery", "Can redeliver"),),
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.AlterModelOptions(
            name="discrepancy",
            options={"ordering": ("-id",), "verbose_name": "discrepancy", "verbose_name_plural": "discrepancies"},
        ),
        migrations.AlterModelOptions(
            name="identitycase",
            options={
                "ordering": ("-id",),
                "permissions": (("resolve_identitycase", "Can say which contact is whose"),),
                "verbose_name": "identity case",
                "verbose_name_plural": "identity queue",
            },
        ),
        migrations.AlterModelOptions(
            name="project",
            options={"ordering": ("name",), "verbose_name": "project", "verbose_name_plural": "projects"},
        ),
        migrations.AlterModelOptions(
            name="webhookevent",
            options={
                "ordering": ("-id",),
                "permissions": (("view_payload", "Can read payloads, and what was said to Intercom"),),
                "verbose_name": "webhook event",
                "verbose_name_plural": "webhook events",
            },
        ),
        migrations.AlterField(
            model_name="customer",
            name="email",
            field=models.CharField(blank=True, max_length=255, verbose_name="email"),
        ),
        migrations.AlterField(
            model_name="customer",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="customers",
                to="integration.project",
                verbose_name="project",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="environment",
            field=models.CharField(blank=True, db_default="", max_length=50, verbose_name="environment"),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="event_name",
            field=models.CharField(blank=True, max_length=120, verbose_name="event name"),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="integration.project",
                verbose_name="project",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("delivered", "Delivered"),
                    ("skipped", "Skipped"),
                    ("failed", "Failed"),
                ],
                default="pending",
                max_length=10,
                verbose_name="status",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="store",
            field=models.CharField(blank=True, db_default="", max_length=50, verbose_name="store"),
        ),
        migrations.AlterField(
            model_name="discrepancy",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="discrepancies",
                to="integration.project",
                verbose_name="project",
            ),
        ),
        migrations.AlterField(
            model_name="identitycase",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="identity_cases",
                to="integration.project",
                verbose_name="project",
            ),
        ),
        migrations.AlterField(
            model_name="project",
            name="active",
            field=models.BooleanField(
                default=True,
                help_text="While this is off, webhooks are still stored; they are delivered when it is on again.",
                verbose_name="active",
            ),
        ),
        migrations.AlterField(
            model_name="project",
            name="forgotten_customers",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="forgotten customers"),
        ),
        migrations.AlterField(
            model_name="project",
            name="members",
            field=models.ManyToManyField(
                blank=True,
                help_text="Who sees this project and its log, besides superusers. What they may do, their groups say.",
                related_name="projects",
                to=settings.AUTH_USER_MODEL,
                verbose_name="members",
            ),
        ),
        migrations.AlterField(
            model_name="project",
            name="name",
            field=models.CharField(max_length=100, unique=True, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="project",
            name="region",
            field=models.CharField(
                choices=[("us", "United States"), ("eu", "Europe"), ("au", "Australia")],
                default="us",
                max_length=2,
                verbose_name="region",
            ),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="app_user_id",
            field=models.CharField(blank=True, max_length=255, verbose_name="app user id"),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="email",
            field=models.CharField(blank=True, max_length=255, verbose_name="email"),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="environment",
            field=models.CharField(blank=True, max_length=50, verbose_name="environment"),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="original_transaction_id",
            field=models.CharField(blank=True, db_default="", max_length=255, verbose_name="original transaction id"),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="product_id",
            field=models.CharField(blank=True, max_length=255, verbose_name="product id"),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="webhook_events",
                to="integration.project",
                verbose_name="project",
            ),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="repeats",
            field=models.PositiveIntegerField(
                default=0, help_text="How often RevenueCat sent it again.", verbose_name="repeats"
            ),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="store",
            field=models.CharField(blank=True, max_length=50, verbose_name="store"),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="transaction_id",
            field=models.CharField(blank=True, db_default="", max_length=255, verbose_name="transaction id"),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="type",
            field=models.CharField(max_length=255, verbose_name="type"),
        ),
    ]
