"""Says how far something long has come: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.management.base import OutputWrapper

WIDTH = 30
TERMINAL_SECONDS = 0.1
PLAIN_SECONDS = 10.0
# Back to the start of the line, and nothing on it.
CLEAR = "\r\x1b[K"


class Progress:
    """Writes to one stream; what else is written in between goes through `say`, so that no bar is cut in two."""

    def __init__(self, out: OutputWrapper, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._is_terminal = out.isatty()
        # The first plain line comes when there is something to wait for, the first bar at once.
        self._shown_at = clock() - (TERMINAL_SECONDS if self._is_terminal else 0)

    def show(self, fraction: float, text: str) -> None:
        """So much is done; not at every call, or the terminal would be what takes the time."""
        if self._clock() - self._shown_at < (TERMINAL_SECONDS if self._is_terminal else PLAIN_SECONDS):
            return
        self._shown_at = self._clock()
        percent = f"{fraction:4.0%}"
        if self._is_terminal:
            done = round(WIDTH * fraction)
            self._out.write(f"{CLEAR}[{'#' * done}{'.' * (WIDTH - done)}] {percent}  {text}", ending="")
        else:
            self._out.write(f"{percent.strip()}  {text}")
        self._out.flush()

    def say(self, line: str, out: OutputWrapper | None = None) -> None:
        """A line of its own, on this stream or another; the bar comes back after it."""
        if self._is_terminal:
            self._out.write(CLEAR, ending="")
            self._out.flush()
        (out or self._out).write(line)
