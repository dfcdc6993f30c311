"""Bytes to an Envelope: forgives what a good event can hold, refuses what is none. For the door, and for imports.

Pure. Whatever PostgreSQL cannot hold is replaced visibly, because losing an event for one odd character would be
worse.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any, TypeGuard

from rest_framework import serializers
from rest_framework.exceptions import ParseError

from integration.models.events import Envelope
from integration.revenuecat import events as revenuecat
from integration.storable import depth, storable_with_text

LARGEST_BODY = 1024 * 1024
# RevenueCat's events are four levels deep; Python's own limit would be about a thousand.
DEEPEST_NESTING = 64
# PostgreSQL and Python agree on integers up to here; a longer one is shortened to a text that says so.
LONGEST_NUMBER = 100
SHOWN_DIGITS = 20
LONGEST_NAME = 255


class StrictCharField(serializers.CharField):
    """A text that is a text: a number is refused instead of turned into one."""

    def to_internal_value(self, data: Any) -> str:
        """The text as sent, without surrounding space. Raises ValidationError for any other JSON type."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class EventSerializer(serializers.Serializer[Any]):
    """The `event` object: RevenueCat's id and type."""

    id = StrictCharField(max_length=LONGEST_NAME)
    type = StrictCharField(max_length=LONGEST_NAME)


class EnvelopeSerializer(serializers.Serializer[Any]):
    """The body of a webhook."""

    event = EventSerializer()


def parse_envelope(body: bytes, *, bare: bool = False) -> Envelope:
    """What must be known of a webhook to store it. Raises DRF's ParseError or ValidationError, which answer 400.

    With `bare` the event alone will do, without the body around it.
    """
    document, text = _load(body)
    if bare and isinstance(document, dict) and "event" not in document:
        document, text = {"event": document}, f'{{"event": {text}}}'
    if not isinstance(document, dict):
        raise ParseError("The body must be a JSON object with an `event`.")
    event_id, event_type = _id_and_type(document)
    event: dict[str, Any] = document["event"]
    event_at_ms = revenuecat.event_time_ms(event)
    return Envelope(
        event_id=event_id,
        type=event_type,
        app_user_id=revenuecat.app_user_id(event) or "",
        # An event that names nobody is owed too: its delivery says why nothing was sent.
        people=list(revenuecat.people(event)) or [""],
        email=revenuecat.email(event) or "",
        environment=(revenuecat.environment(event) or "")[:50],
        store=(revenuecat.store(event) or "")[:50],
        product_id=(revenuecat.product_id(event) or "")[:255],
        event_at=None if event_at_ms is None else datetime.fromtimestamp(event_at_ms / 1000, tz=UTC),
        document=text,
        transaction_id=(revenuecat.transaction_id(event) or "")[:LONGEST_NAME],
        original_transaction_id=(revenuecat.original_transaction_id(event) or "")[:LONGEST_NAME],
    )


def _id_and_type(document: dict[str, Any]) -> tuple[str, str]:
    """What a webhook must have. Raises ValidationError, which names what is missing."""
    event = document.get("event")
    if isinstance(event, dict):
        event_id, event_type = event.get("id"), event.get("type")
        if _is_plain(event_id) and _is_plain(event_type):
            # What RevenueCat sends needs no serializer, which takes longer than all the rest of the parsing.
            return event_id, event_type
    serializer = EnvelopeSerializer(data=document)
    serializer.is_valid(raise_exception=True)
    valid = serializer.validated_data["event"]
    return valid["id"], valid["type"]


def _is_plain(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name == name.strip()


def _load(body: bytes) -> tuple[Any, str]:
    """The document, and its text: both as PostgreSQL can hold them."""
    try:
        # strict=False admits raw control characters inside strings, which `storable` then replaces.
        document = json.loads(
            body.decode("utf-8-sig"),
            strict=False,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=str,
        )
        # Counting brackets is quick, and hardly any event has so many of them that they must be walked.
        if body.count(b"{") + body.count(b"[") > DEEPEST_NESTING and depth(document) > DEEPEST_NESTING:
            raise ParseError(f"The body is nested more than {DEEPEST_NESTING} levels deep.")
        return storable_with_text(document)
    except UnicodeDecodeError as error:
        raise ParseError("The body is not valid UTF-8.") from error
    except RecursionError as error:
        raise ParseError(f"The body is nested more than {DEEPEST_NESTING} levels deep.") from error
    except ValueError as error:
        raise ParseError(f"The body is not valid JSON: {error}") from error


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else _shortened(digits)


def _number(text: str) -> float | str:
    value = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    return value if math.isfinite(value) else _shortened(text)


def _shortened(digits: str) -> str:
    return f"{digits[:SHOWN_DIGITS]}… (a number of {len(digits)} characters)"
