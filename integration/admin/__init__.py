"""The admin: the settings page of each project, and the log. What is registered stands here, in one place."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import Group, User
from procrastinate.contrib.django.models import ProcrastinateJob

from integration.admin.accounts import GroupAdmin, UserAdmin
from integration.admin.bulk_redelivery import BulkRedeliveryAdmin
from integration.admin.customers import CustomerAdmin
from integration.admin.discrepancies import DiscrepancyAdmin
from integration.admin.identity_queue import IdentityCaseAdmin
from integration.admin.log import DeliveryAdmin
from integration.admin.pages import extra_urls
from integration.admin.projects import ProjectAdmin
from integration.admin.webhook_events import WebhookEventAdmin
from integration.models import BulkRedelivery, Customer, Delivery, Discrepancy, IdentityCase, Project, WebhookEvent

admin.site.register(Project, ProjectAdmin)
admin.site.register(Delivery, DeliveryAdmin)
admin.site.register(WebhookEvent, WebhookEventAdmin)
admin.site.register(Customer, CustomerAdmin)
admin.site.register(IdentityCase, IdentityCaseAdmin)
admin.site.register(Discrepancy, DiscrepancyAdmin)
admin.site.register(BulkRedelivery, BulkRedeliveryAdmin)

# Django registers these itself, without unfold's looks.
admin.site.unregister([User, Group])
admin.site.register(User, UserAdmin)
admin.site.register(Group, GroupAdmin)

# The engine's jobs only say "look at this project"; what is owed and what became of it stands in the log.
admin.site.unregister(ProcrastinateJob)

# unfold asks its site for further pages by this name.
cast("Any", admin.site).extra_urls = extra_urls
