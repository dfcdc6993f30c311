"""
The second factor under attack and in need: wrong codes, lost telephones, lost keys, and where its secrets are not.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
from axes.models import AccessAttempt
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from integration.models import SecondFactor
from integration.models.secrets import Secret
from tests.admin.authenticator import PAGE, PASSWORD, App, change, give_code, give_password, switch_on
from tests.admin.conftest import act, text_of

LIMIT = 5


@pytest.fixture
def ada(db: None) -> User:
    """Somebody who may sign in."""
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def app(ada: User) -> App:
    """Her app, with the second factor on."""
    client = Client(REMOTE_ADDR="203.0.113.9")
    client.force_login(ada)
    return switch_on(client, ada)


def half_signed_in(user: User, address: str = "192.0.2.1") -> Client:
    """A browser in which the password was given."""
    client = Client(REMOTE_ADDR=address)
    assert give_password(client, user).status_code == 302
    return client


def guess(app: App, client: Client, times: int) -> list[int]:
    """Wrong codes, each after the pause that the one before brought."""
    answers = []
    for _ in range(times):
        answers.append(give_code(client, app.wrong_code()).status_code)
        app.wait()
    return answers


# --- Wrong codes ----------------------------------------------------------------------------------------------


def test_after_a_wrong_code_none_is_looked_at_for_a_while(app: App, ada: User) -> None:
    client = half_signed_in(ada)
    give_code(client, app.wrong_code())
    assert "Too many wrong codes. Wait 1 s, or use a recovery code." in text_of(give_code(client, app.code()))
    app.wait()
    assert give_code(client, app.code()).status_code == 302
    assert SecondFactor.objects.get().wrong_codes == 0


@pytest.mark.parametrize(("wrong", "wait"), [(4, "8 s"), (7, "64 s"), (12, "34 min"), (40, "1440 min")])
def test_the_pause_doubles_up_to_a_day(app: App, ada: User, wrong: int, wait: str) -> None:
    client = half_signed_in(ada)
    SecondFactor.objects.update(wrong_codes=wrong - 1)
    give_code(client, app.wrong_code())
    assert f"Wait {wait}, or use a recovery code." in text_of(give_code(client, app.code()))


def test_whoever_has_the_password_cannot_keep_out_the_owner_who_has_recovery_codes(app: App, ada: User) -> None:
    SecondFactor.objects.update(wrong_codes=30)
    give_code(half_signed_in(ada), app.wrong_code())
    owner = half_signed_in(ada, "192.0.2.2")
    assert give_code(owner, app.recovery_codes[0]).status_code == 302


def test_wrong_recovery_codes_make_nobody_wait_but_count_towards_the_lock(app: App, ada: User) -> None:
    client = half_signed_in(ada)
    answers = [give_code(client, "aaaa-bbbb-cccc-dddd").status_code for _ in range(LIMIT)]
    assert answers == [200] * (LIMIT - 1) + [429]
    assert give_code(half_signed_in(ada, "192.0.2.2"), app.code()).status_code == 302


def test_the_fifth_wrong_code_locks_the_name_for_that_address_as_wrong_passwords_do(app: App, ada: User) -> None:
    client = half_signed_in(ada)
    assert guess(app, client, LIMIT) == [200] * (LIMIT - 1) + [429]
    assert give_code(client, app.code()).status_code == 429
    assert give_code(client, app.recovery_codes[0]).status_code == 429
    assert give_password(Client(REMOTE_ADDR="192.0.2.1"), ada).status_code == 429
    assert give_code(half_signed_in(ada, "192.0.2.2"), app.code()).status_code == 302


def test_the_right_password_in_between_forgets_no_wrong_codes(app: App, ada: User) -> None:
    client = half_signed_in(ada)
    guess(app, client, LIMIT - 1)
    assert guess(app, half_signed_in(ada), 1) == [429]


def test_wrong_codes_on_its_page_count_too(app: App, ada: User) -> None:
    client = half_signed_in(ada)
    give_code(client, app.code())
    answers = []
    for _ in range(LIMIT):
        answers.append(change(client, "switch_off", app.wrong_code()).status_code)
        app.wait()
    assert answers == [200] * (LIMIT - 1) + [429]
    assert SecondFactor.objects.exists()


def test_what_was_typed_is_neither_kept_nor_logged(app: App, ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    typed = "zzzz-typo-typo-typo"
    give_code(half_signed_in(ada), typed)
    kept = "".join(str(value) for row in AccessAttempt.objects.values() for value in row.values())
    assert "/admin/login/code/" in kept and typed not in kept and "typo" not in caplog.text


# --- Lost telephones, lost keys -------------------------------------------------------------------------------


def remove(client: Client, user: User) -> Any:
    """Carry out the dialog on the user's page."""
    return act(client, f"/admin/auth/user/{user.pk}/remove_second_factor/")


