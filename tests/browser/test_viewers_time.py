"""
Times stand on a page in the zone of whoever looks, and a day that they type is a day of theirs.
"""

from __future__ import annotations

from datetime import UTC, datetime

from integration.models import Delivery, Project
from tests.browser.conftest import PASSWORD, SUPERUSER, Visit, make_user
from tests.factories import receive


def test_the_first_page_after_signing_in_has_the_times_of_the_viewers_zone(visitor: Visit, project: Project) -> None:
    receive(project, app_user_id="late-at-night")
    Delivery.objects.update(created_at=datetime(2026, 1, 1, 20, tzinfo=UTC))
    make_user(SUPERUSER)
    person = visitor(timezone_id="Asia/Tokyo")
    person.opens("/admin/login/?next=/admin/integration/delivery/")
    person.fills("Username", "superuser")
    person.fills("Password", PASSWORD)
    person.presses("Log in")
    person.sees("Times are in the time zone Asia/Tokyo (UTC+0900).")
    person.sees("2026-01-02 05:00:00")
    person.opens("/admin/integration/delivery/?created_at_from_0=2026-01-02")
    person.sees("late-at-night")
    person.opens("/admin/integration/delivery/?created_at_to_0=2026-01-01")
    person.does_not_see("late-at-night")
