"""The audit trail of one object as a table of unfold's: when, who, what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext as _

from integration.admin.display import moment


def history_table(entries: Iterable[LogEntry]) -> dict[str, Any]:
    """In the order in which they come."""
    rows = [[moment(entry.action_time), entry.user.get_username(), entry.get_change_message()] for entry in entries]
    return {"headers": [_("When"), _("Who"), _("What")], "rows": rows}
