"""
Changing one's second factor takes the password again, not only a browser that was left open; and no key by mistake.
"""

from __future__ import annotations

import logging
from html.parser import HTMLParser
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integration.models import SecondFactor
from integration.models.second_factor import code_at
from integration.models.secrets import Secret
from tests.admin.authenticator import PAGE, PASSWORD, App, change, give_password, key_on, switch_on
from tests.admin.conftest import text_of

LIMIT = 5
WRONG = "That is not your password."
REQUIRED = "This field is required."


@pytest.fixture
def ada(db: None) -> User:
    """Somebody who may sign in."""
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def browser(ada: User) -> Client:
    """Where she is signed in, and was called away from."""
    client = Client()
    assert give_password(client, ada).status_code == 302
    return client


def on(client: Client, ada: User) -> App:
    """Her app, with the second factor on in that browser."""
    return switch_on(client, ada)


def code_of(client: Client) -> str:
    """What an app shows that has scanned the page."""
    return code_at(Secret.of(key_on(text_of(client.get(PAGE)))), timezone.now())


def errors(response: Any) -> dict[str, list[str]]:
    """What stands beside the fields."""
    text_of(response)
    return dict(response.context["form"].errors)


# --- The password ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "said"), [("guess", WRONG), (f"{PASSWORD} ", WRONG), (PASSWORD.upper(), WRONG), ("", REQUIRED)]
)
def test_it_is_not_switched_on_without_the_password(browser: Client, password: str, said: str) -> None:
    code = code_of(browser)
    response = change(browser, "switch_on", code, password)
    assert errors(response) == {"password": [said]} and said in text_of(response)
    assert not SecondFactor.objects.exists() and not LogEntry.objects.exists()
    # What was scanned before is still good.
    assert code_of(browser) == code
    assert "recovery" in text_of(change(browser, "switch_on", code))
    assert SecondFactor.objects.exists()


@pytest.mark.parametrize("do", ["switch_off", "new_codes"])
@pytest.mark.parametrize(("password", "said"), [("guess", WRONG), ("", REQUIRED)])
def test_it_is_not_changed_without_the_password_and_the_code_is_not_used_up(
    browser: Client, ada: User, do: str, password: str, said: str
) -> None:
    app = on(browser, ada)
    before = SecondFactor.objects.values().get()
    assert errors(change(browser, do, app.recovery_codes[0], password)) == {"password": [said]}
    assert SecondFactor.objects.values().get() == before
    change(browser, do, app.recovery_codes[0])
    assert SecondFactor.objects.values().first() != before


def test_with_the_right_password_and_a_wrong_code_the_error_stands_beside_the_code(browser: Client, ada: User) -> None:
    app = on(browser, ada)
    response = change(browser, "switch_off", app.wrong_code())
    assert errors(response) == {"code": ["That code is wrong, or has been used already."]}
    assert PASSWORD not in text_of(response)


def test_a_password_may_begin_and_end_with_spaces(ada: User) -> None:
    ada.set_password("  spacious  ")
    ada.save(update_fields=["password"])
    client = Client()
    client.force_login(ada)
    assert len(switch_on(client, ada, "  spacious  ").recovery_codes) == 10


def test_a_password_that_was_kept_with_another_hasher_is_right_too_and_the_session_goes_on(
    ada: User, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "django.contrib.auth.hashers.ScryptPasswordHasher"]
    ada.password = make_password(PASSWORD, hasher="scrypt")
    ada.save(update_fields=["password"])
    client = Client()
    client.force_login(ada)
    switch_on(client, ada)
    assert "is <strong>on</strong>" in text_of(client.get(PAGE))


# --- Guesses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("do", ["switch_on", "switch_off", "new_codes"])
def test_the_fifth_wrong_password_locks_as_at_the_sign_in(browser: Client, ada: User, do: str) -> None:
    code = code_of(browser) if do == "switch_on" else on(browser, ada).recovery_codes[0]
    before = list(SecondFactor.objects.values())
    guesses = [change(browser, do, code, f"guess {number}").status_code for number in range(LIMIT)]
    assert guesses == [200] * (LIMIT - 1) + [429]
    locked = change(browser, do, code)
    assert locked.status_code == 429 and locked.headers["Retry-After"] == "900"
    assert list(SecondFactor.objects.values()) == before
    assert give_password(Client(), ada).status_code == 429
    assert give_password(Client(REMOTE_ADDR="192.0.2.2"), ada).status_code == 302


def test_wrong_passwords_and_wrong_codes_are_counted_together(browser: Client, ada: User) -> None:
    on(browser, ada)
    for _ in range(2):
        change(browser, "switch_off", "aaaa-bbbb-cccc-dddd", "guess")
        change(browser, "switch_off", "aaaa-bbbb-cccc-dddd")
    assert give_password(Client(), ada, password="guess").status_code == 429


def test_a_right_password_on_the_page_forgets_no_wrong_ones(browser: Client, ada: User) -> None:
    for _ in range(LIMIT - 1):
        change(browser, "switch_on", "000000", "guess")
    on(browser, ada)
    assert change(browser, "switch_off", "000000", "guess").status_code == 429


def test_neither_password_nor_guess_is_kept_or_logged(
    browser: Client, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    change(browser, "switch_on", "123456", "my guess of it")
    kept = "".join(str(value) for row in AccessAttempt.objects.values() for value in row.values())
    assert PAGE in kept and "my guess" not in kept and "my guess" not in caplog.text


# --- The Enter key --------------------------------------------------------------------------------------------


class Forms(HTMLParser):
    """The forms of a page that post to the page itself, with the submit buttons of each in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[list[dict[str, str | None]]] = []
        self.focused: list[str | None] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of what a browser looks at."""
        given = dict(attrs)
        if tag == "form":
            self._inside = given.get("method") == "post" and "action" not in given
            if self._inside:
                self.forms.append([])
        elif tag == "button" and self._inside and given.get("type", "submit") == "submit":
            self.forms[-1].append(given)
        if "autofocus" in given:
            self.focused.append(given.get("name"))

    def handle_endtag(self, tag: str) -> None:
        """A form ends."""
        self._inside = self._inside and tag != "form"


def test_the_enter_key_makes_no_new_codes_and_switches_nothing_off(browser: Client, ada: User) -> None:
    on(browser, ada)
    page = Forms(text_of(browser.get(PAGE)))
    (buttons,) = page.forms
    # Enter presses a form's first submit button, and nothing where that one is disabled (HTML, "implicit submission").
    assert "disabled" in buttons[0] and "name" not in buttons[0]
    assert [button.get("value") for button in buttons[1:]] == ["new_codes", "switch_off"]
    assert page.focused == []


def test_the_enter_key_switches_on_what_has_been_filled_in(browser: Client) -> None:
    (buttons,) = Forms(text_of(browser.get(PAGE))).forms
    assert len(buttons) == 1 and "disabled" not in buttons[0]


@pytest.mark.parametrize("do", ["", "nonsense", "switch_on"])
def test_what_is_posted_without_one_of_the_buttons_changes_nothing(browser: Client, ada: User, do: str) -> None:
    app = on(browser, ada)
    before = SecondFactor.objects.values().get()
    change(browser, do, app.wrong_code())
    assert SecondFactor.objects.values().get() == before
