"""
The running door: the real web server on a port of its own, with a project to post to, and a look at what it stored.
"""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import psutil
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from integration.management.commands.run import BACKLOG, gunicorn_for
from integration.models import Delivery, Project, WebhookEvent
from tests.chaos.programs import Program
from tests.factories import AUTHORIZATION, make_project
from tests.fuzz.wire import Target

START_SECONDS = 60.0


class Server:
    """`with Server(directory) as server` runs it until the end of the block, whatever happens."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        log = directory / "web.log"
        log.unlink(missing_ok=True)
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            # What the last run left; the database is of our own making (__main__).
            cursor.execute("TRUNCATE integration_project CASCADE")
        self.project: Project = make_project("Fuzz")
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port = int(self._listener.getsockname()[1])
        command = gunicorn_for(self._listener)
        env = os.environ | {"PYTHONUNBUFFERED": "1", "PORT": str(self.port)}
        self.web = Program("web", command, env, log, pass_fds=[self._listener.fileno()])
        self.target = Target(self.port, reverse("revenuecat-webhook", args=[self.project.pk]), AUTHORIZATION)
        self._first: frozenset[int] = frozenset()

    def __enter__(self) -> Server:
        try:
            self.web.start()
            deadline = time.monotonic() + START_SECONDS
            while not self._answers():
                if time.monotonic() > deadline or not self.web.is_running:
                    raise RuntimeError(f"the web server did not come up:\n{self.web.said[-2000:]}")
                time.sleep(0.05)
        except BaseException:
            self.__exit__()
            raise
        self._first = frozenset(self.web.children)
        return self

    def __exit__(self, *_: object) -> None:
        self.web.kill()
        self._listener.close()

    def _answers(self) -> bool:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as web:
            try:
                web.request("GET", self.target.path)
                web.getresponse()
            except (OSError, http.client.HTTPException):
                return False
        return True

    @property
    def lost_processes(self) -> int:
        """How many of the web server's processes did not survive."""
        return len(self._first - set(self.web.children))

    @property
    def megabytes(self) -> int:
        """What the largest of its processes holds in memory."""
        return max(psutil.Process(pid).memory_info().rss for pid in self.web.children) // 2**20

    @property
    def tracebacks(self) -> int:
        """How many its log holds."""
        return self.web.said.count("Traceback (most recent call last)")

    def missing(self, event_ids: Collection[str]) -> set[str]:
        """Which of these events are not stored, or do not owe exactly one delivery."""
        owed = Delivery.objects.filter(project=self.project)
        stored = list(owed.values_list("webhook_event__event_id", flat=True))
        assert len(stored) == len(set(stored)) == WebhookEvent.objects.filter(project=self.project).count()
        return set(event_ids) - set(stored)
