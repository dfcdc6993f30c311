"""Who writes a project's webhook to RevenueCat does it alone."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("integration", "0027_filter_statistics"),)

    operations = (
        migrations.AddField(
            model_name="project",
            name="registering_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    )
