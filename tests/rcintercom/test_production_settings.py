"""A server set up as the production checklist says: nothing to warn of, and cookies for this host over HTTPS alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

ROOT = Path(__file__).parents[2]
PRODUCTION = {
    "PATH": os.environ["PATH"],
    "PUBLIC_URL": "https://rcintercom.example.com",
    "DATABASE_URL": "postgres://rcintercom@db.example.com/rcintercom",
    "SECRET_KEY": "s" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "TRUSTED_PROXIES": "1",
}
SHOW = """
from django.conf import settings
names = ("SESSION_COOKIE", "CSRF_COOKIE")
print([(getattr(settings, f"{one}_NAME"), getattr(settings, f"{one}_SECURE")) for one in names])
"""


def run(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Python with the environment of such a server; a variable that is changed to nothing is not there."""
    env = {name: value for name, value in (PRODUCTION | changed).items() if value}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_there_is_nothing_to_warn_of() -> None:
    checked = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({"TRUSTED_PROXIES": ""}, True),
        ({"TRUSTED_PROXIES": "0"}, False),
        ({"TRUSTED_PROXIES": "", "HTTPS": "0"}, False),
    ],
    ids=["unset", "none, in so many words", "no proxy"],
)
def test_behind_a_proxy_somebody_must_have_said_whether_it_names_its_callers(
    changed: dict[str, str], warned: bool
) -> None:
    checked = run("manage.py", "check", "--deploy", **changed)
    assert ("integration.W002" in checked.stderr) is warned, checked.stderr


def test_cookies_belong_to_this_host_and_to_https() -> None:
    shown = run("manage.py", "shell", "--no-imports", "-c", SHOW)
    assert shown.stdout.strip() == "[('__Host-sessionid', True), ('__Host-csrftoken', True)]", shown.stderr


def test_the_health_check_can_be_asked_on_the_host_itself_without_tls() -> None:
    ask = """
from django.test import Client
for path in ("/health/", "/admin/"):
    # Not with GET: there is no database here.
    print(Client(headers={"host": "rcintercom.example.com"}).post(path).status_code)
"""
    shown = run("manage.py", "shell", "--no-imports", "-c", ask)
    assert shown.stdout.split() == ["405", "301"], shown.stderr
