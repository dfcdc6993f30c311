"""What our commands have in common: an error that says what to do where the database has no tables yet."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from psycopg.errors import UndefinedColumn, UndefinedTable


class AppCommand(BaseCommand):
    """A command that reads or writes our rows."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it. Raises CommandError where the tables are missing or of an older version."""
        try:
            return super().execute(*args, **options)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
                raise
            raise CommandError(
                "The database lacks tables or columns of this version: start the app with `make run`, or run "
                f"`manage.py migrate`. This server's own data are under {settings.VAR_DIR}; another place, such as the "
                "demo's var/demo, is chosen with VAR_DIR."
            ) from error
