"""Deliveries counted by the hour, so that the front page need not read them all; and which hours to count anew.

A row says what the log says of one hour of `created_at`: it is never counted up and down, but made anew from the
deliveries (`integration.models.recounting`), so that it cannot drift away from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from django.db import models

from integration.figures import floor_hour
from integration.models.projects import Project


class HourlyCount(models.Model):
    """How many deliveries of one hour and kind there are. What is pending has no event type and no reason here.

    Both can change while a delivery is pending, and nothing would say that its hour is to be counted anew.
    """

    # Of no index: rows are found by their hour, of all projects at once.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    environment = models.CharField(max_length=50, blank=True)
    status = models.CharField(max_length=10)
    reason = models.CharField(max_length=50, blank=True)
    event_type = models.CharField(max_length=50, blank=True)
    count = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=("hour", "project"), name="hourly_count")]

    def __str__(self) -> str:
        return f"{self.count} {self.status} of {self.hour:%Y-%m-%d %H} UTC"


class HourlyLatency(models.Model):
    """How many deliveries of one hour took how long, by the classes of `integration.figures.latency`."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    environment = models.CharField(max_length=50, blank=True)
    class_number = models.SmallIntegerField()
    count = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=("hour", "project"), name="hourly_latency")]

    def __str__(self) -> str:
        return f"{self.count} of class {self.class_number} of {self.hour:%Y-%m-%d %H} UTC"


class CountedHour(models.Model):
    """An hour that has been counted, and when; who counts it holds this row."""

    hour = models.DateTimeField(primary_key=True)
    counted_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} UTC"


class StaleHourQuerySet(models.QuerySet["StaleHour"]):
    """What is to be counted anew."""

    def mark(self, times: Iterable[datetime]) -> None:
        """Have the hours of these times counted anew. In the transaction that changes their deliveries."""
        hours = {floor_hour(at) for at in times}
        self.bulk_create([StaleHour(hour=hour) for hour in sorted(hours)])


class StaleHour(models.Model):
    """A note that an hour is to be counted anew, seen once what has changed can be seen.

    There may be many of one hour, and must be: a note that somebody else has left may be used up before our change is
    committed.
    """

    hour = models.DateTimeField()

    objects = StaleHourQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} UTC"


class CountingState(models.Model):
    """How far the counting has come: one row. Until when what was settled has been noted, and when it last ran."""

    settled_until = models.DateTimeField()
    ran_at = models.DateTimeField()

    ONLY: ClassVar = 1

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.ran_at:%Y-%m-%d %H:%M:%S} UTC"
