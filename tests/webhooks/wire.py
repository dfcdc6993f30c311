"""
HTTP by hand against the real web server: a server of one process, and a connection that says just what a test wants.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from integration.models import Project
from tests.factories import AUTHORIZATION
from tests.processes import Child, child_env

Address = tuple[str, int]


@contextmanager
def serving(**extra: str) -> Iterator[Address]:
    """The web server, one process of it, on a port of its own; `extra` is added to its environment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        fd = listener.fileno()
        command = ["-m", "gunicorn", "--config", "python:rcintercom.gunicorn", "--workers", "1", "--bind", f"fd://{fd}"]
        with Child(command, child_env(**extra), pass_fds=[fd]) as server:
            server.wait_for("Booting worker")
            yield listener.getsockname()


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 where nothing did."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Wire:
    """Speaks HTTP by hand."""

    def __init__(self, address: Address, project: Project) -> None:
        self.address = address
        self.project = project

    def connect(self) -> socket.socket:
        """A new connection."""
        made = socket.create_connection(self.address, timeout=15)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def head(self, *headers: str, method: str = "POST", version: str = "1.1") -> bytes:
        """The head of a request with the project's Authorization."""
        path = f"/webhooks/revenuecat/{self.project.pk}/"
        always = ["Host: localhost", f"Authorization: {AUTHORIZATION}", "Content-Type: application/json"]
        return "\r\n".join([f"{method} {path} HTTP/{version}", *always, *headers, "", ""]).encode("latin-1")

    def say(self, *pieces: bytes, shut: bool = False) -> Answer:
        """Send the pieces one by one on a connection of their own, and read the answer."""
        with self.connect() as made:
            for piece in pieces:
                made.sendall(piece)
            if shut:
                made.shutdown(socket.SHUT_WR)
            return read_answer(made)

    def post(self, body: bytes) -> Answer:
        """A well-formed request."""
        return self.say(self.head(f"Content-Length: {len(body)}", "Connection: close") + body)


def read_answer(made: socket.socket) -> Answer:
    """Read one answer."""
    stream = made.makefile("rb")
    with contextlib.suppress(ConnectionError, TimeoutError):
        line = stream.readline()
        if line:
            length = 0
            while (header := stream.readline().strip()) != b"":
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            return Answer(int(line.split()[1]), stream.read(length))
    return Answer(0, b"")


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end
