"""`manage.py run`: the web server and a delivery worker under one supervisor, or one of the two alone.

It says what is to run and where; keeping it running is the business of rcintercom/supervisor.py.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from integration import worker
from rcintercom.embedded_postgres.base import DatabaseWrapper
from rcintercom.supervisor import CannotStartError, Program, Supervisor

MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))
GUNICORN = (sys.executable, "-m", "gunicorn", "--config", "python:rcintercom.gunicorn")
BACKLOG = 2048


class Command(BaseCommand):
    """Runs the app until Ctrl-C, SIGTERM or SIGHUP."""

    help = (
        "Migrates the database, then runs the web server and a delivery worker until Ctrl-C. "
        "With --web-only or --worker-only it runs just that and does not migrate: for several hosts, or under a "
        "supervisor of your own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, default=settings.PORT, help="default: $PORT, or 8000")
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--web-only", action="store_true", help="the web server in this process")
        only.add_argument("--worker-only", action="store_true", help="a delivery worker in this process")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run what the options say. Raises CommandError where the port or the database cannot be used."""
        if options["worker_only"]:
            worker.run_worker()
            return
        with closing(listening_socket(options["port"])) as listener:
            # What it is run from must not matter to `-m gunicorn`, nor to the app.
            os.chdir(settings.BASE_DIR)
            if options["web_only"]:
                os.set_inheritable(listener.fileno(), True)
                # The web server takes the place of this process, process id and all.
                os.execv(sys.executable, gunicorn_for(listener))  # noqa: S606 - no shell is wanted
            sys.exit(self._supervise(options["port"], listener))

    def _supervise(self, port: int, listener: socket.socket) -> int:
        try:
            keep_database_running()
        except OperationalError as error:
            raise CommandError(str(error)) from error
        # The children's settings must name the same address.
        env = {"PORT": str(port)}
        supervisor = Supervisor(
            [
                # The socket stays open here: while the web server is started again, webhooks wait and are not refused.
                Program("web", gunicorn_for(listener), env, open_files=[listener.fileno()]),
                Program("worker", [*MANAGE, "run", "--worker-only"], env),
            ],
            first=[Program("migrate", [*MANAGE, "migrate", "--no-input", "--verbosity", "0"], env)],
            tend=self._tend(port),
            say=self._say,
        )
        return supervisor.run()

    def _tend(self, port: int) -> Callable[[], None]:
        announced = False

        def tend() -> None:
            nonlocal announced
            try:
                keep_database_running()
            except OperationalError as error:
                raise CannotStartError(str(error)) from error
            if not announced and answers(port):
                announced = True
                self._say(f"rcintercom is at {where(port)} - stop it with Ctrl-C.")

        return tend

    def _say(self, text: str) -> None:
        # Nobody listens on a terminal that was closed, and that must not keep anything from being stopped.
        with suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()


def where(port: int) -> str:
    """The address of the admin to open; and where the server listens, where that is another address."""
    here = f"http://localhost:{port}/admin/"
    # Unset, PUBLIC_URL follows $PORT, which --port overrides.
    if settings.PUBLIC_URL in (f"http://localhost:{settings.PORT}", f"http://localhost:{port}"):
        return here
    return f"{settings.PUBLIC_URL}/admin/, and listens on port {port} of {settings.BIND_ADDRESS}"


def keep_database_running() -> None:
    """Start the embedded server where one is used and it does not run; nothing else would while all pools wait."""
    # Not django.db.connection: that is a proxy, whatever it stands for.
    connection = connections[DEFAULT_DB_ALIAS]
    if isinstance(connection, DatabaseWrapper):
        connection.ensure_server()


def gunicorn_for(listener: socket.socket) -> list[str]:
    """The command line of a web server on a socket that it inherits."""
    return [*GUNICORN, "--bind", f"fd://{listener.fileno()}"]


def listening_socket(port: int) -> socket.socket:
    """Return a socket on BIND_ADDRESS. Raises CommandError where somebody else has it."""
    family = socket.AF_INET6 if ":" in settings.BIND_ADDRESS else socket.AF_INET
    try:
        return socket.create_server((settings.BIND_ADDRESS, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"Port {port} of {settings.BIND_ADDRESS} cannot be used: {error}. "
            "Stop what uses it, or choose another: make run PORT=8001, or manage.py run --port 8001."
        ) from error


def answers(port: int) -> bool:
    """Whether the web server answers, whatever it says; waits for half a second at most."""
    # Linux takes a wildcard address for this machine.
    with closing(http.client.HTTPConnection(settings.BIND_ADDRESS, port, timeout=0.5)) as web:
        try:
            web.request("GET", "/admin/login/", headers={"Host": f"localhost:{port}"})
            web.getresponse()
        except (OSError, http.client.HTTPException):
            return False
    return True
