"""Deliveries counted by the hour, and how each project stands: for the front page of the admin and its banners."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0016_one_environment_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountedHour",
            fields=[
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("counted_at", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="CountingState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("settled_until", models.DateTimeField()),
                ("ran_at", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="StaleHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="HourlyCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("environment", models.CharField(blank=True, max_length=50)),
                ("status", models.CharField(max_length=10)),
                ("reason", models.CharField(blank=True, max_length=50)),
                ("event_type", models.CharField(blank=True, max_length=50)),
                ("count", models.PositiveIntegerField()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="integration.project",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["hour", "project"], name="hourly_count")],
            },
        ),
        migrations.CreateModel(
            name="HourlyLatency",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("environment", models.CharField(blank=True, max_length=50)),
                ("class_number", models.SmallIntegerField()),
                ("count", models.PositiveIntegerField()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="integration.project",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["hour", "project"], name="hourly_latency")],
            },
        ),
        migrations.CreateModel(
            name="ProjectStanding",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="integration.project",
                    ),
                ),
                ("silent_since", models.DateTimeField(null=True)),
                ("stuck_since", models.DateTimeField(null=True)),
                ("retrying", models.PositiveIntegerField(default=0)),
            ],
            options={"default_permissions": ()},
        ),
    ]
