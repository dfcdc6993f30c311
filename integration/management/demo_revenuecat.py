"""What the demo's stand-in for RevenueCat's API is told: a key, names, and customers as this app knows them, but one.

Of that one it says that the subscription has ended, so that there is a discrepancy to be found and repaired.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import requests
from django.core.management.base import CommandError
from django.db.models import Exists, OuterRef
from django.utils import timezone

from integration.customer_state import STATUS
from integration.inquiry.comparing import DAYS
from integration.models import Customer, Delivery, Project, WebhookRegistration
from integration.models.secrets import Secret
from integration.reconciliation import EXPIRES
from integration.retry import DeliveryStatus

PROJECT_ID = "1ab2c3d4"
PRODUCTS: Mapping[str, str] = {
    "larkfield_premium_monthly": "Larkfield Premium, monthly",
    "larkfield_premium_yearly": "Larkfield Premium, yearly",
    "larkfield_premium:monthly": "Larkfield Premium, monthly (Play Store)",
    "larkfield_premium_lifetime": "Larkfield Premium, for life",
    "larkfield_song_ids_100": "A hundred song identifications",
}
ENTITLEMENTS: Mapping[str, str] = {"premium": "Larkfield Premium"}
# RevenueCat's words for ours; what is not among them, it says nothing of.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "active": {"status": "active"},
    "intro": {"status": "active"},
    "cancelled": {"status": "active", "auto_renewal_status": "will_not_renew"},
    "trial": {"status": "trialing"},
    "cancelled_trial": {"status": "trialing", "auto_renewal_status": "will_not_renew"},
    "grace_period": {"status": "in_grace_period"},
    "grace_period_trial": {"status": "in_grace_period"},
    "paused": {"status": "paused"},
    "expired": {"status": "expired"},
    "promotional": {"status": "active", "store": "promotional"},
    "expired_promotional": {"status": "expired", "store": "promotional"},
}
DAY_MS = 86_400_000


def let_in(project: Project, stand_in: str) -> None:
    """Give the project a key of its own for the stand-in, and have it know the names of what is sold."""
    key = f"sk_{secrets.token_urlsafe(24)}"
    project.revenuecat_api_key, project.revenuecat_project = Secret.of(key), PROJECT_ID
    project.save(update_fields=["revenuecat_api_key", "revenuecat_project"])
    # The stand-in remembers nothing of the demo before.
    WebhookRegistration.objects.filter(project=project).delete()
    project.drifts.all().delete()
    _tell(stand_in, "key", {"key": key, "project": f"proj{PROJECT_ID}"})
    for identifier, name in PRODUCTS.items():
        _tell(stand_in, "products", {"store_identifier": identifier, "display_name": name})
    for identifier, name in ENTITLEMENTS.items():
        _tell(stand_in, "entitlements", {"lookup_key": identifier, "display_name": name})


def tell_of_customers(project: Project, stand_in: str) -> str:
    """Have it say of every customer what is kept here, but of one that it is over; returns whose, or ""."""
    odd = _who_differs(project)
    for customer in Customer.objects.filter(project=project):
        said = _kept(customer)
        if customer.app_user_id == odd:
            said = {"status": "expired", "ends_at": said["ends_at"] - 60 * DAY_MS}
        if said:
            _tell(stand_in, "customers", {"id": customer.app_user_id, "subscriptions": [said]})
    return odd


def _who_differs(project: Project) -> str:
    """Somebody with access, whom a comparison looks at, and whom Intercom can be told of again."""
    since_ms = (timezone.now() - timedelta(days=DAYS - 1)).timestamp() * 1000
    recent = Customer.objects.filter(project=project, last_event_at_ms__gte=int(since_ms))
    told = Delivery.objects.filter(customer=OuterRef("pk"), status=DeliveryStatus.DELIVERED)
    for customer in recent.filter(Exists(told)).order_by("app_user_id"):
        said = _kept(customer)
        if said.get("status") in ("active", "trialing") and said["ends_at"] is not None:
            return customer.app_user_id
    return ""


def _kept(customer: Customer) -> dict[str, Any]:
    """What is kept of a customer, as RevenueCat would say it; empty where it has no word for it."""
    kept = customer.known_state().attributes()
    said: dict[str, Any] = dict(_WORDS.get(str(kept.get(STATUS)), {}))
    ends_at = kept.get(EXPIRES)
    return said and {**said, "ends_at": ends_at * 1000 if isinstance(ends_at, int) else None}


def _tell(stand_in: str, what: str, said: Mapping[str, Any]) -> None:
    answer = requests.post(f"{stand_in}/_fake/{what}", json=dict(said), timeout=5)
    if not answer.ok:
        raise CommandError(f"The stand-in for RevenueCat does not do as it is told: {answer.text}")
