from django.db import migrations

import integration.models.secrets


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0012_history_import"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="revenuecat_api_key",
            field=integration.models.secrets.SecretField(blank=True, verbose_name="RevenueCat API key"),
        ),
    ]
