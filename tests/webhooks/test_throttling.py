"""
A flood of refused webhooks is answered 429 after a while, costs no write, and keeps no good webhook out.
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integration.models.secrets import Secret
from tests.factories import SIGNING_SECRET, make_project, webhook
from tests.webhooks.conftest import Door

BY_ADDRESS, BY_PROJECT = 60, 600


def flood(door: Door, times: int, **more: Any) -> list[Any]:
    """Webhooks with a wrong value, one after the other."""
    return [door.post(authorization="wrong", **more) for _ in range(times)]


def from_everywhere(door: Door, times: int) -> list[int]:
    """The same, each from an address of its own; how they were answered."""
    return [flood(door, 1, REMOTE_ADDR=f"198.51.{n // 250}.{n % 250}")[0].status_code for n in range(times)]


def test_the_sixty_first_refusal_of_a_minute_is_429_says_when_and_still_says_why(door: Door) -> None:
    assert {answer.status_code for answer in flood(door, BY_ADDRESS)} == {401}
    answer = door.post(authorization="wrong")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    detail = answer.json()["detail"]
    assert detail.startswith("The Authorization header is missing or is not this project's value. Too many such")


def test_good_webhooks_pass_beside_a_flood_from_their_own_address(door: Door) -> None:
    for number in range(1, 4 * BY_ADDRESS + 1):
        answer = door.post(authorization="wrong")
        assert answer.status_code == (401 if number <= BY_ADDRESS else 429)
        if number % 10 == 0:
            assert door.post(webhook()).json() == {"status": "accepted"}
    assert door.stored == 4 * BY_ADDRESS / 10


def test_good_webhooks_pass_beside_a_flood_against_their_project(door: Door) -> None:
    statuses = from_everywhere(door, BY_PROJECT + 20)
    assert statuses == [401] * BY_PROJECT + [429] * 20
    assert door.post(webhook()).status_code == 200


def test_good_webhooks_are_never_counted(door: Door) -> None:
    body = webhook()
    assert {door.post(body).status_code for _ in range(2 * BY_ADDRESS)} == {200}
    assert door.post(authorization="wrong").status_code == 401


def test_what_is_wrong_with_the_event_of_an_admitted_sender_is_not_counted(door: Door) -> None:
    assert {door.post(b"{").status_code for _ in range(2 * BY_ADDRESS)} == {400}
    assert door.post(authorization="wrong").status_code == 401


def test_another_address_and_another_project_are_told_apart(door: Door) -> None:
    flood(door, BY_ADDRESS + 1)
    assert door.post(authorization="wrong", REMOTE_ADDR="192.0.2.9").status_code == 401
    other = Door(make_project())
    assert other.post(authorization="wrong").status_code == 429
    assert other.post(authorization="wrong", REMOTE_ADDR="192.0.2.9").status_code == 401


def test_guessing_addresses_of_projects_is_counted_too(door: Door) -> None:
    statuses = [door.post(path=f"/webhooks/revenuecat/{uuid.uuid4()}/").status_code for _ in range(BY_ADDRESS + 5)]
    assert statuses == [404] * BY_ADDRESS + [429] * 5
    assert door.post(path="/webhooks/revenuecat/nonsense/").status_code == 429


def test_a_wrong_signature_counts_as_well(db: None) -> None:
    door = Door(make_project(signing_secret=Secret.of(SIGNING_SECRET)))
    statuses = [door.post(webhook()).status_code for _ in range(BY_ADDRESS + 1)]
    assert statuses == [401] * BY_ADDRESS + [429]


def test_a_minute_later_it_is_explained_again(door: Door) -> None:
    flood(door, BY_ADDRESS + 1)
    counts = caches["refusals"]
    counts.set("address-127.0.0.1", [at - 61 for at in counts.get("address-127.0.0.1")])
    assert door.post(authorization="wrong").status_code == 401


def test_the_clients_are_told_apart_behind_a_trusted_proxy(door: Door, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    flood(door, BY_ADDRESS + 1, headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.7"})
    other = door.post(authorization="wrong", headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.8"})
    assert other.status_code == 401


def test_a_refusal_writes_nothing_and_asks_the_database_once(door: Door) -> None:
    flood(door, BY_ADDRESS + 1)
    with CaptureQueriesContext(connection) as queries:
        flood(door, 5)
    statements = [query["sql"] for query in queries]
    assert len(statements) == 5 and all(sql.startswith("SELECT") for sql in statements)


def test_a_flood_is_no_flood_of_lines(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    flood(door, 3 * BY_ADDRESS)
    assert len(caplog.records) < 12


def test_memory_stays_bounded_however_many_addresses_there_are() -> None:
    counts: Any = caches["refusals"]
    for number in range(25_000):
        counts.set(f"address-{number}", [time.time()])
    assert len(counts._cache) <= 10_000
