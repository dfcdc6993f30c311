"""A statement that PostgreSQL reads and plans once for each connection. For what runs at every webhook, and is long.

Django's own cursors put the values into the text of a statement, so that each one is read and planned anew: for the
door's that took longer than carrying it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection


def fetch_prepared(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row of a statement of constant text. Raises Django's database errors, as its cursors do.

    Prepared when a connection has carried it out a few times (`prepare_threshold` in the settings), or never where
    `DATABASE_PREPARED_STATEMENTS` is off.
    """
    connection.ensure_connection()
    # One that gives the values apart from the text, wrapped in what Django wraps its own in.
    cursor = psycopg.Cursor(connection.connection)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(cursor) as wrapped:  # type: ignore[arg-type]  # the stubs want what they wrap to be wrapped already
        wrapped.execute(statement, values)
        row: tuple[Any, ...] | None = wrapped.fetchone()
        return row
