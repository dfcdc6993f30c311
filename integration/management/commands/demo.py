"""`demo`: the whole of it on one machine, with stand-ins for Intercom and RevenueCat, and every sample sent through it.

Starts `manage.py run` and the stand-ins as children, and stops them when it ends. Needs no account anywhere. What it
shows is `integration/management/demo_story.py`.
"""

from __future__ import annotations

import fcntl
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integration.management.demo_programs import StandIns, app_with, free_ports, stand_in
from integration.management.demo_revenuecat import let_in, tell_of_customers
from integration.management.demo_story import (
    deliveries_of,
    difference,
    make_projects,
    make_trouble,
    missing,
    send_story,
    table,
)
from integration.models import Project
from rcintercom.supervisor import CannotStartError, Child, Patience

ADMIN_NAME = "admin"
START_SECONDS = 60
SETTLE_SECONDS = 60
LOOK_SECONDS = 0.1


class Command(BaseCommand):
    """Runs the demo until Ctrl-C; with `--once` it ends after the table."""

    help = (
        "Run everything on this machine with stand-ins for Intercom and RevenueCat's API, and send every sample "
        "webhook through it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How long to stay."""
        parser.add_argument(
            "--once", action="store_true", help="end after the table; non-zero if anything is not as it should be"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where something does not start, or with --once something is not as it should be."""
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGHUP, _interrupt)
        refuse_a_port_in_use()
        try:
            with the_only_demo(), self._running() as (children, stand_ins):
                self._wait_for_server(children)
                make_trouble(stand_ins.intercom)
                password = make_admin()
                projects = make_projects()
                let_in(projects[1], stand_ins.revenuecat)
                self._tell_story(projects, once=options["once"])
                self._say_what_differs(projects[1], stand_ins.revenuecat)
                self._say_where_it_is(password, once=options["once"])
                while not options["once"]:
                    self._check(children)
                    time.sleep(1)
        except KeyboardInterrupt:
            self.stdout.write("\nThe demo has ended; nothing is left running.")

    @contextmanager
    def _running(self) -> Iterator[tuple[list[Child], StandIns]]:
        """The stand-ins and the app, as children of this process, and the stand-ins' addresses."""
        intercom, revenuecat = free_ports(2)
        stand_ins = StandIns(f"http://127.0.0.1:{intercom}", f"http://127.0.0.1:{revenuecat}")
        self.stdout.write(
            "Stand-ins for Intercom and RevenueCat's API and the app are started; the stand-ins listen at:"
        )
        children = [
            Child(program, say=self.stdout.write, patience=Patience())
            for program in (
                stand_in("Intercom", "tests.fake_intercom", intercom),
                stand_in("RevenueCat", "tests.fake_revenuecat", revenuecat),
                app_with(stand_ins),
            )
        ]
        try:
            for child in children:
                child.start(time.monotonic())
            yield children, stand_ins
        except CannotStartError as error:
            raise CommandError(str(error)) from error
        finally:
            self._stop(children)

    def _stop(self, children: list[Child]) -> None:
        for child in reversed(children):
            child.ask_to_stop()
        deadline = time.monotonic() + Patience().stop
        while any(child.is_running() for child in children) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        for child in children:
            child.kill_group()

    def _check(self, children: list[Child]) -> None:
        for child in children:
            if not child.is_running():
                raise CommandError(f"The {child.program.name} has ended; see above why.")

    def _wait_for_server(self, children: list[Child]) -> None:
        def answers() -> bool:
            self._check(children)
            try:
                return requests.get(f"{server_url()}/admin/login/", timeout=5).ok
            except requests.RequestException:
                return False

        if _until(answers, START_SECONDS):
            # Somebody answers; it must not be somebody else's server.
            self._check(children)
        else:
            raise CommandError(f"The server does not answer at {server_url()} after {START_SECONDS} s.")

    def _tell_story(self, projects: tuple[Project, Project], *, once: bool) -> None:
        stories = [(project, send_story(project, server=server_url())) for project in projects]
        told = [(project, sent, deliveries_of(project, sent)) for project, sent in stories]

        def all_missing() -> list[str]:
            return [name for _, sent, rows in told for name in missing(sent, rows)]

        _until(lambda: not all_missing(), SETTLE_SECONDS)
        (_, sent, rows), other = told
        for line in (*table(sent, rows), "", *difference(*other)):
            self.stdout.write(line)
        names = all_missing()
        if names and once:
            raise CommandError(f"These have not become what they should: {', '.join(names)}.")

    def _say_what_differs(self, project: Project, stand_in: str) -> None:
        odd = tell_of_customers(project, stand_in)
        if odd:
            self.stdout.write(
                f"\nThe stand-in for RevenueCat knows the customers of “{project}”, and says that the subscription of "
                f"{odd} has ended: “Compare with RevenueCat” on the project's page finds and repairs it. “Register "
                "webhook” and “Read names from RevenueCat” can be tried there too."
            )

    def _say_where_it_is(self, password: str | None, *, once: bool) -> None:
        when = " (while `make demo` runs without ONCE)" if once else ""
        self.stdout.write(f"\nAdmin{when}: {server_url()}/admin/  user {ADMIN_NAME}")
        if password:
            self.stdout.write(f"Password, shown this once: {password}")
        else:
            self.stdout.write(
                f"The password was shown at the first run; set another with:  {manage()} changepassword admin"
            )
        if not once:
            self.stdout.write(f"Send more with:  {manage()} send_sample TYPE\nStop with Ctrl-C.")


def manage() -> str:
    """How to call manage.py on the demo's own data."""
    var_dir = Path(settings.VAR_DIR)
    shown = var_dir.relative_to(settings.BASE_DIR) if var_dir.is_relative_to(settings.BASE_DIR) else var_dir
    return f"VAR_DIR={shown} PORT={settings.PORT} .venv/bin/python manage.py"


def refuse_a_port_in_use() -> None:
    """Raise CommandError where somebody listens already: before anything of theirs could be touched."""
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", settings.PORT)) == 0:
            raise CommandError(
                f"Something listens on port {settings.PORT} already, another demo perhaps. Stop it, or choose another "
                "port: make demo PORT=8001."
            )


@contextmanager
def the_only_demo() -> Iterator[None]:
    """Hold the demo's data alone. Raises CommandError where another demo has them."""
    var_dir = Path(settings.VAR_DIR)
    var_dir.mkdir(parents=True, exist_ok=True)
    with (var_dir / "demo.lock").open("w") as lock:
        try:
            # The kernel lets go of it however this process ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CommandError(f"A demo is running already, with its data in {var_dir}. Stop it first.") from error
        yield


def server_url() -> str:
    """Where the demo's own server listens."""
    return f"http://127.0.0.1:{settings.PORT}"


def make_admin() -> str | None:
    """The superuser; returns its password when it was made just now, None when it was there."""
    users = get_user_model().objects
    if users.filter(username=ADMIN_NAME).exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser(ADMIN_NAME, email="", password=password)
    return password


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for `condition`; returns whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return met


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
