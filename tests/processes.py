"""
Child processes of the app itself, for tests that kill one or talk to the real web server.

A child uses the test's database, its keys and its stand-in for Intercom, and never outlives the test.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parent.parent


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
            cwd=ROOT,
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
