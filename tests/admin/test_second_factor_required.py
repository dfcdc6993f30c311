"""
Where a second factor is required: nobody sees anything before they have one, and everybody can still sign out.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.authenticator import LOGIN, PAGE, PASSWORD, change, give_password, switch_on
from tests.admin.conftest import text_of


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    """On this server."""
    settings.REQUIRE_SECOND_FACTOR = True


@pytest.fixture
def ada(db: None) -> User:
    """Somebody who may sign in."""
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def browser(ada: User) -> Client:
    """Where she has given her password."""
    client = Client()
    give_password(client, ada)
    return client


def gets_in(client: Client) -> bool:
    """Whether the pages are open."""
    return bool(client.get("/admin/password_change/").status_code == 200)


def test_nothing_opens_before_it_is_set_up(browser: Client, ada: User) -> None:
    assert not gets_in(browser)
    assert browser.post("/admin/password_change/", {"old_password": PASSWORD}).status_code == 302
    answer = browser.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == PAGE
    assert "A second factor is needed for" in text_of(answer)
    switch_on(browser, ada)
    assert gets_in(browser)


def test_one_may_still_sign_out(browser: Client) -> None:
    browser.post("/admin/logout/")
    assert "_auth_user_id" not in browser.session


def test_it_can_be_set_up_anew_but_not_left_off(browser: Client, ada: User) -> None:
    app = switch_on(browser, ada)
    change(browser, "switch_off", app.code())
    assert not gets_in(browser)
    assert switch_on(browser, ada).key != app.key
    assert gets_in(browser)


def test_its_page_is_for_staff_only(db: None, client: Client) -> None:
    client.force_login(User.objects.create_user("customer"))
    assert client.get(PAGE).headers["Location"].startswith(LOGIN)


def test_webhooks_know_nothing_of_it(client: Client, db: None) -> None:
    assert client.post("/webhooks/revenuecat/nonsense/").status_code == 404