def test_a_superuser_removes_it_and_the_history_says_so(admin_client: Client, app: App, ada: User) -> None:
    page = f"/admin/auth/user/{ada.pk}/change/"
    assert "Remove second factor" in text_of(admin_client.get(page))
    remove(admin_client, ada)
    assert not SecondFactor.objects.exists()
    entry = LogEntry.objects.latest("pk")
    assert (entry.user.username, entry.object_id) == ("admin", str(ada.pk))
    assert entry.change_message == "Second factor removed by a superuser."
    assert "Remove second factor" not in text_of(admin_client.get(page))
    assert give_password(Client(), ada).headers["Location"] == "/admin/"


def test_nobody_else_removes_it(app: App, ada: User, client: Client) -> None:
    client.force_login(User.objects.create_user("bo", is_staff=True))
    assert remove(client, ada).status_code in {403, 404}
    assert SecondFactor.objects.exists()


def test_a_superuser_does_not_get_rid_of_their_own_without_a_code(admin_client: Client, admin_user: User) -> None:
    switch_on(admin_client, admin_user, "password")
    assert "Remove second factor" not in text_of(admin_client.get(f"/admin/auth/user/{admin_user.pk}/change/"))
    assert remove(admin_client, admin_user).status_code == 404
    assert SecondFactor.objects.exists()


def test_the_list_of_users_says_who_has_one(admin_client: Client, app: App) -> None:
    page = admin_client.get("/admin/auth/user/")
    assert {user.username: user.has_second_factor for user in page.context["cl"].result_list} == {
        "ada": True,
        "admin": False,
    }


def test_the_command_removes_it_and_the_history_says_so(
    app: App, ada: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("resetsecondfactor", "ada")
    assert capsys.readouterr().out == "The second factor of “ada” is removed.\n"
    assert not SecondFactor.objects.exists()
    assert LogEntry.objects.latest("pk").change_message == "Second factor removed with manage.py resetsecondfactor."


@pytest.mark.parametrize("name", ["nobody", "ada"])
def test_the_command_says_where_there_is_nothing_to_remove(ada: User, name: str) -> None:
    with pytest.raises(CommandError, match="There is no user" if name == "nobody" else "is off already"):
        call_command("resetsecondfactor", name)


def test_with_a_lost_encryption_key_a_recovery_code_gets_in_and_a_code_is_told_why_not(
    app: App, ada: User, settings: Any
) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    client = half_signed_in(ada)
    assert "a key is missing from ENCRYPTION_KEYS" in text_of(give_code(client, "123456"))
    assert give_code(client, app.recovery_codes[0]).status_code == 302


def test_reencrypt_brings_its_key_under_the_newest_one(app: App, ada: User, settings: Any) -> None:
    newest = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [newest, *settings.ENCRYPTION_KEYS]
    call_command("reencrypt", verbosity=0)
    settings.ENCRYPTION_KEYS = [newest]
    assert SecondFactor.objects.get().key.reveal() == app.key
    assert give_code(half_signed_in(ada), app.code()).status_code == 302


def test_a_key_that_was_being_set_up_when_the_encryption_key_went_is_made_anew(ada: User, settings: Any) -> None:
    client = Client()
    client.force_login(ada)
    client.get(PAGE)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert len(switch_on(client, ada).recovery_codes) == 10
    assert isinstance(SecondFactor.objects.get().key, Secret)
