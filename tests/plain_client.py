"""
A plain HTTP client for the tests of the stand-in: `requests` with the headers that Intercom asks for, and no more.

It is not the app's client and must not learn its habits: no retries, no redirects, no judgement of answers.
"""

from __future__ import annotations

import requests

from tests.fake_intercom import FakeIntercom

TIMEOUT_SECONDS = 5.0


class PlainClient:
    """One connection to the stand-in."""

    def __init__(self, intercom: FakeIntercom | str) -> None:
        self.url = intercom if isinstance(intercom, str) else intercom.url
        self.session = requests.Session()
        self.session.headers.update({"Authorization": "Bearer token-1234", "Accept": "application/json"})

    def get(self, path: str, *, timeout: float = TIMEOUT_SECONDS) -> requests.Response:
        """GET, without following redirects."""
        return self.session.get(self.url + path, timeout=timeout, allow_redirects=False)

    def post(self, path: str, body: object = None, *, timeout: float = TIMEOUT_SECONDS) -> requests.Response:
        """POST with a JSON body, if one is given."""
        return self.session.post(self.url + path, json=body, timeout=timeout, allow_redirects=False)

    def put(self, path: str, body: object) -> requests.Response:
        """PUT with a JSON body."""
        return self.session.put(self.url + path, json=body, timeout=TIMEOUT_SECONDS)

    def delete(self, path: str) -> requests.Response:
        """DELETE, for the control endpoints."""
        return self.session.delete(self.url + path, timeout=TIMEOUT_SECONDS)

    def event(self, external_id: str = "user-1", /, **changes: object) -> requests.Response:
        """A data event that Intercom takes, with changes; a change to None leaves the key out."""
        event = {"event_name": "rc_renewal_event", "created_at": 1_662_993_211, "user_id": external_id} | changes
        return self.post("/events", {key: value for key, value in event.items() if value is not None})


def error_of(response: requests.Response) -> tuple[int, str, str]:
    """Status, code and message of an error.list, after checking its shape."""
    content = response.json()
    assert content["type"] == "error.list"
    assert content["request_id"] == response.headers["X-Request-Id"]
    (error,) = content["errors"]
    return response.status_code, error["code"], error["message"]
