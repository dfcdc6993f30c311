"""
What the stand-in is told over HTTP by whoever starts it as a program, as the demo does: POST /_fake/<what>, with JSON.

    /_fake/products      {"store_identifier": "…", "display_name": "…"}
    /_fake/entitlements  {"lookup_key": "…", "display_name": "…"}
    /_fake/customers     {"id": "…", "subscriptions": [{…}, …]}      the fields that are not the usual ones
    /_fake/key           {"key": "…", "project": "proj…"}            who may ask, and about which project
    /_fake/webhooks      {}                                          tells them, with their Authorization values
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.fake_revenuecat import objects

if TYPE_CHECKING:
    from tests.fake_revenuecat.server import FakeRevenueCat


def told(revenuecat: FakeRevenueCat, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Do what a request to /_fake/… says."""
    said = json.loads(body or b"{}")
    match path.removeprefix("/_fake/"):
        case "products":
            revenuecat.add_product(said["store_identifier"], said["display_name"])
        case "entitlements":
            revenuecat.add_entitlement(said["lookup_key"], said["display_name"])
        case "customers":
            revenuecat.add_customer(said["id"], *(objects.subscription(**one) for one in said["subscriptions"]))
        case "key":
            revenuecat.key, revenuecat.project = said["key"], said["project"]
        case "webhooks":
            known = revenuecat.webhooks
            return 200, {"webhooks": list(known.rows.values()), "authorizations": known.authorizations}
        case _:
            return 404, objects.error("resource_missing", "The stand-in cannot be told that")
    return 200, {}
