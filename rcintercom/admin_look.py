"""How the admin looks: its name, and the sidebar with what somebody may open. Settings of unfold's, no behaviour."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _page(title: str, icon: str, model: str) -> dict[str, Any]:
    """A link in the admin's sidebar, for those who may view the model."""
    app, name = model.split(".")
    permission = f"{app}.view_{name}"
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(permission),
    }


ADMIN_LOOK: dict[str, Any] = {
    "SITE_TITLE": "rcintercom",
    "SITE_HEADER": "rcintercom",
    "SITE_SUBHEADER": "RevenueCat to Intercom",
    "SITE_SYMBOL": "sync_alt",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("integration/favicon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    # The menu under one's own name.
    "ACCOUNT": {
        "navigation": [
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
            {"title": "Second factor", "link": reverse_lazy("admin:second_factor")},
        ],
    },
    "SIDEBAR": {
        "navigation": [
            {"title": "Settings", "items": [_page("Projects", "tune", "integration.project")]},
            {
                "title": "Log",
                "separator": True,
                "items": [
                    _page("Deliveries", "outbox", "integration.delivery"),
                    _page("Webhook events", "inbox", "integration.webhookevent"),
                    _page("Customers", "person_search", "integration.customer"),
                    _page("Identity queue", "how_to_reg", "integration.identitycase"),
                    _page("Discrepancies", "compare_arrows", "integration.discrepancy"),
                ],
            },
            {
                "title": "Access",
                "separator": True,
                "items": [_page("Users", "person", "auth.user"), _page("Groups", "group", "auth.group")],
            },
        ],
    },
}
