"""
The stand-in itself: what it knows, who may ask, what goes wrong, and what was asked of it.

Its wire is that of the stand-in for Intercom, which knows nothing of Intercom.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fake_intercom.wire import HttpServer, RawRequest, Wire
from tests.fake_revenuecat import control, objects
from tests.fake_revenuecat.objects import JsonObject
from tests.fake_revenuecat.webhooks import Webhooks

KEY = "sk_theKeyOfTheTests0123456789"
PROJECT = "proj1ab2c3d4"
EVERY_PERMISSION = frozenset(
    {
        "project_configuration:products:read",
        "project_configuration:entitlements:read",
        "customer_information:subscriptions:read",
        "customer_information:customers:read",
        "project_configuration:integrations:read",
        "project_configuration:integrations:read_write",
    }
)
REASONS = {
    200: "OK",
    201: "Created",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
}


@dataclass
class Fault:
    """What is answered instead, so many times: a whole response, or one that drips, or none at all."""

    response: bytes
    times: int
    drip_seconds: float = 0.0
    hang_seconds: float = 0.0


@dataclass
class Asked:
    """One request: who asked for what, and when (monotonic seconds)."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""
    at: float = field(default_factory=time.monotonic)


class FakeRevenueCat:
    """One project that can be asked: `with FakeRevenueCat() as revenuecat: … revenuecat.url`."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.key = KEY
        self.project = PROJECT
        self.permissions = set(EVERY_PERMISSION)
        self.products: list[JsonObject] = []
        self.entitlements: list[JsonObject] = []
        self.customers: dict[str, list[JsonObject]] = {}
        self.webhooks = Webhooks()
        self.page_size = 20
        # So many calls a minute; None counts none and tells none.
        self.limit: int | None = None
        self.used = 0
        self.retry_after = 1
        self.asked: list[Asked] = []
        # Called when a question comes in, before it is answered.
        self.on_asked: Callable[[], object] = lambda: None
        self._faults: list[Fault] = []
        self._odd: dict[str, bytes] = {}
        self.lost: int | None = None
        self._lock = threading.Lock()
        self._server = HttpServer(host, port, self._respond)

    @property
    def url(self) -> str:
        """The base of the API, without a slash at the end."""
        return f"http://{self._server.host}:{self._server.port}/v2"

    def __enter__(self) -> FakeRevenueCat:
        self._server.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()

    # --- What it knows ---------------------------------------------------------------------------------------

    def add_product(self, store_identifier: str, display_name: str | None) -> None:
        """A product of a store."""
        self.products.append(objects.product(store_identifier, display_name))

    def add_entitlement(self, lookup_key: str, display_name: str) -> None:
        """An entitlement of the project."""
        self.entitlements.append(objects.entitlement(lookup_key, display_name))

    def add_customer(self, app_user_id: str, *subscriptions: JsonObject) -> None:
        """A customer and all subscriptions of theirs."""
        self.customers[app_user_id] = list(subscriptions)

    # --- What goes wrong ---------------------------------------------------------------------------------------

    def fail(self, status: int, body: JsonObject | str | None = None, *, times: int = 1, **headers: str) -> None:
        """Answer the next calls so; a text is an HTML page."""
        said = objects.error("server_error", "It went wrong", retryable=True) if body is None else body
        self._faults.append(Fault(encoded(status, said, headers), times))

    def fail_for(self, customer: str, status: int, body: JsonObject | str) -> None:
        """Answer every call about this customer so."""
        self._odd[customer] = encoded(status, body, {})

    def fail_writing(self, status: int) -> None:
        """Answer what is to be written so, and write it all the same."""
        self.lost = status

    def drip(self, seconds: float) -> None:
        """Answer the next call byte by byte."""
        self._faults.append(Fault(encoded(200, {"object": "list", "items": [], "next_page": None}, {}), 1, seconds))

    def hang(self, seconds: float) -> None:
        """Answer the next call only after so long."""
        self._faults.append(Fault(encoded(200, {"object": "list", "items": []}, {}), 1, hang_seconds=seconds))

    def refuse_connections(self) -> None:
        """As a service that is down."""
        self._server.refuse()

    # --- What was asked ----------------------------------------------------------------------------------------

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [one.path for one in self.asked]

    def _respond(self, raw: RawRequest, wire: Wire) -> None:
        split = urlsplit(raw.target)
        asked = Asked(split.path, dict(parse_qsl(split.query)), raw.headers, raw.method, raw.body)
        if split.path.startswith("/_fake/"):
            wire.send(encoded(*control.told(self, split.path, raw.body), {}))
            return
        with self._lock:
            self.asked.append(asked)
            fault = self._faults[0] if self._faults else None
            if fault is not None:
                fault.times -= 1
                self._faults = [one for one in self._faults if one.times]
            self.used += 1
        self.on_asked()
        odd = next((said for one, said in self._odd.items() if f"/customers/{one}/" in split.path), None)
        if fault is None and odd is not None:
            wire.send(odd)
        elif fault is None:
            wire.send(encoded(*self._answer(asked)))
        elif fault.drip_seconds:
            wire.drip(fault.response, fault.drip_seconds)
        else:
            self._server.stopping.wait(fault.hang_seconds)
            wire.send(fault.response)

    def _answer(self, asked: Asked) -> tuple[int, JsonObject, dict[str, str]]:
        headers = {}
        if self.limit is not None:
            headers["RevenueCat-Rate-Limit-Current-Usage"] = str(self.used)
            headers["RevenueCat-Rate-Limit-Current-Limit"] = str(self.limit)
        status, body = self._judged(asked)
        if status == 429:
            headers["Retry-After"] = str(self.retry_after)
        return status, body, headers

    def _judged(self, asked: Asked) -> tuple[int, JsonObject]:
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            return 401, objects.error("authentication_error", "Invalid API key")
        if self.limit is not None and self.used > self.limit:
            wait = self.retry_after * 1000
            return 429, objects.error("rate_limit_error", "Rate limit exceeded", retryable=True, backoff_ms=wait)
        parts = [unquote(part) for part in asked.path.removeprefix("/v2/").split("/")]
        if len(parts) < 3 or parts[0] != "projects":
            return 404, objects.error("resource_missing", "Resource not found")
        if parts[1] != self.project:
            return 403, objects.error("authorization_error", "You're not authorized to access this resource")
        if asked.method == "POST" and parts[2:4] == ["integrations", "webhooks"]:
            return self._written(parts[4:], asked)
        if asked.method != "GET":
            return 404, objects.error("resource_missing", "Resource not found")
        return self._listed(parts[2:], asked)

    def _written(self, parts: list[str], asked: Asked) -> tuple[int, JsonObject]:
        permission = "project_configuration:integrations:read_write"
        if permission not in self.permissions:
            return 403, objects.error("authorization_error", f"Missing permission {permission}")
        written = self.webhooks.update(parts[0], asked.body) if parts else self.webhooks.create(asked.body)
        if self.lost is None:
            return written
        return self.lost, objects.error("server_error", "It went wrong", retryable=True)

    def _listed(self, parts: list[str], asked: Asked) -> tuple[int, JsonObject]:
        permission, rows = self._rows(parts)
        if permission not in self.permissions:
            return 403, objects.error("authorization_error", f"Missing permission {permission}")
        if rows is None:
            return 404, objects.error("resource_missing", "Resource not found")
        if "environment" in asked.query:
            rows = [row for row in rows if row["environment"] == asked.query["environment"]]
        ids = [str(row.get("id", number)) for number, row in enumerate(rows)]
        return 200, objects.page(rows, asked.path, asked.query, ids, self.page_size)

    def _rows(self, parts: list[str]) -> tuple[str, list[JsonObject] | None]:
        if parts == ["products"]:
            return "project_configuration:products:read", self.products
        if parts == ["entitlements"]:
            return "project_configuration:entitlements:read", self.entitlements
        if parts == ["integrations", "webhooks"]:
            return "project_configuration:integrations:read", list(self.webhooks.rows.values())
        if len(parts) == 3 and parts[0] == "customers" and parts[2] == "subscriptions":
            return "customer_information:subscriptions:read", self.customers.get(parts[1])
        if len(parts) == 3 and parts[0] == "customers" and parts[2] == "active_entitlements":
            held = self.customers.get(parts[1])
            active = [_active(number, one) for number, one in enumerate(held or []) if one["gives_access"]]
            return "customer_information:customers:read", None if held is None else active
        return "nothing", None


def _active(number: int, held: JsonObject) -> JsonObject:
    return {"object": "customer.active_entitlement", "entitlement_id": f"entl{number}", "expires_at": held["ends_at"]}


def encoded(status: int, body: JsonObject | str, headers: dict[str, str]) -> bytes:
    """A whole response; a text is an HTML page, and `_` in the name of a header stands for `-`."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind = "text/html" if isinstance(body, str) else "application/json"
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Answer')}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(content)}", "", ""]
    return "\r\n".join(lines).encode() + content
