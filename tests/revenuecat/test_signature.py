"""
RevenueCat's HMAC over the raw body: the published vector, the tolerance, and headers of every shape.

Anything that is no proof must be a SignatureError and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.revenuecat.signature import (
    HEADER,
    TOLERANCE_SECONDS,
    SignatureError,
    sign,
    signature_header,
    verify,
)

# A third party's test vector, recomputed with another implementation.
SECRET = "whsec_palmly_test_vector"
TIMESTAMP = 1_700_000_000
BODY = b'{"event":{"id":"evt_test","type":"INITIAL_PURCHASE","app_user_id":"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"}}'
DIGEST = "63074dabc37dbb28fcc4078d784fb0bc7ffba7d35ecbe23d7a022c2fbba0f62e"
GOOD = f"t={TIMESTAMP},v1={DIGEST}"


def check(header: str = GOOD, *, body: bytes = BODY, secret: str = SECRET, now: float = TIMESTAMP) -> None:
    """Verify, with everything right that the test does not make wrong."""
    verify(header=header, body=body, secret=secret, now=now)


def refused(header: str = GOOD, *, body: bytes = BODY, secret: str = SECRET, now: float = TIMESTAMP) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(SignatureError) as caught:
        check(header, body=body, secret=secret, now=now)
    return str(caught.value)


def test_the_published_vector_is_admitted() -> None:
    check()


def test_our_own_signature_is_the_published_one() -> None:
    assert sign(body=BODY, secret=SECRET, timestamp=TIMESTAMP) == DIGEST
    assert signature_header(body=BODY, secret=SECRET, timestamp=TIMESTAMP) == GOOD
    assert HEADER == "X-RevenueCat-Webhook-Signature"


@pytest.mark.parametrize("seconds", [-300, -299.5, 0, 299.5, 300])
def test_within_five_minutes_either_way_it_is_admitted(seconds: float) -> None:
    assert TOLERANCE_SECONDS == 300
    check(now=TIMESTAMP + seconds)


@pytest.mark.parametrize("seconds", [-86_400, -301, -300.01, 300.01, 301, 86_400])
def test_beyond_five_minutes_it_is_a_replay_or_a_wrong_clock(seconds: float) -> None:
    sentence = refused(now=TIMESTAMP + seconds)
    assert "five minutes" in sentence
    assert "clock" in sentence


@pytest.mark.parametrize(
    "header",
    [
        f"t={TIMESTAMP},v1={'0' * 64},v1={DIGEST}",
        f"t={TIMESTAMP},v1={DIGEST},v1={'0' * 64}",
        f"v1={DIGEST},t={TIMESTAMP}",
        f" t={TIMESTAMP} , v1={DIGEST} ",
        f"t={TIMESTAMP},v0=abc,v1={DIGEST},v2=x=y",
    ],
)
def test_one_good_signature_among_others_is_enough(header: str) -> None:
    check(header)


@pytest.mark.parametrize(
    "header",
    [
        f"t={TIMESTAMP},v1=",
        f"t={TIMESTAMP},v1={DIGEST[:-1]}",
        f"t={TIMESTAMP},v1={DIGEST}0",
        f"t={TIMESTAMP},v1={DIGEST[:-1]}f",
        f"t={TIMESTAMP},v1={'0' * 64},v1={'1' * 64}",
        f"t={TIMESTAMP + 1},v1={DIGEST}",
        f"t={TIMESTAMP},v1=é",
        f"t={TIMESTAMP},v1=\udcff",
    ],
)
def test_a_signature_that_does_not_match_is_refused(header: str) -> None:
    assert "does not match" in refused(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ",",
        "=",
        "t=",
        f"v1={DIGEST}",
        f"t={TIMESTAMP}",
        f"t={TIMESTAMP},v0={DIGEST}",
        f"t=,v1={DIGEST}",
        f"t=-{TIMESTAMP},v1={DIGEST}",
        f"t=+{TIMESTAMP},v1={DIGEST}",
        f"t={TIMESTAMP}.0,v1={DIGEST}",
        f"t=1_700_000_000,v1={DIGEST}",
        f"t=\u0661\u0667,v1={DIGEST}",
        f"t=²,v1={DIGEST}",
        f"t={'9' * 5000},v1={DIGEST}",
        f"t={TIMESTAMP},t={TIMESTAMP},v1={DIGEST}",
        f"T={TIMESTAMP},V1={DIGEST}",
        f"t={TIMESTAMP};v1={DIGEST}",
        DIGEST,
    ],
    ids=lambda header: repr(header)[:30],
)
def test_a_header_of_another_shape_is_refused_and_the_shape_is_told(header: str) -> None:
    assert "not of the form t=<unix seconds>,v1=<hex>" in refused(header)


def test_the_raw_bytes_count_and_not_what_they_mean() -> None:
    assert "does not match" in refused(body=BODY.replace(b":", b": "))
    assert "does not match" in refused(body=BODY + b"\n")


def test_a_body_that_is_no_text_can_be_signed() -> None:
    body = bytes(range(256))
    check(signature_header(body=body, secret=SECRET, timestamp=TIMESTAMP), body=body)
    check(signature_header(body=b"", secret=SECRET, timestamp=TIMESTAMP), body=b"")


def test_another_secret_does_not_open() -> None:
    assert "signing secret" in refused(secret=SECRET + "x")


def test_a_secret_beyond_ascii_works_as_utf_8() -> None:
    secret = "whsec_ключ"
    expected = hmac.new(secret.encode("utf-8"), b"1700000000." + BODY, hashlib.sha256).hexdigest()
    check(f"t={TIMESTAMP},v1={expected}", secret=secret)


def test_a_refusal_never_tells_what_would_have_been_right() -> None:
    for header in (f"t={TIMESTAMP},v1={'0' * 64}", "nonsense"):
        sentence = refused(header)
        assert DIGEST not in sentence
        assert SECRET not in sentence


headers = st.text(st.characters(), max_size=60) | st.builds(
    ",".join,
    st.lists(
        st.builds(
            "{}={}".format,
            st.sampled_from(["t", "v1", "v0", " t", ""]),
            st.sampled_from([str(TIMESTAMP), "0", "", "9" * 400, DIGEST[:-1], "é"])
            | st.text(st.characters(), max_size=9),
        ),
        max_size=4,
    ),
)


@given(headers, st.binary(max_size=20), st.text(max_size=9), st.floats(allow_nan=False) | st.just(float(TIMESTAMP)))
def test_whatever_the_header_says_it_is_refused_and_nothing_worse(
    header: str, body: bytes, secret: str, now: float
) -> None:
    refused(header, body=body, secret=secret, now=now)


@given(st.binary(max_size=50), st.text(min_size=1), st.integers(0, 10**12), st.integers(-300, 300))
def test_what_is_signed_is_admitted_and_a_changed_body_is_not(
    body: bytes, secret: str, timestamp: int, later: int
) -> None:
    header = signature_header(body=body, secret=secret, timestamp=timestamp)
    check(header, body=body, secret=secret, now=timestamp + later)
    refused(header, body=body + b" ", secret=secret, now=timestamp + later)
