"""
Where one run of the bench takes place: its directory, its database, and the processes that a part asks for.

Every process is the real one, as an operator runs it, and ends with the block that asked for it. Uses Django.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from integration.management.commands.run import BACKLOG, MANAGE, gunicorn_for
from integration.models import Project
from tests.bench.load import Job, Outcome
from tests.bench.stand_in import StandIn
from tests.bench.webhooks import encoder
from tests.chaos.programs import ROOT, Program
from tests.everything_on import switch_everything_on

START_SECONDS = 60.0
LOOK_SECONDS = 0.05
# What a helper may take beyond what it was asked to do, on a machine that is busy with something else.
GRACE_SECONDS = 90.0
# More than any server here answers in a second.
MOST_PER_SECOND = 4_000
SETTINGS = "rcintercom.settings"


@dataclass(frozen=True, slots=True)
class Address:
    """Where webhooks go; `authorization` as the project wants it."""

    port: int
    path: str
    authorization: str


class Place:
    """`quick` is for trying the bench out: short rounds and small numbers, which prove nothing."""

    def __init__(self, directory: Path, *, quick: bool, say: Callable[[str], None], everything: bool = False) -> None:
        self.everything = everything
        self.directory = directory
        self.quick = quick
        self.say = say
        # Every webhook of a run has a number of its own.
        self._next_number = 1
        self._programs = 0
        # What runs at the moment, for whoever looks at the processes themselves.
        self.running: list[Program] = []

    def open(self) -> None:
        """Make the database."""
        call_command("migrate", interactive=False, verbosity=0)

    def project(self, name: str, *, active: bool = True) -> Project:
        """Empty the tables, as long as no worker runs, and make the one project that there is now."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE integration_project, procrastinate_jobs CASCADE")
        project = Project.prepared(name=name, intercom_token="token-of-the-bench", now=timezone.now())
        project.active = active
        project.save()
        if self.everything:
            switch_everything_on(project)
        return project

    def numbers(self, count: int) -> range:
        """So many numbers that no webhook has had."""
        taken = range(self._next_number, self._next_number + count)
        self._next_number += count
        return taken

    # --- Processes -----------------------------------------------------------------------------------------

    @contextmanager
    def web(self, settings_module: str = SETTINGS) -> Iterator[int]:
        """The web server as `manage.py run` starts it, with these settings. Gives its port."""
        with closing(socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)) as listener:
            port = int(listener.getsockname()[1])
            env = {"DJANGO_SETTINGS_MODULE": settings_module}
            with self._running("web", gunicorn_for(listener), env, pass_fds=[listener.fileno()]) as web:
                self.wait_for(lambda: _answers(port), web)
                yield port

    @contextmanager
    def worker(self, intercom: StandIn) -> Iterator[Program]:
        """A delivery worker that sends to this stand-in."""
        command = (*MANAGE, "run", "--worker-only")
        with self._running("worker", command, {"INTERCOM_API_URL": intercom.url}) as worker:
            self.wait_for(lambda: "worker ready" in worker.said, worker)
            yield worker

    @contextmanager
    def intercom(self, *, latency: float = 0.0, ledger_limit: int = 100) -> Iterator[StandIn]:
        """The stand-in for Intercom, which answers after `latency` seconds."""
        command = [sys.executable, "-m", "tests.fake_intercom", "--latency", str(latency)]
        with self._running("intercom", [*command, "--ledger-limit", str(ledger_limit)], {}) as program:
            self.wait_for(lambda: program.said.startswith("http") and "\n" in program.said, program)
            yield StandIn(program.said.split("\n", 1)[0])

    def wait_for(self, condition: Callable[[], bool], program: Program, seconds: float = START_SECONDS) -> None:
        """Wait for something that `program` does. Raises RuntimeError where it does not, or has ended."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or not program.is_running:
                raise RuntimeError(f"{program.name} did not do what it was to do:\n{program.said[-2000:]}")
            time.sleep(LOOK_SECONDS)

    @contextmanager
    def _running(
        self, name: str, command: list[str] | tuple[str, ...], env: dict[str, str], pass_fds: list[int] | None = None
    ) -> Iterator[Program]:
        self._programs += 1
        log = self.directory / f"{self._programs:03d}-{name}.log"
        env = os.environ | {"PYTHONUNBUFFERED": "1"} | env
        program = Program(name, command, env, log, pass_fds=pass_fds or ())
        try:
            program.start()
            self.running.append(program)
            yield program
        finally:
            program.kill()
            self.running = [other for other in self.running if other is not program]

    # --- Work in a process of its own ----------------------------------------------------------------------

    def post(self, address: Address, seconds: float, *, per_second: float | None = None, **options: int) -> Outcome:
        """Post new webhooks for so long; every one of them must be answered 200."""
        most = int(seconds * (per_second or MOST_PER_SECOND)) + 1
        job = Job(
            port=address.port,
            path=address.path,
            authorization=address.authorization,
            first=self.numbers(most)[0],
            most=most,
            seconds=seconds,
            per_second=per_second,
            **options,
        )
        outcome = Outcome(**self.helper("tests.bench.load", asdict(job), seconds))
        if set(outcome.statuses) != {"200"}:
            raise RuntimeError(f"not every webhook was answered 200: {outcome.statuses}")
        return outcome

    def helper(self, module: str, job: dict[str, Any], seconds: float) -> Any:
        """Run a module that reads JSON and writes JSON; it may take `seconds` and some more."""
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=os.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is for this process, which then ends the others in order.
            process_group=0,
            text=True,
        )
        try:
            said, _ = process.communicate(json.dumps(job), timeout=seconds + GRACE_SECONDS)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode:
            raise RuntimeError(f"{module} ended with {process.returncode}")
        return json.loads(said)

    def bodies(self, count: int, customers: int) -> Iterator[bytes]:
        """New webhooks, for whoever stores them without the door."""
        encode = encoder(customers)
        return (encode(number) for number in self.numbers(count))


def address_of(project: Project, port: int) -> Address:
    """Where the project's webhooks go."""
    return Address(port, reverse("revenuecat-webhook", args=[project.pk]), project.authorization.reveal())


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as web:
        try:
            web.request("GET", "/", headers={"Host": "localhost"})
            web.getresponse()
        except (OSError, http.client.HTTPException):
            return False
    return True
