"""Real processes for tests: start one, hear what it says, see whether it is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

PROJECT_ROOT = Path(__file__).resolve().parents[2]
# Far more than anything here takes, so that a slow machine fails no test.
PATIENCE_SECONDS = 40.0


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
