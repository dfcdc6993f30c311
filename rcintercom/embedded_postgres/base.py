"""What Django loads for `ENGINE = "rcintercom.embedded_postgres"`: the PostgreSQL backend, server included.

The server is started when the first connection's parameters are asked for, not by importing or configuring, and
again when a new connection finds it gone. `DATA_DIR` in the database's settings says where everything lies.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import client

from rcintercom.embedded_postgres.layout import PORT, SUPERUSER, Layout, program
from rcintercom.embedded_postgres.server import Server
from rcintercom.postgres import base


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` with the psql that comes with the server."""

    executable_name = program("psql")

    def runshell(self, parameters: Iterable[str]) -> None:
        """Start the server first: psql is told where it is by the settings."""
        self.connection.get_connection_params()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """The one for every PostgreSQL, with the server under it."""

    client_class = DatabaseClient

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        data_dir = Path(settings_dict["DATA_DIR"])
        settings_dict |= {"HOST": str(Layout.of(data_dir).socket_dir), "PORT": str(PORT), "USER": SUPERUSER}
        pool = settings_dict["OPTIONS"].get("pool")
        if isinstance(pool, dict):
            # The pool asks for this before it makes a connection, also when it replaces a broken one.
            pool["conninfo"] = partial(_start_before_connecting, data_dir)
        super().__init__(settings_dict, alias)
        self.server = Server(data_dir)

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's parameters; when this returns, the server runs and has the database."""
        self.ensure_server()
        return super().get_connection_params()

    def ensure_server(self) -> None:
        """Start the server unless it runs, and make the database on the way; cheap when it runs."""
        if not self.server.is_running():
            self.server.start()
        if self.settings_dict["NAME"]:
            self.server.ensure_database(self.settings_dict["NAME"])


def _start_before_connecting(data_dir: Path) -> str:
    """A pool's `conninfo`: everything is in its other parameters, so it is empty."""
    Server(data_dir).start()
    return ""
