"""`demo`: the whole of it on one machine, with a stand-in for Intercom, and every sample sent through it.

Starts `manage.py run` and the stand-in as children, and stops both when it ends. Needs no account anywhere.
"""

from __future__ import annotations

import fcntl
import secrets
import signal
import socket
import sys
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
from django.utils import timezone

from integration.management.webhooks import post_webhook
from integration.models import Delivery, Project
from integration.retry import DeliveryStatus
from integration.revenuecat.samples import freshened, happened_ms, load_sample, sample_names
from rcintercom.supervisor import CannotStartError, Child, Patience, Program

PROJECT_NAME = "Demo"
ADMIN_NAME = "admin"
START_SECONDS = 60
SETTLE_SECONDS = 60
LOOK_SECONDS = 0.1
SETTLED = (DeliveryStatus.DELIVERED, DeliveryStatus.SKIPPED, DeliveryStatus.FAILED)


class Command(BaseCommand):
    """Runs the demo until Ctrl-C; with `--once` it ends after the table."""

    help = "Run everything on this machine with a stand-in for Intercom, and send every sample webhook through it."

    def add_arguments(self, parser: CommandParser) -> None:
        """How long to stay."""
        parser.add_argument("--once", action="store_true", help="end after the table; non-zero if anything is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where something does not start, or with --once an event is neither sent nor skipped."""
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGHUP, _interrupt)
        refuse_a_port_in_use()
        try:
            with the_only_demo(), self._running() as children:
                self._wait_for_server(children)
                password = make_admin()
                project = make_project()
                self._tell_story(project, password, once=options["once"])
                while not options["once"]:
                    self._check(children)
                    time.sleep(1)
        except KeyboardInterrupt:
            self.stdout.write("\nThe demo has ended; nothing is left running.")

    @contextmanager
    def _running(self) -> Iterator[list[Child]]:
        """The stand-in and the app, as children of this process."""
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        self.stdout.write("A stand-in for Intercom and the app are started; the stand-in listens at:")
        manage = str(settings.BASE_DIR / "manage.py")
        programs = [
            Program("stand-in for Intercom", [sys.executable, "-m", "tests.fake_intercom", "--port", str(port)]),
            Program("app", [sys.executable, manage, "run", "--port", str(settings.PORT)], {"INTERCOM_API_URL": url}),
        ]
        children = [Child(program, say=self.stdout.write, patience=Patience()) for program in programs]
        try:
            for child in children:
                child.start(time.monotonic())
            yield children
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

    def _tell_story(self, project: Project, password: str | None, *, once: bool) -> None:
        sent = send_all_samples(project)
        rows = Delivery.objects.filter(project=project, webhook_event__event_id__in=list(sent))
        _until(lambda: rows.filter(status__in=SETTLED).count() == len(sent), SETTLE_SECONDS)
        rows = rows.select_related("webhook_event").prefetch_related("attempts")
        by_id = {row.webhook_event.event_id: row for row in rows}
        for line in table(sent, by_id):
            self.stdout.write(line)
        missing = [
            name
            for event_id, name in sent.items()
            if event_id not in by_id or by_id[event_id].status not in (DeliveryStatus.DELIVERED, DeliveryStatus.SKIPPED)
        ]
        if missing and once:
            raise CommandError(f"Neither delivered nor skipped for a reason: {', '.join(missing)}.")
        self._say_where_it_is(password, once=once)
        if not once:
            self.stdout.write(f"Send more with:  {manage()} send_sample TYPE\nStop with Ctrl-C.")

    def _say_where_it_is(self, password: str | None, *, once: bool) -> None:
        when = " (while `make demo` runs without ONCE)" if once else ""
        self.stdout.write(f"\nAdmin{when}: {server_url()}/admin/  user {ADMIN_NAME}")
        if password:
            self.stdout.write(f"Password, shown this once: {password}")
        else:
            self.stdout.write(
                f"The password was shown at the first run; set another with:  {manage()} changepassword admin"
            )


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


def make_project() -> Project:
    """The demo project. A second run finds it, and tells the story anew, of customers nobody has heard of."""
    project = Project.objects.filter(name=PROJECT_NAME).first()
    token = secrets.token_urlsafe(24)
    if project is None:
        project = Project.prepared(name=PROJECT_NAME, intercom_token=token, now=timezone.now())
    project.replace_intercom_token(token, timezone.now())
    project.save()
    project.resume()
    project.customers.all().delete()
    return project


def send_all_samples(project: Project) -> dict[str, str]:
    """Post every sample in the order in which the events happened, the last one now: event id -> sample name."""
    samples = sorted(((load_sample(name), name) for name in sample_names()), key=lambda pair: happened_ms(pair[0]))
    shift_ms = int(time.time() * 1000) - happened_ms(samples[-1][0])
    sent: dict[str, str] = {}
    for body, name in samples:
        fresh = freshened(body, shift_ms=shift_ms)
        answer = post_webhook(project, fresh, server=server_url())
        if answer.status_code != requests.codes.ok:
            raise CommandError(f"The sample {name} was refused: {answer.status_code} {answer.text}")
        sent[fresh["event"]["id"]] = name
    return sent


def table(sent: dict[str, str], by_id: dict[str, Delivery]) -> Iterator[str]:
    """What arrived, what was sent, what was skipped and why: one line for each sample, then the counts."""
    width = max(len(name) for name in sent.values())
    yield f"{'ARRIVED':<{width}}  {'STATUS':<9}  {'SENT':<15}  DATA EVENT, OR WHY NONE"
    counts: dict[str, int] = {}
    for event_id, name in sent.items():
        row = by_id.get(event_id)
        status = str(row.status) if row else "missing"
        counts[status] = counts.get(status, 0) + 1
        said = (row.event_name or row.explanation) if row else "It did not arrive."
        yield f"{name:<{width}}  {status:<9}  {_what_was_sent(row):<15}  {said}"
    yield ""
    yield f"{len(sent)} webhooks: " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))


def _what_was_sent(row: Delivery | None) -> str:
    """Which of the two things Intercom was told, by the calls that it took."""
    attempts = row.attempts.all() if row else []
    paths = {exchange["path"] for attempt in attempts for exchange in attempt.exchanges if _wrote(exchange)}
    contact = any(path.startswith("/contacts") for path in paths)
    return " + ".join(filter(None, ["contact" if contact else "", "event" if "/events" in paths else ""])) or "-"


def _wrote(exchange: dict[str, Any]) -> bool:
    return exchange["method"] != "GET" and exchange["status"] in (requests.codes.ok, requests.codes.accepted)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for `condition`; returns whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return met


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
