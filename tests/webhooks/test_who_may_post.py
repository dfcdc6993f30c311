"""
Who may post: the holder of the project's value, and of its signing secret where there is one. Closed otherwise.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from integration.models import Project
from integration.models.secrets import Secret
from integration.revenuecat.signature import HEADER, sign, signature_header
from tests.factories import AUTHORIZATION, SIGNING_SECRET, TOKEN, make_project, raw, webhook
from tests.webhooks.conftest import Door

WRONG = "The Authorization header is missing or is not this project's value."


@pytest.fixture
def signed(db: None) -> Door:
    """The door of a project that wants signatures."""
    return Door(make_project(signing_secret=Secret.of(SIGNING_SECRET)))


def signature(body: bytes, *, age: float = 0, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The header as RevenueCat makes it."""
    return {HEADER: signature_header(body=body, secret=secret, timestamp=int(time.time() - age))}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        "wrong",
        AUTHORIZATION[:-1],
        AUTHORIZATION + "x",
        AUTHORIZATION.lower(),
        AUTHORIZATION.removeprefix("Bearer "),
        "Basic " + AUTHORIZATION,
        "ü" * 40,
        "x" * 8000,
    ],
)
def test_a_missing_or_wrong_authorization_is_401_and_stores_nothing(door: Door, authorization: str | None) -> None:
    response = door.post(authorization=authorization)
    assert response.status_code == 401
    assert response.json() == {"detail": WRONG}
    assert response["WWW-Authenticate"]
    assert door.stored == 0


def test_a_wrong_authorization_is_told_before_anything_else_about_the_body(door: Door) -> None:
    for body, content_type in ((b"{", "application/json"), (b"x", "text/plain"), (b"x" * 2_000_000, "text/plain")):
        assert door.post(body, content_type=content_type, authorization="wrong").status_code == 401


def test_another_projects_value_does_not_open_the_door(door: Door) -> None:
    other = make_project(authorization="Bearer of another project")
    assert door.post(path=f"/webhooks/revenuecat/{other.pk}/").status_code == 401


@pytest.mark.parametrize("offered", [None, "", "Bearer ", AUTHORIZATION])
def test_no_value_configured_means_closed(db: None, offered: str | None) -> None:
    door = Door(make_project(authorization=""))
    assert door.post(authorization=offered).status_code == 401
    assert door.stored == 0


def test_no_value_but_a_good_signature_means_closed_too(db: None) -> None:
    door = Door(make_project(authorization="", signing_secret=Secret.of(SIGNING_SECRET)))
    body = raw(webhook())
    assert door.post(body, authorization=None, headers=signature(body)).status_code == 401


def test_a_rotated_value_stays_good_within_the_overlap_and_not_after(door: Door) -> None:
    project = door.project
    project.rotate_authorization(timezone.now(), overlap=timedelta(hours=1))
    new = project.authorization.reveal()
    assert new != AUTHORIZATION
    assert door.post(authorization=AUTHORIZATION).status_code == 200
    assert door.post(authorization=new).status_code == 200
    project.previous_authorization_until = timezone.now() - timedelta(seconds=1)
    project.save()
    assert door.post(authorization=AUTHORIZATION).status_code == 401
    assert door.post(authorization=new).status_code == 200


def test_rotating_without_an_overlap_ends_the_old_value_at_once(door: Door) -> None:
    door.project.rotate_authorization(timezone.now(), overlap=timedelta(0))
    assert door.post(authorization=AUTHORIZATION).status_code == 401


def test_rotating_the_first_value_does_not_open_the_door_to_nobody(db: None) -> None:
    door = Door(make_project(authorization=""))
    door.project.rotate_authorization(timezone.now())
    assert door.post(authorization="").status_code == 401
    assert door.post(authorization=None).status_code == 401


def lose_the_key(settings: Any) -> None:
    """What is stored so far cannot be read any more."""
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]


def test_a_value_that_cannot_be_decrypted_means_closed_and_says_so(door: Door, settings: Any) -> None:
    lose_the_key(settings)
    response = door.post()
    assert response.status_code == 401
    assert "cannot be read on this server" in response.json()["detail"]
    assert door.stored == 0


def test_a_signing_secret_that_cannot_be_decrypted_means_closed(db: None, settings: Any) -> None:
    project = make_project(signing_secret=Secret.of(SIGNING_SECRET))
    lose_the_key(settings)
    project.authorization = Secret.of(AUTHORIZATION)
    project.save()
    response = Door(project).post()
    assert response.status_code == 401
    assert "cannot be read on this server" in response.json()["detail"]


