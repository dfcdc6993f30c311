"""Django on the embedded PostgreSQL: when the server starts, and what happens when it goes away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from rcintercom.embedded_postgres.layout import PORT, SUPERUSER
from rcintercom.embedded_postgres.server import Server
from tests.processes import a_place, hear, is_alive, running, until

QUERY = """
import sys, django
django.setup()
from django.db import connection
def ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), pg_postmaster_start_time()::text")
        print("answer", *cursor.fetchone())
    connection.close()
ask()
"""
AGAIN = """
for line in sys.stdin:
    ask()
# Or the pool's threads and the server's end could wait for each other at the exit, which is not what is tested.
connection.close_pool()
"""
FULL_POOL = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.conf import settings
size = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
together = Barrier(size)
def hold():
    with connection.cursor() as cursor:
        together.wait()
    connection.close()
with ThreadPoolExecutor(size) as threads:
    for held in [threads.submit(hold) for _ in range(size)]:
        held.result()
print("connections", connection.pool.get_stats()["pool_available"])
"""
ASYNC_POOL = """
import asyncio
from procrastinate.contrib.django import app
async def look():
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            print("async", await app.connector.execute_query_one_async("SELECT current_database() AS name"))
asyncio.run(look())
"""


@pytest.fixture(scope="module")
def var_dir() -> Iterator[Path]:
    with a_place() as directory:
        yield directory


@pytest.fixture
def env(var_dir: Path) -> Iterator[Mapping[str, str]]:
    """An environment without DATABASE_URL; afterwards no server may be left."""
    yield {"VAR_DIR": str(var_dir), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "rcintercom.settings"}
    server = Server(var_dir / "postgres")
    until(lambda: not server.layout.pid_file.exists(), "the server has stopped")


def test_help_starts_no_server(env: Mapping[str, str], var_dir: Path) -> None:
    with running("manage.py", "help", env=env) as process:
        hear(process, "migrate")
        assert process.wait() == 0
    assert not (var_dir / "postgres").exists()


def test_the_first_query_starts_the_server_and_makes_the_database(env: Mapping[str, str]) -> None:
    with running("-c", QUERY, env=env) as process:
        assert hear(process, "answer").split()[1] == "rcintercom"
        assert process.wait() == 0


def test_the_engine_gets_parameters_for_a_pool_of_its_own(env: Mapping[str, str]) -> None:
    with running("-c", QUERY + ASYNC_POOL, env=env) as process:
        assert hear(process, "async") == "async {'name': 'rcintercom'}"


def test_a_process_that_lives_on_gets_a_new_server_when_the_postmaster_is_killed(
    env: Mapping[str, str], var_dir: Path
) -> None:
    layout = Server(var_dir / "postgres").layout
    with running("-c", QUERY + AGAIN, env=env) as process:
        assert process.stdin
        before = hear(process, "answer")
        killed = int(layout.pid_file.read_text().split()[0])
        os.kill(killed, signal.SIGKILL)
        until(lambda: not is_alive(killed), "the postmaster is dead")

        process.stdin.write("again\n")
        process.stdin.flush()
        after = hear(process, "answer")

    assert after.startswith("answer rcintercom")
    assert after != before


def test_a_full_pool_of_dead_connections_costs_nobody_an_answer(env: Mapping[str, str], var_dir: Path) -> None:
    layout = Server(var_dir / "postgres").layout
    with running("-c", QUERY + FULL_POOL + AGAIN, env=env) as process:
        assert process.stdin
        assert hear(process, "connections") == "connections 10"
        with psycopg.connect(host=str(layout.socket_dir), port=PORT, user=SUPERUSER, dbname="postgres") as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'rcintercom'")
        began = time.monotonic()
        process.stdin.write("again\n")
        process.stdin.flush()
        assert hear(process, "answer").startswith("answer rcintercom")
        # The pool's own check would have given up after ten.
        assert time.monotonic() - began < 5


SETTINGS_IN_FORCE = """
import os
from django.db import connection
if not os.environ["POOLED"]:
    del connection.settings_dict["OPTIONS"]["pool"]
with connection.cursor() as cursor:
    cursor.execute("SHOW idle_in_transaction_session_timeout")
    print("timeout", *cursor.fetchone(), connection.pool is not None)
connection.close()
with connection.cursor() as cursor:
    cursor.execute("SHOW idle_in_transaction_session_timeout")
    print("again", *cursor.fetchone())
    given = connection.connection.info.get_parameters()
print("keepalives", *(f"{name}={given[name]}" for name in sorted(given) if name.startswith("keepalives_")))
"""


@pytest.mark.parametrize("pooled", ["1", ""], ids=["pooled", "not pooled"])
def test_every_connection_says_how_long_a_transaction_may_idle_and_asks_a_silent_server(
    env: Mapping[str, str], pooled: str
) -> None:
    with running("-c", QUERY + SETTINGS_IN_FORCE, env={**env, "POOLED": pooled}) as process:
        assert hear(process, "timeout") == f"timeout 1min {bool(pooled)}"
        assert hear(process, "again") == "again 1min"
        expected = "keepalives keepalives_count=3 keepalives_idle=30 keepalives_interval=10"
        assert hear(process, "keepalives") == expected


def test_psql_finds_the_server(env: Mapping[str, str]) -> None:
    with running("manage.py", "dbshell", "--", "-Atc", "SELECT 'psql in ' || current_database()", env=env) as process:
        assert hear(process, "psql in") == "psql in rcintercom"
