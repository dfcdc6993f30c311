"""The embedded PostgreSQL, as real processes that come, go and are killed."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from rcintercom.embedded_postgres.layout import LONGEST_SOCKET_PATH, PORT, SOCKET_NAME, SUPERUSER
from rcintercom.embedded_postgres.server import EmbeddedPostgresError, Server
from tests.processes import a_place, hear, is_alive, running, until

HOLDER = """
import sys
from rcintercom.embedded_postgres.server import Server
server = Server(sys.argv[1])
server.start()
print("postmaster", server.layout.pid_file.read_text().split()[0])
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """One directory for all tests: its data is made once, its server starts and stops for each."""
    with a_place() as directory:
        yield directory


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory for one test."""
    with a_place() as directory:
        yield directory


@pytest.fixture
def server(data_dir: Path) -> Iterator[Server]:
    server = Server(data_dir)
    yield server
    server.leave()
    assert server_processes(server) == []


def connect(server: Server, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host=str(server.layout.socket_dir), port=PORT, user=SUPERUSER, dbname=database, autocommit=True
    )


def ask(server: Server, query: str) -> str:
    with connect(server) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def postmaster(server: Server) -> int:
    return int(server.layout.pid_file.read_text().split()[0])


def guardian(server: Server) -> int:
    return psutil.Process(postmaster(server)).ppid()


def server_processes(server: Server) -> list[int]:
    found = psutil.process_iter(["cwd"])
    return [one.pid for one in found if one.info["cwd"] == str(server.layout.cluster) and is_alive(one.pid)]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid), f"{pid} is dead")


def test_it_answers_on_a_socket_only_and_keeps_what_is_committed(server: Server) -> None:
    server.start()

    sockets = psutil.Process(postmaster(server)).net_connections(kind="all")

    assert {one.family.name for one in sockets} == {"AF_UNIX"}
    assert ask(server, "SHOW fsync") == "on"
    assert ask(server, "SHOW max_connections") == "200"
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert stat.S_IMODE(server.layout.socket_dir.stat().st_mode) == 0o700


def test_a_missing_database_is_created_once(server: Server) -> None:
    server.start()
    server.ensure_database("with space")
    Server(server.layout.data_dir).ensure_database("with space")

    with connect(server, "with space") as connection:
        assert connection.execute("SELECT upper('ä')").fetchone() == ("Ä",)


def test_processes_that_start_at_the_same_instant_share_one_server(place: Path) -> None:
    with ExitStack() as stack:
        holders = [stack.enter_context(running("-c", HOLDER, place)) for _ in range(3)]
        assert len({hear(holder, "postmaster") for holder in holders}) == 1


def test_it_stops_when_the_last_holder_leaves_and_not_before(server: Server) -> None:
    server.start()
    with running("-c", HOLDER, server.layout.data_dir) as other:
        hear(other, "postmaster")
        server.leave()
        assert is_alive(postmaster(server))
    # The other one has returned only when the server was down.
    assert server_processes(server) == []


def test_it_stops_when_the_last_holder_is_killed(server: Server) -> None:
    with running("-c", HOLDER, server.layout.data_dir) as holder:
        hear(holder, "postmaster")
        holder.kill()
    until(lambda: server_processes(server) == [], "the server has stopped")


def test_it_starts_for_somebody_who_comes_while_it_stops(server: Server) -> None:
    with running("-c", HOLDER, server.layout.data_dir) as holder:
        hear(holder, "postmaster")
        holder.kill()
    server.start()
    assert ask(server, "SELECT 1") == "1"


def test_a_forked_child_keeps_it_when_its_parent_has_left(server: Server) -> None:
    forking = HOLDER.replace("sys.stdin.read()", "import os\nchild = os.fork()\nchild or sys.stdin.read()")
    with running("-c", forking + 'child and print("child", child)', server.layout.data_dir) as parent:
        child = int(hear(parent, "child").split()[1])
        assert parent.wait() == 0
        assert is_alive(child)
        assert ask(server, "SELECT 1") == "1"
    until(lambda: server_processes(server) == [], "the server has stopped")


def test_a_killed_postmaster_is_replaced_though_an_orphan_is_busy(server: Server) -> None:
    server.start()
    killed = postmaster(server)
    with closing(connect(server)) as busy:
        orphan = busy.info.backend_pid
        # The backend computes and does not look up, so it does not notice that its postmaster has gone.
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000) one")
        kill(killed)
        until(lambda: not server.is_running(), "the guardian has gone too")
        assert is_alive(orphan)

        server.start()

    assert postmaster(server) != killed
    assert not is_alive(orphan)
    assert ask(server, "SELECT 1") == "1"


def test_a_killed_guardian_leaves_nothing_running_unguarded(server: Server) -> None:
    server.start()
    unguarded = postmaster(server)
    kill(guardian(server))
    server.start()
    assert postmaster(server) != unguarded
    assert not is_alive(unguarded)


def test_a_pid_file_that_names_somebody_else_does_not_matter(server: Server) -> None:
    server.start()
    server.leave()
    # As after a crash and a reboot: the number belongs to a process of the same user that has other things to do.
    server.layout.pid_file.write_text(f"{os.getpid()}\n{server.layout.cluster}\n")
    server.start()
    assert postmaster(server) != os.getpid()


def test_a_pid_file_that_is_empty_does_not_matter(server: Server) -> None:
    server.start()
    server.leave()
    server.layout.pid_file.touch()
    server.start()
    assert ask(server, "SELECT 1") == "1"


def test_data_that_were_half_made_are_made_anew(place: Path) -> None:
    server = Server(place)
    with running("-c", HOLDER, place) as first:
        until(lambda: any(place.glob("making-*/*")), "the data are being made")
        (initdb,) = (one for one in psutil.process_iter(["name"]) if is_initdb_in(one, place))
        killed = initdb.parent()
        assert killed is not None
        kill(killed.pid)
        hear(first, "Its guardian ended without a word")
    server.start()
    assert ask(server, "SELECT 1") == "1"
    assert not list(place.glob("making-*"))
    server.leave()


def is_initdb_in(process: psutil.Process, directory: Path) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.name() == "initdb" and any(str(directory) in word for word in process.cmdline())
    return False


def test_a_long_path_with_unusual_characters_works(place: Path) -> None:
    server = Server(place / 'a, b\'s "ü"' / ("long" * 30))
    server.start()
    assert ask(server, "SELECT 1") == "1"
    assert len(os.fsencode(server.layout.socket_dir / SOCKET_NAME)) <= LONGEST_SOCKET_PATH
    server.leave()
    server.layout.socket_dir.rmdir()


def test_a_socket_directory_of_somebody_else_is_not_trusted(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    server = Server(place / ("long" * 40))
    server.layout.socket_dir.mkdir()
    os.chown(server.layout.socket_dir, 65534, 65534)
    try:
        with pytest.raises(EmbeddedPostgresError, match=f"{server.layout.socket_dir} belongs to somebody else"):
            server.start()
    finally:
        server.leave()
        server.layout.socket_dir.rmdir()


def test_a_server_that_cannot_start_says_why_and_what_to_do(server: Server) -> None:
    server.start()
    server.leave()
    version = server.layout.cluster / "PG_VERSION"
    right = version.read_text()
    version.write_text("9.6\n")

    with pytest.raises(EmbeddedPostgresError) as refused:
        server.start()
    version.write_text(right)

    said = str(refused.value)
    assert f"The embedded PostgreSQL in {server.layout.data_dir} cannot be started." in said
    assert "set DATABASE_URL" in said
    assert "initialized by PostgreSQL version 9.6" in said


def test_a_directory_removed_under_a_running_server_is_made_anew(place: Path) -> None:
    server = Server(place / "postgres")
    server.start()
    server.ensure_database("app")
    kill(guardian(server))
    until(lambda: server_processes(server) == [], "the server has stopped")
    server.layout.data_dir.rename(place / "moved")

    server.start()
    server.ensure_database("app")

    with connect(server, "app"):
        pass
    server.leave()


def test_root_and_the_owner_of_the_data_take_turns(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    os.chown(place, 65534, 65534)
    server = Server(place)
    server.start()
    assert psutil.Process(postmaster(server)).uids().effective == 65534
    assert ask(server, "SELECT 1") == "1"
    server.leave()
    assert server.layout.cluster.stat().st_uid == 65534

    # Given to root, as by a chown -R of the whole checkout, it goes to the server's own user.
    for path in (place, *place.rglob("*")):
        os.chown(path, 0, 0)
    server.start()
    assert psutil.Process(postmaster(server)).username() == "pgserver"
    server.leave()
