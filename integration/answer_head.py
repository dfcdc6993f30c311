"""Reads the head of an HTTP answer where it is a usual one. Pure; knows no socket.

http.client has heads read by the parser of emails, for every oddity that a head could have: a sixth of all that a call
to Intercom costs. What is odd is still left to it.
"""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass

# HTTP/1.1, a status that has a body, no more lines than http.client would take, and none that is continued.
_USUAL = re.compile(
    rb"HTTP/1\.1 (?!204|304)([2-5][0-9]{2}) ([ -~]*)\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*\r\n){0,64})\r\n"
)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer, `size` bytes long; the body has `length` bytes, or is chunked where that is None."""

    size: int
    status: int
    reason: str
    headers: http.client.HTTPMessage
    length: int | None


def usual_head(received: bytes) -> Head | None:
    """The head with which `received` begins, or None where it is incomplete or not a usual one."""
    found = _USUAL.match(received)
    if found is None:
        return None
    headers = http.client.HTTPMessage()
    for line in found[3].decode("iso-8859-1").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        headers.set_raw(name, value.lstrip(" \t"))
    encoding, length = headers["transfer-encoding"], headers["content-length"]
    if encoding is not None:
        if encoding.lower() != "chunked":
            return None
        length = None
    elif length is None or not (length.isascii() and length.isdigit()):
        return None
    reason = found[2].decode("ascii").strip()
    return Head(found.end(), int(found[1]), reason, headers, None if length is None else int(length))
