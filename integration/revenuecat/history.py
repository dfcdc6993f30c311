"""Reads a file of history piece by piece: webhooks as JSON lines, or a transaction export as CSV.

Memory stays flat, whatever the file is: a line has an end, and what is broken costs that line alone. Reads from the
stream it is given, and nothing else.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from integration.revenuecat.cells import UnusableRowError
from integration.revenuecat.transactions import KNOWN, missing_columns, webhooks_of

LONGEST_LINE = 1024 * 1024
TOO_LONG = "The line is longer than 1 MiB."
# A quoted cell may hold line breaks. One whose quote is never closed must not swallow the file.
MOST_LINES_OF_A_ROW = 20
DELIMITERS = ",;\t"
# Versions 4 and 5 of the export put JSON between quotes and escaped its own with backslashes.
ESCAPED_JSON = (b'"{\\"', b'"[\\"')


class NoExportError(ValueError):
    """The file is no transaction export, or none that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Between two lines of a file: so many bytes and so many lines lie before it."""

    offset: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """What one line (or row) holds: bodies of webhooks, none where it stands for none, or a problem.

    `line` is the number of its first line, from 1; the next record begins at `end`.
    """

    line: int
    end: Place
    bodies: tuple[bytes, ...] = ()
    problem: str = ""


class Stream(Protocol):
    """A file that was opened for reading bytes, compressed or not."""

    def readline(self, size: int, /) -> bytes:
        """The next line, or so many bytes of it."""

    def seek(self, offset: int, /) -> int:
        """Go to a place in what is read."""


class Reader(Protocol):
    """Reads a kind of file."""

    def __call__(self, stream: Stream, start: Place, now_ms: int, /) -> Iterator[Record]:
        """The records from `start` on, which is a place that an earlier record ended at."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: bytes
    number: int
    end: Place
    is_too_long: bool = False


def _lines(stream: Stream, start: Place) -> Iterator[_Line]:
    """The lines that are left, never holding more than one of them."""
    stream.seek(start.offset)
    place = start
    while text := stream.readline(LONGEST_LINE + 1):
        size, piece = len(text), text
        # The rest of a line that is too long is passed over in pieces.
        while not piece.endswith(b"\n") and (piece := stream.readline(LONGEST_LINE)):
            size += len(piece)
        place = Place(place.offset + size, place.line + 1)
        yield _Line(text, place.line, place, is_too_long=size > LONGEST_LINE + 1)


def json_lines(stream: Stream, start: Place, _now_ms: int) -> Iterator[Record]:
    """A webhook in each line, whole or the event alone. Blank lines are passed over."""
    for line in _lines(stream, start):
        if line.is_too_long:
            yield Record(line.number, line.end, problem=TOO_LONG)
        elif line.text.strip():
            yield Record(line.number, line.end, bodies=(line.text,))


@dataclass(frozen=True, slots=True)
class _Table:
    """How the rows of a CSV are to be read."""

    columns: list[str]
    delimiter: str

    @classmethod
    def of(cls, header: bytes) -> _Table:
        """Raises NoExportError where the first line is not that of a transaction export."""
        text = header.decode("utf-8-sig", "replace").rstrip("\r\n")
        if "\r" in text:
            # Read as one line it would be a header and nothing else, and an import of nothing that went well.
            raise NoExportError("Its lines end with carriage returns alone. Save it with line feeds, and import that.")
        if "\0" in text:
            raise NoExportError("It is not UTF-8; UTF-16, perhaps. Save it as UTF-8, and import that.")
        delimiter = max(DELIMITERS, key=text.count)
        columns = [column.strip(' "') for column in text.split(delimiter)]
        missing = missing_columns(columns)
        if missing:
            raise NoExportError(f"This is no transaction export that can be used. It lacks: {', '.join(missing)}.")
        twice = sorted({column for column in columns if columns.count(column) > 1} & set(KNOWN))
        if twice:
            raise NoExportError(f"It has several columns with one name: {', '.join(twice)}. Which of them counts?")
        return cls(columns, delimiter)

    def cells(self, line: _Line) -> dict[str, str]:
        """The cells of a row by their columns. Raises UnusableRowError."""
        if line.is_too_long:
            raise UnusableRowError(TOO_LONG)
        try:
            text = line.text.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise UnusableRowError("The line is not valid UTF-8.") from error
        is_escaped = any(sign in line.text for sign in ESCAPED_JSON)
        for escape in ("\\", None) if is_escaped else (None, "\\"):
            try:
                (found,) = csv.reader([text], delimiter=self.delimiter, escapechar=escape)
            except (csv.Error, ValueError):
                continue
            if len(found) == len(self.columns):
                return dict(zip(self.columns, found, strict=True))
        raise UnusableRowError(f"The row has not as many cells as the header, which has {len(self.columns)}.")

    def fits(self, line: _Line) -> bool:
        """Whether it is a row as a whole."""
        try:
            return bool(self.cells(line))
        except UnusableRowError:
            return False


def transaction_rows(stream: Stream, start: Place, now_ms: int) -> Iterator[Record]:
    """The webhooks that each row of a transaction export stands for. Raises NoExportError for any other CSV."""
    header = next(_lines(stream, Place()), _Line(b"", 1, Place()))
    table = _Table.of(header.text)
    for line in _rows(_lines(stream, start if start.line else header.end), table):
        if line.text.strip():
            yield _record(line, table, now_ms)


def _record(line: _Line, table: _Table, now_ms: int) -> Record:
    try:
        bodies = webhooks_of(table.cells(line), now_ms=now_ms)
    except UnusableRowError as error:
        return Record(line.number, line.end, problem=str(error))
    return Record(line.number, line.end, bodies=tuple(json.dumps(body).encode() for body in bodies))


def _rows(lines: Iterator[_Line], table: _Table) -> Iterator[_Line]:
    """Lines, and those that are one row together as one: where a quote is open at the end of a line."""
    waiting: deque[_Line] = deque()
    while line := _next(waiting, lines):
        parts = [line]
        while _is_open(parts) and len(parts) < MOST_LINES_OF_A_ROW and (following := _next(waiting, lines)):
            parts.append(following)
        is_too_long = any(part.is_too_long for part in parts)
        row = replace(line, text=b"".join(part.text for part in parts), end=parts[-1].end, is_too_long=is_too_long)
        if len(parts) > 1 and not table.fits(row):
            # The quote belongs to nothing that follows: that line is bad, and the others are looked at again.
            row = line
            waiting.extendleft(reversed(parts[1:]))
        yield row


def _next(waiting: deque[_Line], lines: Iterator[_Line]) -> _Line | None:
    return waiting.popleft() if waiting else next(lines, None)


def _is_open(parts: list[_Line]) -> bool:
    return sum(part.text.count(b'"') for part in parts) % 2 == 1


# By how the name of a file ends; `.gz` may follow.
READERS: Mapping[str, Reader] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_lines,
    ".csv": transaction_rows,
}
