"""`manage.py run`: the web server and a delivery worker under one supervisor, or one of the two alone.

It says what is to run and where; keeping it running is the business of rcintercom/supervisor.py.
"""

from __future__ import annotations

import os
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from integration import tasks
from rcintercom.embedded_postgres.base import DatabaseWrapper
from rcintercom.supervisor import CannotStartError, Program, Supervisor

MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))


class Command(BaseCommand):
    """Runs the app until Ctrl-C, SIGTERM or SIGHUP."""

    help = (
        "Migrates the database, then runs the web server and a delivery worker until Ctrl-C. "
        "With --web-only or --worker-only it runs just that, without migrating: for several hosts or a supervisor "
        "of your own."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, default=settings.PORT, help="default: $PORT, or 8000")
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--web-only", action="store_true", help="the web server in this process")
        only.add_argument("--worker-only", action="store_true", help="a delivery worker in this process")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run what the options say."""
        if options["worker_only"]:
            tasks.run_worker()
        elif options["web_only"]:
            self._become_gunicorn(options["port"])
        else:
            self._supervise(options["port"])

    def _become_gunicorn(self, port: int) -> None:
        host = settings.BIND_ADDRESS
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        command = [sys.executable, "-m", "gunicorn", "--config", "python:rcintercom.gunicorn", "--bind", address]
        # Nothing of this process is of use to the web server, so that it takes its place, process id and all.
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted

    def _supervise(self, port: int) -> None:
        _refuse_a_port_in_use(port)
        try:
            tend_database()
        except OperationalError as error:
            raise CommandError(str(error)) from error
        # The children's settings must name the same address.
        env = {"PORT": str(port)}
        supervisor = Supervisor(
            [
                Program("web", [*MANAGE, "run", "--web-only", "--port", str(port)], env),
                Program("worker", [*MANAGE, "run", "--worker-only"], env),
            ],
            first=[Program("migrate", [*MANAGE, "migrate", "--no-input", "--verbosity", "0"], env)],
            tend=self._tend(port),
            say=self._say,
        )
        sys.exit(supervisor.run())

    def _tend(self, port: int) -> Callable[[], None]:
        announced = False

        def tend() -> None:
            nonlocal announced
            try:
                tend_database()
            except OperationalError as error:
                raise CannotStartError(str(error)) from error
            if not announced and accepts_connections(port):
                announced = True
                self._say(f"rcintercom is at http://localhost:{port}/admin/ - stop it with Ctrl-C.")

        return tend

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def tend_database() -> None:
    """Start the embedded server where one is used and it does not run; nothing else does while all pools wait."""
    if isinstance(connection, DatabaseWrapper):
        connection.ensure_server()


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on the port, at the address that `run` serves."""
    with closing(socket.socket(_family())) as probe:
        probe.settimeout(1)
        # Linux takes a connection to a wildcard address for one to this machine.
        return probe.connect_ex((settings.BIND_ADDRESS, port)) == 0


def _refuse_a_port_in_use(port: int) -> None:
    with closing(socket.socket(_family())) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.BIND_ADDRESS, port))
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"Port {port} of {settings.BIND_ADDRESS} cannot be used: {error}. "
                "Stop what uses it, or choose another: make run PORT=8001, or manage.py run --port 8001."
            ) from error


def _family() -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in settings.BIND_ADDRESS else socket.AF_INET
