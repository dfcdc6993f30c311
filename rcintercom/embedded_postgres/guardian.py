"""The one process that runs the embedded PostgreSQL: it starts the server and stops it when nobody holds it.

Run as `python -m rcintercom.embedded_postgres.guardian DIRECTORY`; it returns when the server is ready (or says
why it is not) and goes on in the background, in a session of its own. If it is killed the server ends with it;
if the server dies it ends too, and the next process that needs a connection starts another guardian.
It must not import Django, and import nothing late: as root's guardian it cannot read root's files any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from rcintercom.embedded_postgres.layout import PORT, SUPERUSER, Layout, program
from rcintercom.embedded_postgres.leftovers import end_leftovers
from rcintercom.embedded_postgres.system_user import SystemUserError, become_server_user
from rcintercom.lifeline import end_with_parent

READY = "ready"
# From the politest way of stopping to the rudest, with the seconds that each is given: "fast" writes a
# checkpoint, "immediate" leaves it to the recovery at the next start. Both lose nothing that was committed.
STOPPING = ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
# How long a start is watched before the callers are left to wait for it by themselves.
PATIENCE_SECONDS = 60
LARGEST_LOG = 10 * 1024 * 1024

INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    # Only whoever may enter the socket's directory can connect: the server's own user, and root.
    "--auth-local=trust",
    "--auth-host=reject",
    # Built into PostgreSQL, so the sort order depends neither on the machine nor on its upgrades.
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
SERVER_OPTIONS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",
    "log_checkpoints": "off",
    # Starts, stops and crashes only: a failed statement would put customers' data into the log.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
}


class GuardianError(Exception):
    """The server could not be started; the message says why."""


def main(directory: str) -> int:
    """Start the guardian in the background and wait for its first word. Returns the exit code."""
    heard, word = os.pipe()
    if not os.fork():
        os.close(heard)
        _guard(Layout.of(directory), word)
    os.close(word)
    with os.fdopen(heard, encoding="utf-8") as pipe:
        said = pipe.read()
    if said != READY:
        sys.stderr.write(said or "Its guardian ended without a word.")
    return int(said != READY)


def _guard(layout: Layout, word: int) -> NoReturn:
    _leave_the_callers_session()
    guarded = os.open(layout.guardian_lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(guarded, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # Another guardian runs the server, or is about to.
        _say(word, READY)
        os._exit(0)
    holders = os.open(layout.holders_lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        server = _start(layout)
    except (GuardianError, SystemUserError, OSError) as error:
        _say(word, str(error))
        os._exit(1)
    threading.Thread(target=_end_with, args=(server,), daemon=True).start()
    _say(word, READY)
    # Granted by the kernel when the last holder has left, in whatever way it ended.
    fcntl.flock(holders, fcntl.LOCK_EX)
    _stop(server)


def _leave_the_callers_session() -> None:
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    # It ends when its holders do, not when a terminal closes or a service manager signals everybody.
    for deaf_to in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(deaf_to, lambda *_: None)


def _say(word: int, text: str) -> None:
    with os.fdopen(word, "w", encoding="utf-8") as pipe:
        pipe.write(text)


def _end_with(server: subprocess.Popen[bytes]) -> None:
    server.wait()
    os._exit(0)


def _stop(server: subprocess.Popen[bytes]) -> NoReturn:
    for sent, seconds in STOPPING:
        with suppress(ProcessLookupError):
            os.kill(server.pid, sent)
        # The process ends in here, with its server.
        time.sleep(seconds)
    os._exit(1)


# --- Starting ------------------------------------------------------------------------------------------------


def _start(layout: Layout) -> subprocess.Popen[bytes]:
    """Return the running server. Whatever an earlier one left behind is put away first."""
    if os.geteuid() == 0:
        become_server_user(layout)
    _open_log(layout.log)
    end_leftovers(layout)
    _make_socket_dir(layout.socket_dir)
    _make_cluster(layout)
    options = SERVER_OPTIONS | {"unix_socket_directories": str(layout.socket_dir)}
    server = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
        [program("postgres"), "-D", str(layout.cluster), *(f"--{name}={value}" for name, value in options.items())],
        stdin=subprocess.DEVNULL,
        # Were the guardian killed, nobody would stop the server.
        preexec_fn=end_with_parent(signal.SIGINT),
    )
    _wait_until_ready(server, layout.pid_file)
    return server


def _open_log(log: Path) -> None:
    """Send what this process and the server say to the log; the caller's terminal or pipe is let go."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(opened, 1)
    os.dup2(opened, 2)
    os.close(opened)
    os.close(nothing)


def _make_cluster(layout: Layout) -> None:
    """Make the data directory if there is none. It is made aside and renamed, so it is never half made."""
    for abandoned in layout.data_dir.glob("making-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    if layout.cluster.exists():
        return
    aside = tempfile.mkdtemp(prefix="making-", dir=layout.data_dir)
    made = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [program("initdb"), *INITDB_OPTIONS, "-D", aside],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=end_with_parent(signal.SIGKILL),
    )
    if made.returncode != 0:
        raise GuardianError(f"Its data directory could not be made: {made.stderr.strip()}")
    Path(aside).rename(layout.cluster)


def _make_socket_dir(directory: Path) -> None:
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise GuardianError(f"{directory} belongs to somebody else; remove it.")
    directory.chmod(0o700)


def _wait_until_ready(server: subprocess.Popen[bytes], pid_file: Path) -> None:
    """Return when the server says that it is ready, or is busy with a long recovery; then the callers wait."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        code = server.poll()
        if code is not None:
            raise GuardianError(f"PostgreSQL ended at once, with code {code}.")
        # The eighth line is the state; the file is written in place, so it may be short.
        lines = pid_file.read_text(encoding="utf-8").split() if pid_file.exists() else []
        if lines and lines[0] == str(server.pid) and lines[-1] == "ready":
            return
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
