"""What is known of one customer's subscription, merged from events that may come late, twice or in any order.

Every fact carries the time of the event that told it, and the newest one wins, fact by fact: merging is
commutative, associative and idempotent, so the order of arrival never shows. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypedDict

from integration.intercom.messages import AttributeValue

STATUS = "subscription_status"
# A cancellation for a billing error is kept beside the status, because it yields to a grace period.
BILLING_ERROR_STATUS = "subscription_status_after_billing_error"


class FactJSON(TypedDict, total=False):
    """A Fact as it lies in the database."""

    value: AttributeValue
    at_ms: int
    event_id: str
    until_ms: int


class Fact(NamedTuple):
    """One thing that one event said. `until_ms`, in unix milliseconds, is the end of a grace period.

    A tuple, because a contact has dozens of them and they are made for every delivery.
    """

    value: AttributeValue
    at_ms: int
    event_id: str
    until_ms: int | None = None

    @property
    def stamp(self) -> tuple[int, str, str, int]:
        """What decides which fact is newer; the rest only makes a tie fall the same way every time."""
        return (self.at_ms, self.event_id, repr(self.value), -1 if self.until_ms is None else self.until_ms)

    def is_newer_than(self, other: Fact) -> bool:
        """Whether this one wins: nearly always the times alone tell."""
        return self.at_ms > other.at_ms or (self.at_ms == other.at_ms and self.stamp > other.stamp)


@dataclass(frozen=True, slots=True)
class CustomerState:
    """The newest fact of each name; names are Intercom attributes and BILLING_ERROR_STATUS."""

    facts: Mapping[str, Fact] = field(default_factory=dict)

    def merge(self, other: CustomerState) -> CustomerState:
        """Both states in one: for every name the newer fact."""
        merged = dict(self.facts)
        for name, fact in other.facts.items():
            known = merged.get(name)
            if known is None or fact.is_newer_than(known):
                merged[name] = fact
        return replace(self, facts=merged)

    def attributes(self) -> dict[str, AttributeValue]:
        """The custom attributes that a contact in this state should have; what is unknown is left out."""
        values = {name: fact.value for name, fact in self.facts.items() if name not in (STATUS, BILLING_ERROR_STATUS)}
        status = self._status()
        if status is not None:
            values[STATUS] = status.value
        return values

    def _status(self) -> Fact | None:
        """The newest status, except that a billing error does not end a grace period that still lasts.

        RevenueCat sends BILLING_ISSUE and CANCELLATION (BILLING_ERROR) together and in either order
        (https://www.revenuecat.com/docs/integrations/webhooks/event-flows).
        """
        status, failed = self.facts.get(STATUS), self.facts.get(BILLING_ERROR_STATUS)
        if failed is None or (status is not None and status.stamp > failed.stamp):
            return status
        grace_lasts = status is not None and status.until_ms is not None and status.until_ms > failed.at_ms
        return status if grace_lasts else failed

    def to_json(self) -> dict[str, FactJSON]:
        """The state as it is stored: plain JSON."""
        stored: dict[str, FactJSON] = {}
        for name, fact in self.facts.items():
            stored[name] = {
                "value": fact.value,
                "at_ms": fact.at_ms,
                "event_id": fact.event_id,
            }
            if fact.until_ms is not None:
                stored[name]["until_ms"] = fact.until_ms
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, FactJSON]) -> CustomerState:
        """The inverse of `to_json`."""
        return cls(
            {
                name: Fact(fact["value"], fact["at_ms"], fact["event_id"], fact.get("until_ms"))
                for name, fact in stored.items()
            }
        )


def changed_attributes(
    wanted: Mapping[str, AttributeValue], told: Mapping[str, AttributeValue]
) -> dict[str, AttributeValue]:
    """The part of `wanted` that a contact last told `told` does not hold yet.

    An attribute that `told` does not name may hold anything (another integration's value, say), so it is
    cleared too.
    """
    return {name: value for name, value in wanted.items() if name not in told or told[name] != value}
