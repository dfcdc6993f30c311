"""
What is spared on a connection that was kept changes nothing of what is sent, refused or limited in time.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from integration.timed import sending_while
from integration.transport import new_session

SECONDS = 5.0
SOON = 0.3
# Those of the kernel, at both ends.
MORE_THAN_BUFFERS_HOLD = b" " * 32_000_000
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Listener:
    """Answers the first request of its one connection, keeps what it has read of it, and reads no more."""

    def __init__(self) -> None:
        self.read = b""
        self._stopping = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with socket.create_connection(self._socket.getsockname()):
            pass
        self._thread.join(SECONDS)
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            self.read = connection.recv(65_536)
            if self.read:
                connection.sendall(ANSWER)
                self._stopping.wait()


@pytest.fixture
def listener() -> Iterator[Listener]:
    running = Listener()
    yield running
    running.stop()


def test_sending_on_a_kept_connection_ends_in_the_time_of_its_own_call(listener: Listener) -> None:
    with new_session(1) as session:
        with sending_while(lambda: True, seconds=SECONDS):
            session.get(listener.url, timeout=(SECONDS, SECONDS))
        began = time.monotonic()
        with sending_while(lambda: True, seconds=SOON), pytest.raises(requests.ConnectionError):
            session.post(listener.url, data=MORE_THAN_BUFFERS_HOLD, timeout=(SECONDS, SOON))
        assert time.monotonic() - began < SECONDS / 2


def test_without_a_time_for_kept_connections_that_of_connecting_holds(listener: Listener) -> None:
    with new_session(1) as session:
        session.get(listener.url, timeout=(SECONDS, SECONDS))
        began = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            session.post(listener.url, data=MORE_THAN_BUFFERS_HOLD, timeout=(SOON, SECONDS))
        assert time.monotonic() - began < SECONDS / 2


def test_the_head_of_a_request_is_sent_as_it_was_written(listener: Listener) -> None:
    with new_session(1) as session:
        session.get(listener.url, headers={"X-Usual": "a, b; c=d@e", "X-Letters": "é".encode()}, timeout=SECONDS)
    assert b"\r\nX-Usual: a, b; c=d@e\r\n" in listener.read
    assert b"\r\nX-Letters: \xc3\xa9\r\n" in listener.read


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb"])
def test_a_header_that_would_become_two_is_not_sent(listener: Listener, value: str) -> None:
    request = requests.Request("GET", listener.url).prepare()
    request.headers["X-Usual"] = value
    with new_session(1) as session, pytest.raises((ValueError, requests.RequestException)):
        session.get_adapter(listener.url).send(request, timeout=SECONDS)
    assert not listener.read
