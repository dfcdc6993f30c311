"""
Headers with which a client would like to be somewhere or something else, sent to the real web server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories import make_project, raw, webhook
from tests.webhooks.wire import Address, Wire, serving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[Address]:
    """The web server of this module, as it stands behind a proxy that ends TLS."""
    with django_db_blocker.unblock(), serving(HTTPS="true", PUBLIC_URL="https://rc.example.com") as running:
        yield running


@pytest.fixture
def wire(address: Address, transactional_db: None) -> Wire:
    """A project behind the web server."""
    return Wire(address, make_project())


def get(wire: Wire, path: str, *headers: str) -> int:
    """The status of a page."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return wire.say("\r\n".join(lines).encode()).status


OVER_TLS = "X-Forwarded-Proto: https"


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "Script_Name"])
def test_a_client_cannot_name_the_path_anew(wire: Wire, name: str) -> None:
    assert get(wire, "/admin/login/", OVER_TLS) == 200
    assert get(wire, "/foo/admin/login/", OVER_TLS, f"{name}: /foo") == 404
    body = raw(webhook())
    head = wire.head(f"Content-Length: {len(body)}", "Connection: close", OVER_TLS, f"{name}: /zzz")
    assert wire.say(head + body).status == 200


def test_https_is_what_the_proxys_one_header_says(wire: Wire) -> None:
    assert get(wire, "/admin/login/") == 301
    assert get(wire, "/admin/login/", "X-Forwarded-Proto: http") == 301
    assert get(wire, "/admin/login/", "X-Forwarded-Ssl: on", "X-Forwarded-Protocol: ssl") == 301
    assert get(wire, "/admin/login/", OVER_TLS) == 200


def test_headers_that_contradict_each_other_about_https_are_no_error(wire: Wire) -> None:
    assert get(wire, "/admin/login/", OVER_TLS, "X-Forwarded-Ssl: off") == 200
