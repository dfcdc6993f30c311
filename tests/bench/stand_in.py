"""The stand-in for Intercom seen from outside, by its control endpoints; knows nothing of the app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import requests

CONTROL_SECONDS = 30.0
PAGE = 2_000


class StandIn:
    """The running stand-in at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def tell(self, what: str, **options: object) -> None:
        """POST to a control endpoint: `tell("rate_limit", limit=100, window_seconds=10)`."""
        self._control("POST", what, options)

    def counters(self) -> Counter[str]:
        """How often what happened so far."""
        return Counter(self._control("GET", "summary", None)["counters"])

    def contact_ids(self) -> list[str]:
        """The ids that it gave its contacts."""
        return [str(contact["id"]) for contact in self._control("GET", "contacts", None)["contacts"]]

    def calls(self) -> Iterator[dict[str, Any]]:
        """Every call that its ledger still has, in the order of arrival."""
        after = 0
        while page := self._control("GET", f"ledger?after={after}&limit={PAGE}", None)["calls"]:
            yield from page
            after = page[-1]["number"]

    def _control(self, method: str, what: str, options: dict[str, object] | None) -> Any:
        answer = self._session.request(method, f"{self.url}/_fake/{what}", json=options, timeout=CONTROL_SECONDS)
        answer.raise_for_status()
        return answer.json()
