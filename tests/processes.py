"""
Real processes of the app: start one, hear what it says, kill it, see whether it is gone. None outlives its test.

`Child` is for those that use the test's own database and keys (`child_env`) and are killed at the end; `running` for
those that have an environment of their own and should end by themselves, in order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any
from urllib.parse import quote

import psutil
from django.conf import settings
from django.db import connection

PROJECT_ROOT = Path(__file__).resolve().parents[1]
# Far more than anything here takes, so that a slow machine fails no test.
PATIENCE_SECONDS = 40.0


def child_env(**extra: str) -> dict[str, str]:
    """The environment of a child: this test's database and keys."""
    params = connection.get_connection_params()
    user, password, host = (quote(str(params.get(name) or ""), safe="") for name in ("user", "password", "host"))
    port = f":{params['port']}" if params.get("port") else ""
    login = f"{user}:{password}" if password else user
    return {
        **os.environ,
        "DATABASE_URL": f"postgres://{login}@{host}{port}/{params['dbname']}",
        "SECRET_KEY": settings.SECRET_KEY,
        "ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
        "DJANGO_SETTINGS_MODULE": "rcintercom.settings",
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def outside_params() -> dict[str, Any]:
    """How to reach the test's database without Django and its pool, for psycopg.connect()."""
    params = connection.get_connection_params()
    return {name: params[name] for name in ("host", "port", "dbname", "user", "password") if params.get(name)}


class Child:
    """One process; `with Child([...], env) as child` kills it at the end of the block."""

    def __init__(self, arguments: Sequence[str], env: dict[str, str], *, pass_fds: Sequence[int] = ()) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT_ROOT,
            env=env,
            pass_fds=tuple(pass_fds),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()

    @property
    def said(self) -> str:
        """All it has written so far."""
        with self._changed:
            return "\n".join(self.lines)

    def wait_for(self, text: str, timeout: float = 20) -> None:
        """Wait until it has written a line with `text`."""
        with self._changed:
            if not self._changed.wait_for(lambda: any(text in line for line in self.lines), timeout):
                raise AssertionError(f"no {text!r} within {timeout:g} s:\n" + "\n".join(self.lines))

    def terminate(self, timeout: float = 20) -> int:
        """Ask it to stop, as a supervisor does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self) -> None:
        """SIGKILL, to it and everything it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()


@contextmanager
def a_place() -> Iterator[Path]:
    """A directory that the server's own user may pass through: pytest closes its temporary ones to everybody else."""
    with TemporaryDirectory(prefix="rcintercom-test-", ignore_cleanup_errors=True) as directory:
        yield Path(directory).resolve()


@contextmanager
def running(
    *command: str | Path, env: Mapping[str, str] | None = None, stdin: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program of the project; its standard error ends up in its standard output."""
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=PROJECT_ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(env or {}),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
            # Whoever waits for its standard input to end leaves now, in order.
            if process.stdin:
                process.stdin.close()
            process.wait(PATIENCE_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()


def hear(process: subprocess.Popen[str], word: str = "") -> str:
    """The next line that contains `word`, without waiting longer than the process lives."""
    assert process.stdout is not None
    heard = []
    for line in process.stdout:
        heard.append(line)
        if word in line:
            return line.strip()
    raise AssertionError(f"{word!r} was not said before the process ended:\n{''.join(heard)}")


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that sends no event, e.g. the end of somebody else's child."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
