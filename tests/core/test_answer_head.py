"""Heads of answers: what is read quickly is read as http.client reads it."""

from __future__ import annotations

import http.client
import io
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.answer_head import usual_head

USUAL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

NAMES = st.sampled_from(["Date", "content-type", "X-1", "!#", "Set-Cookie"])
# Blanks of every kind, what no header should have, and letters that are not ASCII.
VALUES = st.text(" \t,;:ab\x00\x0b\x1c\x7f\x85\xa0\xe9", max_size=6)
FRAMINGS = st.sampled_from([
    "Content-Length: 2", "content-length:2", "Content-Length: 2 ", "Content-Length: -2", "Content-Length: ²",
    "Transfer-Encoding: chunked", "Transfer-Encoding: Chunked", "Transfer-Encoding: gzip",
    "Transfer-Encoding: chunked ", "Connection: close", "Content-Length: 2\r\n Continued: 1", " Content-Length: 2",
])  # fmt: skip
USUAL_FRAMINGS = st.sampled_from(["Content-Length: 2", "Transfer-Encoding: chunked"])
LINES = st.one_of(st.builds("{}:{}".format, NAMES, VALUES), USUAL_FRAMINGS, FRAMINGS)
FIRST_LINES = st.one_of(
    st.just("HTTP/1.1 200 OK"),
    st.builds("HTTP/1.1 {} {}".format, st.sampled_from([101, 200, 202, 204, 304, 429, 599, 600]), VALUES),
    st.sampled_from(["HTTP/1.1 200", "HTTP/1.0 200 OK", "HTTP/1.1  200 OK"]),
)


class _Socket(socket.socket):
    """Has received `text`, and nothing comes after it."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self._text = text

    def makefile(self, *_args: Any, **_kwargs: Any) -> Any:
        return io.BytesIO(self._text)


def read_by_http_client(text: bytes) -> http.client.HTTPResponse:
    """What the standard library makes of it."""
    with _Socket(text) as sock:
        response = http.client.HTTPResponse(sock, method="POST")
        response.begin()
        return response


def test_a_usual_head_is_read() -> None:
    head = usual_head(USUAL)
    assert head is not None
    assert (head.status, head.reason, head.length, USUAL[head.size :]) == (200, "OK", 2, b"{}")
    assert head.headers.items() == [("Content-Type", "application/json"), ("Content-Length", "2")]


def test_a_chunked_body_has_no_length() -> None:
    head = usual_head(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert head is not None
    assert head.length is None


@pytest.mark.parametrize("end", range(len(USUAL) - 2))
def test_a_head_that_is_not_whole_yet_is_left_to_http_client(end: int) -> None:
    assert usual_head(USUAL[:end]) is None


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n continued\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon\r\n\r\n",
    ],
)
def test_what_is_odd_is_left_to_http_client(text: bytes) -> None:
    assert usual_head(text) is None


@settings(max_examples=500)
@given(FIRST_LINES, st.lists(LINES, min_size=1, max_size=4))
def test_what_is_read_quickly_is_what_http_client_reads(first: str, lines: list[str]) -> None:
    text = "".join(f"{line}\r\n" for line in (first, *lines, "")).encode("iso-8859-1") + b"{}"
    head = usual_head(text)
    if head is None:
        return
    known = read_by_http_client(text)
    assert (head.status, head.reason, head.headers.items()) == (known.status, known.reason, known.headers.items())
    assert (head.length is None, head.length) == (known.chunked, known.length)
    assert known.version == 11
    assert text[head.size :] == b"{}"
