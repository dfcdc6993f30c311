"""
Whoever has no credentials cannot fill the log; what goes wrong in the app is still said in full.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rcintercom.log_lines import Refusals, Unsaid
from tests.rcintercom.web_server import Server, part, serving

TIMES = 20
FORM = "multipart/form-data; boundary=XX"
LOGIN = "/admin/login/"
ADA = part("username", b"ada") + b"--XX--\r\n"
MANY_FIELDS = part("x", b"y") * 1001 + b"--XX--\r\n"


def flood(server: Server, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[set[int], list[str]]:
    """How the web server answered each of many such requests, and what it wrote meanwhile."""
    before = len(server.process.lines)
    answers = {server.ask(method, path, body, **headers)[0].status for _ in range(TIMES)}
    # Each line is written before its answer, but may have to travel.
    time.sleep(0.2)
    return answers, server.process.lines[before:]


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    """The web server."""
    with django_db_blocker.unblock(), serving() as running:
        yield running


def test_hosts_that_are_none_of_ours_are_named_without_a_traceback_and_ever_more_rarely(server: Server) -> None:
    answers, lines = flood(server, "GET", LOGIN, Host="evil.example.com")
    # The 1st, 2nd, 4th, 8th and 16th.
    assert answers == {400} and len(lines) == 5
    assert all("Invalid HTTP_HOST header: 'evil.example.com'. You may need to add" in line for line in lines)
    assert lines[-1].endswith("(16 of this kind so far)")


@pytest.mark.parametrize(("status", "method", "path"), [(404, "GET", "/no/such/page"), (405, "TRACE", "/")])
def test_what_any_scanner_asks_for_is_not_said(server: Server, status: int, method: str, path: str) -> None:
    assert flood(server, method, path) == ({status}, [])


COOKIE = {"Cookie": f"csrftoken={'a' * 32}"}


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (403, ADA, {"Content_Type": FORM}),
        (403, ADA, {"Content_Type": FORM, **COOKIE}),
        (400, ADA, {"Content_Type": f"{FORM}; charset=utf-7", **COOKIE}),
        (400, MANY_FIELDS, {"Content_Type": FORM, **COOKIE}),
        (400, b"x", {"Content_Type": "multipart/form-data", **COOKIE}),
    ],
    ids=["no token", "another token", "charset", "fields", "boundary"],
)
def test_forms_that_are_refused_unread_leave_a_handful_of_lines(
    server: Server, status: int, body: bytes, headers: dict[str, str]
) -> None:
    answers, lines = flood(server, "POST", LOGIN, body, **headers)
    assert answers == {status} and len(lines) <= 5
    assert "Traceback" not in server.process.said


def record(name: str, status: int, **more: Any) -> logging.LogRecord:
    """A line of Django's."""
    made = logging.makeLogRecord({"name": name, "msg": "%s: %s", "args": ("Said", "/path/"), **more})
    made.status_code = status
    return made


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429])
def test_a_refusal_that_nobody_has_to_act_on_is_not_said(status: int) -> None:
    assert not Unsaid().filter(record("django.request", status))


def test_an_error_is_said_every_time_and_in_full() -> None:
    refusals = Refusals()
    try:
        raise ValueError("Broken.")
    except ValueError:
        for made in (record("django.request", 500, exc_info=sys.exc_info()) for _ in range(3)):
            assert (
                Unsaid().filter(made)
                and refusals.filter(made)
                and made.exc_info
                and made.getMessage() == "Said: /path/"
            )


def test_lines_of_the_app_are_never_counted() -> None:
    refusals = Refusals()
    assert all(refusals.filter(record("integration.webhooks.views", 404)) for _ in range(9))


def test_each_kind_of_refusal_is_counted_by_itself() -> None:
    refusals = Refusals()
    kinds = [("django.security.DisallowedHost", 400), ("django.security.csrf", 403), ("django.request", 400)]
    for _ in range(2):
        assert [refusals.filter(record(*kind)) for kind in kinds] == [True] * 3
    assert [refusals.filter(record(*kind)) for kind in kinds] == [False] * 3
