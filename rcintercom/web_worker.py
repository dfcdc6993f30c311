"""gunicorn's threaded worker, without ways to keep its few threads, or its main loop, busy by being slow.

gthread gives a new connection to a thread and lets it read for as long as the client likes, so eight half heads took
the whole server. Here the main loop gathers heads, a thread gets a connection when its request's head is complete, and
all that a thread waits for has an end. Plain HTTP/1 only: TLS ends at the proxy. Must not know of Django or the app.
Written against gunicorn 27, `gunicorn/workers/gthread.py`; whoever pins another version reads that file again.
"""

from __future__ import annotations

import gc
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.errors import ConfigError  # type: ignore[import-untyped]
from gunicorn.http.errors import NoMoreData  # type: ignore[import-untyped]
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

from rcintercom.gunicorn import BODY_SECONDS, HEAD_SECONDS

# RevenueCat's heads and browsers' have one or two KiB.
LONGEST_HEAD = 64 * 1024
PIECE = 16 * 1024
# What the app has not read of a body is waited for so long, if the connection is to be kept.
REST_SECONDS = 0.2
# A client gets so long, and may send so much, between our last byte and the end of the connection.
LINGER_SECONDS = 2.0
LONGEST_REST = 64 * 1024


class Unreader(SocketUnreader):  # type: ignore[misc]
    """What has come of a request: the head is gathered without waiting, the body until `deadline` and not longer."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.deadline = 0.0
        # Nothing more is to be read: the client has ended, or its head has none.
        self.ended = False

    def has_head(self) -> bool:
        """Whether a thread has something to do at once. Takes what has come; the socket must not wait."""
        if not self._is_ready():
            self._take()
        return self._is_ready()

    def _take(self) -> None:
        try:
            data = self.sock.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.buf.seek(0, os.SEEK_END)
        self.buf.write(data)
        self.ended = not data

    def _is_ready(self) -> bool:
        head = self.buf.getvalue()
        # The parser refuses a bare LF at once, and never waits for the rest of such a head.
        if b"\r\n\r\n" in head or head.count(b"\n") != head.count(b"\r\n"):
            return True
        self.ended = self.ended or len(head) > LONGEST_HEAD
        return self.ended

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes of the body. Raises TimeoutError at the deadline, however steadily they drip."""
        if self.ended:
            return b""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the body took too long")
        # `finish_body` may have set less.
        before = self.sock.gettimeout()
        self.sock.settimeout(min(left, before or left))
        try:
            data: bytes = super().chunk(size_hint)
        finally:
            self.sock.settimeout(before)
        return data


class Connection(TConn):  # type: ignore[misc]
    """A connection with a parser from the start, which the main loop fills."""

    def __init__(self, *args: Any, linger: Callable[[Connection], None]) -> None:
        super().__init__(*args)
        self.unreader = Unreader(self.sock)
        self.parser = RequestParser(self.cfg, self.sock, self.client)
        self.parser.unreader = self.unreader
        self.rest = 0
        self._linger = linger

    def init(self) -> None:
        """Called where a thread begins with a request: from here on nothing is waited for endlessly.

        The timeout of the socket is for a client that does not take its answer.
        """
        self.sock.settimeout(BODY_SECONDS)
        self.unreader.deadline = time.monotonic() + BODY_SECONDS

    def close(self, graceful: bool = False) -> None:
        """End the connection; gracefully, when what was said last has been heard."""
        if graceful:
            self._linger(self)
        else:
            super().close()


class Worker(ThreadWorker):  # type: ignore[misc]
    """gthread, with connections that come to a thread when there is a request, and end without holding anybody up."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lingering: deque[Connection] = deque()

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse TLS, which would be taken for a head that never ends."""
        if cfg.is_ssl:
            raise ConfigError("TLS has to end at the proxy in front of this server.")
        super().check_config(cfg, log)

    def init_process(self) -> None:
        """Begin to serve."""
        for listener in self.sockets:
            # Linux hands a connection over when its first bytes are there, which saves the main loop a turn; one that
            # stays silent is handed over a second or so later.
            with suppress(AttributeError, OSError):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the app. It stays as long as the process, so the garbage collector need not look through all of it."""
        super().load_wsgi()
        gc.collect()
        gc.freeze()

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection."""
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            # The other process was quicker, or the client has gone.
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, sock, address, listener.getsockname(), linger=self._linger))

    def enqueue_req(self, conn: Connection) -> None:
        """Give the connection to a thread if a head has come, and else wait for it; every request begins here."""
        conn.sock.setblocking(False)
        if conn.unreader.has_head():
            # gthread's own wait for the first byte is over.
            conn.initialized = conn.data_ready = True
            super().enqueue_req(conn)
            return
        conn.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(conn)
        self._watch(conn, self.on_pending_socket_readable)

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """More of a head has come. Its time goes on, and its place among those that wait stays the same."""
        if conn.unreader.has_head():
            super().on_pending_socket_readable(conn, client)

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Answer, or end the connection where the client does not take the answer."""
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError as error:
            # gthread has a quiet line for this one, and a traceback for every other.
            raise NoMoreData from error

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        # gthread would let a thread wait for five seconds.
        return keepalive and bool(conn.parser.finish_body(deadline=time.monotonic() + REST_SECONDS))

    def _linger(self, conn: Connection) -> None:
        # gthread waits for the client's end in its main loop, two seconds for each that does not hang up.
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            conn.close()
            return
        self.nr_conns += 1
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self._lingering.append(conn)
        self._watch(conn, self._on_rest)

    def _on_rest(self, conn: Connection, client: socket.socket) -> None:
        try:
            data = client.recv(LONGEST_REST)
        except OSError:
            data = b""
        conn.rest += len(data)
        if not data or conn.rest > LONGEST_REST:
            self._lingering.remove(conn)
            self._end(conn)

    def murder_pending(self) -> None:
        """End what has waited long enough, whether for its head or for its client's end."""
        super().murder_pending()
        while self._lingering and self._lingering[0].timeout <= time.monotonic():
            self._end(self._lingering.popleft())

    def _cap_keepalive(self, deadline: float) -> None:
        # A worker that stops need not wait for heads that may never come either.
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def _watch(self, conn: Connection, then: Callable[[Connection, socket.socket], None]) -> None:
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(then, conn))

    def _end(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()
