"""That a delivery was owed again after it had ended, so that how long it took in all is not taken for slowness."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0024_log_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="redelivered",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
