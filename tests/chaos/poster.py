"""
Posts a plan as RevenueCat would: anything but a 200 is posted again, and what was answered 200 is written down.

RevenueCat posts up to five times more, after 5, 10, 20, 40 and 80 minutes
(https://www.revenuecat.com/docs/integrations/webhooks); here a minute lasts a fifth of a second.
"""

from __future__ import annotations

import heapq
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.plan import Posting

MINUTE = 0.2
BACKOFF = tuple(minutes * MINUTE for minutes in (5, 10, 20, 40, 80))
CONNECTIONS = 8
ANSWER_SECONDS = 20.0
# A server closes what is idle, and a post that meets the closing gets no answer; so do careful clients.
MOST_IDLE_SECONDS = 1.0
TOGETHER_SECONDS = 1.0
OK = 200
# How the counts of posts begin that were not answered 200.
UNANSWERED = "not answered"
REFUSED = "answered with"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a project's webhooks go, on this machine."""

    port: int
    path: str
    authorization: str


class _Connection:
    """One thread's connection to one server; opened anew after a failure, and when it was idle for a while."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        self._used_at = 0.0

    def post(self, address: Address, body: bytes) -> tuple[int, bytes]:
        """The answer's status and body. Raises OSError and HTTPException where none comes."""
        if time.monotonic() - self._used_at > MOST_IDLE_SECONDS:
            self._http.close()
        headers = {"Content-Type": "application/json", "Authorization": address.authorization}
        try:
            self._http.request("POST", address.path, body, headers)
            response = self._http.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise
        finally:
            self._used_at = time.monotonic()


@dataclass(slots=True)
class _Item:
    posting: Posting
    tries: int = 0


class Poster:
    """Posts in threads of its own from `start` until everything was answered or given up."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses
        self._lock = threading.Lock()
        self._queue: list[tuple[float, int, _Item]] = []
        self._number = 0
        self._unfinished = 0
        self._busy = 0
        self._stop = threading.Event()
        self._together: dict[int, threading.Barrier] = {}
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CONNECTIONS)]
        self.answered: set[str] = set()
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to post whatever is and will be added."""
        for thread in self._threads:
            thread.start()

    def add(self, postings: Sequence[Posting], seconds: float) -> None:
        """Post these in their order, evenly over `seconds` from now; later where the server is slow or down."""
        began = time.monotonic()
        with self._lock:
            for index, posting in enumerate(postings):
                if posting.together is not None:
                    self._together.setdefault(posting.together, threading.Barrier(2))
                self._push(began + seconds * index / len(postings), _Item(posting))
            self._unfinished += len(postings)

    @property
    def is_done(self) -> bool:
        """Whether every posting was answered 200 or given up."""
        with self._lock:
            return self._unfinished == 0

    @property
    def busy(self) -> int:
        """How many posts wait for their answer at this moment."""
        with self._lock:
            return self._busy

    def stop(self) -> None:
        """End the threads; what was not posted is not posted."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(ANSWER_SECONDS + 1)

    # --- The threads --------------------------------------------------------------------------------------

    def _push(self, due: float, item: _Item) -> None:
        self._number += 1
        heapq.heappush(self._queue, (due, self._number, item))

    def _work(self) -> None:
        connections: dict[int, _Connection] = {}
        while not self._stop.is_set():
            item = self._next()
            if item is None:
                self._stop.wait(0.005)
                continue
            try:
                answer = self._post(item.posting, connections)
            finally:
                with self._lock:
                    self._busy -= 1
            self._judge(item, answer)

    def _next(self) -> _Item | None:
        with self._lock:
            if not self._queue or self._queue[0][0] > time.monotonic():
                return None
            self._busy += 1
            return heapq.heappop(self._queue)[2]

    def _post(self, posting: Posting, connections: dict[int, _Connection]) -> tuple[int | None, str]:
        """The answer's status and what the app says of it; no status, but why, where no answer came."""
        event = posting.event
        address = self._addresses[event.project]
        connection = connections.setdefault(address.port, _Connection(address.port))
        self._meet(posting)
        try:
            status, body = connection.post(address, event.webhook())
        except (OSError, http.client.HTTPException) as error:
            return None, type(error).__name__
        return status, _said(body)

    def _meet(self, posting: Posting) -> None:
        """Wait for the twin, so that both go out at the same instant."""
        barrier = self._together.get(posting.together) if posting.together is not None else None
        if barrier is not None:
            with suppress(threading.BrokenBarrierError):
                barrier.wait(TOGETHER_SECONDS)

    def _judge(self, item: _Item, answer: tuple[int | None, str]) -> None:
        status, said = answer
        event = item.posting.event
        with self._lock:
            self.counts["posts"] += 1
            if status == OK:
                if said == "duplicate" and event.event_id not in self.answered and item.tries:
                    self.counts["answers lost at the door"] += 1
                self.answered.add(event.event_id)
                self.counts[said] += 1
                self._unfinished -= 1
                return
            self.counts[f"{UNANSWERED} ({said})" if status is None else f"{REFUSED} {status}"] += 1
            if item.tries == len(BACKOFF):
                self.counts["given up"] += 1
                self._unfinished -= 1
                return
            self._push(time.monotonic() + BACKOFF[item.tries], item)
            item.tries += 1


def _said(body: bytes) -> str:
    try:
        document: object = json.loads(body)
    except ValueError:
        return ""
    return str(document.get("status", "")) if isinstance(document, Mapping) else ""
