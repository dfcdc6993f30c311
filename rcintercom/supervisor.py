"""Keeps a few programs running: starts them, starts again what dies, and leaves nothing behind.

Knows nothing of Django, the web or databases; `manage.py run` says what the programs are. Must stay
single-threaded: the kernel ties a child's life to the thread that started it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from rcintercom.lifeline import end_with_parent, watch_terminal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Program:
    """One command line to keep running; `env` is added to this process's environment, `open_files` are passed on."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    open_files: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the supervisor waits for what, in seconds."""

    look: float = 0.2
    # A child that has lived this long did start; one that never did, in so many tries, cannot.
    settled: float = 5.0
    first_tries: int = 3
    restart: float = 0.5
    longest_restart: float = 30.0
    # Longer than gunicorn's graceful timeout, and than a delivery in flight.
    stop: float = 40.0


class CannotStartError(Exception):
    """A program cannot be started at all; the message names it."""


class Child:
    """One program and the process that runs it, in a process group of its own."""

    def __init__(self, program: Program, *, say: Callable[[str], None], patience: Patience) -> None:
        self.program = program
        self._say = say
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0
        self._ever_settled = False
        self._next_start = 0.0

    @property
    def pid(self) -> int | None:
        """The process's id, None when none runs."""
        return self._process.pid if self._process else None

    def start(self, now: float) -> None:
        """Start the process. Raises CannotStartError when there is nothing to execute."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - what the caller named
                self.program.command,
                env={**os.environ, **self.program.env},
                pass_fds=self.program.open_files,
                stdin=subprocess.DEVNULL,
                # Ctrl-C in a terminal reaches this process alone, which then stops its children in order.
                process_group=0,
                preexec_fn=end_with_parent(signal.SIGTERM),
            )
        except OSError as error:
            raise CannotStartError(f"{self.program.name} cannot be started: {error}") from error
        self._started = now

    def look_after(self, now: float) -> None:
        """Start the process when it is due; note when it has settled; take note when it has died."""
        if self._process is None:
            if now >= self._next_start:
                self.start(now)
            return
        code = self._process.poll()
        if code is not None:
            self._died(code, now)
        elif now - self._started >= self._patience.settled:
            self._ever_settled = True
            self._failures = 0

    def _died(self, code: int, now: float) -> None:
        self.kill_group()
        self._process = None
        self._failures += 1
        how = describe_exit(code)
        if not self._ever_settled and self._failures >= self._patience.first_tries:
            raise CannotStartError(f"{self.program.name} cannot be started: {how}, {self._failures} times in a row.")
        delay = min(self._patience.restart * 2 ** (self._failures - 1), self._patience.longest_restart)
        self._next_start = now + delay
        self._say(f"{self.program.name} {how}; it is started again in {delay:g} s.")

    def wait_for_end(self) -> int | None:
        """Return the exit code, or None while it runs or was never started."""
        return self._process.poll() if self._process else None

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process alone: it knows best how to end its own children."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill_group(self) -> None:
        """Kill the process and everything it has left in its group."""
        if self._process is None:
            return
        # Nobody may be left; macOS says EPERM where only a zombie is.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Supervisor:
    """Runs `first` one after the other to their ends, then `programs` together until a signal comes."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        first: Sequence[Program] = (),
        tend: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = print,
        patience: Patience | None = None,
    ) -> None:
        """`tend` is called a few times a second while the programs run; it must not block for long."""
        self._patience = patience or Patience()
        self._say = say
        self._tend = tend
        self._first = [Child(program, say=say, patience=self._patience) for program in first]
        self._children = [Child(program, say=say, patience=self._patience) for program in programs]
        self._signals = 0
        self._signalled = threading.Event()

    def run(self) -> int:
        """Return 0 when a signal comes or the terminal is closed, 1 when a program cannot be started.

        Either way nothing is left running.
        """
        # What is ignored stays ignored: that is how nohup asks for it.
        heeded = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._on_signal) for number in heeded}
        try:
            self._run_first()
            self._keep_running()
        except CannotStartError as error:
            self._say(str(error))
            return 1
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)
        return 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        self._signalled.set()

    def _run_first(self) -> None:
        for child in self._first:
            if self._signalled.is_set():
                return
            child.start(time.monotonic())
            while (code := child.wait_for_end()) is None:
                if self._signalled.wait(self._patience.look / 10):
                    return
            if code != 0:
                raise CannotStartError(f"{child.program.name} {describe_exit(code)}; nothing else was started.")

    def _keep_running(self) -> None:
        terminal_is_gone = watch_terminal()
        while not self._signalled.is_set() and not terminal_is_gone():
            now = time.monotonic()
            for child in self._children:
                child.look_after(now)
            self._tend()
            self._signalled.wait(self._patience.look)

    def _stop_all(self) -> None:
        everyone = [*self._first, *self._children]
        for child in everyone:
            child.ask_to_stop()
        deadline = time.monotonic() + self._patience.stop
        while any(child.is_running() for child in everyone):
            # A second signal means: now.
            if time.monotonic() > deadline or self._signals > 1:
                break
            time.sleep(self._patience.look / 10)
        for child in everyone:
            child.kill_group()


def describe_exit(code: int) -> str:
    """Say how a process ended, in words: `code` as subprocess gives it, negative for a signal."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
