"""How the admin looks: its name, and the sidebar with what somebody may open. Settings of unfold's, no behaviour."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _

_CUSTOMERS, _PAYLOADS = "integration.view_customer", "integration.view_payload"
_REDELIVER = "integration.redeliver_delivery"


def _list(title: Any, icon: str, model: str) -> dict[str, Any]:
    """A link in the admin's sidebar to a list, for those who may view the model."""
    app, name = model.split(".")
    return _page(title, icon, f"{app}_{name}_changelist", f"{app}.view_{name}")


def _page(title: Any, icon: str, url_name: str, permission: str) -> dict[str, Any]:
    """A link in the admin's sidebar, for those who have the permission."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{url_name}"),
        "permission": lambda request: request.user.has_perm(permission),
    }


ADMIN_LOOK: dict[str, Any] = {
    "SITE_TITLE": "rcintercom",
    "SITE_HEADER": "rcintercom",
    "SITE_SUBHEADER": _("RevenueCat to Intercom"),
    "SITE_SYMBOL": "sync_alt",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("integration/favicon.svg")},
    ],
    # On every page, the sign-in page too: the first page after it knows the zone already.
    "SCRIPTS": [
        lambda _: static("integration/time_zone.js"),
        lambda _: static("integration/accessible.js"),
        lambda _: static("integration/dialogs.js"),
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    # The menu under one's own name.
    "ACCOUNT": {
        "navigation": [
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
            {"title": _("Second factor"), "link": reverse_lazy("admin:second_factor")},
        ],
    },
    "SIDEBAR": {"navigation": "rcintercom.admin_look.sidebar"},
    # On every page: its styles, and what needs somebody. And what the front page shows.
    "STYLES": [lambda _: static("integration/admin.css"), lambda _: static("integration/accessible.css")],
    "GLOBAL_CALLBACK": "integration.admin.banners.banners",
    "DASHBOARD_CALLBACK": "integration.admin.dashboard.dashboard",
}


def sidebar(_request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the sidebar; unfold leaves out what the person may not open."""
    return [
        {"title": "", "items": [{"title": _("Dashboard"), "icon": "monitoring", "link": reverse("admin:index")}]},
        {
            "title": _("Settings"),
            "separator": True,
            "items": [_list(_("Projects"), "tune", "integration.project")],
        },
        {
            "title": _("Log"),
            "separator": True,
            "items": [
                _list(_("Deliveries"), "outbox", "integration.delivery"),
                _list(_("Webhook events"), "inbox", "integration.webhookevent"),
                _list(_("Customers"), "person_search", "integration.customer"),
                _page(_("Find a customer"), "manage_search", "integration_customer_find", _CUSTOMERS),
                _list(_("Identity queue"), "how_to_reg", "integration.identitycase"),
                _list(_("Discrepancies"), "compare_arrows", "integration.discrepancy"),
                _page(_("Bulk redeliveries"), "playlist_play", "integration_bulkredelivery_changelist", _REDELIVER),
                _page(_("Preview"), "preview", "integration_preview", _PAYLOADS),
            ],
        },
        {
            "title": _("Access"),
            "separator": True,
            "items": [_list(_("Users"), "person", "auth.user"), _list(_("Groups"), "group", "auth.group")],
        },
    ]
