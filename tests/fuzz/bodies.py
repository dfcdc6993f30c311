"""
Bodies of webhooks, from good to absurd, and what the door must answer to each. Pure: everything comes from the Random.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.factories import webhook

TAKEN = frozenset({200})
REFUSED = frozenset({400})
EITHER = TAKEN | REFUSED
DEEPEST = 10_000
# What breaks texts: NUL, halves of surrogate pairs, controls, ends of lines and pages, right to left.
CHARACTERS = "aZ0 \x00\x01\x1f\x7f\u0085\u2028\u202e\ud800\udfff\ud83d\ufeff\uffff😀\U0010ffff\"\\/%'"
NUMBERS = (2**63, 2**64, -(2**70), 10**30, -(10**99), 10**100, 1e308, 5e-324, -0.0, 0, -1, True)
# As only text can say them.
LITERALS = ("1e400", "-1e999999", "NaN", "-Infinity", "9" * 5000, "0." + "3" * 5000, "1E+0000000000000000000005")


@dataclass(frozen=True, slots=True)
class Body:
    """What is posted; `event_id` where it must be stored under this id."""

    kind: str
    content: bytes
    expected: frozenset[int]
    event_id: str = ""


def encoded(document: Any) -> bytes:
    """JSON, with half surrogate pairs as escapes."""
    return json.dumps(document).encode()


def odd_text(chance: Random, longest: int = 30) -> str:
    """A text of characters that break things."""
    return "".join(chance.choice(CHARACTERS) for _ in range(chance.randint(0, longest)))


def odd_value(chance: Random, levels: int = 3) -> Any:
    """Any JSON value."""
    kind = chance.randint(0, 7 if levels else 4)
    if kind <= 1:
        return odd_text(chance)
    if kind <= 3:
        return chance.choice(NUMBERS)
    if kind == 4:
        return chance.choice((None, True, False, "", "x" * 300, "x" * 5000))
    if kind <= 6:
        return [odd_value(chance, levels - 1) for _ in range(chance.randint(0, 4))]
    return {odd_text(chance, 8): odd_value(chance, levels - 1) for _ in range(chance.randint(0, 4))}


def event(chance: Random) -> tuple[dict[str, Any], str]:
    """A good webhook of somebody, and its id."""
    event_id = f"{chance.getrandbits(128):032X}"
    return webhook(id=event_id, app_user_id=f"user-{chance.randint(1, 500)}"), event_id


def good(chance: Random) -> Body:
    """As RevenueCat sends it."""
    body, event_id = event(chance)
    return Body("good", encoded(body), TAKEN, event_id)


def odd_fields(chance: Random) -> Body:
    """A good id and type, and anything in the other fields."""
    body, event_id = event(chance)
    known = [name for name in body["event"] if name not in ("id", "type")]
    for _ in range(chance.randint(1, 4)):
        name = chance.choice([*known, "subscriber_attributes", "transferred_from", odd_text(chance, 8) or "x"])
        body["event"][name] = odd_value(chance)
    return Body("odd values in fields", encoded(body), TAKEN, event_id)


def odd_literals(chance: Random) -> Body:
    """Numbers past 64 bits, past a double, of thousands of digits."""
    body, event_id = event(chance)
    body["event"]["price"] = "HERE"
    literal = chance.choice(LITERALS).encode()
    return Body("numbers past 64 bits", encoded(body).replace(b'"HERE"', literal), TAKEN, event_id)


def nul_and_surrogates(chance: Random) -> Body:
    """NUL and lone surrogates in keys and values, escaped and raw."""
    body, event_id = event(chance)
    body["event"]["app_user_id"] = chance.choice(("\x00", "a\x00b", "\ud800", "x\udfff", "\ud83dx"))
    body["event"]["\ud800\x00key"] = "HERE"
    raw = b'"\x00\x1f"' if chance.random() < 0.5 else b'"\\u0000"'
    return Body("NUL, lone surrogates", encoded(body).replace(b'"HERE"', raw), TAKEN, event_id)


def duplicate_keys(chance: Random) -> Body:
    """The same key twice; the last one counts, as everywhere in JSON."""
    body, event_id = event(chance)
    inner = encoded(body["event"])[1:-1]
    content = b'{"event": 5, "event": {"id": "first", "type": "first", %s, "price": 1, "price": 2}}' % inner
    return Body("duplicate keys", content, TAKEN, event_id)


def deep(chance: Random) -> Body:
    """Lists or objects, up to 10,000 deep, closed or not."""
    levels = chance.choice((65, 1_000, DEEPEST))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    closing = closing if chance.random() < 0.7 else b""
    body, _ = event(chance)
    nested = opening * levels + b"1" + closing * levels
    body["event"]["deep"] = "HERE"
    content = nested if chance.random() < 0.3 else encoded(body).replace(b'"HERE"', nested)
    return Body("nested up to 10,000 deep", content, REFUSED)


def malformed_utf8(chance: Random) -> Body:
    """Bytes that are no UTF-8, somewhere in a good webhook."""
    content = bytearray(encoded(event(chance)[0]))
    wrong = chance.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80", b"\xe2\x82"))
    at = chance.randrange(len(content))
    return Body("malformed UTF-8", bytes(content[:at]) + wrong + bytes(content[at:]), REFUSED)


def cut_off(chance: Random) -> Body:
    """A good webhook that ends too early, with a length that says so."""
    content = encoded(event(chance)[0])
    return Body("cut off", content[: chance.randrange(len(content))], REFUSED)


def flipped(chance: Random) -> Body:
    """A good webhook with some bytes changed, which may make it bad or only different."""
    content = bytearray(encoded(event(chance)[0]))
    for _ in range(chance.randint(1, 5)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return Body("flipped bytes", bytes(content), EITHER)


def noise(chance: Random) -> Body:
    """No JSON at all."""
    return Body("noise", chance.randbytes(chance.randint(0, 2000)), REFUSED)


def no_event(chance: Random) -> Body:
    """JSON, but no event: an id or a type is missing or of another kind."""
    body, _ = event(chance)
    name = chance.choice(("id", "type"))
    if chance.random() < 0.3:
        return Body("no event", encoded(chance.choice(([], 5, None, "x", {}, {"event": []}, {"event": {}}))), REFUSED)
    body["event"][name] = chance.choice((None, "", " ", 5, [], {}, "x" * 256, True))
    return Body("no event", encoded(body), REFUSED)


# Each with how often; a quarter of all is good.
KINDS: tuple[tuple[Callable[[Random], Body], int], ...] = (
    (good, 8),
    (odd_fields, 5),
    (odd_literals, 2),
    (nul_and_surrogates, 2),
    (duplicate_keys, 1),
    (deep, 2),
    (malformed_utf8, 3),
    (cut_off, 2),
    (flipped, 3),
    (noise, 2),
    (no_event, 2),
)


def some_body(chance: Random) -> Body:
    """Any of them."""
    makers = [maker for maker, _ in KINDS]
    return chance.choices(makers, [weight for _, weight in KINDS])[0](chance)
