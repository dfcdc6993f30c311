"""The supervisor as a real process with real children, which are killed, refuse to stop or cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager

import psutil
import pytest

from tests.processes import hear, is_alive, running, until

SUPERVISOR = """
import signal, sys
from rcintercom.supervisor import Patience, Program, Supervisor

# Tests that are started by nohup or in the background hand down that these are ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

PATIENCE = Patience(look=0.02, settled=0.2, first_tries=3, restart=0.02, longest_restart=0.1, stop=2)

def python(name, code):
    return Program(name, [sys.executable, "-S", "-c", code])

SLEEP = '''
import os, signal, time
def say_who_i_am():
    os.write(1, f"{os.environ['NAME']} {os.getpid()}{os.linesep}".encode())
say_who_i_am()
time.sleep(1000)
'''
def sleeper(name, code=SLEEP):
    return Program(name, [sys.executable, "-S", "-c", code], {"NAME": name})

def say(text):
    print(text, flush=True)
"""
STOP_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def supervising(
    programs: Sequence[str], first: Sequence[str] = (), more: str = "", stdin: int = subprocess.PIPE
) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run a supervisor over programs that are given as Python expressions."""
    last = (
        f"sys.exit(Supervisor([{', '.join(programs)}], first=[{', '.join(first)}], say=say, patience=PATIENCE).run())"
    )
    return running("-c", SUPERVISOR + more + last, stdin=stdin)


def pid_of(process: subprocess.Popen[str], name: str) -> int:
    return int(hear(process, f"{name} ").split()[1])


def assert_nothing_is_left(*pids: int) -> None:
    assert [pid for pid in pids if is_alive(pid)] == []


@pytest.mark.parametrize("sent", STOP_SIGNALS)
def test_a_signal_ends_everything_and_counts_as_success(sent: signal.Signals) -> None:
    with supervising(["sleeper('one')", "sleeper('two')"]) as supervisor:
        pids = {int(hear(supervisor).split()[1]) for _ in range(2)}
        supervisor.send_signal(sent)
        assert supervisor.wait() == 0
    assert_nothing_is_left(*pids)


def test_a_child_that_dies_is_started_again() -> None:
    with supervising(["sleeper('one')"]) as supervisor:
        first = pid_of(supervisor, "one")
        os.kill(first, signal.SIGKILL)
        assert hear(supervisor, "started again").startswith("one was ended by SIGKILL; it is started again in")
        second = pid_of(supervisor, "one")
        assert second != first
        supervisor.terminate()
        assert supervisor.wait() == 0
    assert_nothing_is_left(second)


def test_a_child_that_never_gets_up_ends_everything() -> None:
    with supervising(["sleeper('one')", "python('broken', 'raise SystemExit(3)')"]) as supervisor:
        pid = pid_of(supervisor, "one")
        assert hear(supervisor, "cannot") == "broken cannot be started: ended with exit code 3, 3 times in a row."
        assert supervisor.wait() == 1
    assert_nothing_is_left(pid)


def test_a_child_that_got_up_once_is_started_for_ever() -> None:
    # It lives for a while the first time, and dies at once ever after.
    code = (
        "import os, time; new = not os.path.exists(p); open(p, 'w'); time.sleep(0.5 if new else 0); raise SystemExit(4)"
    )
    more = "import tempfile, os\nPATH = os.path.join(tempfile.mkdtemp(), 'marker')\n"
    with supervising([f"python('flaky', 'p = ' + repr(PATH) + {('; ' + code)!r})"], more=more) as supervisor:
        for _ in range(5):
            hear(supervisor, "flaky ended with exit code 4; it is started again")
        supervisor.terminate()
        assert supervisor.wait() == 0


def test_a_program_that_does_not_exist_ends_everything() -> None:
    with supervising(["sleeper('one')", "Program('ghost', ['/no/such/program'])"]) as supervisor:
        assert hear(supervisor, "ghost").startswith("ghost cannot be started: [Errno 2]")
        assert supervisor.wait() == 1


