"""
The second factor: switched on and off by its owner, asked for after the password, and needed for every page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integration.models import SecondFactor
from tests.admin.addresses import ROUTES, Rows, rows_of
from tests.admin.authenticator import (
    CODE,
    LOGIN,
    PAGE,
    PASSWORD,
    App,
    change,
    give_code,
    give_password,
    key_on,
    switch_on,
)
from tests.admin.conftest import text_of

PASSWORD_CHANGE = "/admin/password_change/"


@pytest.fixture
def ada(db: None) -> User:
    """Somebody who may sign in."""
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def browser(ada: User) -> Client:
    """Where she has switched it on."""
    client = Client()
    assert give_password(client, ada).status_code == 302
    return client


@pytest.fixture
def app(browser: Client, ada: User) -> App:
    """Her app, with it on."""
    return switch_on(browser, ada)


def gets_in(client: Client) -> bool:
    """Whether the pages are open."""
    return bool(client.get(PASSWORD_CHANGE).status_code == 200)


def trail() -> list[str]:
    """What the audit trail says, oldest first."""
    return list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))


# --- Switching it on ------------------------------------------------------------------------------------------


def test_who_has_none_signs_in_with_the_password_alone(browser: Client) -> None:
    assert gets_in(browser)


def test_its_page_is_in_the_menu_under_ones_name(browser: Client) -> None:
    page = text_of(browser.get("/admin/"))
    assert PAGE in page and PASSWORD_CHANGE in page


def test_the_page_shows_a_picture_to_scan_and_the_same_key_as_text(browser: Client) -> None:
    page = text_of(browser.get(PAGE))
    assert 'src="data:image/svg+xml' in page
    assert len(key_on(page)) == 32
    # A reload is harmless: what was scanned before it still counts.
    assert key_on(text_of(browser.get(PAGE))) == key_on(page)


def test_a_code_of_the_app_switches_it_on_and_recovery_codes_are_shown_once(
    browser: Client, ada: User, app: App
) -> None:
    assert len(set(app.recovery_codes)) == 10
    assert gets_in(browser)
    page = text_of(browser.get(PAGE))
    assert not [code for code in app.recovery_codes if code in page] and app.key[:4] not in page
    assert "Unused recovery codes: <strong>10</strong>" in page
    assert trail() == ["Second factor switched on."]


@pytest.mark.parametrize("code", ["000", "abc", "١٢٣٤٥٦", "", "\0"])
def test_a_wrong_code_switches_nothing_on_and_keeps_the_key(browser: Client, code: str) -> None:
    key = key_on(text_of(browser.get(PAGE)))
    page = text_of(change(browser, "switch_on", code))
    assert key_on(page) == key
    assert not SecondFactor.objects.exists()


def test_two_people_have_two_keys(browser: Client, app: App, django_user_model: type[User]) -> None:
    other = django_user_model.objects.create_user("bo", password=PASSWORD, is_staff=True)
    client = Client()
    client.force_login(other)
    assert switch_on(client, other).key != app.key


# --- Signing in -----------------------------------------------------------------------------------------------


def test_after_the_password_a_code_is_asked_for_and_nothing_opens_before_it(app: App, ada: User) -> None:
    client = Client()
    answer = give_password(client, ada, to=PASSWORD_CHANGE)
    assert answer.headers["Location"] == CODE
    assert "_auth_user_id" not in client.session and not gets_in(client)
    answer = give_code(client, app.code())
    assert answer.headers["Location"] == PASSWORD_CHANGE
    assert gets_in(client)


def test_a_wrong_password_is_answered_as_ever(app: App, ada: User) -> None:
    client = Client()
    assert give_password(client, ada, password="wrong").status_code == 200
    assert client.get(CODE).headers["Location"] == LOGIN


def test_a_wrong_code_lets_nobody_in(app: App, ada: User) -> None:
    client = Client()
    give_password(client, ada)
    assert "That code is wrong, or has been used already." in text_of(give_code(client, app.wrong_code()))
    assert not gets_in(client)


def test_a_code_is_good_once(app: App, ada: User) -> None:
    code = app.code()
    first, second = Client(), Client()
    give_password(first, ada)
    give_password(second, ada)
    assert give_code(first, code).status_code == 302
    assert give_code(second, code).status_code == 200
    assert gets_in(first) and not gets_in(second)


@pytest.mark.parametrize(
    "written", [str, str.upper, lambda code: code.replace("-", " ")], ids=["as is", "upper", "gaps"]
)
def test_a_recovery_code_is_good_once_however_it_is_written(app: App, ada: User, written: Callable[[str], str]) -> None:
    code = written(app.recovery_codes[3])
    for expected in (True, False):
        client = Client()
        give_password(client, ada)
        give_code(client, code)
        assert gets_in(client) is expected
        app.wait()
    assert SecondFactor.objects.get().recovery_codes_left == 9


def test_the_session_gets_another_id_at_each_step(app: App, ada: User) -> None:
    client = Client()
    client.cookies["sessionid"] = "planted"
    give_password(client, ada)
    half = client.cookies["sessionid"].value
    give_code(client, app.code())
    assert len({"planted", half, client.cookies["sessionid"].value}) == 3


def test_after_five_minutes_the_password_is_asked_for_again(app: App, ada: User) -> None:
    client = Client()
    give_password(client, ada)
    session = client.session
    session["password_was_right"] |= {"until": timezone.now().timestamp() - 1}
    session.save()
    assert give_code(client, app.code()).headers["Location"] == LOGIN
    assert not gets_in(client)


@pytest.mark.parametrize("change", ["password", "active"])
def test_a_change_of_the_account_ends_what_was_half_done(app: App, ada: User, change: str) -> None:
    client = Client()
    give_password(client, ada)
    ada.set_password("another one")
    ada.is_active = change != "active"
    ada.save(update_fields=["password" if change == "password" else "is_active"])
    assert give_code(client, app.code()).headers["Location"] == LOGIN
    assert not gets_in(client)


def test_signing_in_leads_to_no_other_site(app: App, ada: User) -> None:
    client = Client()
    give_password(client, ada, to="https://elsewhere.example/")
    assert give_code(client, app.code()).headers["Location"] == "/admin/"


# --- Every page -----------------------------------------------------------------------------------------------


def test_a_session_from_before_it_was_switched_on_opens_no_page(project: Any, admin_user: User) -> None:
    rows: Rows = rows_of(project, admin_user)
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        client.force_login(admin_user)
    switch_on(here, admin_user, "password")
    for route in set(ROUTES) - {"login/", "logout/"}:
        for answer in (elsewhere.get(rows.url(route)), elsewhere.post(rows.url(route), {"_form_submitted": "True"})):
            assert answer.status_code == 302, route
            assert answer.headers["Location"].startswith(LOGIN), route
    assert "Log in" in text_of(elsewhere.get(LOGIN))
    assert gets_in(here)


# --- With it on -----------------------------------------------------------------------------------------------


def test_switching_it_off_takes_a_code(browser: Client, app: App) -> None:
    assert "That code is wrong" in text_of(change(browser, "switch_off", app.wrong_code()))
    assert SecondFactor.objects.exists()
    app.wait()
    page = text_of(change(browser, "switch_off", app.code(), follow=True))
    assert "The second factor is off." in page and not SecondFactor.objects.exists()
    assert gets_in(browser)
    assert trail() == ["Second factor switched on.", "Second factor switched off."]
    # What is set up next is another one.
    assert key_on(page) != app.key


def test_new_recovery_codes_take_a_code_and_void_those_before(browser: Client, app: App, ada: User) -> None:
    shown = text_of(change(browser, "new_codes", app.recovery_codes[0]))
    new = re.findall(r"<li>([a-z2-7-]{19})</li>", shown)
    assert len(new) == 10 and not set(new) & set(app.recovery_codes)
    for code, expected in ((app.recovery_codes[1], False), (new[0], True)):
        client = Client()
        give_password(client, ada)
        give_code(client, code)
        assert gets_in(client) is expected


def test_what_is_on_cannot_be_switched_on_over_it(browser: Client, app: App) -> None:
    before = SecondFactor.objects.values().get()
    change(browser, "switch_on", app.code())
    assert SecondFactor.objects.values().get() == before | {"last_step": 0}


def test_the_day_it_was_switched_on_is_kept(app: App) -> None:
    assert timezone.now() - SecondFactor.objects.get().created_at < timedelta(minutes=1)
