"""
The health check, asked over HTTP as a monitor asks: what it says when a part fails, and what it keeps to itself.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.live_server_helper import LiveServer

from integration import health
from integration.models import Delivery
from tests.factories import make_project, receive
from tests.processes import Child, child_env

pytestmark = pytest.mark.django_db(transaction=True)

WELL = {"database": "ok", "migrations": "ok", "worker": "ok", "deliveries": "ok"}


def ask(server: LiveServer, path: str = "/health/") -> tuple[int, dict[str, Any]]:
    """The status and the body of an answer."""
    answer = requests.get(f"{server.url}{path}", timeout=10)
    return answer.status_code, answer.json()


def execute(sql: str, *values: float) -> None:
    """Change what the check looks at; the engine's tables are read-only to Django."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.fixture(autouse=True)
def heartbeat(transactional_db: None) -> Iterator[None]:
    """A worker that has just been heard of, and nobody else."""
    execute("DELETE FROM procrastinate_workers")
    execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    yield
    execute("DELETE FROM procrastinate_workers")


def test_where_all_is_well_it_says_so(live_server: LiveServer) -> None:
    receive(make_project())
    status, said = ask(live_server)
    assert status == 200
    assert said.pop("oldest_due_seconds") < 60
    assert said == {"status": "ok", **WELL, "held_projects": 0}


@pytest.mark.parametrize("silent_seconds", [None, 61])
def test_without_a_worker_it_fails_and_the_door_does_not(live_server: LiveServer, silent_seconds: int | None) -> None:
    if silent_seconds is None:
        execute("DELETE FROM procrastinate_workers")
    else:
        execute("UPDATE procrastinate_workers SET last_heartbeat = now() - %s * interval '1 second'", silent_seconds)
    status, said = ask(live_server)
    assert (status, said["status"]) == (503, "failed")
    assert {name: said[name] for name in WELL} == WELL | {"worker": health.NO_WORKER}
    assert ask(live_server, "/health/web/") == (200, {"status": "ok", "database": "ok", "migrations": "ok"})


def test_what_is_due_and_not_sent_fails_it(live_server: LiveServer) -> None:
    delivery = receive(make_project())
    for minutes, status, said in ((9, 200, "ok"), (11, 503, health.LATE)):
        Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now() - timedelta(minutes=minutes))
        answered, parts = ask(live_server)
        assert (answered, parts["deliveries"]) == (status, said)
        assert abs(parts["oldest_due_seconds"] - minutes * 60) <= 10


@pytest.mark.parametrize("fields", [{"active": False}, {"held_at": timezone.now(), "hold_reason": "401"}])
def test_what_waits_for_a_person_is_counted_and_is_not_late(live_server: LiveServer, fields: dict[str, Any]) -> None:
    delivery = receive(make_project(**fields))
    Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now() - timedelta(days=1))
    status, said = ask(live_server)
    assert (status, said["deliveries"], said["oldest_due_seconds"]) == (200, "ok", 0)
    assert said["held_projects"] == (0 if "active" in fields else 1)


def test_a_project_whose_rate_limit_never_seems_to_end_is_late(live_server: LiveServer) -> None:
    now = timezone.now()
    delivery = receive(make_project(held_at=now, held_until=now + timedelta(seconds=90)))
    Delivery.objects.filter(pk=delivery.pk).update(due_at=now - timedelta(hours=1))
    assert ask(live_server)[0] == 503


def test_a_version_whose_migrations_are_not_applied_fails_both(live_server: LiveServer) -> None:
    execute("UPDATE django_migrations SET app = 'elsewhere' WHERE app = 'integration'")
    try:
        for path in ("/health/", "/health/web/"):
            said = {"status": "failed", "database": "ok", "migrations": health.NOT_MIGRATED}
            assert ask(live_server, path) == (503, said)
    finally:
        execute("UPDATE django_migrations SET app = 'integration' WHERE app = 'elsewhere'")


def test_a_database_that_is_away_is_said_to_be_away() -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = child_env(DATABASE_URL="postgres://nobody@127.0.0.1:9/nothing")
    with Child(["manage.py", "run", "--web-only", "--port", str(port)], env) as server:
        server.wait_for("Booting worker")
        answer = requests.get(f"http://localhost:{port}/health/", timeout=30)
    assert (answer.status_code, answer.json()) == (503, {"status": "failed", "database": health.DATABASE_AWAY})


def test_it_names_nobody_and_is_kept_by_nobody(live_server: LiveServer) -> None:
    project = make_project("Acme", held_at=timezone.now(), hold_reason="Intercom refused the token.")
    receive(project, app_user_id="somebody")
    answer = requests.get(f"{live_server.url}/health/", timeout=10)
    for word in ("Acme", "somebody", "token", str(project.pk)):
        assert word not in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    assert not answer.cookies


def test_a_monitor_that_asks_all_the_time_is_never_refused(live_server: LiveServer) -> None:
    with requests.Session() as session:
        answers = {session.get(f"{live_server.url}/health/", timeout=10).status_code for _ in range(100)}
    assert answers == {200}
    assert requests.head(f"{live_server.url}/health/", timeout=10).status_code == 200


def test_it_costs_as_many_statements_however_many_projects_and_deliveries_there_are(
    client: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        project = make_project()
        for person in range(number * 3):
            receive(project, app_user_id=f"user-{person}")
    client.get("/health/")
    with django_assert_num_queries(5):
        assert client.get("/health/").status_code == 200
