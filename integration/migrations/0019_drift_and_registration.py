import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0018_setup_state"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookRegistration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("webhook_id", models.CharField(max_length=255, verbose_name="id in RevenueCat")),
                ("told_at", models.DateTimeField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="registration",
                        to="integration.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProjectCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("checked_at", models.DateTimeField()),
                ("remarks", models.JSONField(blank=True, default=list)),
                ("workspace_id", models.CharField(blank=True, max_length=100)),
                ("workspace_name", models.CharField(blank=True, max_length=255)),
                ("token_since", models.DateTimeField(blank=True, null=True)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="check_made",
                        to="integration.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Drift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=50)),
                ("sentence", models.TextField()),
                ("since", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drifts",
                        to="integration.project",
                    ),
                ),
            ],
            options={"ordering": ("since", "id")},
        ),
        migrations.AddConstraint(
            model_name="drift",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolved_at", None)),
                fields=("project", "kind"),
                name="one_open_drift_of_a_kind",
            ),
        ),
    ]
