"""Speaks HTTP with Intercom: one method a call, every exchange recorded without secrets. Never retries by itself.

The retry schedule lives in the database; only a connection that could not be opened is tried again here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import requests

from integration.intercom.classify import error_of
from integration.intercom.errors import (
    Answer,
    CredentialsError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    TransientError,
)
from integration.intercom.exchanges import Exchange, loggable, parsed, without_token
from integration.intercom.messages import AttributeValue, DataEvent
from integration.intercom.rate_limit import RateBudget
from integration.intercom.request import prepared
from integration.storable import storable
from integration.timed import sending_while
from integration.transport import NETWORK_ERRORS, network_reason, read_body

# https://developers.intercom.com/docs/build-an-integration/learn-more/rest-apis ("Regional Hosting")
REGION_URLS: Mapping[str, str] = {
    "us": "https://api.intercom.io",
    "eu": "https://api.eu.intercom.io",
    "au": "https://api.au.intercom.io",
}
CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
# One attempt may make several calls; all of them together end by then.
ATTEMPT_SECONDS = 30.0
LARGEST_ANSWER = 512 * 1024
# Made once: with this setting `json.dumps` makes a writer for every body.
_writer = json.JSONEncoder(ensure_ascii=False)
# What can stand in a header: a pasted “…4f2a” or a line break cannot.
_USABLE_TOKEN = re.compile(r"[!-~]+")


class IntercomClient:
    """The calls of one attempt. Methods return the answer's JSON or raise an IntercomError.

    `base_url` has no trailing slash. `exchanges` grows with every call, also with those that fail.
    """

    def __init__(
        self,
        session: requests.Session,
        *,
        base_url: str,
        token: str,
        budget: RateBudget,
        seconds: float = ATTEMPT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._token = token
        self._budget = budget
        self._monotonic = monotonic
        self._now = now
        self._sleep = sleep
        self._deadline = monotonic() + seconds
        self.exchanges: list[Exchange] = []

    def me(self) -> dict[str, Any]:
        """`GET /me`: the admin and the workspace (`app`) that the token belongs to."""
        return self._object("GET", "/me")

    def try_out(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Make a call only to see whether the token may make it: that it is rejected for something else is fine."""
        with suppress(RejectedError):
            self._call(method, path, body)

    def find_contact(self, external_id: str) -> dict[str, Any]:
        """The user with this external id. Raises NotFoundError, or MergedError where it was merged away."""
        if external_id in (".", ".."):
            # As a part of a path these mean another page. Creating the contact tells whether it exists.
            raise NotFoundError(f"Intercom cannot be asked for a contact with the external id “{external_id}”.")
        return self._object("GET", f"/contacts/find_by_external_id/{quote(external_id, safe='')}")

    def contacts_with_email(self, email: str) -> list[dict[str, Any]]:
        """Those that have this email, at most ten. A contact that was just made may be missing for some minutes."""
        query = {"field": "email", "operator": "=", "value": email}
        listed = self._object("POST", "/contacts/search", {"query": query, "pagination": {"per_page": 10}}).get("data")
        return [found for found in listed if isinstance(found, dict)] if isinstance(listed, list) else []

    def get_contact(self, contact_id: str) -> dict[str, Any]:
        """The contact with Intercom's own id."""
        return self._object("GET", f"/contacts/{quote(contact_id, safe='')}")

    def create_contact(
        self, external_id: str, attributes: Mapping[str, AttributeValue], fields: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """A new user. Raises ConflictError where it exists already, UnknownAttributeError as update does."""
        known = {name: value for name, value in attributes.items() if value is not None}
        who = {"role": "user", "external_id": external_id}
        return self._object("POST", "/contacts", {**who, **(fields or {}), "custom_attributes": known})

    def update_contact(
        self, contact_id: str, attributes: Mapping[str, AttributeValue], fields: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Write custom attributes, and some of Intercom's own fields; the others stay.

        Raises UnknownAttributeError naming the first unknown one.
        """
        custom = {"custom_attributes": dict(attributes)} if attributes else {}
        return self._object("PUT", f"/contacts/{quote(contact_id, safe='')}", {**(fields or {}), **custom})

    def unarchive_contact(self, contact_id: str) -> None:
        """Bring an archived contact back. Raises RejectedError where Intercom will not."""
        self._call("POST", f"/contacts/{quote(contact_id, safe='')}/unarchive", {})

    def contact_attribute_names(self) -> set[str]:
        """The names of the contacts' attributes that can be written: archived ones are not among them."""
        listed = self._object("GET", "/data_attributes?model=contact").get("data")
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        return {str(row.get("name")) for row in rows if row.get("custom") and not row.get("archived")}

    def create_attribute(self, name: str, data_type: str) -> None:
        """Make a custom attribute for contacts. Raises RejectedError where the name is taken."""
        self._call(
            "POST",
            "/data_attributes",
            {"name": name, "model": "contact", "data_type": data_type},
        )

    def send_event(self, event: DataEvent, *, contact_id: str | None = None) -> None:
        """`POST /events`. Raises NotFoundError where the contact does not exist."""
        self._call("POST", "/events", event.body(contact_id=contact_id))

    def _object(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = self._call(method, path, body)
        if not isinstance(answer.body, dict):
            raise _not_json(answer, method, path)
        return answer.body

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        if not _USABLE_TOKEN.fullmatch(self._token):
            raise CredentialsError(
                "The access token has characters that no access token of Intercom has. Paste it again, whole, "
                "then resume the project."
            )
        self._wait_for_budget()
        text = None if body is None else _writer.encode(body)
        exchange = Exchange(method, path, loggable(body, text or ""))
        self.exchanges.append(exchange)
        started = self._monotonic()
        answer = Answer(status=0, body=None)
        try:
            answer = self._exchange(method, path, text, exchange)
        except NETWORK_ERRORS as error:
            exchange.error = self._reason(error)
            raise TransientError(f"No answer from Intercom: {exchange.error}") from error
        finally:
            exchange.milliseconds = round((self._monotonic() - started) * 1000)
            self._budget.give_back(answer.headers)
        if not 200 <= answer.status < 300:
            raise error_of(answer)
        if answer.body is not None and not answer.is_json:
            # A page of something in between (a proxy, a balancer): Intercom has not heard it.
            raise _not_json(answer, method, path)
        return answer

    def _exchange(self, method: str, path: str, text: str | None, exchange: Exchange) -> Answer:
        left = self._seconds_left()
        seconds = min(READ_SECONDS, left)
        request = prepared(method, self._base_url + path, self._token, None if text is None else text.encode())
        # The adapter, and not the session: no cookies, no environment, and no redirect is ever followed.
        with (
            sending_while(self._in_time, seconds=seconds),
            self._session.get_adapter(self._base_url).send(
                request,
                stream=True,
                timeout=(min(CONNECT_SECONDS, left), seconds),
                verify=True if self._session.verify is None else self._session.verify,
            ) as response,
        ):
            content = read_body(response, LARGEST_ANSWER, self._seconds_left)
        answer = Answer(
            status=response.status_code,
            body=parsed(content, self._token),
            headers={name.lower(): without_token(value, self._token) for name, value in response.headers.items()},
        )
        exchange.note(answer, content)
        return answer

    def _seconds_left(self) -> float:
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        return left

    def _in_time(self) -> bool:
        return self._monotonic() < self._deadline

    def _wait_for_budget(self) -> None:
        while wait := self._budget.take(self._now()):
            if self._monotonic() + wait > self._deadline:
                raise RateLimitedError(
                    "Intercom's rate limit is used up; sending goes on when it is reset.",
                    reset_at=self._now() + wait,
                )
            self._sleep(wait)

    def _reason(self, error: Exception) -> str:
        known = network_reason(error)
        if known is not None:
            return known
        reason = f"the answer could not be read ({type(error).__name__}: {error})."
        return str(storable(without_token(reason, self._token)))


def _not_json(answer: Answer, method: str, path: str) -> TransientError:
    return TransientError(f"Intercom answered {answer.status} to {method} {path} with something that is not JSON.")
