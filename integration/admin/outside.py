"""Links to a customer in RevenueCat and to their contact in Intercom. Reads no rows."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.translation import gettext as _

from integration.admin.delivery_story import May
from integration.admin.display import Cell, link_outside
from integration.admin.setting_links import setting_url
from integration.intercom.pages import contact_page
from integration.mapping.attributes import profile_link
from integration.mapping.identity import SHARED_KEY
from integration.models import Customer, Project


def profile_link_or_hint(project: Project, app_user_id: str, may: May) -> Cell:
    """The customer in RevenueCat; where its project is not known, the setting for it, for those who may set it."""
    if not app_user_id or app_user_id.startswith(SHARED_KEY):
        return ""
    url = profile_link(project.revenuecat_project, app_user_id)
    if url is not None:
        return link_outside(url, _("Customer in RevenueCat"))
    if not may.see_settings:
        return ""
    return format_html(
        '<a href="{}" class="text-link">{}</a>',
        setting_url(project, "revenuecat_project"),
        _("Enter the RevenueCat project id for a link to the customer there"),
    )


def contact_link(project: Project, customer: Customer | None, workspace: str = "") -> Cell:
    """The contact in Intercom, where it is known and of the workspace of today's token.

    `workspace` is what is said of it elsewhere, for a project whose connection has not been checked.
    """
    contact_id = customer.contact(project).contact_id if customer is not None else None
    url = contact_page(project.region, contact_id, project.workspace_id or workspace) if contact_id else None
    return link_outside(url, _("Contact in Intercom")) if url else ""
