"""`send_sample TYPE|FILE`: posts a sample webhook to the running server, as RevenueCat would."""

from __future__ import annotations

import time
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from integration.management.base import AppCommand
from integration.management.projects import chosen_project
from integration.management.webhooks import post_webhook
from integration.models import Delivery, Project
from integration.retry import DeliveryStatus
from integration.revenuecat.samples import (
    UnknownSampleError,
    freshened,
    happened_ms,
    load_sample,
    sample_names,
)

POLL_SECONDS = 0.05


class Command(AppCommand):
    """Posts over HTTP with the project's own Authorization and signature, and says what became of it."""

    help = (
        "Post a sample webhook with a new id and the present time to the running server, and say what became of it. "
        f"Samples: {', '.join(sample_names())}."
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
        """Raises CommandError where the server cannot be reached or refuses."""
        if options["sample"] is None:
            self.stdout.write("\n".join(sample_names()))
            return
        project = chosen_project(options["project"])
        try:
            sample = load_sample(options["sample"])
        except (UnknownSampleError, ValueError) as error:
            raise CommandError(str(error)) from error
        shift_ms = int(time.time() * 1000) - happened_ms(sample)
        body = freshened(sample, shift_ms=shift_ms, app_user_id=options["app_user_id"])
        answer = post_webhook(project, body, server=options["server"])
        self.stdout.write(f"{body['event']['type']} {body['event']['id']}: {answer.status_code} {answer.text}")
        if answer.status_code != requests.codes.ok:
            raise CommandError("The server refused the webhook.")
        if options["wait"] > 0:
            self._report(project, body["event"]["id"], options["wait"])

    def _report(self, project: Project, event_id: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        deliveries = Delivery.objects.filter(project=project, webhook_event__event_id=event_id)
        while time.monotonic() < deadline:
            delivery = deliveries.select_related("webhook_event").first()
            if delivery is not None and delivery.status != DeliveryStatus.PENDING:
                self.stdout.write(
                    " ".join(
                        filter(
                            None,
                            [
                                delivery.status,
                                delivery.event_name,
                                delivery.explanation,
                            ],
                        )
                    )
                )
                return
            time.sleep(POLL_SECONDS)
        project.refresh_from_db()
        why = project.why_not_sending(timezone.now()) or "Does a worker run?"
        self.stdout.write(f"Still pending after {seconds:g} s. {why}")
