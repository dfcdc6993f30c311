"""`createproject NAME --intercom-token T`: a project from the command line, for scripts and containers."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from integration.management.base import AppCommand
from integration.models import Project
from integration.models.mapping_settings import Sandbox
from integration.models.projects import TOKEN_RULE, Region


class Command(AppCommand):
    """Makes a project and prints its id, webhook URL and Authorization value, to paste into RevenueCat."""

    help = "Make a project; prints its id, its webhook URL and the Authorization value for RevenueCat."

    def add_arguments(self, parser: CommandParser) -> None:
        """The name and Intercom's settings."""
        parser.add_argument("name")
        parser.add_argument(
            "--intercom-token",
            required=True,
            metavar="T",
            help="Intercom access token; - reads it from standard input, so that it stays out of the process list.",
        )
        parser.add_argument("--region", choices=Region.values, default=Region.US.value)
        parser.add_argument("--send-sandbox-events", action="store_true")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where the name is taken, or the token cannot be one."""
        given = options["intercom_token"]
        token = (sys.stdin.readline() if given == "-" else given).strip()
        if not token:
            raise CommandError("The access token is empty. Copy it from Intercom's Developer Hub.")
        project = Project.prepared(name=options["name"], intercom_token=token, now=timezone.now())
        project.region = options["region"]
        project.sandbox = Sandbox.SEND if options["send_sandbox_events"] else Sandbox.SKIP
        try:
            TOKEN_RULE(token)
            project.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        project.save()
        made = {
            "id": str(project.pk),
            "webhook_url": project.webhook_url,
            "authorization": project.authorization.reveal(),
        }
        if options["json"]:
            self.stdout.write(json.dumps(made))
            return
        for name, value in made.items():
            self.stdout.write(f"{name + ':':<15}{value}")
