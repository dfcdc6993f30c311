"""Sample webhooks of every kind, for `send_sample`, the demo and the tests: RevenueCat itself offers one test event.

A sample is sent with a new id and moved to the present, so that it is a new event and not a repeat.
"""

from __future__ import annotations

import copy
import json
import uuid
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent / "samples"
# With this the id of an event begins that was sent to try things out; RevenueCat's own ids never do.
TEST_PREFIX = "TEST-"
# Subscriber attributes that name a person: those of a sample must not get into somebody's contact.
_OF_A_PERSON = frozenset({"$email", "$displayName", "$phoneNumber"})


class UnknownSampleError(ValueError):
    """There is no sample of that name, and no file either; the message lists what there is."""


def sample_names() -> list[str]:
    """The names of all samples, in alphabetical order."""
    return sorted(path.stem for path in DIRECTORY.glob("*.json"))


def load_sample(name_or_file: str) -> dict[str, Any]:
    """The webhook body of a sample, or of a JSON file of the reader's own.

    Raises UnknownSampleError, or ValueError where the file is no webhook body.
    """
    path = DIRECTORY / f"{name_or_file.lower()}.json"
    if name_or_file.lower() not in sample_names():
        path = Path(name_or_file)
    if not path.is_file():
        raise UnknownSampleError(
            f"There is no sample or file named {name_or_file}. The samples are: {', '.join(sample_names())}."
        )
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("event"), dict):
        raise ValueError(f"{path} is not a webhook body: it has no `event` object.")
    return body


def happened_ms(body: dict[str, Any]) -> int:
    """When the event of a webhook body happened, in unix milliseconds; 0 where it does not say."""
    value = body["event"].get("event_timestamp_ms")
    return value if isinstance(value, int) else 0


def is_test_id(event_id: str) -> bool:
    """Whether the event was sent from here to try things out, and not by RevenueCat."""
    return event_id.startswith(TEST_PREFIX)


def marked_as_test(body: dict[str, Any]) -> dict[str, Any]:
    """The same body, with an event id that says so."""
    body["event"]["id"] = TEST_PREFIX + body["event"]["id"]
    return body


def for_test(name: str, app_user_id: str, *, now_ms: int, sandbox: bool) -> dict[str, Any]:
    """The sample as something that happens to this customer now, to nobody else, and recognisable as a test.

    Raises UnknownSampleError.
    """
    sample = load_sample(name)
    body = marked_as_test(freshened(sample, shift_ms=now_ms - happened_ms(sample), app_user_id=app_user_id))
    event = body["event"]
    if sandbox:
        event["environment"] = "SANDBOX"
    if event["type"] == "TRANSFER":
        event["transferred_to"] = [app_user_id]
    said = event.get("subscriber_attributes")
    if isinstance(said, dict):
        event["subscriber_attributes"] = {key: value for key, value in said.items() if key not in _OF_A_PERSON}
    return body


def freshened(body: dict[str, Any], *, shift_ms: int, app_user_id: str | None = None) -> dict[str, Any]:
    """A copy with a new event id and all its times moved by `shift_ms`; of another customer, where one is given.

    Samples that belong together keep their order when they are moved by the same shift.
    """
    fresh = copy.deepcopy(body)
    event = fresh["event"]
    for key, value in event.items():
        if key.endswith("_ms") and isinstance(value, int):
            event[key] = value + shift_ms
    event["id"] = str(uuid.uuid4()).upper()
    if app_user_id is not None:
        event["app_user_id"] = app_user_id
        event["original_app_user_id"] = app_user_id
        event["aliases"] = [app_user_id]
    return fresh
