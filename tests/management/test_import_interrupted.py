"""
An import that is killed, stopped or loses its database, as a real process: the next run goes on where it stopped.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from integration.models import Delivery, HistoryImport, Project, WebhookEvent
from tests.factories import make_project, raw, webhook
from tests.processes import Child, child_env, outside_params, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

LINES = 3000


@pytest.fixture
def project(transactional_db: None) -> Project:
    """A project to import into."""
    return make_project("Larkfield")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Enough to be interrupted in."""
    path = tmp_path / "webhooks.jsonl"
    bodies = (raw(webhook(id=f"id-{number}", app_user_id=f"user-{number}")) for number in range(LINES))
    path.write_bytes(b"\n".join(bodies) + b"\n")
    return path


def importing(file: Path) -> Child:
    """The command, as a process of its own."""
    return Child(["manage.py", "import_events", str(file)], child_env())


def until_under_way() -> None:
    """Wait for the first batch."""
    until(lambda: HistoryImport.objects.filter(line__gt=0).exists(), "the import is under way")


def ended(child: Child) -> int:
    """Its exit code, when it has said all."""
    code = child.process.wait(60)
    deadline = time.monotonic() + 10
    while child._reader.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    return code


def stopped_at() -> int:
    """How far it says it has come, which is what is stored and no more."""
    row = HistoryImport.objects.get()
    assert 0 < row.line < LINES
    assert row.line == row.new == WebhookEvent.objects.count() == Delivery.objects.count()
    return row.line


def assert_goes_on(file: Path, line: int) -> None:
    """Run it again: the rest comes in, and nothing comes twice."""
    with importing(file) as child:
        assert ended(child) == 0, child.said
        assert f"Going on after line {line:,}" in child.said
        assert f"{LINES:,} new, 0 already there, 0 left out, 0 lines not usable" in child.said
    assert WebhookEvent.objects.filter(repeats=0).count() == Delivery.objects.count() == LINES
    assert not HistoryImport.objects.exists()


def test_a_killed_import_goes_on_where_it_stopped(project: Project, file: Path) -> None:
    with importing(file) as child:
        until_under_way()
        child.kill()
    assert_goes_on(file, stopped_at())


def test_ctrl_c_says_how_to_go_on(project: Project, file: Path) -> None:
    with importing(file) as child:
        until_under_way()
        os.kill(child.process.pid, signal.SIGINT)
        assert ended(child) == 130, child.said
        line = stopped_at()
        assert f"Run the same command again: it goes on after line {line:,}." in child.said
    assert_goes_on(file, line)


def test_a_database_that_goes_away_says_how_to_go_on(project: Project, file: Path) -> None:
    with psycopg.connect(**outside_params(), autocommit=True) as outside:
        mine = "SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = current_database()"
        ours = outside.execute(mine).fetchone()
        with importing(file) as child:
            until_under_way()
            outside.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> ALL(%s)",
                ours,
            )
            assert ended(child) == 1, child.said
            assert "The database does not answer. Run the same command again" in child.said
    assert_goes_on(file, stopped_at())
