"""
The app's own tables and verbs, for a scenario: makes its projects, plays the operator, and reads the log at the end.

The only part of this package that uses Django. A database that is away is waited for.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from integration.bells import ring
from integration.models import Delivery, DeliveryAttempt, Project
from rcintercom.embedded_postgres.layout import PORT, SUPERUSER, Layout
from tests.chaos.evidence import Log, Try
from tests.chaos.poster import Address
from tests.everything_on import switch_everything_on

T = TypeVar("T")

AWAY_SECONDS = 60.0
# What is due within this time is left alone: a worker may be about to take it.
NOT_SOON = timedelta(seconds=2)


class Book:
    """The tables of one scenario."""

    def __init__(self) -> None:
        self.projects: list[Project] = []
        self._layout = Layout.of(Path(settings.DATABASES["default"]["DATA_DIR"]))

    def open(self, projects: int, *, everything: bool) -> None:
        """Make the database and the projects, with the defaults or with every option on."""
        call_command("migrate", interactive=False, verbosity=0)
        for number in range(projects):
            project = Project.prepared(
                name=f"Project {number}", intercom_token=f"token-of-project-{number}", now=timezone.now()
            )
            project.save()
            if everything:
                switch_everything_on(project)
            self.projects.append(project)

    def addresses(self, port: int) -> list[Address]:
        """Where each project's webhooks go."""
        return [
            Address(port, reverse("revenuecat-webhook", args=[project.pk]), project.authorization.reveal())
            for project in self.projects
        ]

    # --- Looking -------------------------------------------------------------------------------------------

    def owed(self) -> int:
        """How many deliveries are pending."""
        return patiently(lambda: Delivery.objects.filter(status="pending").count())

    def under_way(self) -> int:
        """How many tries have begun and not ended, as far as the tables know."""
        return patiently(lambda: DeliveryAttempt.objects.filter(finished_at=None).count())

    def held(self) -> int:
        """How many projects wait for their operator."""
        return patiently(lambda: Project.objects.filter(held_at__isnull=False, held_until=None).count())

    def log(self) -> Log:
        """Every attempt and where every delivery stands."""
        return patiently(_read_log)

    # --- What an operator does ---------------------------------------------------------------------------

    def redeliver_what_waits(self) -> int:
        """Press Redeliver on what waits for its next try; not on what is being sent, nor on anything settled."""
        return patiently(self._redeliver)

    def resume(self) -> None:
        """Press Resume."""
        patiently(lambda: self._each(lambda project: project.resume()))

    def replace_tokens(self, tokens: Sequence[str]) -> None:
        """Paste a new access token for each project and save, which resumes too."""

        def replace(project: Project, token: str) -> None:
            project.replace_intercom_token(token, timezone.now())
            project.save(update_fields=["intercom_token", "intercom_token_changed_at"])
            project.resume()

        for project, token in zip(self.projects, tokens, strict=True):
            patiently(partial(replace, project, token))
        patiently(partial(self._each, lambda _: None))

    # --- The database --------------------------------------------------------------------------------------

    def postmaster(self) -> int | None:
        """The process id of the database server, None while there is none."""
        try:
            return int(self._layout.pid_file.read_text(encoding="utf-8").split()[0])
        except (OSError, ValueError, IndexError):
            return None

    @contextmanager
    def holding_up_commits(self) -> Iterator[int]:
        """Keep the tries that are under way from being settled, by their rows. Gives their number."""
        host = str(self._layout.socket_dir)
        with psycopg.connect(host=host, port=PORT, user=SUPERUSER, dbname="rcintercom") as outside:
            rows = outside.execute(
                "SELECT id FROM integration_deliveryattempt WHERE finished_at IS NULL FOR UPDATE"
            ).fetchall()
            yield len(rows)
            outside.rollback()

    def _redeliver(self) -> int:
        sending = DeliveryAttempt.objects.filter(delivery=OuterRef("pk"), finished_at=None)
        waiting = Delivery.objects.filter(~Exists(sending), status="pending", due_at__gt=timezone.now() + NOT_SOON)
        count = waiting.requeue(timezone.now())
        if count:
            self._each(lambda _: None)
        return count

    def _each(self, act: Callable[[Project], None]) -> None:
        for project in self.projects:
            act(project)
            ring(project.pk)


def patiently(ask: Callable[[], T]) -> T:
    """Ask the database; where it is away or a connection died, ask again for a while."""
    deadline = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return ask()
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        finally:
            # Back to the pool, which throws away what is broken.
            connection.close()


def _read_log() -> Log:
    rows = DeliveryAttempt.objects.order_by("id").values_list(
        "delivery__webhook_event__event_id", "started_at", "finished_at", "outcome", "exchanges"
    )
    tries = [
        Try(event_id, started_at, finished_at, outcome, [one for one in exchanges if one["path"] == "/events"])
        for event_id, started_at, finished_at, outcome, exchanges in rows
    ]
    deliveries = Delivery.objects.values_list("status", "tries")
    return Log(
        tries=tries,
        statuses=Counter(status for status, _ in deliveries),
        most_tries=max((count for _, count in deliveries), default=0),
    )
