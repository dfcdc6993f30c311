"""Somebody at the admin: signs in over HTTP as a browser does, and waits for pages."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from types import TracebackType

import requests
from django.contrib.auth.models import Group, User

from integration.models import Project

PASSWORD = "an ordinary bench password"
LOGIN = "/admin/login/"
ANSWER_SECONDS = 60.0
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Page:
    """One address of the admin, and what the table calls it."""

    name: str
    path: str


def make_person(name: str, projects: Iterable[Project] | None) -> User:
    """A superuser, or a member of these projects with the role that may see most."""
    user, _ = User.objects.get_or_create(username=name)
    user.is_staff, user.is_superuser = True, projects is None
    user.set_password(PASSWORD)
    user.save()
    if projects is not None:
        user.groups.set(Group.objects.filter(name="Integration admin"))
        for project in projects:
            project.members.add(user)
    return user


class Browser:
    """`with Browser("http://127.0.0.1:8000", "ada") as browser` is signed in."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._session = requests.Session()
        form = self._session.get(url + LOGIN, timeout=ANSWER_SECONDS)
        token = _CSRF.search(form.text)
        assert token, "the sign-in page has no form"
        entered = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": token[1], "next": "/admin/"}
        answer = self._session.post(
            url + LOGIN, entered, headers={"Referer": url + LOGIN}, timeout=ANSWER_SECONDS, allow_redirects=False
        )
        assert answer.status_code == 302, f"{name} could not sign in: {answer.status_code}"

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.close()

    def milliseconds(self, page: Page, times: int) -> float:
        """How long the page takes, the median of so many requests. An AssertionError where it is no page."""
        return median(self._once(page) for _ in range(times))

    def _once(self, page: Page) -> float:
        began = time.perf_counter()
        answer = self._session.get(self._url + page.path, timeout=ANSWER_SECONDS, allow_redirects=False)
        took = time.perf_counter() - began
        # An unknown filter is answered with a redirect.
        assert answer.status_code == 200, f"{page.path} was answered {answer.status_code}"
        return took * 1000
