"""Makes the calls for one delivery without any network, to see what they would be.

The real client and the real telling run against an Intercom that is made up here: every call goes well, and a contact
that is not remembered is assumed to be missing.
"""

from __future__ import annotations

import io
import json
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from integration.intercom.client import IntercomClient
from integration.intercom.contacts import Contact, ContactRules, tell
from integration.intercom.errors import IntercomError
from integration.intercom.exchanges import Exchange
from integration.intercom.messages import ContactUpdate, DataEvent
from integration.intercom.rate_limit import RateBudget

NEW_CONTACT = "the-new-contact"
NO_TOKEN = "none"  # noqa: S105 - stands where one would be


class _MadeUpIntercom(BaseAdapter):
    """Answers as Intercom does when nothing goes wrong."""

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        status, body = _answer(str(request.method), request.path_url)
        content = b"" if body is None else json.dumps(body).encode()
        response = requests.Response()
        response.status_code = status
        response.raw = HTTPResponse(io.BytesIO(content), status=status, preload_content=False)
        return response

    def close(self) -> None:
        """There is nothing to close."""


def _answer(method: str, path: str) -> tuple[int, dict[str, Any] | None]:
    if method == "GET" and path.startswith("/contacts/find_by_external_id/"):
        return 404, {"type": "error.list", "errors": [{"code": "not_found", "message": "User Not Found"}]}
    if path == "/contacts/search":
        return 200, {"data": []}
    if path == "/events":
        return 202, None
    return 200, {"id": NEW_CONTACT}


def rehearse(contact: Contact, update: ContactUpdate, event: DataEvent | None, rules: ContactRules) -> list[Exchange]:
    """The calls in their order, without answers. Changes nothing, neither `contact` nor anything of Intercom's."""
    session = requests.Session()
    session.mount("https://", _MadeUpIntercom())
    client = IntercomClient(session, base_url="https://api.intercom.io", token=NO_TOKEN, budget=RateBudget())
    remembered = Contact(contact.contact_id, contact.merged, dict(contact.told))
    try:
        tell(client, remembered, update, event, rules)
    except IntercomError as error:
        # Only what the settings forbid: nothing else goes wrong here.
        if client.exchanges:
            client.exchanges[-1].error = error.message
    return [Exchange(one.method, one.path, one.request, error=one.error) for one in client.exchanges]
