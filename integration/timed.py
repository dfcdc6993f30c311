"""HTTP connections whose read timeout is a limit for the whole answer, its head too, however slowly it drips.

Elsewhere a read timeout is for one read: an answer that comes byte by byte never runs into it. Nor do they send
anything once a call's time is over.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from integration.answer_head import usual_head

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


# By so much a whole answer may take longer than its limit.
CLOSE_ENOUGH_SECONDS = 0.1
# As many pools as the manager of a session keeps open.
MOST_HOSTS = 4
# A connection used within this time is not asked whether the other side has closed it: servers wait longer than that.
FRESH_SECONDS = 0.5

# A line of a request's head in which http.client would find nothing to refuse, nor urllib3 to leave out.
_USUAL_LINE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [ -?A-~]*")

# Of the call that a thread is making: what asks its deadline, and how long a connection that was kept may send.
_call = threading.local()


@contextmanager
def sending_while(in_time: Callable[[], bool], *, seconds: float | None = None) -> Iterator[None]:
    """Inside this block the thread sends nothing unless `in_time()`, but raises TimeoutError.

    Asked at as late as can be: a process that was frozen, for a minute perhaps, must not say when it wakes up what
    somebody else has said, and overtaken, meanwhile. On a connection that was kept, sending ends within `seconds`:
    those of the answer, and nothing has to be changed in between.
    """
    _call.in_time, _call.seconds = in_time, seconds
    try:
        yield
    finally:
        _call.in_time = _call.seconds = None


def _refuse_to_be_late() -> None:
    in_time: Callable[[], bool] | None = getattr(_call, "in_time", None)
    if in_time is not None and not in_time():
        raise TimeoutError("timed out")


class _TimedReader(io.RawIOBase):
    """What a socket sends, until `deadline` (monotonic seconds); then TimeoutError."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if (self._sock.gettimeout() or 0) > left + CLOSE_ENOUGH_SECONDS:
            # Not for every read: setting it is one more wait for the interpreter where many threads send.
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """A response that must have arrived, whole, within the timeout that its socket has now."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        timeout = sock.gettimeout()
        if timeout is not None:
            raw: Any = self.fp.detach()
            self.fp = io.BufferedReader(_TimedReader(raw, sock, time.monotonic() + timeout))

    def begin(self) -> None:
        """Read the head; called by http.client."""
        # A head arrives in one piece. http.client reads what is not a usual one; here nobody asks for a head alone.
        head = usual_head(self.fp.peek())
        if head is None:
            super().begin()
            return
        self.fp.read(head.size)
        self.version, self.status, self.reason = 11, head.status, head.reason
        self.code, self.headers = head.status, head.headers
        self.msg = head.headers
        self.length, self.chunked, self.chunk_left = head.length, head.length is None, None
        self.will_close = self._check_close()  # type: ignore[attr-defined]


class _CalmSocket:
    """A socket whose timeout is set where it changes.

    urllib3 sets it twice for every call, and setting it is a wait for the interpreter.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def settimeout(self, seconds: float | None) -> None:
        if seconds != self._sock.gettimeout():
            self._sock.settimeout(seconds)


class _TimedSending:
    """Sends a request's head and body in one piece, unless the call's time is over.

    Two pieces would be two waits for the interpreter in a process where many threads send.
    """

    sock: Any
    timeout: float | None
    _held: bytearray | None = None
    _used_at = 0.0

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # of the connection that this is mixed into
        self.sock = _CalmSocket(self.sock)

    def putheader(self, header: Any, *values: Any) -> None:
        line = f"{header}: {values[0]}" if len(values) == 1 and isinstance(values[0], str) else ""
        if _USUAL_LINE.fullmatch(line):
            self._output(line.encode("ascii"))  # type: ignore[attr-defined]
        else:
            super().putheader(header, *values)  # type: ignore[misc]

    def request(self, *args: Any, **kwargs: Any) -> None:
        seconds: float | None = getattr(_call, "seconds", None)
        if self.sock is not None and seconds is not None:
            self.timeout = seconds
        self._held = bytearray()
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
            whole, self._held = self._held, None
            self.send(whole)
        finally:
            self._held = None

    def send(self, data: Any) -> None:
        if self._held is not None:
            self._held += data
            return
        _refuse_to_be_late()
        self._used_at = time.monotonic()
        super().send(data)  # type: ignore[misc]

    @property
    def is_connected(self) -> bool:
        """Whether it can be used again; asked before each request on a connection that was kept."""
        if self.sock is not None and time.monotonic() - self._used_at < FRESH_SECONDS:
            return True
        return bool(super().is_connected)  # type: ignore[misc]


class _TimedConnection(_TimedSending, HTTPConnection):
    response_class = _TimedResponse


class _TimedTLSConnection(_TimedSending, HTTPSConnection):
    response_class = _TimedResponse


class _TimedPool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TimedTLSPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTLSConnection


class TimedAdapter(HTTPAdapter):
    """requests' own adapter, with these connections. It has no proxies, and keeps no cookies.

    What requests would find out anew for every call, of proxies, certificates and cookies, takes longer than sending.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pools: dict[tuple[str, object], Any] = {}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The pool of a host, remembered; asked by HTTPAdapter for every call."""
        scheme, _, rest = str(request.url).partition("://")
        key = (f"{scheme}://{rest.partition('/')[0]}", verify)
        if key not in self._pools:
            if len(self._pools) >= MOST_HOSTS:
                # The manager closes what it has not used for longest, so none of them can be relied on.
                self._pools.clear()
            self._pools[key] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return self._pools[key]

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """What stands in the request's first line: all that follows the host."""
        parts = str(request.url).split("/", 3)
        return "/" + (parts[3] if len(parts) > 3 else "")

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The answer's status, headers and unread body."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = resp.headers
        response.raw = resp
        response.url = str(req.url)
        response.request = req
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by HTTPAdapter when it is made."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _TimedPool, "https": _TimedTLSPool}
