"""One request to Intercom, ready to be sent. Pure.

What `requests` would look up anew for each call (an encoding of the URL, cookies, a password for the host) is left out:
paths are quoted where they are made, and Intercom sets no cookies that count.
"""

from __future__ import annotations

import requests

# Pinned, because without the header the version depends on a setting in Intercom's Developer Hub.
# From 2.16 on a contact that was merged away answers 410 and names the one it became, instead of 404.
API_VERSION = "2.16"


def prepared(method: str, url: str, token: str, body: bytes | None) -> requests.PreparedRequest:
    """The request with all its headers; `body` is JSON."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Intercom-Version": API_VERSION,
        "User-Agent": "rcintercom",
    }
    if body is not None:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    request = requests.PreparedRequest()
    request.method, request.url, request.body = method, url, body
    # A plain dict: whoever asks writes the names as they are written here.
    request.headers = headers  # type: ignore[assignment]
    return request
