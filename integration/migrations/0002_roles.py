"""Who may do what: roles as groups, the permissions that they need, and the members of projects."""

from __future__ import annotations

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

LOG = ("delivery.view_delivery", "webhookevent.view_webhookevent", "customer.view_customer")
SUPPORT = (*LOG, "delivery.redeliver_delivery", "webhookevent.view_payload")
ROLES = {
    "Viewer": LOG,
    "Support": SUPPORT,
    "Integration admin": (*SUPPORT, "project.view_project", "project.add_project", "project.change_project"),
}
# Django makes permissions only after the last migration, with these names; it finds them made then.
NAMES = {
    "redeliver_delivery": "Can redeliver",
    "view_payload": "Can read payloads, and what was said to Intercom",
    "view_delivery": "Can view delivery",
    "view_webhookevent": "Can view webhook event",
    "view_customer": "Can view customer",
    "view_project": "Can view project",
    "add_project": "Can add project",
    "change_project": "Can change project",
}


def make_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the groups; one that has a role's name already keeps what it may and gets the rest."""
    database = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    groups = apps.get_model("auth", "Group").objects.using(database)
    for role, wanted in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        for model, codename in (name.split(".") for name in wanted):
            content_type, _ = types.get_or_create(app_label="integration", model=model)
            permission, _ = permissions.get_or_create(
                content_type=content_type, codename=codename, defaults={"name": NAMES[codename]}
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("integration", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="delivery",
            options={
                "ordering": ("-id",),
                "permissions": (("redeliver_delivery", "Can redeliver"),),
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.AlterModelOptions(
            name="webhookevent",
            options={
                "ordering": ("-id",),
                "permissions": (("view_payload", "Can read payloads, and what was said to Intercom"),),
            },
        ),
        migrations.AddField(
            model_name="project",
            name="members",
            field=models.ManyToManyField(
                blank=True,
                help_text="Who sees this project and its log, besides superusers. What they may do, their groups say.",
                related_name="projects",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        # Going back leaves the groups: somebody may have put people into them.
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
