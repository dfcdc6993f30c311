"""
No bytes that a request may bring keep a failed sign-in from being counted; over the real web server, by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integration.models import SecondFactor
from integration.models.second_factor import code_at, new_key
from tests.factories import AUTHORIZATION, make_project, raw, webhook
from tests.rcintercom.web_server import Browser, Server, part, serving

LOGIN = "/admin/login/"
CODE = "/admin/login/code/"
PASSWORD = "correct horse battery staple"
LOCKED_AFTER_FIVE = [200, 200, 200, 200, 429]
# The encodings that Python knows, and what makes of some bytes a text that no database can hold.
SURROGATE = b"\\ud800"
CHARSETS = (
    *("unicode_escape", "raw_unicode_escape", "utf-7", "utf-16", "zlib_codec", "rot13", "idna", "undefined"),
    *("latin-1", "us-ascii", "no-such-charset"),
)


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    """The web server."""
    with django_db_blocker.unblock(), serving() as running:
        yield running


@pytest.fixture
def ada(transactional_db: None) -> User:
    """Somebody who may sign in."""
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


def guess(server: Server, number: int, **more: Any) -> int:
    """A wrong password from a browser of its own."""
    return Browser(server).submit(LOGIN, {"username": "ada", "password": f"guess {number}"}, **more)


@pytest.mark.parametrize(
    "brought",
    [
        {"more": part("x", b"a\x00b")},
        {"more": part("x", b"\xed\xa0\x80 \xff")},
        {"more": part("x\x00", b"y")},
        {"more": b"--XX\r\nContent-Disposition: form-data; name*=unicode_escape''%5Cud800\r\n\r\ny\r\n"},
        {"more": b"--XX\r\nContent-Disposition: form-data; name*=nosuch''x\r\n\r\ny\r\n"},
        {"query": "?x=%00&y=%ED%A0%80&%FF=1"},
        {"charset": "UTF-8", "more": part("x", SURROGATE)},
    ],
    ids=lambda it: repr(it)[:60],
)
def test_a_wrong_password_counts_whatever_comes_with_it(server: Server, ada: User, brought: dict[str, Any]) -> None:
    assert [guess(server, number, **brought) for number in range(5)] == LOCKED_AFTER_FIVE


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_form_in_another_charset_is_refused_before_the_password_is_looked_at(
    server: Server, ada: User, charset: str
) -> None:
    evil: dict[str, Any] = {
        "charset": charset,
        "more": part("x", b"+2AA-" if charset == "utf-7" else SURROGATE),
        "query": "?x=1",
    }
    assert guess(server, 1, **evil) == 400
    assert Browser(server).submit(LOGIN, {"username": "ada", "password": PASSWORD}, **evil) == 400
    assert not AccessAttempt.objects.exists()


def test_wrong_recovery_codes_count_too_and_a_charset_hides_none(server: Server, ada: User) -> None:
    key, now = new_key(), timezone.now()
    SecondFactor.objects.switch_on(ada, key, code_at(key, now), now)
    browser = Browser(server)
    assert browser.submit(LOGIN, {"username": "ada", "password": PASSWORD}) == 302
    wrong = {"code": "aaaa-bbbb-cccc-dddd"}
    assert browser.submit(CODE, wrong, charset="unicode_escape", more=part("x", SURROGATE)) == 400
    nul: dict[str, Any] = {"more": part("x", b"\x00"), "query": "?x=%00"}
    assert [browser.submit(CODE, wrong, **nul) for _ in range(5)] == LOCKED_AFTER_FIVE


def test_a_failure_counts_even_where_such_a_charset_gets_through(client: Client, ada: User) -> None:
    # The test client speaks to Django without the web server, and without what stands between the two.
    body = part("username", b"ada") + part("password", b"guess") + part("x", SURROGATE) + b"--XX--\r\n"
    evil = "multipart/form-data; boundary=XX; charset=unicode_escape"
    path = LOGIN + "?x=%5Cud800"
    headers = {"User-Agent": "\x00", "Accept": "\x00"}
    answers = [client.generic("POST", path, body, evil, headers=headers).status_code for _ in range(5)]
    assert answers == LOCKED_AFTER_FIVE


def test_nothing_of_the_form_is_kept_with_a_failure(client: Client, ada: User) -> None:
    client.post(LOGIN + "?next=/secret/", {"username": "ada", "password": "guess", "more": "of it"})
    kept = AccessAttempt.objects.get()
    assert (kept.username, kept.failures_since_start, kept.get_data, kept.post_data) == ("ada", 1, "", "")


ENCODED = ("charset*=nosuch''x", "charset*=utf-8''%00", "boundary*=nosuch''x", "charset*0*=unicode_escape''%5Cud800")


@pytest.mark.parametrize("parameter", ENCODED)
def test_parameters_that_are_encoded_themselves_break_nothing(
    server: Server, transactional_db: None, parameter: str
) -> None:
    door = f"/webhooks/revenuecat/{make_project().pk}/"
    for path, expected in ((LOGIN, 400), (door, 401)):
        answer, _ = server.ask("POST", path, b"{}", Content_Type=f"application/json; {parameter}")
        assert answer.status == expected, path


@pytest.mark.parametrize("charset", CHARSETS)
def test_the_door_reads_utf_8_whatever_the_header_says(server: Server, transactional_db: None, charset: str) -> None:
    door = f"/webhooks/revenuecat/{make_project().pk}/?x=%5Cud800"
    headers = {"Authorization": AUTHORIZATION, "Content_Type": f"application/json; charset={charset}"}
    answer, body = server.ask("POST", door, raw(webhook()), **headers)
    assert (answer.status, body) == (200, '{"status":"accepted"}')


@pytest.mark.parametrize("path", [LOGIN, "/admin/", "/"])
def test_nul_in_a_cookie_is_refused_and_breaks_nothing(server: Server, transactional_db: None, path: str) -> None:
    # Between quotation marks a cookie may write any character by its number (RFC 2109).
    assert server.ask("GET", path, Cookie='sessionid="aaaaaaaaaaaa\\000"')[0].status == 400
