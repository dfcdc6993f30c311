"""
HTTP by hand, and badly: what no client library would send. Each way says which answers are right; 0 is none at all.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from tests.fuzz.bodies import encoded, event

TIMEOUT_SECONDS = 15.0
# A slow body takes so long; half of the server's threads wait for it meanwhile.
SLOW_SECONDS = 2.0
LARGEST = 1024 * 1024
# The web server's own answers to what is no HTTP: 431, 501 and 505 are among them.
NO_HTTP = frozenset({0, 400, 405, 411, 413, 414, 431, 501, 505})
NO_BODY = NO_HTTP | {404, 415}


@dataclass(frozen=True, slots=True)
class Rough:
    """Bytes to be sent one after the other, with pauses; `event_id` where it must be stored under this id."""

    kind: str
    pieces: tuple[bytes, ...]
    expected: frozenset[int]
    event_id: str = ""
    pause: float = 0.0
    shut: bool = True
    reset: bool = False


class Target:
    """Where it goes: the door of one project."""

    def __init__(self, port: int, path: str, authorization: str) -> None:
        self.port = port
        self.path = path
        self.authorization = authorization

    def head(self, *headers: str, method: str = "POST", path: str = "", version: str = "HTTP/1.1") -> bytes:
        """The head of a request that may come in."""
        always = (f"{method} {path or self.path} {version}", "Host: localhost", f"Authorization: {self.authorization}")
        return "\r\n".join((*always, "Content-Type: application/json", *headers, "", "")).encode("latin-1")


def lengths(target: Target, chance: Random) -> Rough:
    """A length that is not that of the body."""
    body = encoded(event(chance)[0])
    wrong = chance.choice(
        (str(len(body) + chance.randint(1, 500)), "-1", "²", "1, 2", "9" * 30, "", "0x10", str(LARGEST + 1), "1e3")
    )
    return Rough("wrong length", (target.head(f"Content-Length: {wrong}") + body,), NO_HTTP)


def shorter_length(target: Target, chance: Random) -> Rough:
    """A length that cuts the body off; what follows would be the next request."""
    body = encoded(event(chance)[0])
    cut = chance.randrange(len(body))
    head = target.head(f"Content-Length: {cut}", "Connection: close")
    return Rough("length cuts the body", (head + body,), frozenset({400}))


def length_and_chunks(target: Target, chance: Random) -> Rough:
    """Both ways to say where the body ends, which is how requests are smuggled."""
    body = encoded(event(chance)[0])
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    coding = chance.choice(("chunked", "Chunked", " chunked", "gzip, chunked", "chunked, identity", "xchunked"))
    head = target.head(f"Content-Length: {len(body)}", f"Transfer-Encoding: {coding}")
    return Rough("length and chunks", (head + chunks,), NO_HTTP)


def broken_chunks(target: Target, chance: Random) -> Rough:
    """Chunks that are none."""
    end = chance.choice((b"", b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n", b"5\r\n{}\r\n0\r\n\r\n", b"f" * 30 + b"\r\n{}"))
    return Rough("broken chunks", (target.head("Transfer-Encoding: chunked") + end,), NO_HTTP)


def good_chunks(target: Target, chance: Random) -> Rough:
    """A good event in chunks of any size."""
    body, event_id = event(chance)
    left, pieces = encoded(body), []
    while left:
        size = chance.randint(1, 200)
        pieces.append(b"%x\r\n%s\r\n" % (len(left[:size]), left[:size]))
        left = left[size:]
    head = target.head("Transfer-Encoding: chunked", "Connection: close")
    return Rough("good, in chunks", (head + b"".join(pieces) + b"0\r\n\r\n",), frozenset({200}), event_id, shut=False)


def garbage_headers(target: Target, chance: Random) -> Rough:
    """Headers that are none, too long or too many."""
    garbage = chance.choice(
        (
            "X: " + "y" * 9000,
            "no colon at all",
            ": no name",
            "X\x00Y: nul",
            "X: a\x00b",
            "X : space before",
            " folded: line",
            "X: \x80\xff",
            *("\r\n".join(f"X-{number}: 1" for number in range(count)) for count in (70, 500)),
        )
    )
    body = encoded(event(chance)[0])
    head = target.head(f"Content-Length: {len(body)}", "Connection: close", garbage)
    return Rough("garbage headers", (head + body,), NO_HTTP | {200})


def no_http(target: Target, chance: Random) -> Rough:
    """No HTTP at all, or hardly."""
    first = chance.choice(
        (b"", b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"POST\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    )
    return Rough("no HTTP", (first + chance.randbytes(chance.randint(0, 200)) + b"\r\n\r\n",), NO_BODY)


def wrong_door(target: Target, chance: Random) -> Rough:
    """A good body, but another method, path, type or Authorization."""
    body = encoded(event(chance)[0])
    length = (f"Content-Length: {len(body)}", "Connection: close")
    stranger = Target(target.port, target.path, chance.choice(("", "Bearer x", "\xff\xfe", "Basic Og==", "a" * 4000)))
    head = chance.choice(
        (
            target.head(*length, method=chance.choice(("GET", "PUT", "DELETE", "PATCH", "OPTIONS"))),
            target.head(*length, path=f"/webhooks/revenuecat/{chance.randbytes(16).hex()}/"),
            target.head(*length, path="/webhooks/revenuecat/../../%00/%ff/"),
            target.head(*length).replace(b"application/json", b"text/plain"),
            stranger.head(*length),
        )
    )
    return Rough("wrong door", (head + body,), NO_BODY | {401, 429})


def too_large(target: Target, chance: Random) -> Rough:
    """More than 1 MiB, declared or in chunks without an end."""
    head = chance.choice((f"Content-Length: {LARGEST + 1}", "Transfer-Encoding: chunked"))
    pieces = (target.head(head), *(b"10000\r\n" + b" " * 65536 + b"\r\n" for _ in range(17)))
    return Rough("too large", pieces, frozenset({0, 400, 413}))


def broken_off(target: Target, chance: Random) -> Rough:
    """The connection breaks in the middle of the body."""
    body = encoded(event(chance)[0])
    begun = target.head(f"Content-Length: {len(body)}") + body[: chance.randrange(len(body))]
    return Rough("connection breaks off", (begun,), NO_HTTP, reset=chance.random() < 0.5)


def slow(target: Target, chance: Random) -> Rough:
    """A good event that comes in drips."""
    body, event_id = event(chance)
    content = target.head(f"Content-Length: {len(encoded(body))}", "Connection: close") + encoded(body)
    cuts = sorted(chance.sample(range(1, len(content)), 19))
    pieces = tuple(content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True))
    return Rough("good, in drips", pieces, frozenset({200}), event_id, pause=SLOW_SECONDS / len(pieces), shut=False)


WAYS: tuple[Callable[[Target, Random], Rough], ...] = (
    lengths, shorter_length, length_and_chunks, broken_chunks, good_chunks, garbage_headers, no_http, wrong_door,
    too_large, broken_off,
)  # fmt: skip


def rough_requests(target: Target, chance: Random) -> Iterator[Rough]:
    """Without an end; every fiftieth is slow."""
    while True:
        for _ in range(49):
            yield chance.choice(WAYS)(target, chance)
        yield slow(target, chance)


def send(port: int, rough: Rough) -> int:
    """Send it on a connection of its own. Returns the status of the answer, 0 where there was none."""
    made = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
    with made, suppress(OSError):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The server may answer and hang up before it has heard everything.
        with suppress(OSError):
            for piece in rough.pieces:
                made.sendall(piece)
                time.sleep(rough.pause)
            if rough.reset:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return 0
            if rough.shut:
                made.shutdown(socket.SHUT_WR)
        line = made.makefile("rb").readline().split()
        return int(line[1]) if len(line) > 1 and line[1].isdigit() else 0
    return 0
