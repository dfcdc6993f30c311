"""
Backup and restore as an operator does them: real commands on servers of their own, with the keys and without them.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import TOKEN
from tests.processes import PROJECT_ROOT, a_place

pytestmark = pytest.mark.timeout(180)

OWN = ("DATABASE_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "PUBLIC_URL")
REVEAL = "from integration.models import Project; print(Project.objects.get().intercom_token.reveal())"


def manage(var_dir: Path, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end on the data in `var_dir`."""
    env = {name: value for name, value in os.environ.items() if name not in OWN}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command,
        cwd=PROJECT_ROOT,
        env=env | {"VAR_DIR": str(var_dir)} | changed,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def succeed(var_dir: Path, *arguments: str) -> str:
    """What it prints."""
    ended = manage(var_dir, *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with a_place() as directory:
        yield directory


@pytest.fixture(scope="module")
def lost(place: Path) -> Path:
    """A server with one project, whose database is in `backup.sql` beside it."""
    var_dir = place / "lost"
    succeed(var_dir, "migrate", "--verbosity", "0")
    succeed(var_dir, "createproject", "Kept", "--intercom-token", TOKEN)
    said = succeed(var_dir, "backup", str(place / "backup.sql"))
    assert str(var_dir / "server-keys.json") in said
    return var_dir


def test_only_its_owner_can_read_a_backup_and_no_key_is_in_it(place: Path, lost: Path) -> None:
    backup = place / "backup.sql"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    text = backup.read_text()
    assert "Kept" in text and TOKEN not in text
    assert (lost / "server-keys.json").read_text() not in text


def test_a_backup_never_writes_over_anything(place: Path, lost: Path) -> None:
    before = (place / "backup.sql").read_bytes()
    refused = manage(lost, "backup", str(place / "backup.sql"))
    assert refused.returncode == 1 and "File exists" in refused.stderr
    assert (place / "backup.sql").read_bytes() == before


def test_with_the_keys_in_their_place_everything_is_back(place: Path, lost: Path) -> None:
    found = place / "found"
    found.mkdir()
    shutil.copy(lost / "server-keys.json", found)
    assert "Restored from" in succeed(found, "restore", str(place / "backup.sql"))
    assert succeed(found, "shell", "--no-imports", "-c", REVEAL).strip() == TOKEN
    assert "W003" not in manage(found, "check", "--database", "default").stderr


def test_without_the_keys_it_says_so_and_they_can_still_be_put_back(place: Path, lost: Path) -> None:
    keyless = place / "keyless"
    told = manage(keyless, "restore", str(place / "backup.sql"))
    assert told.returncode == 1
    assert "The keys do not belong to this backup. 2 of the 2 secrets" in told.stderr
    assert "server-keys.json" in told.stderr
    assert "integration.W003" in manage(keyless, "migrate").stderr
    shutil.copy(lost / "server-keys.json", keyless)
    assert succeed(keyless, "shell", "--no-imports", "-c", REVEAL).strip() == TOKEN


def test_a_database_that_holds_something_is_left_alone(place: Path, lost: Path) -> None:
    refused = manage(lost, "restore", str(place / "backup.sql"))
    assert refused.returncode == 1
    assert "is not empty, and nothing was changed" in refused.stderr and f"{lost}/postgres.before" in refused.stderr
    assert succeed(lost, "shell", "--no-imports", "-c", REVEAL).strip() == TOKEN


def test_a_backup_that_is_damaged_or_cut_off_restores_nothing(place: Path, lost: Path) -> None:
    whole = (place / "backup.sql").read_text()
    damaged, half, empty = place / "damaged.sql", place / "half.sql", place / "empty"
    damaged.write_text(whole.replace("COPY public.integration_project ", "COPY nowhere "))
    half.write_text(whole[: len(whole) // 2])
    assert "psql failed" in manage(empty, "restore", str(damaged)).stderr
    assert "not a whole one" in manage(empty, "restore", str(half)).stderr
    assert "Restored" in manage(empty, "restore", str(place / "backup.sql")).stdout


def test_new_keys_beside_an_older_database_are_never_made_in_silence(place: Path, lost: Path) -> None:
    keys = lost / "server-keys.json"
    keys.rename(keys.with_suffix(".away"))
    try:
        told = manage(lost, "check")
        assert "New keys were made" in told.stderr and "put the old server-keys.json in its place" in told.stderr
        assert "New keys" not in manage(lost, "check").stderr
    finally:
        keys.with_suffix(".away").replace(keys)


def test_a_server_of_ones_own_is_saved_with_its_own_programs(place: Path) -> None:
    for command in ("backup", "restore"):
        refused = manage(place, command, __file__, DATABASE_URL="postgres://nobody@127.0.0.1:9/nothing")
        assert refused.returncode == 1 and "use its own pg_dump" in refused.stderr
