"""
Runs scenarios a few at a time, each in a process of its own, and ends them all when it ends.

Must stay single-threaded: the kernel ties a scenario's life to the thread that started it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from rcintercom.lifeline import end_with_parent
from tests.chaos.programs import ROOT, kill_session
from tests.chaos.result import Result

CODE = "import django; django.setup(); from tests.chaos.scenario import main; main()"
LOOK_SECONDS = 0.1
# A scenario that takes longer than this has gone wrong.
LONGEST_SECONDS = 420.0
# What the embedded PostgreSQL is given to stop, and some more.
END_SECONDS = 60.0
# Below those that the system gives to outgoing connections, which could take a port while its server is down.
FIRST_PORT = 21_000
LAST_PORT = 32_000
# What a scenario must not inherit: it has a database, keys and addresses of its own.
NOT_INHERITED = (
    "DATABASE_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "INTERCOM_API_URL", "PUBLIC_URL", "ALLOWED_HOSTS", "HTTPS",
    "BIND_ADDRESS", "PORT", "GUNICORN_CMD_ARGS", "DEBUG",
)  # fmt: skip


@dataclass(slots=True)
class _Lane:
    name: str
    directory: Path
    process: subprocess.Popen[bytes]
    began: float


class Lanes:
    """`with Lanes(...) as lanes: results = lanes.run(names)`."""

    def __init__(
        self,
        var_dir: Path,
        *,
        events: int,
        seed: int,
        together: int,
        keep: bool,
        everything: bool,
        say: Callable[[str], None],
    ) -> None:
        self._var_dir = var_dir
        self._events = events
        self._seed = seed
        self._together = together
        self._keep = keep
        self._everything = everything
        self._say = say
        self._running: list[_Lane] = []
        self._next_port = FIRST_PORT

    def run(self, names: Sequence[str]) -> list[Result]:
        """Run them all; the results in the order of `names`."""
        waiting = list(names)
        results: dict[str, Result] = {}
        while waiting or self._running:
            while waiting and len(self._running) < self._together:
                self._start(waiting.pop(0))
            time.sleep(LOOK_SECONDS)
            for lane in list(self._running):
                result = self._look_at(lane)
                if result is not None:
                    results[lane.name] = result
                    self._running.remove(lane)
        return [results[name] for name in names]

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        for lane in self._running:
            lane.process.terminate()
        deadline = time.monotonic() + END_SECONDS
        for lane in self._running:
            with suppress(subprocess.TimeoutExpired):
                lane.process.wait(max(deadline - time.monotonic(), 0))
            self._sweep(lane)

    def _start(self, name: str) -> None:
        directory = self._var_dir / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        env = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
        env |= {"VAR_DIR": str(directory), "DJANGO_SETTINGS_MODULE": "rcintercom.settings"}
        command = [sys.executable, "-c", CODE, name, "--events", str(self._events), "--seed", str(self._seed)]
        command += ["--everything"] if self._everything else []
        command += ["--ports", str(self._free_port()), str(self._free_port())]
        with (directory / "scenario.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches this process alone, which then ends the scenarios in order.
                start_new_session=True,
                preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - there are no other threads
            )
        self._running.append(_Lane(name, directory, process, time.monotonic()))
        self._say(f"{name}: started")

    def _look_at(self, lane: _Lane) -> Result | None:
        """The result of a scenario that has ended, or that is ended because it takes too long."""
        if lane.process.poll() is None:
            if time.monotonic() - lane.began < LONGEST_SECONDS:
                return None
            lane.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                lane.process.wait(END_SECONDS)
        self._sweep(lane)
        result = Result.read(lane.directory)
        if result is None:
            said = (lane.directory / "scenario.log").read_text(encoding="utf-8", errors="replace")
            seconds = time.monotonic() - lane.began
            result = Result(lane.name, seconds=seconds, broken=[f"the scenario did not end well: {said[-1500:]}"])
        verdict = "BROKEN" if result.broken else "kept"
        self._say(f"{lane.name}: {verdict} after {result.seconds:.0f} s")
        if not result.broken and not self._keep:
            shutil.rmtree(lane.directory, ignore_errors=True)
        return result

    def _sweep(self, lane: _Lane) -> None:
        """Whatever became of it, nothing of it stays."""
        kill_session(lane.process.pid)
        lane.process.wait(END_SECONDS)

    def _free_port(self) -> int:
        while self._next_port < LAST_PORT:
            self._next_port += 1
            with closing(socket.socket()) as probe, suppress(OSError):
                probe.bind(("127.0.0.1", self._next_port))
                return self._next_port
        raise RuntimeError("there is no free port")
