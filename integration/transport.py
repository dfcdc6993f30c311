"""What calls to any vendor have in common: a session that follows nothing, bodies with an end, and words for failures.

Knows no vendor and no key; how long a call may take, whoever makes it says.
"""

from __future__ import annotations

from collections.abc import Callable

import requests
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import TimeoutError as Urllib3Timeout
from urllib3.util.retry import Retry

from integration.timed import MOST_HOSTS, TimedAdapter

# What a call raises where no answer came.
NETWORK_ERRORS = (requests.RequestException, Urllib3Error, OSError)


def new_session(threads: int) -> requests.Session:
    """A pooled session for `threads` threads; nothing from the environment, no redirects, no hidden retries."""
    session = requests.Session()
    session.trust_env = False
    # read=False, unlike 0, raises a slow answer as what it is instead of as too many retries; and an answer with
    # Retry-After is an answer like any other.
    adapter = TimedAdapter(
        pool_connections=MOST_HOSTS,
        pool_maxsize=threads,
        pool_block=True,
        max_retries=Retry(
            connect=2,
            read=False,
            redirect=False,
            status=0,
            other=0,
            backoff_factor=0.1,
            respect_retry_after_header=False,
        ),
    )
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def read_body(response: requests.Response, largest: int, in_time: Callable[[], object]) -> bytes:
    """The body, bounded in size and in time: an answer that drips must not hold a thread for ever.

    `in_time` is asked after each piece, and raises where there is none left. Raises OSError where it is too large.
    """
    content = bytearray()
    while chunk := response.raw.read1(65536, decode_content=True):
        content += chunk
        if len(content) > largest:
            raise OSError(f"the answer is larger than {largest} bytes")
        in_time()
    return bytes(content)


def network_reason(error: Exception) -> str | None:
    """The error in an operator's words, or None; the text of urllib3's own errors names objects and addresses."""
    if isinstance(error, requests.exceptions.SSLError):
        return "the TLS certificate could not be verified."
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "the connection timed out."
    if isinstance(error, requests.exceptions.Timeout | Urllib3Timeout | TimeoutError):
        return "the answer took too long."
    if isinstance(error, requests.exceptions.ConnectionError | ProtocolError):
        return "the connection was refused or broke off."
    return None
