"""`manage.py run`, whole: what it starts, and that nothing of it is left however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import requests

from tests.processes import a_place, hear, is_alive, running, until


@pytest.fixture(scope="module")
def var_dir() -> Iterator[Path]:
    with a_place() as directory:
        yield directory


@pytest.fixture
def port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def env(var_dir: Path) -> Iterator[Mapping[str, str]]:
    """An environment of its own; afterwards no process may be left that has it."""
    yield {"VAR_DIR": str(var_dir), "DATABASE_URL": "", "BIND_ADDRESS": "127.0.0.1"}
    until(lambda: processes_of(var_dir) == [], "everything has ended")


def processes_of(var_dir: Path) -> list[str]:
    """The app's processes by their environment, the server's by their directory."""
    found = []
    for one in psutil.process_iter(["environ", "cwd", "cmdline"]):
        mine = (one.info["environ"] or {}).get("VAR_DIR") == str(var_dir)
        if (mine or str(var_dir) in " ".join(one.info["cmdline"] or [])) and is_alive(one.pid):
            found.append(" ".join(one.info["cmdline"]))
    return found


def announced(process: subprocess.Popen[str], port: int) -> None:
    assert f"http://localhost:{port}/admin/" in hear(process, "rcintercom is at")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_it_serves_and_leaves_nothing_behind(
    env: Mapping[str, str], var_dir: Path, port: int, sent: signal.Signals
) -> None:
    with running("manage.py", "run", "--port", str(port), env=env) as process:
        announced(process, port)
        assert requests.get(f"http://127.0.0.1:{port}/admin/login/", timeout=10).status_code == 200
        process.send_signal(sent)
        assert process.wait() == (0 if sent == signal.SIGTERM else -sent)
        if sent == signal.SIGTERM:
            assert processes_of(var_dir) == []


def test_it_names_the_address_that_others_reach_it_under(env: Mapping[str, str], port: int) -> None:
    public = {**env, "PUBLIC_URL": "https://rc.example.com"}
    with running("manage.py", "run", "--port", str(port), env=public) as process:
        said = hear(process, "rcintercom is at")
        assert f"at https://rc.example.com/admin/, and listens on port {port} of 127.0.0.1" in said
        process.send_signal(signal.SIGTERM)


def test_a_port_in_use_is_said_before_anything_starts(env: Mapping[str, str], port: int) -> None:
    with (
        closing(socket.create_server(("127.0.0.1", port))),
        running("manage.py", "run", "--port", str(port), env=env) as process,
    ):
        assert f"Port {port} of 127.0.0.1 cannot be used" in hear(process, "CommandError")
        assert process.wait() == 1


def test_the_web_server_alone_takes_the_place_of_the_command(env: Mapping[str, str], port: int) -> None:
    with running("manage.py", "run", "--web-only", "--port", str(port), env=env) as process:
        hear(process, "Listening at")
        assert requests.get(f"http://127.0.0.1:{port}/admin/login/", timeout=10).status_code == 200
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == 0
