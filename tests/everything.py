"""
Everything that the app keeps, as text: every row of every table, for tests that look for what must not be there.
"""

from __future__ import annotations

import base64
import json
import subprocess
from urllib.parse import quote

import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from rcintercom.embedded_postgres.layout import program
from tests.processes import outside_params


def forms_of(text: str) -> set[str]:
    """How a text could lie somewhere: as it is, in JSON, in a URL, in base64."""
    escaped = json.dumps(text)[1:-1]
    return {text, escaped, quote(text), quote(text, safe=""), base64.b64encode(text.encode()).decode()}


def every_row() -> str:
    """Each row of each table as PostgreSQL writes it, and the sessions' contents, which Django packs."""
    with connection.cursor() as cursor:
        rows: list[str] = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT row_to_json(t)::text, t::text FROM {connection.ops.quote_name(table)} AS t")
            rows.extend(f"{table}: {form}" for row in cursor.fetchall() for form in row)
    rows.extend(f"session: {session.get_decoded()}" for session in Session.objects.all())
    return "\n".join(rows)


def backup() -> str:
    """What `pg_dump` writes of all that has been committed; skips the test where it is older than the server."""
    params = {name: str(value) for name, value in outside_params().items()}
    where = [f"--{option}={params[option]}" for option in ("host", "port") if option in params]
    command = [str(program("pg_dump")), *where, f"--username={params['user']}", params["dbname"]]
    env = {"PGPASSWORD": params.get("password", "")}
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    if "server version mismatch" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    return done.stdout
