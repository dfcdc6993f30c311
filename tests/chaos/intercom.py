"""
The stand-in for Intercom seen from outside: told what to do wrong, and asked for its ledger.

Plain HTTP to its control endpoints (tests/fake_intercom); knows nothing of the app.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from tests.chaos.evidence import Call, Ledger

CONTROL_SECONDS = 30.0
# It cuts every connection, ours too, when it is told to refuse them.
PATIENCE_SECONDS = 30.0
LEDGER_PAGE = 2_000


class Intercom:
    """The running stand-in at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def tell(self, what: str, **options: object) -> None:
        """POST to a control endpoint: `tell("faults", kind="error", status=503, times=None, seconds=2)`."""
        self._control("POST", what, options)

    def fail(self, kind: str, *, seconds: float | None = None, times: int | None = None, **options: object) -> None:
        """Have a fault happen to every call within `seconds`, or to the next `times` calls."""
        self.tell("faults", kind=kind, seconds=seconds, times=times, **options)

    def clear_faults(self) -> None:
        """Let go what is held, and forget every fault."""
        self._control("DELETE", "faults", {})

    def counters(self) -> Counter[str]:
        """How often what happened so far."""
        return Counter(self._control("GET", "summary", None)["counters"])

    def answers(self) -> bool:
        """Whether it listens."""
        try:
            return requests.get(f"{self.url}/_fake/summary", timeout=1).ok
        except requests.RequestException:
            return False

    def ledger(self, keep: Path) -> Ledger:
        """What it was told, and what it holds; every single call goes into the file `keep`, for looking closely."""
        events = self._control("GET", "events", None)["events"]
        stored_by = {event["request_id"] for event in events}
        summary = self._control("GET", "summary", None)
        return Ledger(
            calls=self._calls(stored_by, keep),
            stored=[str(event["metadata"].get("product_identifier")) for event in events],
            contacts={
                contact["external_id"]: contact["custom_attributes"]
                for contact in self._control("GET", "contacts", None)["contacts"]
            },
            violations=summary["violations"],
            counters=Counter(summary["counters"]),
        )

    def _calls(self, stored_by: set[str], keep: Path) -> list[Call]:
        calls: list[Call] = []
        after = 0
        with keep.open("w", encoding="utf-8") as kept:
            while page := self._control("GET", f"ledger?after={after}&limit={LEDGER_PAGE}", None)["calls"]:
                after = page[-1]["number"]
                kept.writelines(json.dumps(call) + "\n" for call in page)
                calls += [_call(call, stored_by) for call in page if call["route"] == "POST /events"]
        return calls

    def _control(self, method: str, what: str, options: dict[str, object] | None) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = requests.request(method, f"{self.url}/_fake/{what}", json=options, timeout=CONTROL_SECONDS)
            except requests.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
                continue
            answer.raise_for_status()
            return answer.json()


def _call(call: dict[str, Any], stored_by: set[str]) -> Call:
    return Call(
        request_id=call["request_id"],
        body=call["body"],
        key=_key(call["body"]),
        status=call["status"],
        acted=call["repeat"] or call["request_id"] in stored_by,
    )


def _key(body: str) -> str:
    """By what the event is known again; empty where it is none of ours."""
    try:
        return str(json.loads(body)["metadata"]["product_identifier"])
    except (ValueError, KeyError, TypeError):
        return ""
