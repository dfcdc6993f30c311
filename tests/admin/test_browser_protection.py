"""
What browsers are told to forbid, and that no page of the admin needs what is forbidden.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integration.models import Project
from tests.admin.addresses import ROUTES, Rows, rows_of
from tests.factories import raw, webhook

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE)
EVENT_HANDLER = re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE)
SCRIPT_ADDRESS = re.compile(r"(?:href|action|src)\s*=\s*[\"']\s*(javascript:|data:text)", re.IGNORECASE)
FROM_ELSEWHERE = re.compile(
    r"<(?:script|link|img|iframe|form)[^>]*(?:src|href|action)=[\"'](?:https?:)?//", re.IGNORECASE
)


def policy(response: Any) -> dict[str, set[str]]:
    """The Content-Security-Policy of an answer, by directive."""
    parts = (part.split() for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: set(values) for name, *values in parts}


@pytest.fixture
def rows(project: Project, admin_user: User) -> Rows:
    """Something for every page to show; the project is held, so that every button is there."""
    rows = rows_of(project, admin_user)
    project.hold("Why.", timezone.now(), until=None)
    return rows


def test_no_page_holds_a_script_or_fetches_from_elsewhere(admin_client: Client, rows: Rows) -> None:
    seen = 0
    for route in set(ROUTES) - {"logout/", "jsi18n/"}:
        response = admin_client.get(rows.url(route))
        if "html" not in response.headers["Content-Type"]:
            continue
        page = response.content.decode()
        seen += response.status_code == 200 and bool(page)
        for forbidden in (INLINE_SCRIPT, EVENT_HANDLER, SCRIPT_ADDRESS, FROM_ELSEWHERE):
            assert not forbidden.search(page), (route, forbidden.pattern)
    assert seen > 25


def test_every_page_of_the_admin_has_its_policy(client: Client, admin_client: Client, rows: Rows) -> None:
    for route in ROUTES:
        found = policy(admin_client.get(rows.url(route)))
        assert found["default-src"] == found["frame-ancestors"] == found["base-uri"] == {"'none'"}
        assert found["script-src"] == {"'self'", "'unsafe-eval'"}
        assert found["form-action"] == found["connect-src"] == found["font-src"] == {"'self'"}
        assert not [value for values in found.values() for value in values if "*" in value or "http" in value]


def test_outside_of_the_admin_nothing_is_allowed(client: Client, project: Project) -> None:
    url = f"/webhooks/revenuecat/{project.pk}/"
    answers = [
        client.post(url, raw(webhook()), content_type="application/json"),
        client.get(url),
        client.get("/"),
        client.get("/nowhere/"),
        client.get("/static/integration/admin.css"),
    ]
    for response in answers:
        response.close()
        found = policy(response)
        assert set.union(*found.values()) == {"'none'"}
        assert {"default-src", "form-action", "frame-ancestors", "base-uri"} <= set(found)


def test_the_other_headers_of_a_page(client: Client, db: None) -> None:
    headers = client.get("/admin/login/").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "no-store" in headers["Cache-Control"]


def test_the_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client: Client, admin_user: User) -> None:
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "admin", "password": "password"})
    assert set(client.cookies) == {"sessionid", "csrftoken"}
    for cookie in client.cookies.values():
        assert cookie["httponly"] and cookie["samesite"] == "Lax"
    assert client.cookies["sessionid"]["max-age"] == 12 * 60 * 60


def test_somebody_who_came_with_a_planted_session_gets_another_one(client: Client, admin_user: User) -> None:
    client.cookies["sessionid"] = "planted"
    client.post("/admin/login/", {"username": "admin", "password": "password"})
    assert client.cookies["sessionid"].value != "planted"


def test_signing_in_leads_to_no_other_site(client: Client, admin_user: User) -> None:
    answer = {"username": "admin", "password": "password", "next": "https://elsewhere.example/"}
    assert client.post("/admin/login/", answer).headers["Location"] == "/admin/"
