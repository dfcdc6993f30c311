"""What is not said in the log, so that a flood of requests is no flood of lines: refusals that cost no credentials.

Real errors pass untouched. What the door refuses is counted by the door (`integration/webhooks/authentication.py`).
"""

from __future__ import annotations

import logging
from collections import Counter
from http import HTTPStatus

# Any scanner makes thousands of these, and nobody has to do anything about one of them.
UNSAID = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.TOO_MANY_REQUESTS,
}
# A name of this server that ALLOWED_HOSTS lacks, a form too large, a CSRF token that is missing: Django's own refusals.
SECURITY = "django.security."
REQUESTS = "django.request"


class Unsaid(logging.Filter):
    """For Django's logger of requests: without the refusals that are not said."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it goes on to the handlers."""
        return getattr(record, "status_code", 0) not in UNSAID


class Refusals(logging.Filter):
    """For a handler. Of what Django refuses the 1st, 2nd, 4th, 8th, … line is written, without its traceback.

    They are counted by kind, in the memory of each process, so that whoever has set something up wrongly reads why.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._counts: Counter[tuple[str, int]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        status = getattr(record, "status_code", 0)
        refused = record.name.startswith(SECURITY) or (record.name == REQUESTS and 400 <= status < 500)
        return not refused or self._is_due(record, status)

    def _is_due(self, record: logging.LogRecord, status: int) -> bool:
        kind = record.name, status
        self._counts[kind] += 1
        count = self._counts[kind]
        record.exc_info = record.exc_text = None
        record.msg, record.args = f"{record.getMessage()} ({count} of this kind so far)", None
        return count & (count - 1) == 0
