"""
Times at the ends of the calendar, in zones on both sides of Greenwich: a page never fails at one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from integration.admin.display import clock
from integration.models import Customer, Project
from tests.admin.conftest import delivery_url, text_of
from tests.factories import receive, run_drain

# The last millisecond there is: what some stores write where something never ends.
LAST_MS = 253_402_300_799_999
ZONES = ["Asia/Tokyo", "Pacific/Kiritimati", "UTC", "America/New_York"]
LISTS = ("delivery", "webhookevent", "customer")


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, settings: Any) -> str:
    """The zone that the admin shows times in."""
    settings.TIME_ZONE = request.param
    return str(request.param)


def test_an_event_and_an_expiry_in_the_last_second_of_time_can_be_looked_at(
    admin_client: Client, project: Project, zone: str
) -> None:
    delivery = receive(project, event_timestamp_ms=LAST_MS, expiration_at_ms=LAST_MS)
    run_drain(project)
    (customer,) = Customer.objects.all()
    event, person = f"webhookevent/{delivery.webhook_event_id}/change/", f"customer/{customer.pk}/change/"
    for page in (*(f"{name}/" for name in LISTS), event, person):
        shown = text_of(admin_client.get(f"/admin/integration/{page}"))
        if page in (event, person):
            assert ("9999-12-31 18:59:59 EST" if zone == "America/New_York" else "9999-12-31 23:59:59 UTC") in shown
    text_of(admin_client.get(delivery_url(delivery.pk)))


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_time_filter_takes_the_first_and_the_last_day(
    admin_client: Client, project: Project, zone: str, day: str
) -> None:
    receive(project)
    for name, field in (("delivery", "created_at"), ("webhookevent", "received_at")):
        for query in ({f"{field}_from_0": day}, {f"{field}_to_0": day, f"{field}_to_1": "23:59:59"}):
            text_of(admin_client.get(f"/admin/integration/{name}/", query))


def test_a_time_that_the_zone_has_is_shown_in_it(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    assert clock(datetime(2026, 1, 1, 20, tzinfo=UTC)) == "2026-01-02 05:00:00 JST"


@pytest.mark.parametrize("time", ["2026-03-29 02:30:00", "2026-10-25 02:30:00"], ids=["left out", "twice"])
def test_the_time_filter_takes_an_hour_in_which_clocks_change(
    admin_client: Client, project: Project, settings: Any, time: str
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    day, hour = time.split(" ")
    query = {"created_at_from_0": day, "created_at_from_1": hour}
    assert "is no date and time" not in text_of(admin_client.get("/admin/integration/delivery/", query))
