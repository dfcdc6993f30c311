"""One call to RevenueCat's API v2: sent within its pace and its time, answered or put into words.

The key stands in the Authorization header and nowhere else, and goes to no other address than the one that is called.
What is asked, and what an answer means, is said in `api.py` and `webhooks.py`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
from requests.structures import CaseInsensitiveDict

from integration.revenuecat.errors import Answer, OperatorError, UnavailableError
from integration.revenuecat.pace import Pace
from integration.storable import depth
from integration.timed import sending_while
from integration.transport import NETWORK_ERRORS, network_reason, read_body

CONNECT_SECONDS = 5.0
CALL_SECONDS = 15.0
LARGEST_ANSWER = 2 * 1024 * 1024
DEEPEST_ANSWER = 64
# What can stand in a header: a pasted “…4f2a” or a line break cannot.
_USABLE_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: where, with what, and how soon after others. A `body` goes as JSON."""

    path: str
    pace: Pace
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    # It may hold a secret, so it is never shown.
    body: Mapping[str, Any] | None = field(default=None, repr=False)


class Caller:
    """Makes the calls of one client. All together end after `seconds`; `base_url` has no trailing slash."""

    def __init__(
        self,
        session: requests.Session,
        *,
        key: str,
        base_url: str,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._session = session
        self._key = key
        self._base_url = base_url
        self._monotonic = monotonic
        self._sleep = sleep
        self._deadline = monotonic() + seconds

    def make(self, call: Call) -> Answer:
        """The answer, whatever its status. Raises a RevenueCatError where none came."""
        if not _USABLE_KEY.fullmatch(self._key):
            raise OperatorError("The RevenueCat API key has characters that no key has. Enter it again, whole.")
        self._wait(call.pace)
        try:
            answer = self._exchange(self._prepared(call))
        except NETWORK_ERRORS as error:
            # Nothing of an error's own text: it may repeat what was sent.
            reason = network_reason(error) or f"the answer could not be read ({type(error).__name__})."
            raise UnavailableError(f"No answer from RevenueCat: {reason}") from None
        call.pace.heed(answer.headers, self._monotonic())
        return answer

    def _prepared(self, call: Call) -> requests.PreparedRequest:
        asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in call.query.items())
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", "User-Agent": "rcintercom"}
        body = None if call.body is None else json.dumps(call.body).encode()
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        request = requests.PreparedRequest()
        request.method, request.url = call.method, f"{self._base_url}{call.path}{'?' if asked else ''}{asked}"
        request.body = body
        request.headers = CaseInsensitiveDict(headers)
        return request

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
