"""
The control endpoints under `/_fake/`, for tests that run the stand-in as a program of its own.

They are documented in `tests/fake_intercom/__init__.py`; they are never faulty, slow, limited or in the ledger.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.fake_intercom import faults
from tests.fake_intercom.messages import Answer, JsonObject, json_answer
from tests.fake_intercom.models import attribute_json, contact_json, event_json
from tests.fake_intercom.wire import RawRequest

if TYPE_CHECKING:
    from tests.fake_intercom.server import FakeIntercom

LEDGER_PAGE = 1_000


class Misuse(Exception):
    """A control request that means nothing; answered 400 with its sentence."""


def answer(intercom: FakeIntercom, raw: RawRequest) -> Answer:
    """The answer to one control request."""
    path, _, query = raw.target.partition("?")
    handler = HANDLERS.get(f"{raw.method} {path}")
    if handler is None:
        return json_answer({"error": f"no such control: {raw.method} {path}", "known": sorted(HANDLERS)}, 404)
    try:
        options: object = json.loads(raw.body) if raw.body else {}
        if not isinstance(options, dict):
            raise Misuse("the body must be a JSON object")
        return json_answer(handler(intercom, Options(options | _query(query))))
    except (Misuse, ValueError) as misuse:
        return json_answer({"error": str(misuse)}, 400)


class Options:
    """What a control request says, read with the type that is expected."""

    def __init__(self, values: JsonObject) -> None:
        self.values = values

    def text(self, name: str) -> str | None:
        """A string, if given."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise Misuse(f"{name} must be a string")
        return value

    def number(self, name: str) -> float | None:
        """A number, if given."""
        value = self.values.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Misuse(f"{name} must be a number")
        return value

    def whole(self, name: str) -> int | None:
        """A whole number, if given."""
        value = self.number(name)
        return None if value is None else int(value)

    def flag(self, name: str) -> bool:
        """True only where the value is true."""
        return self.values.get(name) is True

    def object(self, name: str) -> JsonObject | None:
        """A JSON object, if given."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise Misuse(f"{name} must be an object")
        return value


def _query(query: str) -> JsonObject:
    return {name: int(values[0]) for name, values in parse_qs(query).items()}


def _ledger(intercom: FakeIntercom, options: Options) -> JsonObject:
    after = options.whole("after") or 0
    page = [call for call in intercom.ledger if call.number > after][: options.whole("limit") or LEDGER_PAGE]
    return {"calls": [call.as_json() for call in page]}


def _summary(intercom: FakeIntercom, options: Options) -> JsonObject:
    with intercom.changed:
        state = {
            "contacts": len(intercom.contacts),
            "attributes": len(intercom.all_attributes),
            "events": len(intercom.events),
            "event_names": sorted(intercom.event_names),
        }
        return state | {"counters": intercom.counters, "violations": intercom.violations}


def _contacts(intercom: FakeIntercom, options: Options) -> JsonObject:
    state = [
        contact_json(each, intercom.id_code) | {"archived": each.archived, "merged_into": each.merged_into}
        for each in intercom.contacts
    ]
    return {"contacts": state}


def _events(intercom: FakeIntercom, options: Options) -> JsonObject:
    return {"events": [event_json(each) for each in intercom.events]}


def _attributes(intercom: FakeIntercom, options: Options) -> JsonObject:
    return {"attributes": [attribute_json(each) for each in intercom.all_attributes]}


def _add_contact(intercom: FakeIntercom, options: Options) -> JsonObject:
    with intercom.changed:
        contact = intercom.add_contact(
            options.text("external_id"),
            role=options.text("role") or "user",
            email=options.text("email"),
            contact_id=options.text("id"),
            custom_attributes=options.object("custom_attributes"),
        )
        if options.flag("archived"):
            intercom.archive(contact, restorable=options.values.get("restorable") is not False)
        into = intercom.contact_by_id(options.text("merged_into") or "")
        if into is not None:
            intercom.merge(contact, into)
    return contact_json(contact, intercom.id_code)


def _add_attribute(intercom: FakeIntercom, options: Options) -> JsonObject:
    attribute = intercom.add_attribute(
        options.text("name") or "",
        options.text("data_type") or "string",
        model=options.text("model") or "contact",
        archived=options.flag("archived"),
    )
    return attribute_json(attribute)


def _inject(intercom: FakeIntercom, options: Options) -> JsonObject:
    intercom.inject(
        _fault(options),
        times=options.whole("times") if "times" in options.values else 1,
        seconds=options.number("seconds"),
        method=options.text("method"),
        path=options.text("path"),
    )
    return {"injected": options.text("kind")}


def _fault(options: Options) -> faults.Fault:
    kind, status, for_seconds = options.text("kind"), options.whole("status"), options.number("for_seconds") or 0.0
    acts_first, reset = options.flag("acts_first"), options.flag("reset")
    makers: dict[str, Callable[[], faults.Fault]] = {
        "error": lambda: faults.error(
            status or 500, options.text("code"), options.text("message"), acts_first=acts_first
        ),
        "html": lambda: faults.html(status or 502),
        "empty": lambda: faults.empty(status or 200),
        "redirect": lambda: faults.redirect(options.text("location") or "https://elsewhere.invalid/", status or 302),
        "hang": lambda: faults.hang(for_seconds, acts_first=acts_first),
        "drip": lambda: faults.drip(for_seconds),
        "close": lambda: faults.close_unanswered(reset=reset),
        "lose_answer": lambda: faults.lose_answer(reset=reset),
        "hold": lambda: faults.hold(threading.Event(), acts_first=acts_first),
    }
    if kind not in makers:
        raise Misuse(f"kind must be one of {', '.join(makers)}")
    return makers[kind]()


def _clear_faults(intercom: FakeIntercom, options: Options) -> JsonObject:
    intercom.clear_faults()
    return {"faults": 0}


def _refuse(intercom: FakeIntercom, options: Options) -> JsonObject:
    seconds = options.number("seconds") or 1.0
    # A moment later, so that this answer still gets out before its connection is cut.
    begin = threading.Timer(0.05, intercom.refuse_connections)
    end = threading.Timer(0.05 + seconds, intercom.accept_connections)
    for timer in (begin, end):
        timer.daemon = True
        timer.start()
    return {"refusing_for_seconds": seconds}


def _rate_limit(intercom: FakeIntercom, options: Options) -> JsonObject:
    if "limit" in options.values:
        intercom.rate_limit(options.whole("limit"), options.number("window_seconds") or 10.0)
    intercom.consume(options.whole("consume") or 0)
    return {"limit": options.whole("limit")}


def _settings(intercom: FakeIntercom, options: Options) -> JsonObject:
    with intercom.changed:
        intercom.latency = options.number("latency") or 0.0 if "latency" in options.values else intercom.latency
        intercom.region = options.text("region") or intercom.region
        intercom.name = options.text("name") or intercom.name
        intercom.merged_status = options.whole("merged_status") or intercom.merged_status
        intercom.unique_emails = options.values.get("unique_emails", intercom.unique_emails) is True
        tokens = options.values.get("accepted_tokens", intercom.accepted_tokens)
        intercom.accepted_tokens = [str(token) for token in tokens] if isinstance(tokens, list) else None
    return {"latency": intercom.latency, "region": intercom.region, "name": intercom.name}


def _reset(intercom: FakeIntercom, options: Options) -> JsonObject:
    intercom.reset()
    return {"reset": True}


HANDLERS: dict[str, Callable[[FakeIntercom, Options], JsonObject]] = {
    "GET /_fake/ledger": _ledger,
    "GET /_fake/summary": _summary,
    "GET /_fake/contacts": _contacts,
    "GET /_fake/events": _events,
    "GET /_fake/attributes": _attributes,
    "POST /_fake/contacts": _add_contact,
    "POST /_fake/attributes": _add_attribute,
    "POST /_fake/faults": _inject,
    "DELETE /_fake/faults": _clear_faults,
    "POST /_fake/refuse": _refuse,
    "POST /_fake/rate_limit": _rate_limit,
    "POST /_fake/settings": _settings,
    "POST /_fake/reset": _reset,
}
