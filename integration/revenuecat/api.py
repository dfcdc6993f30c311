"""Asks RevenueCat's API v2: what products and entitlements are called, and how a customer's subscriptions stand.

Only reads. The key stands in the Authorization header and nowhere else. The next page of a list is asked for at the
address that was asked before, never at one that an answer names, so that the key goes nowhere else.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from integration.revenuecat import subscriptions as read
from integration.revenuecat.errors import Answer, OperatorError, UnavailableError, error_of
from integration.revenuecat.pace import CONFIGURATION_A_MINUTE, CUSTOMERS_A_MINUTE, Pace
from integration.revenuecat.subscriptions import ActiveEntitlement, Named, Subscription
from integration.storable import depth
from integration.timed import sending_while
from integration.transport import NETWORK_ERRORS, network_reason, read_body

BASE_URL = "https://api.revenuecat.com/v2"
CONNECT_SECONDS = 5.0
CALL_SECONDS = 15.0
LARGEST_ANSWER = 2 * 1024 * 1024
DEEPEST_ANSWER = 64
# A list of more pages than this does not end.
MOST_PAGES = 200
# So many calls go out without waiting in between: nobody should wait for what a button asks.
PAGES_AT_ONCE, CUSTOMERS_AT_ONCE = 30, 20
# What can stand in a header: a pasted “…4f2a” or a line break cannot.
_USABLE_KEY = re.compile(r"[!-~]+")

T = TypeVar("T")


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
        self._session = session
        self._key = key
        self._base_url = base_url
        self._project = f"/projects/proj{quote(project_id.removeprefix('proj'), safe='')}"
        self._monotonic = monotonic
        self._sleep = sleep
        self._deadline = monotonic() + seconds
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

    # --- Lists --------------------------------------------------------------------------------------------

    def _of_project(self, path: str, permission: str, reader: Callable[[Mapping[str, Any]], T | None]) -> list[T]:
        found = self._all(path, {}, permission, self._configuration, reader)
        if found is None:
            raise OperatorError(
                "RevenueCat answered 404: it knows no project with this id. Check “RevenueCat project id” on the "
                "project's page: it is the part after /projects/ in the address of RevenueCat's dashboard."
            )
        return found

    def _of_customer(
        self,
        customer_id: str,
        what: str,
        permission: str,
        reader: Callable[[Mapping[str, Any]], T | None],
        query: Mapping[str, str],
    ) -> list[T] | None:
        if customer_id in (".", ".."):
            # As a part of a path these mean another page.
            return None
        path = f"{self._project}/customers/{quote(customer_id, safe='')}/{what}"
        return self._all(path, query, permission, self._customers, reader)

    def _all(
        self,
        path: str,
        query: Mapping[str, str],
        permission: str,
        pace: Pace,
        reader: Callable[[Mapping[str, Any]], T | None],
    ) -> list[T] | None:
        """The items of every page; None where the first one is answered 404."""
        found: list[T] = []
        asked: dict[str, str] = dict(query)
        for page in range(MOST_PAGES):
            answer = self._get(path, asked, pace)
            if answer.status == 404 and answer.body is not None:
                return None if page == 0 else found
            if not 200 <= answer.status < 300:
                raise error_of(answer, permission)
            items, after = _page(answer)
            found += [value for item in items if (value := reader(item)) is not None]
            if not after:
                return found
            asked = {**query, "starting_after": after}
        raise UnavailableError(f"RevenueCat's list has more than {MOST_PAGES} pages; it was not read to its end.")

    # --- One call -----------------------------------------------------------------------------------------

    def _get(self, path: str, query: Mapping[str, str], pace: Pace) -> Answer:
        if not _USABLE_KEY.fullmatch(self._key):
            raise OperatorError("The RevenueCat API key has characters that no key has. Enter it again, whole.")
        self._wait(pace)
        asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        request = requests.PreparedRequest()
        request.method, request.url = "GET", f"{self._base_url}{path}{'?' if asked else ''}{asked}"
        request.headers = CaseInsensitiveDict(
            {"Authorization": f"Bearer {self._key}", "Accept": "application/json", "User-Agent": "rcintercom"}
        )
        try:
            answer = self._exchange(request)
        except NETWORK_ERRORS as error:
            # Nothing of an error's own text: it may repeat what was sent.
            reason = network_reason(error) or f"the answer could not be read ({type(error).__name__})."
            raise UnavailableError(f"No answer from RevenueCat: {reason}") from None
        pace.heed(answer.headers, self._monotonic())
        return answer

    def _exchange(self, request: requests.PreparedRequest) -> Answer:
        deadline = min(self._deadline, self._monotonic() + CALL_SECONDS)

        def left() -> float:
            seconds = deadline - self._monotonic()
            if seconds <= 0:
                raise TimeoutError("the answer took too long")
            return seconds

        # The adapter, and not the session: no cookies, no environment, and no redirect is ever followed.
        with (
            sending_while(lambda: self._monotonic() < deadline),
            self._session.get_adapter(self._base_url).send(
                request,
                stream=True,
                timeout=(min(CONNECT_SECONDS, left()), left()),
                verify=True if self._session.verify is None else self._session.verify,
            ) as response,
        ):
            content = read_body(response, LARGEST_ANSWER, left)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, _parsed(content), headers)

    def _wait(self, pace: Pace) -> None:
        seconds = pace.wait(self._monotonic())
        if self._monotonic() + seconds >= self._deadline:
            raise UnavailableError("RevenueCat was asked for as long as may be; not everything was read.")
        if seconds:
            self._sleep(seconds)


def _parsed(content: bytes) -> Any:
    """The answer's JSON object; None where it is anything else."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and depth(document) <= DEEPEST_ANSWER else None


def _page(answer: Answer) -> tuple[list[Mapping[str, Any]], str]:
    """The items of a page, and after which one the next begins; "" where it is the last."""
    items = answer.body.get("items") if isinstance(answer.body, dict) else None
    if not isinstance(items, list):
        raise UnavailableError(f"RevenueCat answered {answer.status} with something that is no list.")
    return [item for item in items if isinstance(item, dict)], _after(answer.body.get("next_page"))


def _after(next_page: Any) -> str:
    """The cursor in the address of the next page; the address itself is not used."""
    try:
        query = urlsplit(next_page).query if isinstance(next_page, str) else ""
    except ValueError:
        return ""
    return parse_qs(query).get("starting_after", [""])[0]
