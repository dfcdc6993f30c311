"""
A person with an authenticator app: switches the second factor on as a browser would, and reads codes off the app.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.utils import timezone

from integration.models import SecondFactor
from integration.models.second_factor import code_at
from integration.models.secrets import Secret
from tests.admin.conftest import text_of

PAGE = "/admin/second-factor/"
LOGIN = "/admin/login/"
CODE = "/admin/login/code/"
PASSWORD = "correct horse battery staple"
KEY = re.compile(r'data-copy="((?:[A-Z2-7]{4} ?){8})"')
RECOVERY_CODE = re.compile(r"<li>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</li>")


@dataclass
class App:
    """What the person has: the key in their app, and the recovery codes on paper."""

    user: User
    key: str
    recovery_codes: list[str]

    def code(self) -> str:
        """The code that the app shows, as if none of this minute had been used yet."""
        SecondFactor.objects.filter(user=self.user).update(last_step=0)
        return code_at(Secret.of(self.key), timezone.now())

    def wrong_code(self) -> str:
        """A code that is none of this minute's."""
        near = {code_at(Secret.of(self.key), timezone.now() + timedelta(seconds=30 * step)) for step in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)

    def wait(self) -> None:
        """Let the pause after wrong codes pass."""
        SecondFactor.objects.filter(user=self.user).update(wrong_at=F("wrong_at") - timedelta(days=1))


def key_on(page: str) -> str:
    """The key that the page shows."""
    found = KEY.search(page)
    assert found, page
    return str(found[1]).replace(" ", "")


def switch_on(client: Client, user: User, password: str = PASSWORD) -> App:
    """Switch it on in the browser of a person who is signed in."""
    key = key_on(text_of(client.get(PAGE)))
    shown = text_of(change(client, "switch_on", code_at(Secret.of(key), timezone.now()), password))
    return App(user, key, RECOVERY_CODE.findall(shown))


def change(client: Client, do: str, code: str, password: str = PASSWORD, **more: Any) -> Any:
    """Press a button of the page: `switch_on`, `switch_off` or `new_codes`."""
    return client.post(PAGE, {"do": do, "password": password, "code": code}, **more)


def give_password(client: Client, user: User, to: str = "", password: str = PASSWORD) -> Any:
    """The first step of signing in."""
    return client.post(LOGIN + (f"?next={to}" if to else ""), {"username": user.username, "password": password})


def give_code(client: Client, code: str) -> Any:
    """The second."""
    return client.post(CODE, {"code": code})
