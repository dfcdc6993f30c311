"""
A stateful stand-in for Intercom over real HTTP: for the tests, for `make demo`, for fault injection and benchmarks.

It answers as Intercom is documented or was observed to answer, and must never import the app or Django, nor be kinder
than Intercom. It is one workspace; what a careful client never sends but Intercom takes is noted in `violations`.

In a test:

    with FakeIntercom() as intercom:
        intercom.add_contact("user-1")
        intercom.inject(faults.error(503), times=2, path="/events")
        ...
        intercom.wait_for_calls(1, "/events")
        assert intercom.events_of("user-1")[0].event_name == "rc_renewal_event"

As a program, `python -m tests.fake_intercom --port 0` prints its address as the first line and stops on SIGTERM
(`--help` lists the options). It is driven over HTTP, with JSON objects:

- `GET /_fake/ledger`: `calls` in order; `?after=N` those numbered higher, `?limit=N` at most so many (1,000).
- `GET /_fake/summary`: how many of everything, `counters`, `violations`.
- `GET /_fake/contacts`, also archived and merged ones. `POST` adds one: external_id, role, email, id,
  custom_attributes, archived, restorable, merged_into.
- `GET /_fake/events`: what is stored.
- `GET /_fake/attributes`: the custom ones. `POST` adds one: name, data_type, model, archived.
- `POST /_fake/faults`: kind (error, html, empty, redirect, hang, drip, close, lose_answer, hold) with status, code,
  message, location, for_seconds, reset, acts_first as they apply; when: times (default 1; null is always), seconds,
  method, path (`/contacts/*`). `DELETE` removes all and lets go what is held.
- `POST /_fake/refuse`: refuses connections for `seconds`.
- `POST /_fake/rate_limit`: limit (null lifts it), window_seconds; consume takes calls out of this window.
- `POST /_fake/settings`: latency, accepted_tokens (null is any), region, name, merged_status, unique_emails.
- `POST /_fake/reset`: as newly started.
"""

from __future__ import annotations

from tests.fake_intercom import faults
from tests.fake_intercom.messages import Call
from tests.fake_intercom.models import Attribute, Contact, StoredEvent
from tests.fake_intercom.server import FakeIntercom

__all__ = ["Attribute", "Call", "Contact", "FakeIntercom", "StoredEvent", "faults"]
