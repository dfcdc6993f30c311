"""
Posts webhooks from a process of its own, as fast as they are answered or so many a second, over keep-alive connections.

`python -m tests.bench.load` reads a Job as JSON from standard input and writes what came of it to standard output. One
thread and bare sockets: on a small machine every instruction here is one that the server does not get.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field

from tests.bench.webhooks import encoder

ANSWER_SECONDS = 20.0
LARGEST_READ = 65_536
OK = "200"


@dataclass(frozen=True, slots=True)
class Job:
    """What to post: webhooks from number `first` on, for `seconds`, and never more than `most`."""

    port: int
    path: str
    authorization: str
    first: int
    most: int
    seconds: float
    customers: int = 1_000
    connections: int = 8
    # None posts the next one as soon as a connection is free.
    per_second: float | None = None


@dataclass(slots=True)
class Outcome:
    """What came of it. `statuses` counts the answers; what follows is of those that were 200, in the same order."""

    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    # In time.monotonic(), which all processes of a machine share.
    answered_at: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many were answered 200."""
        return len(self.numbers)

    @property
    def rate(self) -> float:
        """So many a second."""
        return self.answered / self.seconds if self.seconds else 0.0


class _Connection:
    """One connection and the webhook that is under way on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0
        self.sent_at = 0.0
        self._read = b""

    def send(self, number: int, request: bytes) -> None:
        self.number, self._read = number, b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> str | None:
        """The status, None while the answer is not whole. Raises OSError where there will be none."""
        chunk = self.socket.recv(LARGEST_READ)
        if not chunk:
            raise ConnectionError("hung up")
        self._read += chunk
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found:
            return None
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if len(body) < int(length.partition(b":")[2]):
            return None
        return head[9:12].decode("latin-1")


class _Run:
    """One job, from the first post to the last answer."""

    def __init__(self, job: Job, requests: list[bytes]) -> None:
        self._job = job
        self._requests = requests
        self._next = 0
        self._statuses: Counter[str] = Counter()
        self._selector = selectors.DefaultSelector()
        self._idle = deque(_Connection(job.port) for _ in range(job.connections))
        for connection in self._idle:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._outcome = Outcome()
        self._began = time.perf_counter()

    def run(self) -> Outcome:
        while True:
            wait = self._send_what_is_due()
            if wait is None and len(self._idle) == self._job.connections:
                break
            self._read(ANSWER_SECONDS if wait is None else wait)
        self._outcome.seconds = time.perf_counter() - self._began
        for connection in self._idle:
            connection.socket.close()
        self._selector.close()
        self._outcome.statuses = dict(self._statuses)
        return self._outcome

    def _send_what_is_due(self) -> float | None:
        """Give idle connections something to do. Returns the seconds until the next is due, None where none will be."""
        while self._next < len(self._requests):
            passed = time.perf_counter() - self._began
            if passed >= self._job.seconds:
                return None
            due = 0.0 if self._job.per_second is None else self._next / self._job.per_second
            if due > passed:
                return due - passed
            if not self._idle:
                return self._job.seconds - passed
            self._idle.popleft().send(self._job.first + self._next, self._requests[self._next])
            self._next += 1
        return None

    def _read(self, seconds: float) -> None:
        ready = self._selector.select(seconds)
        if not ready and seconds >= ANSWER_SECONDS:
            raise TimeoutError(f"{self._job.connections - len(self._idle)} webhooks got no answer")
        for key, _ in ready:
            connection: _Connection = key.data
            try:
                status = connection.answer()
            except OSError:
                status = "none"
                connection = self._replaced(connection)
            if status is not None:
                self._note(connection, status)
                self._idle.append(connection)

    def _replaced(self, connection: _Connection) -> _Connection:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        fresh = _Connection(self._job.port)
        self._selector.register(fresh.socket, selectors.EVENT_READ, fresh)
        return fresh

    def _note(self, connection: _Connection, status: str) -> None:
        self._statuses[status] += 1
        if status == OK:
            self._outcome.milliseconds.append(round((time.perf_counter() - connection.sent_at) * 1000, 3))
            self._outcome.answered_at.append(time.monotonic())
            self._outcome.numbers.append(connection.number)


def main() -> None:
    """The process."""
    job = Job(**json.load(sys.stdin))
    json.dump(asdict(run(job)), sys.stdout)


def run(job: Job) -> Outcome:
    """Make all requests ready, then post them. Raises OSError where nobody listens, or nobody answers."""
    return _Run(job, _requests(job)).run()


def _requests(job: Job) -> list[bytes]:
    head = (
        f"POST {job.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: {job.authorization}\r\nContent-Length: "
    ).encode("latin-1")
    encode = encoder(job.customers)
    bodies = (encode(number) for number in range(job.first, job.first + job.most))
    return [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in bodies]


if __name__ == "__main__":
    main()
