"""A file of history, opened: what kind it is, which one it is, and how far it has been read."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from django.core.management.base import CommandError

from integration.revenuecat.history import READERS, NoExportError, Place, Reader, Record, Stream

KINDS = ", ".join(READERS)
BROKEN = "The file breaks off here, or is damaged. What came before is imported."


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """A file that lies ready to be read."""

    path: Path
    reader: Reader
    # What lies on the disk, and what is in it.
    raw: BufferedReader
    stream: Stream
    size: int

    @property
    def fraction(self) -> float:
        """How much of it has been read, between 0 and 1."""
        return min(1.0, self.raw.tell() / self.size) if self.size else 1.0

    def digest(self) -> str:
        """By what it is known again: a corrected file is another one, a moved one is not."""
        self.raw.seek(0)
        found = hashlib.file_digest(self.raw, "sha256").hexdigest()
        self.raw.seek(0)
        return found

    def records(self, start: Place, *, now_ms: int) -> Iterator[Record]:
        """The records from `start` on. Raises CommandError where a CSV is no transaction export.

        A file that breaks off ends with a problem, so that what came before is not lost.
        """
        place = start
        try:
            for record in self.reader(self.stream, start, now_ms):
                place = record.end
                yield record
        except NoExportError as error:
            raise CommandError(f"{self.path}: {error}") from error
        except (EOFError, OSError, zlib.error):
            yield Record(place.line + 1, place, problem=BROKEN)


@contextmanager
def opened(path: Path) -> Iterator[HistoryFile]:
    """Open a file by the kind that its name says. Raises CommandError where that cannot be."""
    kind = [suffix.lower() for suffix in path.suffixes]
    is_compressed = kind[-1:] == [".gz"]
    reader = READERS.get("".join(kind[:-1][-1:] if is_compressed else kind[-1:]))
    if reader is None:
        raise CommandError(
            f"The name of a file says what it holds: {KINDS}, each also with .gz. {path} ends otherwise."
        )
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
            size = raw.seek(0, 2)
            raw.seek(0)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
        stream: Stream = stack.enter_context(gzip.GzipFile(fileobj=raw)) if is_compressed else raw
        yield HistoryFile(path, reader, raw, stream, size)
