"""The rows of an export, as CSV or JSON lines: read and written piece by piece, so that any number of them fits.

Times are in UTC, in ISO 8601. What a spreadsheet would take for a formula begins with an apostrophe.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.utils.translation import gettext as _

from integration.models import Delivery

# More rows than this are not in one file; they would keep a thread of the web server for minutes.
MOST_ROWS = 1_000_000
# So many are read at a time; fewer with payloads, each of which may be as large as a webhook may be.
PIECE = 2_000
PIECE_OF_PAYLOADS = 100
PAYLOAD = "payload"
# The names in the file, and where they come from.
COLUMNS = {
    "id": "pk",
    "received_at": "created_at",
    "status": "status",
    "event_type": "event_type",
    "event_name": "event_name",
    "revenuecat_type": "webhook_event__type",
    "revenuecat_id": "webhook_event__event_id",
    "app_user_id": "app_user_id",
    "project": "project__name",
    "product_id": "webhook_event__product_id",
    "environment": "environment",
    "store": "store",
    "reason": "reason",
    "why": "explanation",
    "tries": "tries",
    "next_try_at": "due_at",
    "settled_at": "finished_at",
    "last_answer": "last_answer",
    "transaction_id": "webhook_event__transaction_id",
    "original_transaction_id": "webhook_event__original_transaction_id",
}
# Where a formula can begin, also one that is typed on a keyboard for Chinese or Japanese: at the beginning of a cell,
# and after what a spreadsheet of another country splits lines at, for which this file's quotes are mere letters.
_FORMULA = re.compile('(^|[;\t\r\n])(?="*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])')

Values = Sequence[Any]


class Export:
    """The file, piece by piece, newest delivery first; `done` is called once, with how many rows are in it.

    `payload` is where what RevenueCat sent is read from; None leaves it out.
    """

    def __init__(
        self, rows: QuerySet[Delivery], *, as_csv: bool, payload: Combinable | None, done: Callable[[int], None]
    ) -> None:
        self._rows = rows.order_by("-pk")
        self._names = [*COLUMNS, *([PAYLOAD] if payload else [])]
        self._fields: list[str | Combinable] = [*COLUMNS.values(), *([payload] if payload else [])]
        self._size = PIECE_OF_PAYLOADS if payload else PIECE
        self._written = _csv if as_csv else _json_lines
        self._as_csv = as_csv
        self._done = done
        self._count = 0
        self._pieces = self._read()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces).encode()

    def close(self) -> None:
        """Called by whoever sent it, also where the client went away before the first piece."""
        self._pieces.close()
        done, self._done = self._done, _nothing
        done(self._count)

    def _read(self) -> Generator[str, None, None]:
        if self._as_csv:
            yield _line(self._names)
        last: int | None = None
        while piece := self._piece(last):
            last = piece[-1][0]
            self._count += len(piece)
            yield self._written(self._names, piece)
            if self._count >= MOST_ROWS:
                yield self._end(last)
                return

    def _piece(self, last: int | None) -> list[Values]:
        rows = self._rows if last is None else self._rows.filter(pk__lt=last)
        return list(rows.values_list(*self._fields)[: min(self._size, MOST_ROWS - self._count)])

    def _end(self, last: int) -> str:
        """What stands at the end of a file that is not whole; nothing where it is."""
        if not self._rows.filter(pk__lt=last).exists():
            return ""
        said = _("Not all: the file ends after %(count)s deliveries. Narrow the list with its filters.")
        note = said % {"count": f"{self._count:,}"}
        return _line([note]) if self._as_csv else json.dumps({"note": note}, ensure_ascii=False) + "\n"


def _csv(_names: Sequence[str], piece: Sequence[Values]) -> str:
    return "".join(_line([_cell(value) for value in values]) for values in piece)


def _json_lines(names: Sequence[str], piece: Sequence[Values]) -> str:
    documents = (dict(zip(names, map(_plain, values), strict=True)) for values in piece)
    return "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)


def _cell(value: Any) -> str:
    """A value for a spreadsheet, which must not carry anything out."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(_plain(value))
    return _FORMULA.sub(r"\1'", text)


def _plain(value: Any) -> Any:
    """As JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else value


class _Line:
    """What the csv module writes to."""

    text = ""

    def write(self, text: str) -> None:
        """Take one line."""
        self.text = text


def _line(cells: Sequence[str]) -> str:
    line = _Line()
    csv.writer(line).writerow(cells)
    return line.text


def _nothing(_count: int) -> None:
    """Said once is enough."""