def test_what_must_run_first_has_ended_before_the_rest_starts() -> None:
    with supervising(["sleeper('one')"], first=["python('before', 'print(\"before\")')"]) as supervisor:
        assert hear(supervisor) == "before"
        pid = pid_of(supervisor, "one")
        supervisor.terminate()
        assert supervisor.wait() == 0
    assert_nothing_is_left(pid)


def test_nothing_starts_after_a_first_program_that_failed() -> None:
    with supervising(["sleeper('one')"], first=["python('before', 'raise SystemExit(2)')"]) as supervisor:
        assert hear(supervisor) == "before ended with exit code 2; nothing else was started."
        assert supervisor.wait() == 1


def test_a_signal_ends_a_first_program_too() -> None:
    with supervising(["python('never', 'print(\"never\")')"], first=["sleeper('before')"]) as supervisor:
        pid = pid_of(supervisor, "before")
        supervisor.terminate()
        assert supervisor.wait() == 0
        assert supervisor.stdout
        assert supervisor.stdout.read() == ""
    assert_nothing_is_left(pid)


def test_children_end_when_the_supervisor_is_killed() -> None:
    with supervising(["sleeper('one')", "sleeper('two')"]) as supervisor:
        pids = [int(hear(supervisor).split()[1]) for _ in range(2)]
        supervisor.kill()
    for pid in pids:
        until(lambda pid=pid: not is_alive(pid), f"{pid} has ended")  # type: ignore[misc]


def test_a_closed_terminal_ends_everything() -> None:
    terminal, inside = os.openpty()
    with supervising(["sleeper('one')"], stdin=inside) as supervisor:
        os.close(inside)
        pid = pid_of(supervisor, "one")
        os.close(terminal)
        assert supervisor.wait() == 0
    assert_nothing_is_left(pid)


def test_a_hangup_is_ignored_where_it_was_ignored_before() -> None:
    ignoring = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with supervising(["sleeper('one')"], more=ignoring) as supervisor:
        first = pid_of(supervisor, "one")
        supervisor.send_signal(signal.SIGHUP)
        os.kill(first, signal.SIGKILL)
        hear(supervisor, "started again")
        second = pid_of(supervisor, "one")
        supervisor.terminate()
        assert supervisor.wait() == 0
    assert_nothing_is_left(first, second)


def test_a_child_that_ignores_the_signal_is_killed_in_the_end() -> None:
    stubborn = "SLEEP.replace('\\nsay', '\\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\\nsay')"
    with supervising([f"sleeper('one', {stubborn})"]) as supervisor:
        pid = pid_of(supervisor, "one")
        supervisor.terminate()
        assert supervisor.wait() == 0
    assert_nothing_is_left(pid)


def test_a_second_signal_does_not_wait() -> None:
    stubborn = "SLEEP.replace('\\nsay', '\\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\\nsay')"
    with supervising([f"sleeper('one', {stubborn})"], more="import dataclasses\n" + LONG) as supervisor:
        pid = pid_of(supervisor, "one")
        supervisor.send_signal(signal.SIGINT)
        until(lambda: psutil.Process(supervisor.pid).status() == psutil.STATUS_SLEEPING, "it waits")
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait() == 0
    assert_nothing_is_left(pid)


LONG = "PATIENCE = dataclasses.replace(PATIENCE, stop=1000)\n"


def test_what_a_dead_child_leaves_behind_goes_with_it() -> None:
    parent = "SLEEP.replace('\\nsay', '\\nos.fork()\\nsay')"
    with supervising([f"sleeper('one', {parent})"]) as supervisor:
        family = [int(hear(supervisor).split()[1]) for _ in range(2)]
        (leader,) = (one.pid for one in psutil.Process(supervisor.pid).children())
        os.kill(leader, signal.SIGKILL)
        hear(supervisor, "started again")
        for pid in family:
            until(lambda pid=pid: not is_alive(pid), f"{pid} has ended")  # type: ignore[misc]
        supervisor.terminate()
        assert supervisor.wait() == 0
