"""
The web server as a process of its own, and a browser that says what no browser says: any header, any bytes.
"""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

from tests.processes import Child, child_env

BOUNDARY = "XX"
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Server:
    """Where it listens, and what it says."""

    port: int
    process: Child

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[http.client.HTTPResponse, str]:
        """One request on a connection of its own; an underscore in a header's name is a hyphen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {"Host": "localhost"} | {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def serving(**env: str) -> Iterator[Server]:
    """The web server, one process of it, on the test's database."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        fd = listener.fileno()
        command = ["-m", "gunicorn", "--config", "python:rcintercom.gunicorn", "--workers", "1", "--bind", f"fd://{fd}"]
        with Child(command, child_env(**env), pass_fds=[fd]) as process:
            process.wait_for("Booting worker")
            yield Server(listener.getsockname()[1], process)


@dataclass
class Browser:
    """Keeps its cookies, and posts forms in any shape."""

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, path: str) -> str:
        """The page."""
        return self._ask("GET", path)[1]

    def submit(
        self, path: str, fields: Mapping[str, str], *, more: bytes = b"", charset: str = "", query: str = ""
    ) -> int:
        """The status for a form of `path`, with its CSRF token, as multipart; `more` are raw parts."""
        found = _TOKEN.search(self.open(path))
        assert found, "the page has no form"
        parts = {"csrfmiddlewaretoken": found[1], **fields}
        body = b"".join(part(name, value.encode()) for name, value in parts.items()) + more + b"--XX--\r\n"
        content_type = f"multipart/form-data; boundary={BOUNDARY}" + (f"; charset={charset}" if charset else "")
        return self._ask("POST", path + query, body, Content_Type=content_type)[0]

    def _ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer, page = self.server.ask(method, path, body, Cookie=kept, **headers)
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer.status, page


def part(name: str, value: bytes) -> bytes:
    """One field of a multipart form."""
    return b'--XX\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
