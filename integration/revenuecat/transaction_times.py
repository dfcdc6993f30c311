"""When what happened to a transaction of RevenueCat's export, and whether it happened to this period of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from integration.revenuecat import cells
from integration.revenuecat.cells import Row

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Times:
    """When what happened to a transaction, in unix milliseconds; `access_ends` counts refunds and grace periods in."""

    starts: int
    ends: int | None
    access_ends: int | None
    grace_ends: int | None
    refunded: int | None
    unsubscribed: int | None
    billing_issue: int | None
    resumes: int | None

    @classmethod
    def of(cls, row: Row) -> Times:
        """Raises UnusableRowError where one of them is no time."""
        cells.required(row, "start_time")
        ends, grace_ends = cells.time_ms(row, "end_time"), cells.time_ms(row, "grace_period_end_time")
        known = [moment for moment in (ends, grace_ends) if moment is not None]
        effective = cells.time_ms(row, "effective_end_time")
        return cls(
            starts=cells.time_ms(row, "start_time") or 0,
            ends=ends,
            access_ends=max(known, default=None) if effective is None else effective,
            grace_ends=grace_ends,
            refunded=cells.time_ms(row, "refunded_at"),
            unsubscribed=cells.time_ms(row, "unsubscribe_detected_at"),
            billing_issue=cells.time_ms(row, "billing_issues_detected_at"),
            resumes=cells.time_ms(row, "auto_resume_time"),
        )

    @property
    def is_void(self) -> bool:
        """Whether it ends before it starts: so Google takes a transaction back that was never paid."""
        return self.ends is not None and self.ends < self.starts

    def belongs(self, moment: int | None, *, late_ms: int = DAY_MS) -> bool:
        """Whether something happened to this period, and not to another one of the same subscription.

        Without notifications from the store RevenueCat learns of it late, but not by a day.
        """
        end = max((time for time in (self.ends, self.access_ends) if time is not None), default=None)
        return moment is not None and moment >= self.starts and (end is None or moment < end + late_ms)

    @property
    def refunded_in_time(self) -> bool:
        """Whether it was refunded before its period had ended, so that access ended with it."""
        return self.refunded is not None and (self.ends is None or self.refunded <= self.ends)
