"""What setting up has found out of a project; one that already gets webhooks begins with the time of the newest."""

from django.db import migrations, models

FILL = """
UPDATE integration_project SET webhook_seen_at = (
    SELECT received_at FROM integration_webhookevent AS event WHERE event.project_id = integration_project.id
    ORDER BY event.id DESC LIMIT 1
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("integration", "0017_front_page"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="connection",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="connection_checked_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="workspace_id",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name="project",
            name="webhook_seen_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="test_event_id",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=255),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="deliveryattempt",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("delivered", "Delivered"),
                    ("retry", "Failed, tried again"),
                    ("rejected", "Rejected by Intercom"),
                    ("credentials", "Not allowed by Intercom"),
                    ("attributes", "An attribute cannot be made"),
                    ("rate_limited", "Rate limit reached"),
                    ("ambiguous", "Several contacts could be meant"),
                    ("interrupted", "Worker stopped"),
                    ("crashed", "Unexpected error"),
                    ("rehearsed", "Not sent, only logged"),
                ],
                max_length=20,
            ),
        ),
    ]
