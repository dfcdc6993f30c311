"""
The webhooks of the project: what may be written, and what is told of them. The Authorization value never is.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.fake_revenuecat import objects
from tests.fake_revenuecat.objects import JsonObject

Answer = tuple[int, JsonObject]
# What is documented to be written, and the kinds of value of each beside null.
WRITABLE: dict[str, type] = {
    "name": str,
    "url": str,
    "authorization_header": str,
    "environment": str,
    "event_types": list,
    "app_id": str,
}
NULLABLE = {"authorization_header", "environment", "event_types", "app_id"}
EVENT_TYPES = {
    "initial_purchase",
    "renewal",
    "product_change",
    "cancellation",
    "billing_issue",
    "non_renewing_purchase",
    "uncancellation",
    "transfer",
    "subscription_paused",
    "expiration",
    "subscription_extended",
    "invoice_issuance",
    "temporary_entitlement_grant",
    "refund_reversed",
    "virtual_currency_transaction",
}


@dataclass
class Webhooks:
    """Those of one project. `secret_told` is what RevenueCat does not document: a signing secret in an answer."""

    rows: dict[str, JsonObject] = field(default_factory=dict)
    authorizations: dict[str, str | None] = field(default_factory=dict)
    https_only: bool = True
    secret_told: str | None = None

    def add(self, **fields: Any) -> str:
        """A webhook that somebody made in the dashboard; its id."""
        return str(self._made(fields)["id"])

    def create(self, body: bytes) -> Answer:
        """Make one."""
        said = _read(body)
        problem = self._problem(said)
        if problem is None and not {"name", "url"} <= set(said):
            problem = "name" if "name" not in said else "url"
        if problem is not None:
            return _refused(problem)
        return 201, self._told(self._made(said))

    def update(self, webhook_id: str, body: bytes) -> Answer:
        """Change what the body names; the rest stays."""
        row = self.rows.get(webhook_id)
        if row is None:
            return 404, objects.error("resource_missing", "Resource not found")
        said = _read(body)
        problem = self._problem(said)
        if problem is not None:
            return _refused(problem)
        self._take(row, said)
        return 200, self._told(row)

    def _made(self, said: JsonObject) -> JsonObject:
        row: JsonObject = {
            "object": "webhook_integration",
            "id": f"whintgr{secrets.token_hex(5)}",
            "project_id": "proj1ab2c3d4",
            "name": "Webhook",
            "url": "https://hooks.example.com/",
            "environment": None,
            "event_types": None,
            "app_id": None,
            "created_at": objects.NEW_YEAR_MS,
        }
        self.rows[row["id"]] = row
        self._take(row, said)
        return row

    def _take(self, row: JsonObject, said: JsonObject) -> None:
        if "authorization_header" in said:
            self.authorizations[row["id"]] = said["authorization_header"]
        row.update({name: value for name, value in said.items() if name != "authorization_header"})

    def _told(self, row: JsonObject) -> JsonObject:
        return row if self.secret_told is None else {**row, "signing_secret": self.secret_told}

    def _problem(self, said: JsonObject) -> str | None:
        """The first field that cannot be taken."""
        for name, value in said.items():
            if name not in WRITABLE:
                return name
            if not (value is None and name in NULLABLE) and not isinstance(value, WRITABLE[name]):
                return name
        if said.get("environment") not in (None, "production", "sandbox"):
            return "environment"
        if not set(said.get("event_types") or ()) <= EVENT_TYPES:
            return "event_types"
        url = said.get("url")
        schemes = ("https://",) if self.https_only else ("https://", "http://")
        return "url" if url is not None and not url.startswith(schemes) else None


def _read(body: bytes) -> JsonObject:
    try:
        said = json.loads(body)
    except ValueError:
        return {"body": None}
    return said if isinstance(said, dict) else {"body": None}


def _refused(param: str) -> Answer:
    return 422, objects.error("parameter_error", f"{param} is not valid", param=param)
