"""Checks RevenueCat's HMAC over the raw bytes of a webhook.

The header is `X-RevenueCat-Webhook-Signature: t=<unix seconds>,v1=<hex>`, and v1 is the HMAC-SHA256 of
`<t>.<raw body>` (https://www.revenuecat.com/docs/integrations/webhooks). RevenueCat signs anew for every
try, so an old `t` is a replay and not a retry.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-RevenueCat-Webhook-Signature"
TOLERANCE_SECONDS = 300


class SignatureError(ValueError):
    """The signature does not prove that RevenueCat sent this body just now; the message says why."""


def verify(*, header: str, body: bytes, secret: str, now: float) -> None:
    """Return when `header` signs `body` with `secret` within five minutes of `now` (unix seconds).

    Raises SignatureError otherwise. Compares in constant time.
    """
    timestamp, signatures = _read(header)
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise SignatureError("The signature is older than five minutes, or this server's clock is wrong.")
    expected = sign(body=body, secret=secret, timestamp=timestamp)
    # compare_digest on every candidate, so that the time taken tells nothing about which one was close.
    matches = [hmac.compare_digest(expected.encode(), candidate.encode("utf-8", "replace")) for candidate in signatures]
    if not any(matches):
        raise SignatureError("The signature does not match the body: check the signing secret.")


def sign(*, body: bytes, secret: str, timestamp: int) -> str:
    """The hex HMAC-SHA256 that RevenueCat puts into `v1`; `timestamp` in unix seconds."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def signature_header(*, body: bytes, secret: str, timestamp: int) -> str:
    """The whole header value, as RevenueCat sends it; what `send_sample` and the tests post."""
    return f"t={timestamp},v1={sign(body=body, secret=secret, timestamp=timestamp)}"


def _read(header: str) -> tuple[int, list[str]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for key, _, value in pairs if key == "t"]
    signatures = [value for key, _, value in pairs if key == "v1"]
    if not (len(times) == 1 and times[0].isascii() and times[0].isdigit() and len(times[0]) <= 15 and signatures):
        raise SignatureError(f"The {HEADER} header is missing or not of the form t=<unix seconds>,v1=<hex>.")
    return int(times[0]), signatures
