"""
Signing in: guesses are counted by name and address, and by address alone; a lock is said, ends, can be lifted, and
hurts nobody else.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import F
from django.test import Client

LOGIN = "/admin/login/"
PASSWORD = "correct horse battery staple"
LIMIT = 5
ADDRESS_LIMIT = 30


@pytest.fixture
def ada(db: None) -> User:
    """Somebody who may sign in."""
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


def sign_in(name: str = "ada", password: str = PASSWORD, address: str = "192.0.2.1", **headers: str) -> Any:
    """A try to sign in from a browser of its own."""
    return Client(REMOTE_ADDR=address).post(LOGIN, {"username": name, "password": password}, headers=headers)


def guess(times: int, **more: Any) -> list[int]:
    """Wrong tries, and how each was answered."""
    return [sign_in(password=f"guess {number}", **more).status_code for number in range(times)]


def test_the_fifth_wrong_guess_locks_the_name_for_that_address_and_says_so(ada: User) -> None:
    assert guess(LIMIT) == [200, 200, 200, 200, 429]
    response = sign_in()
    assert response.status_code == 429 and response.headers["Retry-After"] == "900"
    page = " ".join(response.content.decode().split())
    assert "Too many failed attempts to sign in with this name." in page
    assert "It is locked for 15 minutes, for your address alone." in page


def test_a_name_that_nobody_has_is_answered_the_same(ada: User) -> None:
    assert guess(LIMIT + 1, name="nobody") == guess(LIMIT + 1) == [200, 200, 200, 200, 429, 429]


def test_the_owner_signs_in_from_another_address_meanwhile(ada: User) -> None:
    guess(LIMIT + 3)
    assert sign_in(address="192.0.2.2").status_code == 302


def test_others_sign_in_from_that_address_meanwhile(ada: User) -> None:
    guess(LIMIT + 3, name="bo")
    assert sign_in().status_code == 302


def test_signing_in_forgets_the_failures_before_it(ada: User) -> None:
    guess(LIMIT - 1)
    assert sign_in().status_code == 302
    assert guess(LIMIT - 1) == [200] * (LIMIT - 1)


def test_the_lock_ends_by_itself_and_what_was_kept_of_it_goes(ada: User) -> None:
    guess(LIMIT)
    assert sign_in().status_code == 429
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=16))
    assert sign_in().status_code == 302
    assert not AccessAttempt.objects.exists()


def test_guessing_on_while_it_is_locked_writes_nothing_and_prolongs_nothing(ada: User) -> None:
    guess(LIMIT)
    before = AccessAttempt.objects.values().get()
    guess(10)
    assert AccessAttempt.objects.values().get() == before


@pytest.mark.parametrize(
    "command", [("axes_reset",), ("axes_reset_username", "ada"), ("axes_reset_ip", "192.0.2.1")], ids=lambda it: it[0]
)
def test_an_operator_unlocks_by_command(ada: User, command: tuple[str, ...]) -> None:
    guess(LIMIT)
    call_command(*command, verbosity=0)
    assert sign_in().status_code == 302


def test_no_password_is_kept_or_logged(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    guess(LIMIT + 1)
    sign_in(name="my-secret-typed-into-the-wrong-field", password="x")
    kept = AccessAttempt.objects.get(username="ada")
    assert "guess 1" not in "".join(str(value) for value in vars(kept).values())
    assert "guess 1" not in caplog.text and "my-secret-typed" not in caplog.text and "192.0.2.1" in caplog.text


def spray(names: int, **more: Any) -> list[int]:
    """One wrong password, tried on many names from one address; how each was answered."""
    return [sign_in(name=f"name-{number}", password="Summer2026!", **more).status_code for number in range(names)]


def test_one_address_that_tries_many_names_is_locked_as_a_whole_and_told_so(ada: User) -> None:
    assert spray(ADDRESS_LIMIT) == [200] * (ADDRESS_LIMIT - 1) + [429]
    answer = sign_in()
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "900"
    page = " ".join(answer.content.decode().split())
    assert "Too many failed attempts to sign in from your address." in page
    assert "It is locked for 15 minutes, with every name." in page


def test_other_addresses_are_not_affected_by_it(ada: User) -> None:
    spray(ADDRESS_LIMIT + 5)
    assert sign_in(address="192.0.2.2").status_code == 302
    assert guess(LIMIT, address="192.0.2.2") == [200, 200, 200, 200, 429]


def test_an_account_of_ones_own_does_not_clear_the_count_of_an_address(ada: User) -> None:
    spray(ADDRESS_LIMIT - 1)
    assert sign_in().status_code == 302
    assert spray(1) == [429]


def test_the_lock_of_an_address_writes_nothing_more_and_ends_by_itself(ada: User) -> None:
    spray(ADDRESS_LIMIT + 20)
    assert AccessAttempt.objects.count() == ADDRESS_LIMIT
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=16))
    assert sign_in().status_code == 302


def test_an_operator_unlocks_an_address_by_command(ada: User) -> None:
    spray(ADDRESS_LIMIT)
    call_command("axes_reset_ip", "192.0.2.1", verbosity=0)
    assert sign_in().status_code == 302


def test_no_address_is_locked_where_all_may_have_that_of_a_proxy(ada: User, settings: Any) -> None:
    settings.ADDRESSES_TELL_CLIENTS_APART = False
    assert spray(ADDRESS_LIMIT + 5) == [200] * (ADDRESS_LIMIT + 5)
    assert guess(LIMIT + 1) == [200, 200, 200, 200, 429, 429]


def test_addresses_are_told_apart_behind_a_proxy_that_names_them(ada: User, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    # What the client claims stands to the left of what the proxy adds, and does not count.
    for number in range(LIMIT):
        sign_in(password="guess", **{"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.7"})
    assert sign_in(**{"X-Forwarded-For": "10.9.9.9, 203.0.113.7"}).status_code == 429
    assert sign_in(**{"X-Forwarded-For": "203.0.113.8"}).status_code == 302


def test_a_header_that_anybody_can_send_unlocks_nothing(ada: User) -> None:
    guess(LIMIT)
    assert sign_in(**{"X-Forwarded-For": "203.0.113.8"}).status_code == 429
