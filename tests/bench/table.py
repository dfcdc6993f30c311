"""The table of all figures, and the exit code that follows from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.figure import Figure

HEADINGS = ("part", "what", "measured", "promised", "verdict")


def lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Line by line, then the notes; where nothing is promised there is no verdict."""
    rows = [HEADINGS, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for number, row in enumerate(rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if not number:
            yield "  ".join("-" * width for width in widths)
    noted = [figure for figure in figures if figure.note]
    yield from [""] * bool(noted)
    for figure in noted:
        yield f"{figure.part}: {figure.what}: {figure.note}."


def verdict(figures: Sequence[Figure]) -> str:
    """The last line."""
    broken = sum(not figure.kept for figure in figures)
    kept = sum(figure.kept and bool(figure.promised) for figure in figures)
    return f"{broken} of {broken + kept} promises broken" if broken else f"every promise was kept ({kept})"


def exit_code(figures: Sequence[Figure]) -> int:
    """1 where a promise was broken, or where nothing was measured at all."""
    return int(not figures or any(not figure.kept for figure in figures))


def _cells(figure: Figure) -> tuple[str, ...]:
    said = "kept" if figure.promised else ""
    return (figure.part, figure.what, figure.measured, figure.promised, said if figure.kept else "BROKEN")
