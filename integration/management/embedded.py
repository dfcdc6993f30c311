"""PostgreSQL's own programs, for the commands that save and restore the embedded server. Knows none of our rows."""

from __future__ import annotations

import subprocess
from typing import IO

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from rcintercom.embedded_postgres.base import DatabaseWrapper
from rcintercom.embedded_postgres.layout import program


def embedded_database() -> DatabaseWrapper:
    """The embedded server's database; it runs when this returns. Raises CommandError where another server is used."""
    connection = connections[DEFAULT_DB_ALIAS]
    if not isinstance(connection, DatabaseWrapper):
        raise CommandError(
            "DATABASE_URL names a server of your own: use its own pg_dump and psql. "
            "This command is for the embedded one."
        )
    connection.ensure_server()
    return connection


def run_program(
    name: str, *options: str, database: DatabaseWrapper, reads: IO[bytes] | None = None, writes: IO[bytes] | None = None
) -> None:
    """Run pg_dump or psql on the database to its end. Raises CommandError with what it said where it failed."""
    known = database.settings_dict
    address = ("--host", known["HOST"], "--port", known["PORT"], "--username", known["USER"], "--dbname", known["NAME"])
    ended = subprocess.run(  # noqa: S603 - from the wheel, and no shell
        [program(name), *address, *options],
        stdin=reads or subprocess.DEVNULL,
        stdout=writes or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=False,
        check=False,
    )
    if ended.returncode != 0:
        raise CommandError(f"{name} failed: {ended.stderr.decode(errors='replace').strip()}")
