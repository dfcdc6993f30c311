"""
A small HTTP/1.1 server: keep-alive, one thread a connection, one write a response.

It exists for what `http.server` cannot do cheaply: drop or reset a connection, trickle an answer, refuse connections
on a port that stays its own. It knows nothing of Intercom, and speaks only as much HTTP as clients of a JSON API do.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 16 * 1024 * 1024
DRIP_PIECES = 40
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BadRequest(Exception):
    """What came in is not HTTP as this server speaks it."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One request as it came in; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool


class Wire:
    """One connection: reads requests, writes answers, and can be cut."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open = True
        self._socket = connection
        self._stopping = stopping
        self._buffer = b""

    def read(self) -> RawRequest | None:
        """The next request; None when the client has gone."""
        head = self._read_head()
        if head is None:
            return None
        request_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        parts = request_line.split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise BadRequest(request_line)
        body = self._read_body(headers)
        keep_alive = parts[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return RawRequest(parts[0], parts[1], headers, body, keep_alive)

    def send(self, response: bytes) -> None:
        """Writes a whole response at once."""
        self._socket.sendall(response)

    def drip(self, response: bytes, seconds: float) -> None:
        """Writes a response a few bytes at a time, so that no single read of the client waits for long."""
        size = max(1, len(response) // DRIP_PIECES)
        pieces = [response[start : start + size] for start in range(0, len(response), size)]
        for piece in pieces:
            if self._stopping.wait(seconds / len(pieces)):
                return
            self._socket.sendall(piece)

    def cut(self, *, reset: bool = False) -> None:
        """Ends the connection from any thread, wherever it stands; with a TCP reset where the test wants one."""
        self.open = False
        with contextlib.suppress(OSError):
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Gives the socket back; only by the connection's own thread."""
        self._socket.close()

    def _read_head(self) -> bytes | None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise BadRequest("the head is too long")
            chunk = self._socket.recv(65536)
            if not chunk:
                return None
            self._buffer += chunk
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        return head

    def _read_body(self, headers: dict[str, str]) -> bytes:
        declared = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not declared.isdecimal() or int(declared) > BODY_LIMIT:
            raise BadRequest("a body needs a Content-Length, and not too long a one")
        length = int(declared)
        while len(self._buffer) < length:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise BadRequest("the body ended early")
            self._buffer += chunk
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body


Respond = Callable[[RawRequest, Wire], None]


class HttpServer:
    """Listens on one port and hands every request to `respond`, in the thread of its connection."""

    def __init__(self, host: str, port: int, respond: Respond) -> None:
        self.stopping = threading.Event()
        self._respond = respond
        self._lock = threading.Lock()
        self._switch = threading.Lock()
        self._wires: dict[Wire, threading.Thread] = {}
        self._listening = False
        self._acceptor: threading.Thread | None = None
        self._socket = self._bound(host, port)
        address: tuple[str, int] = self._socket.getsockname()
        self.host, self.port = address

    def listen(self) -> None:
        """Accepts connections from now on."""
        with self._switch:
            if not self._listening and not self.stopping.is_set():
                self._listening = True
                self._socket.listen(1024)
                self._acceptor = threading.Thread(target=self._accept, args=(self._socket,), daemon=True)
                self._acceptor.start()

    def refuse(self) -> None:
        """Refuses connections and cuts those that are open; the port stays bound, so nobody else gets it meanwhile."""
        with self._switch:
            if self._listening:
                self._stop_accepting()
                self._socket = self._bound(self.host, self.port)
        self._cut_all()

    def stop(self) -> None:
        """Stops for good, and waits for every thread it started."""
        self.stopping.set()
        with self._switch:
            if self._listening:
                self._stop_accepting()
            self._socket.close()
        for thread in self._cut_all().values():
            if thread is not threading.current_thread():
                thread.join(timeout=5)

    @staticmethod
    def _bound(host: str, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        return made

    def _stop_accepting(self) -> None:
        self._listening = False
        # Closing a socket does not wake a thread that waits in accept(); a connection does.
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), timeout=1).close()
        if self._acceptor is not None:
            self._acceptor.join(timeout=5)
        self._socket.close()

    def _cut_all(self) -> dict[Wire, threading.Thread]:
        with self._lock:
            cut = dict(self._wires)
        for wire in cut:
            wire.cut()
        return cut

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if not self._listening:
                connection.close()
                return
            wire = Wire(connection, self.stopping)
            thread = threading.Thread(target=self._converse, args=(wire,), daemon=True)
            with self._lock:
                self._wires[wire] = thread
            thread.start()

    def _converse(self, wire: Wire) -> None:
        try:
            while wire.open and not self.stopping.is_set():
                request = wire.read()
                if request is None:
                    break
                self._respond(request, wire)
                if not request.keep_alive:
                    break
        except BadRequest:
            with contextlib.suppress(OSError):
                wire.send(BAD_REQUEST)
        except OSError:
            pass  # The client went away, or a test cut the connection.
        finally:
            wire.close()
            with self._lock:
                self._wires.pop(wire, None)
