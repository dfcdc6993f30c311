"""What every process does that needs the embedded PostgreSQL: hold it, have it started, leave it.

A process that uses the server keeps a shared lock on one file. The kernel drops that lock however the process
ends, and the guardian (guardian.py) stops the server when nobody holds it any more. Must not import Django.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from rcintercom.embedded_postgres.layout import MAINTENANCE_DATABASE, PORT, SUPERUSER, Layout

if TYPE_CHECKING:
    from collections.abc import Iterator

# Crash recovery of a gigabyte of log takes a while on a slow disk.
START_SECONDS = 120.0
# Longer than the guardian takes at worst to stop the server.
STOP_SECONDS = 45.0
PAUSE_SECONDS = 0.05
LOG_LINES = 15
PROJECT_ROOT = Path(__file__).resolve().parents[2]

# What this process holds. A forked child inherits both the dictionary and the open files, and with them the
# lock: the server stays until the last of a family is gone.
_held: dict[Path, int] = {}
_starting = threading.Lock()
# The databases that this process knows to exist: they are looked for once, not before every connection.
_known: set[tuple[Path, str]] = set()


class EmbeddedPostgresError(psycopg.OperationalError):
    """The embedded server cannot be used; the message says why and what to do."""


class Server:
    """One embedded server, named by its directory; making an object starts nothing."""

    def __init__(self, data_dir: Path | str) -> None:
        self.layout = Layout.of(data_dir)

    def start(self) -> None:
        """Return when the server has answered a query. Raises EmbeddedPostgresError when it does not come up."""
        deadline = time.monotonic() + START_SECONDS
        with _starting:
            self._hold(deadline)
            while (trouble := self._trouble()) is not None:
                if time.monotonic() > deadline:
                    raise self._failure(f"It did not answer within {START_SECONDS:.0f} seconds: {trouble}")
                # A guardian that exists is about to have the server ready, or about to end.
                if self._is_guarded():
                    time.sleep(PAUSE_SECONDS)
                else:
                    self._run_guardian()

    def is_running(self) -> bool:
        """Whether this process holds a server that has a guardian; cheap enough to ask before every connection."""
        return self.layout.data_dir in _held and self._is_guarded()

    def ensure_database(self, name: str) -> None:
        """Create the database `name` unless it exists; its encoding and sort order are those of the cluster."""
        key = (self.layout.data_dir, name)
        if key not in _known:
            self._create_unless_exists(name)
            _known.add(key)

    def _create_unless_exists(self, name: str) -> None:
        with self._connection() as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if exists:
                return
            try:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                # Another process was quicker.
                return

    def leave(self) -> None:
        """Let the server go; if this was its last holder, return when it has stopped."""
        held = _held.pop(self.layout.data_dir, None)
        if held is None:
            return
        os.close(held)
        deadline = time.monotonic() + STOP_SECONDS
        if self._was_last():
            while self._is_guarded() and time.monotonic() < deadline:
                time.sleep(PAUSE_SECONDS / 5)

    # --- Holding ---------------------------------------------------------------------------------------------

    def _hold(self, deadline: float) -> None:
        held = _held.get(self.layout.data_dir)
        if held is not None and _is_same_file(held, self.layout.holders_lock):
            return
        if held is not None:
            # The directory was removed under our feet; what we hold is of no use to anybody.
            os.close(_held.pop(self.layout.data_dir))
            _known.clear()
        try:
            self.layout.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.layout.holders_lock, os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError as error:
            raise self._not_ours(error) from error
        # Only a guardian that is stopping the server keeps us out, and it does not take long.
        while not _try_lock(lock, fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                os.close(lock)
                raise self._failure("A server that is being stopped does not end.")
            time.sleep(PAUSE_SECONDS)
        _held[self.layout.data_dir] = lock
        # One handler a process is enough, and a forked child has inherited it.
        atexit.unregister(_leave_all)
        atexit.register(_leave_all)

    def _was_last(self) -> bool:
        """Whether nobody else holds the server, or the guardian has begun to stop it."""
        with _opened(self.layout.holders_lock) as lock:
            return lock is None or _try_lock(lock, fcntl.LOCK_EX) or not _try_lock(lock, fcntl.LOCK_SH)

    def _is_guarded(self) -> bool:
        with _opened(self.layout.guardian_lock) as lock:
            return lock is not None and not _try_lock(lock, fcntl.LOCK_SH)

    # --- Starting --------------------------------------------------------------------------------------------

    def _run_guardian(self) -> None:
        """Start a guardian and wait until it says how it went. Where one exists already, the new one ends at once."""
        command = [sys.executable, "-m", "rcintercom.embedded_postgres.guardian", str(self.layout.data_dir)]
        result = subprocess.run(  # noqa: S603 - our own module
            command,
            cwd=PROJECT_ROOT,
            # The server needs nothing of our environment, least of all the secrets in it.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            # Out of the reach of a Ctrl-C that is meant for us.
            start_new_session=True,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise self._failure(result.stderr.strip() or f"Its guardian ended with code {result.returncode}.")

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        connection = psycopg.connect(
            host=str(self.layout.socket_dir),
            port=PORT,
            user=SUPERUSER,
            dbname=MAINTENANCE_DATABASE,
            connect_timeout=5,
            autocommit=True,
        )
        with connection:
            yield connection

    def _trouble(self) -> str | None:
        """Why the server does not answer, or None when it does."""
        try:
            owner = self.layout.socket_dir.stat().st_uid
            if owner not in (os.geteuid(), self.layout.data_dir.stat().st_uid):
                # Under /tmp somebody else could pretend to be our server.
                return f"{self.layout.socket_dir} belongs to somebody else (user {owner}); remove it"
            with self._connection() as connection:
                connection.execute("SELECT 1")
        except (OSError, psycopg.OperationalError) as error:
            return str(error)
        return None

    # --- Saying what is wrong --------------------------------------------------------------------------------

    def _failure(self, what: str) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(
            f"The embedded PostgreSQL in {self.layout.data_dir} cannot be started. {what}\n"
            f"Put right what is said above and try again, or set DATABASE_URL to use a PostgreSQL of your own.\n"
            f"{self._log_tail()}"
        )

    def _not_ours(self, error: PermissionError) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(
            f"The embedded PostgreSQL in {self.layout.data_dir} belongs to another user ({error.strerror}: "
            f"{error.filename}). Run this as the user that made it, or stop it and give the directory to this "
            "user with chown -R, or set VAR_DIR to a directory of this user."
        )

    def _log_tail(self) -> str:
        try:
            with self.layout.log.open(encoding="utf-8", errors="replace") as log:
                tail = "".join(deque(log, LOG_LINES))
        except OSError:
            return f"It has not written a log ({self.layout.log})."
        return f"The end of its log ({self.layout.log}):\n{tail}"


def _leave_all() -> None:
    for data_dir in list(_held):
        Server(data_dir).leave()


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """The file opened for locking, None where it does not exist."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        yield lock
    finally:
        os.close(lock)


def _is_same_file(opened: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except FileNotFoundError:
        return False


def _try_lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
