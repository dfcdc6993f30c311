"""
`python -m tests.fuzz`: posts bad bodies and good ones side by side, and prints a table; 1 where a promise is broken.

Promises: never a 500; whatever is HTTP is answered as it should be; no good event is lost among the bad ones, and each
is stored once; no process of the server ends, and its log holds no traceback and no secret.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from random import Random

import django

VAR_DIR = Path(__file__).resolve().parents[2] / "var" / "fuzz"
# A server and a database of its own, whatever this shell is set up for: what they hold is thrown away.
for _name in ("PUBLIC_URL", "ALLOWED_HOSTS", "HTTPS", "BIND_ADDRESS", "DEBUG", "SECRET_KEY", "ENCRYPTION_KEYS"):
    os.environ.pop(_name, None)
os.environ |= {"DJANGO_SETTINGS_MODULE": "rcintercom.settings", "DATABASE_URL": "", "VAR_DIR": str(VAR_DIR)}
django.setup()

# They need what has been set up above.
from tests.factories import AUTHORIZATION  # noqa: E402
from tests.fuzz.bodies import some_body  # noqa: E402
from tests.fuzz.server import Server  # noqa: E402
from tests.fuzz.wire import TIMEOUT_SECONDS, rough_requests, send  # noqa: E402

POSTERS, ROUGH = 5, 3
EXAMPLES_SHOWN = 5
MOST_TRIES = 5
# Bodies of 1 MiB, eight at a time, leave no more than this behind.
MOST_MEGABYTES = 300


class Book:
    """What was answered, by kind; and what was not as it should be."""

    def __init__(self, bodies: int, deadline: float) -> None:
        self._numbers = itertools.count(1)
        self._most = bodies
        self._deadline = deadline
        self._lock = threading.Lock()
        self.answers: dict[str, Counter[int]] = defaultdict(Counter)
        self.wrong: dict[str, list[str]] = defaultdict(list)
        self.taken: list[str] = []

    def goes_on(self) -> bool:
        """Whether there is time for another one, and need."""
        return time.monotonic() < self._deadline and next(self._numbers) <= self._most

    def stop(self) -> None:
        """No more."""
        self._deadline = 0

    def add(self, kind: str, status: int, *, right: bool, event_id: str, what: bytes) -> None:
        """Write down an answer."""
        with self._lock:
            self.answers[kind][status] += 1
            if not right or status == 500:
                self.wrong[kind].append(f"{status}: {what[:300]!r}")
            elif event_id:
                self.taken.append(event_id)


def post_bodies(server: Server, book: Book, chance: Random) -> None:
    """One after the other over connections that stay open; again, as RevenueCat does, where no answer came."""
    headers = {"Content-Type": "application/json", "Authorization": AUTHORIZATION}
    web = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_SECONDS)
    while book.goes_on():
        body = some_body(chance)
        status = 0
        for _ in range(MOST_TRIES):
            try:
                web.request("POST", server.target.path, body.content, headers)
                with web.getresponse() as answer:
                    answer.read()
                    status = answer.status
                break
            except (OSError, http.client.HTTPException):
                web.close()
        book.add(body.kind, status, right=status in body.expected, event_id=body.event_id, what=body.content)
    web.close()


def post_roughly(server: Server, book: Book, chance: Random) -> None:
    """What no client would send, each on a connection of its own."""
    for rough in rough_requests(server.target, chance):
        if not book.goes_on():
            return
        status = send(server.port, rough)
        sent = b"".join(rough.pieces)
        book.add(rough.kind, status, right=status in rough.expected, event_id=rough.event_id, what=sent)


def run(server: Server, book: Book, seed: int) -> float:
    """All at once, until there are enough or time is up. Returns how many seconds it took."""
    started = time.monotonic()
    works = [post_bodies] * POSTERS + [post_roughly] * ROUGH
    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(work, server, book, Random(seed * 1000 + n)) for n, work in enumerate(works)]
        try:
            for one in as_completed(running):
                one.result()
        finally:
            book.stop()
    return time.monotonic() - started


def judge(server: Server, book: Book) -> list[str]:
    """The promises that were broken, in words."""
    broken = [
        f"{kind}: {len(wrong)} answered wrongly, such as\n    " + "\n    ".join(wrong[:EXAMPLES_SHOWN])
        for kind, wrong in book.wrong.items()
    ]
    missing = server.missing(book.taken)
    if missing:
        broken.append(f"{len(missing)} events were answered 200 and are not stored: {sorted(missing)[:EXAMPLES_SHOWN]}")
    if server.megabytes > MOST_MEGABYTES:
        broken.append(f"a process of the web server holds {server.megabytes} MB, more than {MOST_MEGABYTES}")
    if server.lost_processes:
        broken.append(f"{server.lost_processes} processes of the web server ended")
    if server.tracebacks:
        broken.append(f"the log holds {server.tracebacks} tracebacks: {VAR_DIR / 'web.log'}")
    if AUTHORIZATION in server.web.said:
        broken.append("the log holds the Authorization value")
    return broken


def table(book: Book) -> str:
    """Kind by kind, how many and what was answered; 0 is a connection closed without an answer."""
    lines = [f"{'what was sent':<28}{'how many':>10}  answers"]
    for kind, answers in sorted(book.answers.items()):
        said = "  ".join(f"{status or 'none'}: {count:,}" for status, count in sorted(answers.items()))
        lines.append(f"{kind:<28}{answers.total():>10,}  {said}")
    return "\n".join(lines)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--bodies", type=int, default=20_000, help="at most so many; default: %(default)s")
    parser.add_argument("--seconds", type=float, default=60, help="at most so long; default: %(default)s")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed makes the same bodies")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Server(VAR_DIR) as server:
        book = Book(options.bodies, time.monotonic() + options.seconds)
        seconds = run(server, book, options.seed)
        broken = judge(server, book)
        total = sum(answers.total() for answers in book.answers.values())
        sys.stdout.write(
            f"{table(book)}\n\n{total:,} in {seconds:.0f} s (seed {options.seed}); {len(book.taken):,} good events, "
            f"{len(server.missing(book.taken))} lost; largest web process {server.megabytes} MB\n"
        )
    for promise in broken:
        sys.stdout.write(f"BROKEN: {promise}\n")
    sys.stdout.write("" if broken else "All promises kept.\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
