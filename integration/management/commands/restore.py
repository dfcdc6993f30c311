"""`restore FILE`: what `backup` wrote, into an empty embedded database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from integration.checks import stored_secrets_can_be_read
from integration.management.embedded import embedded_database, run_program

# pg_dump's last words but for a comment; psql takes the end of a file that was cut off for the end of its data.
COMPLETE = b"PostgreSQL database dump complete"
TAIL_BYTES = 500


class Command(BaseCommand):
    """Fills an empty database and brings it up to date; never touches one that holds anything."""

    help = "Fill the embedded database, which must be empty, with what `backup` wrote. Put the old keys back first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from."""
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where the database is not empty, or its secrets cannot be read afterwards."""
        path: Path = options["file"]
        database = embedded_database()
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        if COMPLETE not in _end_of(path):
            raise CommandError(f"{path} is no backup, or not a whole one; nothing was changed.")
        if database.introspection.table_names():
            place = Path(settings.VAR_DIR) / "postgres"
            raise CommandError(
                f"The database in {place} is not empty, and nothing was changed. Stop the app, move the old one away "
                f"with `mv {place} {place}.before`, and run this again."
            )
        with path.open("rb") as file:
            # One transaction: a file that is not whole leaves the database as empty as it was.
            run_program(
                "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1",
                database=database, reads=file,
            )  # fmt: skip
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write(f"Restored from {path}.")
        for warning in stored_secrets_can_be_read(None, databases=[DEFAULT_DB_ALIAS]):
            raise CommandError(f"The keys do not belong to this backup. {warning.msg} {warning.hint}")


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        return file.read()