def test_damaged_ciphertext_means_closed(door: Door) -> None:
    for damaged in ("x", "gAAAAA", "ü", "\u2400" * 50):
        Project.objects.filter(pk=door.project.pk).update(authorization=Secret(damaged))
        assert door.post().status_code == 401


def test_a_new_value_opens_the_door_though_the_one_before_cannot_be_decrypted(door: Door, settings: Any) -> None:
    lose_the_key(settings)
    door.project.rotate_authorization(timezone.now())
    assert door.post(authorization=door.project.authorization.reveal()).status_code == 200
    wrong = door.post(authorization=AUTHORIZATION)
    assert wrong.status_code == 401 and wrong.json() == {"detail": WRONG}


def test_an_old_key_that_is_still_named_goes_on_reading(door: Door, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert door.post().status_code == 200


# --- Signatures -----------------------------------------------------------------------------------------------


def test_a_good_signature_is_accepted(signed: Door) -> None:
    body = raw(webhook())
    assert signed.post(body, headers=signature(body)).status_code == 200


def test_the_signature_is_over_the_bytes_as_they_came(signed: Door) -> None:
    odd = b'{ "event":{"type" :"RENEWAL","id":"1", "id":"2", "n": 1.50, "u": "\\u00fc\xc3\xbc"} }\n'
    assert signed.post(odd, headers=signature(odd)).status_code == 200
    same_json = odd.replace(b"{ ", b"{")
    assert signed.post(same_json, headers=signature(odd)).status_code == 401


@pytest.mark.parametrize("age", [301, -330, 10**9, -(10**9)])
def test_a_signature_of_another_time_is_refused(signed: Door, age: int) -> None:
    body = raw(webhook())
    response = signed.post(body, headers=signature(body, age=age))
    assert response.status_code == 401 and "five minutes" in response.json()["detail"]
    assert signed.stored == 0


@pytest.mark.parametrize("age", [270, -295])
def test_a_signature_within_the_tolerance_is_accepted(signed: Door, age: int) -> None:
    body = raw(webhook())
    assert signed.post(body, headers=signature(body, age=age)).status_code == 200


def test_a_signature_with_another_secret_or_over_another_body_is_refused(signed: Door) -> None:
    body = raw(webhook())
    for headers in (signature(body, secret="another"), signature(body + b" "), signature(b"")):
        response = signed.post(body, headers=headers)
        assert response.status_code == 401 and "signing secret" in response.json()["detail"]
    assert signed.stored == 0


NOW = "{now}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "t=,v1=",
        f"t={NOW}",
        "v1=abc",
        f"t={NOW},v1=",
        f"t={NOW},v1=ü",
        f"t={NOW},v0=abc",
        f"t={NOW},t={NOW},v1=abc",
        "t=²,v1=abc",
        "t=" + "9" * 5000 + ",v1=abc",
        "t=1e9,v1=abc",
        f"t=-{NOW},v1=abc",
        f"t={NOW};v1=abc",
        "," * 500,
    ],
)
def test_a_missing_or_odd_signature_is_refused(signed: Door, header: str | None) -> None:
    now = str(int(time.time()))
    headers = {} if header is None else {HEADER: header.replace(NOW, now)}
    response = signed.post(headers=headers)
    assert response.status_code == 401 and isinstance(response.json()["detail"], str)
    assert signed.stored == 0


def test_one_good_signature_among_several_is_enough(signed: Door) -> None:
    body, now = raw(webhook()), int(time.time())
    header = f"t={now},v1={'0' * 64},v1={sign(body=body, secret=SIGNING_SECRET, timestamp=now)},v2=later"
    assert signed.post(body, headers={HEADER: header}).status_code == 200


def test_a_good_signature_does_not_replace_the_authorization(signed: Door) -> None:
    body = raw(webhook())
    assert signed.post(body, authorization="wrong", headers=signature(body)).status_code == 401


def test_a_signed_body_that_is_too_large_is_413_or_refused_and_never_read_to_its_end(signed: Door) -> None:
    body = b"x" * (1024 * 1024 + 1)
    assert signed.post(body, headers=signature(body)).status_code == 413


# --- The log ----------------------------------------------------------------------------------------------------


def test_refusals_are_counted_in_few_lines_that_hold_no_secret(signed: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = raw(webhook())
    good = signature(body)
    for number in range(20):
        signed.post(body, authorization=f"guess-{number}-of-a-secret")
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(lines) == 5
    assert "16 so far" in lines[-1] and str(signed.project.pk) in lines[-1]
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == lines, "a flood of refusals must not be a flood of lines"
    signed.post(body, headers=signature(body, secret="wrong"))
    signed.post(body, headers=good)
    for secret in (AUTHORIZATION, SIGNING_SECRET, TOKEN, "guess-", good[HEADER]):
        assert secret not in caplog.text
