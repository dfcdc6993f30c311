"""Asks RevenueCat's API v2: what products and entitlements are called, how a customer's subscriptions stand, and which
webhooks a project has; and tells it of ours.

The next page of a list is asked for at the address that was asked before, never at one that an answer names, so that
the key goes nowhere else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import requests

from integration.revenuecat import subscriptions as read
from integration.revenuecat.calls import CALL_SECONDS, Call, Caller
from integration.revenuecat.errors import Answer, OperatorError, UnavailableError, UnusableError, error_of
from integration.revenuecat.pace import CONFIGURATION_A_MINUTE, CUSTOMERS_A_MINUTE, Pace
from integration.revenuecat.subscriptions import ActiveEntitlement, Named, Subscription
from integration.revenuecat.webhooks import Webhook, WebhookWishes, refusal_of, webhook

__all__ = ["BASE_URL", "CALL_SECONDS", "MOST_PAGES", "RevenueCatApi"]

BASE_URL = "https://api.revenuecat.com/v2"
# A list of more pages than this does not end.
MOST_PAGES = 200
# So many calls go out without waiting in between: nobody should wait for what a button asks.
PAGES_AT_ONCE, CUSTOMERS_AT_ONCE = 30, 20
# Where the next page begins: the id of an object. What no address could carry is none.
_CURSOR = re.compile(r"[!-~]{1,500}")
READ_INTEGRATIONS = "project_configuration:integrations:read"
WRITE_INTEGRATIONS = "project_configuration:integrations:read_write"

T = TypeVar("T")
Reader = Callable[[Mapping[str, Any]], T | None]


class RevenueCatApi:
    """The questions about one project. Methods raise a RevenueCatError.

    `base_url` has no trailing slash, `project_id` may lack its prefix. All calls together end after `seconds`.
    """

    def __init__(
        self,
        session: requests.Session,
        *,
        key: str,
        project_id: str,
        base_url: str = BASE_URL,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._caller = Caller(session, key=key, base_url=base_url, seconds=seconds, monotonic=monotonic, sleep=sleep)
        self._project = f"/projects/proj{quote(project_id.removeprefix('proj'), safe='')}"
        self._customers = Pace(CUSTOMERS_A_MINUTE, burst=CUSTOMERS_AT_ONCE)
        self._configuration = Pace(CONFIGURATION_A_MINUTE, burst=PAGES_AT_ONCE)

    def products(self) -> list[Named]:
        """The products that have a name, by the stores' identifiers."""
        path, permission = f"{self._project}/products", "project_configuration:products:read"
        return self._of_project(path, permission, read.product)

    def entitlements(self) -> list[Named]:
        """The entitlements that have a name, by their lookup keys."""
        path, permission = f"{self._project}/entitlements", "project_configuration:entitlements:read"
        return self._of_project(path, permission, read.entitlement)

    def subscriptions(self, customer_id: str, *, environment: str = "") -> list[Subscription] | None:
        """All subscriptions of a customer, of one `environment` where it is named; None where there is no customer."""
        only = {"environment": environment} if environment else {}
        return self._of_customer(
            customer_id, "subscriptions", "customer_information:subscriptions:read", read.subscription, only
        )

    def active_entitlements(self, customer_id: str) -> list[ActiveEntitlement] | None:
        """What a customer has access to now; None where there is no such customer."""
        return self._of_customer(
            customer_id, "active_entitlements", "customer_information:customers:read", read.active_entitlement, {}
        )

    # --- Webhooks -----------------------------------------------------------------------------------------

    def webhooks(self) -> list[Webhook]:
        """The webhooks of the project, whoever made them."""
        return self._of_project(f"{self._project}/integrations/webhooks", READ_INTEGRATIONS, webhook)

    def create_webhook(self, wishes: WebhookWishes) -> Webhook:
        """Make one. After an UnavailableError nobody knows whether it was made: look before trying again."""
        return self._write_webhook(f"{self._project}/integrations/webhooks", wishes)

    def update_webhook(self, webhook_id: str, wishes: WebhookWishes) -> Webhook:
        """Change what `wishes` name of one; the rest stays."""
        return self._write_webhook(f"{self._project}/integrations/webhooks/{quote(webhook_id, safe='')}", wishes)

    def _write_webhook(self, path: str, wishes: WebhookWishes) -> Webhook:
        answer = self._caller.make(Call(method="POST", path=path, pace=self._configuration, body=wishes.body()))
        if not 200 <= answer.status < 300:
            raise refusal_of(answer) or error_of(answer, WRITE_INTEGRATIONS)
        written = webhook(answer.body) if isinstance(answer.body, dict) else None
        if written is None:
            raise UnavailableError(f"{answer.said} with something that is no webhook. Verify it, to see what it did.")
        return written

    # --- Lists --------------------------------------------------------------------------------------------

    def _of_project(self, path: str, permission: str, reader: Reader[T]) -> list[T]:
        found = self._all(path, {}, permission, self._configuration, reader)
        if found is None:
            raise OperatorError(
                "RevenueCat answered 404: it knows no project with this id. Check “RevenueCat project id” on the "
                "project's page: it is the part after /projects/ in the address of RevenueCat's dashboard."
            )
        return found

    def _of_customer(
        self, customer_id: str, what: str, permission: str, reader: Reader[T], query: Mapping[str, str]
    ) -> list[T] | None:
        if customer_id in (".", ".."):
            # As a part of a path these mean another page.
            return None
        path = f"{self._project}/customers/{quote(customer_id, safe='')}/{what}"
        return self._all(path, query, permission, self._customers, reader)

    def _all(
        self, path: str, query: Mapping[str, str], permission: str, pace: Pace, reader: Reader[T]
    ) -> list[T] | None:
        """The items of every page; None where the first one is answered 404."""
        found: list[T] = []
        cursors: set[str] = set()
        asked: dict[str, str] = dict(query)
        for page in range(MOST_PAGES):
            answer = self._caller.make(Call(path=path, query=asked, pace=pace))
            if answer.status == 404 and answer.body is not None:
                return None if page == 0 else found
            if not 200 <= answer.status < 300:
                raise error_of(answer, permission)
            items, after = _page(answer)
            found += [value for item in items if (value := reader(item)) is not None]
            if not after:
                return found
            if after in cursors or not _CURSOR.fullmatch(after):
                raise UnusableError("RevenueCat's list does not go on where it says; it was not read to its end.")
            cursors.add(after)
            asked = {**query, "starting_after": after}
        raise UnusableError(f"RevenueCat's list has more than {MOST_PAGES} pages; it was not read to its end.")


def _page(answer: Answer) -> tuple[list[Mapping[str, Any]], str]:
    """The items of a page, and after which one the next begins; "" where it is the last."""
    items = answer.body.get("items") if isinstance(answer.body, dict) else None
    if not isinstance(items, list):
        raise UnusableError(f"RevenueCat answered {answer.status} with something that is no list.")
    return [item for item in items if isinstance(item, dict)], _after(answer.body.get("next_page"))


def _after(next_page: Any) -> str:
    """The cursor in the address of the next page; the address itself is not used."""
    try:
        query = urlsplit(next_page).query if isinstance(next_page, str) else ""
        return parse_qs(query).get("starting_after", [""])[0]
    except ValueError:
        return ""
