"""`backup FILE`: the embedded database as SQL, while the app runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integration.management.embedded import embedded_database, run_program
from rcintercom.server_keys import FILE_NAME


class Command(BaseCommand):
    """Writes one file that only its owner can read. The keys are not in it, so that they can be kept apart."""

    help = "Write the embedded database to a new file, as SQL, for `restore`. The app may run meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where the file exists or cannot be written; then nothing of it is left."""
        path: Path = options["file"]
        database = embedded_database()
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} cannot be made: {error.strerror}. Name a new file.") from error
        try:
            with os.fdopen(handle, "wb") as file:
                run_program("pg_dump", "--no-owner", database=database, writes=file)
                os.fsync(file.fileno())
        except BaseException:
            # Half a backup would be taken for one.
            path.unlink(missing_ok=True)
            raise
        kept = Path(settings.VAR_DIR) / FILE_NAME
        keys = f"{kept}, and" if settings.KEYS_ARE_GENERATED else "SECRET_KEY and"
        self.stdout.write(
            f"The database is in {path}. The keys are not, and without them its secrets cannot be read: "
            f"keep {keys} ENCRYPTION_KEYS where they are set, in another place than this file."
        )
