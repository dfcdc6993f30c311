"""Ties a process's life to what it depends on: a child's to its parent, a program's to its terminal.

Linux ends children by itself when asked (prctl, PR_SET_PDEATHSIG); elsewhere nothing happens and the caller
must have another way to notice. Must not import Django: part of it runs between fork and exec.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1

# Loaded once, here: between fork and exec there is no safe time for it.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent(with_signal: signal.Signals) -> Callable[[], None]:
    """Return a `preexec_fn` that has the kernel send `with_signal` to the child when this process ends.

    The parent is the thread that starts the child, so start it from one that lives as long as the process.
    """
    parent = os.getpid()

    def ask_the_kernel() -> None:
        if _libc is None:
            return
        _libc.prctl(PR_SET_PDEATHSIG, int(with_signal))
        # The parent may have died before the kernel was asked; then nobody will send the signal.
        if os.getppid() != parent:
            os.kill(os.getpid(), with_signal)

    return ask_the_kernel


def watch_terminal() -> Callable[[], bool]:
    """Return a question: has the terminal that is standard input now been closed since?

    A closed terminal signals the first process in it alone, and where that is `make` it is not passed on.
    """
    if not os.isatty(0):
        return lambda: False
    poll = select.poll()
    poll.register(0, 0)
    return lambda: any(state & select.POLLHUP for _, state in poll.poll(0))
