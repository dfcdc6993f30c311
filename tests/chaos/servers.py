"""
The processes of one scenario: the stand-in for Intercom, the web server and the workers, as an operator runs them.

Plays the process manager too: what ends by itself is started again. Knows nothing of the app's tables.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from integration.management.commands.run import BACKLOG, MANAGE, gunicorn_for
from tests.chaos.intercom import Intercom
from tests.chaos.programs import Program

WORKER = (*MANAGE, "run", "--worker-only")
START_SECONDS = 60.0
LOOK_SECONDS = 0.02
RESTART_SECONDS = 0.5


class NotStartedError(Exception):
    """A process does not come up; the message names its log."""


class Servers:
    """Started one by one, all ended by `stop`."""

    def __init__(self, directory: Path, *, web_port: int, intercom_port: int, notes: Counter[str]) -> None:
        self._directory = directory
        self._notes = notes
        self.web_port = web_port
        self.intercom = Intercom(f"http://127.0.0.1:{intercom_port}")
        self._env = os.environ | {"PYTHONUNBUFFERED": "1", "INTERCOM_API_URL": self.intercom.url}
        stand_in = [sys.executable, "-m", "tests.fake_intercom", "--port", str(intercom_port)]
        self._stand_in = self._program("intercom", *stand_in)
        # The socket stays open here, as it does in the supervisor: while the web server is started again, posts wait.
        self._listener = socket.create_server(("127.0.0.1", web_port), backlog=BACKLOG)
        self.web = self._program("web", *gunicorn_for(self._listener), pass_fds=[self._listener.fileno()])
        self.workers: list[Program] = []
        # Not looked after: a scenario has killed or frozen them, and says itself when they come back.
        self._restart_at: dict[str, float] = {}

    def start(self, workers: int) -> None:
        """Start everything and wait until it answers."""
        self._stand_in.start()
        self.web.start()
        for number in range(workers):
            self.workers.append(self._program(f"worker-{number}", *WORKER))
            self.workers[-1].start()
        self.wait_for(self.intercom.answers, self._stand_in)
        self.wait_for_web()
        for worker in self.workers:
            self.wait_for(partial(_is_ready, worker), worker)

    def look_after(self) -> None:
        """Start again what has ended by itself, as a process manager does."""
        now = time.monotonic()
        for program in (self.web, *self.workers):
            if program.is_running:
                continue
            if program.name not in self._restart_at:
                self._notes[f"{program.name.partition('-')[0]} ended by itself"] += 1
                self._restart_at[program.name] = now + RESTART_SECONDS
            elif now >= self._restart_at[program.name]:
                del self._restart_at[program.name]
                self.restart(program)

    def restart(self, program: Program) -> None:
        """Put an end to what is left of it, and start it."""
        program.kill()
        program.start()

    def kill_web(self, chance: random.Random) -> None:
        """SIGKILL to all of the web server, to one of its processes, or to the one that started those."""
        how = chance.choice(("all", "all", "one process", "its master"))
        children = self.web.children
        if how == "one process" and children:
            os.kill(chance.choice(children), signal.SIGKILL)
        elif how == "its master":
            self.web.send(signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.3))
        if how != "one process":
            self.restart(self.web)
        self._notes["web kills"] += 1

    def kill_worker(self, worker: Program) -> None:
        """SIGKILL to a worker, and start it again."""
        self._notes["worker kills"] += 1
        self.restart(worker)

    def web_answers(self) -> bool:
        """Whether the web server answers, whatever it says."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=2)) as web:
            try:
                web.request("GET", "/")
                web.getresponse()
            except (OSError, http.client.HTTPException):
                return False
        return True

    def wait_for_web(self) -> None:
        """Wait until the web server answers."""
        self.wait_for(self.web_answers, self.web)

    def wait_for(self, condition: Callable[[], bool], program: Program) -> None:
        """Wait for something that `program` does. Raises NotStartedError."""
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > deadline or not program.is_running:
                raise NotStartedError(f"{program.name} did not come up:\n{program.said[-2000:]}")
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """Kill everything; there is nothing left to lose."""
        for program in (*self.workers, self.web, self._stand_in):
            program.kill()
        self._listener.close()

    def _program(self, name: str, *command: str, pass_fds: Sequence[int] = ()) -> Program:
        return Program(name, command, self._env, self._directory / f"{name}.log", pass_fds=pass_fds)


def _is_ready(worker: Program) -> bool:
    return "worker ready" in worker.said
