"""What became of what was received, as numbers that add up. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from integration.retry import DeliveryStatus


@dataclass(frozen=True, slots=True)
class Tally:
    """So many deliveries that have the same status, reason and event type; what is pending has neither of the two."""

    status: str
    reason: str
    event_type: str
    count: int


@dataclass(slots=True)
class Funnel:
    """Deliveries by what became of them. `retrying` is at most `pending`; the rest of that was not tried yet."""

    delivered: int = 0
    failed: int = 0
    pending: int = 0
    retrying: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def received(self) -> int:
        """All of them."""
        return self.delivered + self.failed + self.pending + self.skipped.total()

    @property
    def untried(self) -> int:
        """Pending, and not tried since they came in or were redelivered."""
        return self.pending - self.retrying

    def add(self, tally: Tally) -> None:
        """Count these too."""
        match tally.status:
            case DeliveryStatus.DELIVERED:
                self.delivered += tally.count
            case DeliveryStatus.FAILED:
                self.failed += tally.count
            case DeliveryStatus.SKIPPED:
                self.skipped[tally.reason] += tally.count
            case _:
                self.pending += tally.count


def tallied(tallies: Iterable[Tally], retrying: int = 0) -> Funnel:
    """The funnel of these; of what is pending `retrying` have been tried, as far as it is pending at all."""
    funnel = Funnel()
    for tally in tallies:
        funnel.add(tally)
    funnel.retrying = min(retrying, funnel.pending)
    return funnel
