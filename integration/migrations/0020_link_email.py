from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0019_drift_and_registration"),
    ]

    operations = [
        migrations.AddField(
            model_name="identitylink",
            name="email",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
    ]
