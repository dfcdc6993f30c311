"""`read_names`: asks RevenueCat what a project's products and entitlements are called, as the button does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from integration.inquiry.names import read_names
from integration.management.base import AppCommand
from integration.management.projects import chosen_project
from integration.revenuecat.errors import RevenueCatError


class Command(AppCommand):
    """Adds what is new; a name that somebody has entered stays."""

    help = "Read the names of products and entitlements from RevenueCat. Names that are there already stay."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which project."""
        parser.add_argument("--project", metavar="ID|NAME", help="needed where there is more than one project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where RevenueCat cannot be asked, or does not answer."""
        project = chosen_project(options["project"])
        try:
            self.stdout.write(f"Names of “{project}”: {read_names(project)}.")
        except RevenueCatError as error:
            raise CommandError(error.message) from error
