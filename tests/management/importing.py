"""Runs `manage.py import_events` for tests, and catches what it says."""

from __future__ import annotations

import io
from pathlib import Path

from django.core.management import call_command

HISTORY = Path(__file__).parents[1] / "fixtures" / "history"


def bring_in(file: str | Path, *arguments: str) -> tuple[int, str, str]:
    """Import a file of the fixtures, or another one: exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_events", str(HISTORY / file), *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()
