"""Puts away what a killed server left behind, before a new one starts on the same data.

Only the guardian may do this, while it holds its lock: then nobody else runs or starts the server.
"""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from rcintercom.embedded_postgres.layout import Layout

LEFTOVER_SECONDS = 10
# Processes without their postmaster end at once by themselves, unless they are busy.
ORPHAN_SECONDS = 1


def end_leftovers(layout: Layout) -> None:
    """End the processes of a server whose guardian or postmaster was killed, and its stale pid file.

    Nobody guards them, so nobody would stop them; and a pid file may name a process that is somebody else today.
    """
    directory = str(layout.cluster)
    left = [one for one in psutil.process_iter(["name", "cwd"]) if _runs_in(one, directory)]
    postmaster = _named_in(layout.pid_file)
    patience = ORPHAN_SECONDS
    for one in left:
        if one.pid == postmaster:
            patience = LEFTOVER_SECONDS
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGINT)
    if not _all_end(left, patience):
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        _all_end(left, LEFTOVER_SECONDS)
    layout.pid_file.unlink(missing_ok=True)


def _runs_in(process: psutil.Process, directory: str) -> bool:
    return bool(process.info["name"] == "postgres" and process.info["cwd"] == directory)


def _named_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text(encoding="utf-8").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _all_end(processes: list[psutil.Process], seconds: float) -> bool:
    """Whether all of them end in time; one that nobody has reaped yet (in a container perhaps never) has ended."""
    deadline = time.monotonic() + seconds
    while any(_is_alive(one) for one in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
