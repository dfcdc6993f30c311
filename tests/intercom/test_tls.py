"""
Over TLS, as in production: a certificate nobody vouches for is refused, and the time limits hold there too.

The stand-in speaks plain HTTP, so this server says one fixed thing to whoever asks.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integration.intercom.client import IntercomClient
from integration.intercom.errors import TransientError
from integration.intercom.rate_limit import RateBudget
from integration.revenuecat.api import RevenueCatApi
from integration.revenuecat.errors import UnavailableError
from integration.transport import new_session
from tests.intercom.conftest import TOKEN

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"type": "admin"}'


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(tz=UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "stand-in.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Server:
    """Answers every request of every connection, with a pause before each byte where one is set."""

    def __init__(self, certificate: Path) -> None:
        self.pause = 0.0
        self._stopping = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._socket = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        self.url = f"https://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with socket.create_connection(self._socket.getsockname()):
            pass
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
                with connection:
                    while connection.recv(65536):
                        self._answer(connection)
            except OSError:
                continue

    def _answer(self, connection: socket.socket) -> None:
        if not self.pause:
            connection.sendall(ANSWER)
            return
        for byte in ANSWER:
            if self._stopping.wait(self.pause):
                return
            connection.sendall(bytes([byte]))


@pytest.fixture
def server(certificate: Path) -> Iterator[Server]:
    running = Server(certificate)
    yield running
    running.stop()


@pytest.fixture
def trusting(server: Server, certificate: Path) -> Iterator[IntercomClient]:
    """A client that trusts the server's certificate, with little time."""
    with new_session(1) as session:
        session.verify = str(certificate)
        yield IntercomClient(session, base_url=server.url, token=TOKEN, budget=RateBudget(), seconds=2)


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said(server: Server) -> None:
    with new_session(1) as session:
        client = IntercomClient(session, base_url=server.url, token=TOKEN, budget=RateBudget())
        with pytest.raises(
            TransientError, match=r"^No answer from Intercom: the TLS certificate could not be verified\.$"
        ):
            client.me()


def test_revenuecats_key_is_not_said_to_a_certificate_that_nobody_vouches_for_either(server: Server) -> None:
    with new_session(1) as session:
        api = RevenueCatApi(session, key=TOKEN, project_id="1ab2c3d4", base_url=server.url, seconds=5)
        with pytest.raises(
            UnavailableError, match=r"^No answer from RevenueCat: the TLS certificate could not be verified\.$"
        ):
            api.products()


def test_calls_go_through_and_share_a_connection(trusting: IntercomClient) -> None:
    assert trusting.me() == {"type": "admin"}
    assert trusting.me() == {"type": "admin"}


def test_an_answer_that_drips_ends_by_the_deadline(server: Server, trusting: IntercomClient) -> None:
    server.pause = 0.1
    started = time.monotonic()
    with pytest.raises(TransientError, match="the answer took too long"):
        trusting.me()
    assert time.monotonic() - started < 3
