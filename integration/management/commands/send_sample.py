"""`send_sample TYPE|FILE`: posts a sample webhook to the running server, as RevenueCat would."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from integration.management.base import AppCommand
from integration.management.projects import chosen_project
from integration.management.webhooks import post_webhook, why_refused
from integration.models import Delivery, Project
from integration.retry import DeliveryStatus
from integration.revenuecat.samples import (
    UnknownSampleError,
    freshened,
    happened_ms,
    load_sample,
    marked_as_test,
    sample_names,
)

POLL_SECONDS = 0.05
# Exit codes, for scripts. 1 is also that of a webhook that did not get in.
FAILED = 1
STILL_PENDING = 2
NO_DELIVERY = "Its delivery is not in this command's database: is the server on another one?"


class Command(AppCommand):
    """Posts over HTTP with the project's own Authorization and signature, and says what became of it."""

    help = (
        "Post a sample webhook with a new id and the present time to the running server, and say what became of it. "
        "Ends with 0 where it was delivered or skipped, with 1 where it failed or was refused, and with 2 where it is "
        f"still pending. Samples: {', '.join(sample_names())}."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which sample, to which project and server."""
        parser.add_argument("sample", metavar="TYPE|FILE", nargs="?", help="without one, the samples are listed")
        parser.add_argument(
            "--project",
            metavar="ID|NAME",
            help="needed where there is more than one project",
        )
        parser.add_argument(
            "--app-user-id",
            metavar="ID",
            help="the customer, instead of the sample's own",
        )
        parser.add_argument(
            "--server",
            metavar="URL",
            default=settings.PUBLIC_URL,
            help="default: %(default)s",
        )
        parser.add_argument(
            "--wait",
            type=float,
            default=10,
            metavar="SECONDS",
            help="for the outcome; 0 does not wait",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where the server cannot be reached or refuses; exits with `FAILED` or `STILL_PENDING`."""
        if options["sample"] is None:
            self.stdout.write("\n".join(sample_names()))
            return
        project = chosen_project(options["project"])
        try:
            sample = load_sample(options["sample"])
        except (UnknownSampleError, ValueError) as error:
            raise CommandError(str(error)) from error
        shift_ms = int(time.time() * 1000) - happened_ms(sample)
        body = marked_as_test(freshened(sample, shift_ms=shift_ms, app_user_id=options["app_user_id"]))
        answer = post_webhook(project, body, server=options["server"])
        self.stdout.write(f"{body['event']['type']} {body['event']['id']}: {answer.status_code} {answer.text}")
        if answer.status_code != requests.codes.ok:
            raise CommandError(why_refused(answer))
        if options["wait"] > 0:
            self._report(project, body["event"]["id"], options["wait"])

    def _report(self, project: Project, event_id: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        deliveries = Delivery.objects.filter(project=project, webhook_event__event_id=event_id)
        while True:
            delivery = deliveries.select_related("webhook_event", "project").first()
            if delivery is not None and delivery.status != DeliveryStatus.PENDING:
                said = [delivery.status, delivery.event_name, delivery.explanation]
                self.stdout.write(" ".join(filter(None, said)))
                if delivery.status == DeliveryStatus.FAILED:
                    sys.exit(FAILED)
                return
            if time.monotonic() >= deadline:
                break
            time.sleep(POLL_SECONDS)
        why = why_pending(delivery, timezone.now()) if delivery else NO_DELIVERY
        self.stdout.write(f"Still pending after {seconds:g} s. {why}")
        sys.exit(STILL_PENDING)


def why_pending(delivery: Delivery, now: datetime) -> str:
    """What a delivery that is pending waits for; times in UTC."""
    newest = delivery.attempts.first()
    if newest and newest.finished_at is None and delivery.due_at and delivery.due_at > now:
        return "It is being sent at this moment."
    if (stopped := delivery.project.why_not_sending(now)) is not None:
        return stopped
    if delivery.tries and delivery.due_at:
        times = "once" if delivery.tries == 1 else f"{delivery.tries} times"
        at = delivery.due_at.astimezone(UTC)
        why = delivery.explanation or "The worker stopped before the outcome was known."
        return f"Tried {times}. {why} Next try at {at:%Y-%m-%d %H:%M:%S} UTC."
    return "Does a worker run?"
