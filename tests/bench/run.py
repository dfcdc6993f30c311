"""
One run: the parts that were asked for, one after the other, then the table. `main()` after django.setup().

Ends in order on Ctrl-C, SIGTERM and SIGHUP, and after the longest that a part may take: nothing is left running. The
logs of all processes stay in the directory of the run, the database does not: it would be gigabytes.
"""

from __future__ import annotations

import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import connections

from rcintercom.embedded_postgres.server import Server
from tests.bench import admin_pages, door, drain, growth, latency, memory, queries, rate_limit, table
from tests.bench.figure import Figure
from tests.bench.place import Place

Part = Callable[[Place], list[Figure]]

PARTS: Mapping[str, Part] = {
    "door": door.run,
    "drain": drain.run,
    "rate_limit": rate_limit.run,
    "latency": latency.run,
    "queries": queries.run,
    "memory": memory.run,
    # From here on a million deliveries.
    "growth": growth.run,
    "admin": admin_pages.run,
}
# A part that takes longer has gone wrong; to fill a database takes its time.
LONGEST_SECONDS = {"memory": 1_200, "growth": 2_400, "admin": 2_400}
LONGEST_OTHER_SECONDS = 900
INTERRUPTED = 130
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str]) -> int:
    """Names of parts, and `--quick`. Returns the exit code."""
    for number in ENDINGS:
        signal.signal(number, _end)
    signal.signal(signal.SIGALRM, _too_long)
    began = time.monotonic()
    quick = "--quick" in arguments
    directory = Path(settings.VAR_DIR)
    say(f"Logs in {directory}.{' QUICK: the figures prove nothing.' if quick else ''}")
    try:
        place = Place(directory, quick=quick, everything="--everything" in arguments, say=say)
        figures = _measure(place, [name for name in PARTS if name in arguments])
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return INTERRUPTED
    finally:
        _throw_away_the_database()
    say("")
    for line in table.lines(figures):
        say(line)
    say(f"\n{table.verdict(figures)}, in {time.monotonic() - began:.0f} s")
    return table.exit_code(figures)


def _measure(place: Place, names: Sequence[str]) -> list[Figure]:
    place.open()
    figures: list[Figure] = []
    for name in names:
        began = time.monotonic()
        say(f"{name} …")
        signal.alarm(LONGEST_SECONDS.get(name, LONGEST_OTHER_SECONDS))
        try:
            figures += PARTS[name](place)
        except Exception as error:  # noqa: BLE001 - the other parts have their promises too
            say(traceback.format_exc())
            figures.append(Figure(name, "was not measured", f"{type(error).__name__}, see above", kept=False))
        finally:
            signal.alarm(0)
        say(f"{name}: {time.monotonic() - began:.0f} s")
    return figures


def say(line: str) -> None:
    """To the terminal, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _throw_away_the_database() -> None:
    # The embedded server ends with its last user.
    connections.close_all()
    for connection in connections.all(initialized_only=True):
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    data_dir = settings.DATABASES["default"]["DATA_DIR"]
    Server(data_dir).leave()
    shutil.rmtree(data_dir, ignore_errors=True)


def _end(_number: int, _frame: FrameType | None) -> None:
    # Once: a second signal must not interrupt the ending.
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _too_long(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError("it took too long")
