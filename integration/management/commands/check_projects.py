"""`check_projects`: looks whether projects still fit what is set up in RevenueCat and Intercom; non-zero where not."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from integration.inquiry.checking import check_project
from integration.management.base import AppCommand
from integration.management.projects import chosen_project
from integration.models import Project

# Exit code where something does not fit; 1 is that of a CommandError.
DRIFTED = 2


class Command(AppCommand):
    """What the worker does every day, at once: what it finds stands on the projects' pages as well."""

    help = (
        "Look whether the webhook in RevenueCat, the Intercom token, its workspace and the region still fit each "
        f"project. Ends with 0, or with {DRIFTED} where something does not fit. What cannot be compared is said."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One project, or all that are not switched off."""
        parser.add_argument("--project", metavar="ID|NAME", help="only this one; default: all that are active")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits with `DRIFTED` where something does not fit."""
        wanted = options["project"]
        projects = [chosen_project(wanted)] if wanted else list(Project.objects.filter(active=True))
        drifted = 0
        for project in projects:
            looked = check_project(project, timezone.now())
            drifted += bool(looked.found)
            self.stdout.write(f"{project}: {'does not fit' if looked.found else 'fits'}")
            for sentence in looked.found.values():
                self.stdout.write(f"  ! {sentence}")
            for remark in looked.remarks:
                self.stdout.write(f"  - {remark}")
        if drifted:
            sys.exit(DRIFTED)
