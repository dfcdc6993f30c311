"""Whose request it is: what the connection says, or what the trusted proxies say, and never what the client says."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from rcintercom.client_address import client_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "203.0.113.7", "192.0.2.1"),
        (-1, "203.0.113.7, 203.0.113.8", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "1.2.3.4, 203.0.113.7", "203.0.113.7"),
        (1, "1.2.3.4,203.0.113.7:4711", "203.0.113.7"),
        (2, "1.2.3.4, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        (2, "203.0.113.7", "192.0.2.1"),
        (1, "unknown", "192.0.2.1"),
        (1, "x" * 5000, "192.0.2.1"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (1, "[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_says(
    settings: Any, proxies: int, forwarded: str, found: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory(REMOTE_ADDR="192.0.2.1").get("/", headers=headers)
    assert client_address(request) == found


@pytest.mark.parametrize("remote", ["", "@socket"])
def test_a_unix_socket_has_no_address(remote: str) -> None:
    assert client_address(RequestFactory(REMOTE_ADDR=remote).get("/")) is None
