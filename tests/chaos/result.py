"""What a scenario hands to whoever started it, as a JSON file, and the table made of it. Pure but for the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE = "result.json"
HEADINGS = (
    "scenario", "posted", "answered 200", "duplicates", "delivered", "repeats (lost)", "attributes right",
    "attempts logged", "seconds", "verdict",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `broken` holds the promises that were broken, `notes` what happened, counted."""

    name: str
    posted: int = 0
    answered: int = 0
    duplicates: int = 0
    delivered: int = 0
    repeats: int = 0
    repeats_excused: int = 0
    customers: int = 0
    customers_right: int = 0
    calls: int = 0
    calls_logged: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Leave it in a scenario's directory."""
        (directory / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> Result | None:
        """What a scenario has left, None where it did not get that far."""
        path = directory / FILE
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def cells(self) -> tuple[str, ...]:
        """The line, as text."""
        return (
            self.name,
            f"{self.posted:,}",
            f"{self.answered:,}",
            f"{self.duplicates:,}",
            f"{self.delivered:,}",
            f"{self.repeats:,} ({self.repeats_excused:,})",
            f"{self.customers_right}/{self.customers}",
            f"{self.calls_logged:,}/{self.calls:,}",
            f"{self.seconds:.0f}",
            "BROKEN" if self.broken else "kept",
        )


def table(results: Sequence[Result]) -> Iterator[str]:
    """The table, then what happened in each scenario, then every broken promise."""
    rows = [HEADINGS, *(result.cells() for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for number, row in enumerate(rows):
        yield "  ".join(
            cell.ljust(width) if column in (0, len(HEADINGS) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        if not number:
            yield "  ".join("-" * width for width in widths)
    yield ""
    for result in results:
        notes = ", ".join(f"{count} {what}" for what, count in sorted(result.notes.items()))
        yield f"{result.name}: {notes or 'nothing was noted'}"
    for result in results:
        for broken in result.broken:
            yield f"BROKEN {result.name}: {broken}"
