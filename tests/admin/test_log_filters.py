"""
The newer filters of the list of deliveries: state, store, reason for waiting, Intercom's last answer.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from integration.models import Delivery, Project
from integration.models.mapping_settings import Anonymous
from tests.admin.conftest import text_of
from tests.admin.test_deliveries_list import LIST, found
from tests.factories import Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults


@pytest.fixture
def five(project: Project, intercom: FakeIntercom) -> dict[str, Delivery]:
    """A delivery in each state that the filters tell apart."""
    Project.objects.filter(pk=project.pk).update(anonymous=Anonymous.HOLD)
    made = {
        "delivered": receive(project, app_user_id="ada", store="PLAY_STORE"),
        "skipped": receive(project, event_type="TEST", app_user_id="bo"),
        "waiting": receive(project, app_user_id="$RCAnonymousID:1", store="STRIPE"),
    }
    run_drain(project)
    made["failed"] = receive(project, app_user_id="cy")
    intercom.inject(faults.error(422, "parameter_invalid", "No."))
    run_drain(project)
    made["retrying"] = receive(project, app_user_id="dee")
    intercom.inject(faults.error(503))
    run_drain(project)
    return {name: refreshed(delivery) for name, delivery in made.items()}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "retrying"}, {"retrying"}),
        ({"state": "waiting"}, {"waiting"}),
        ({"state": "unsent"}, {"failed", "skipped"}),
        ({"state": "unsent", "status__exact": "failed"}, {"failed"}),
        ({"reason": "waits_for_a_name"}, {"waiting"}),
        ({"reason": "test_event"}, {"skipped"}),
        ({"store": "PLAY_STORE"}, {"delivered"}),
        ({"store": "STRIPE", "state": "waiting"}, {"waiting"}),
        ({"store": "ROKU"}, set()),
        ({"answer": "422"}, {"failed"}),
        ({"answer": "4xx"}, {"failed"}),
        ({"answer": "5xx"}, {"retrying"}),
        ({"answer": "5xx", "state": "retrying"}, {"retrying"}),
        ({"answer": "404"}, set()),
        ({"answer": "abc"}, set()),
        ({"state": "no such"}, {"delivered", "skipped", "waiting", "failed", "retrying"}),
    ],
)
def test_a_filter_finds_what_it_says(
    admin_client: Client, five: dict[str, Delivery], query: dict[str, str], names: set[str]
) -> None:
    assert found(admin_client, **query) == {five[name].pk for name in names}


def test_where_no_answer_came_that_is_an_answer_too(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    delivery = receive(project)
    intercom.inject(faults.close_unanswered())
    run_drain(project)
    assert refreshed(delivery).last_answer == 0
    assert found(admin_client, answer="none") == {delivery.pk}


def test_the_last_answer_is_that_of_the_newest_try(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    delivery, clock = receive(project), Clock()
    intercom.inject(faults.error(503))
    run_drain(project, clock)
    assert refreshed(delivery).last_answer == 503
    clock.advance(seconds=60)
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered" and refreshed(delivery).last_answer == 202
    assert found(admin_client, answer="5xx") == set()


def test_what_was_never_asked_has_no_answer(project: Project) -> None:
    delivery = receive(project, event_type="TEST")
    run_drain(project)
    assert refreshed(delivery).last_answer is None


def test_a_row_says_how_long_ago_and_when_exactly_what_was_bought_and_where(
    admin_client: Client, project: Project
) -> None:
    delivery = receive(project, store="PLAY_STORE", environment="SANDBOX", product_id="premium")
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    page = text_of(admin_client.get(LIST))
    exact = timezone.localtime(refreshed(delivery).created_at)
    for part in ("5\xa0minutes ago", f"{exact:%Y-%m-%d %H:%M:%S}", "premium", "Google Play", "Sandbox", "0 tries"):
        assert part in page, part


def test_an_empty_list_says_what_makes_rows_appear(admin_client: Client, db: None) -> None:
    assert "Each webhook that RevenueCat posts" in text_of(admin_client.get(LIST))
    for model, said in (("webhookevent", "kept here, as it came"), ("customer", "first event"), ("project", "yet")):
        page = text_of(admin_client.get(f"/admin/integration/{model}/"))
        assert "Nothing here yet" in page and said in page


def test_a_list_without_a_match_offers_to_clear_the_filters(admin_client: Client, project: Project) -> None:
    receive(project)
    for query in ({"state": "waiting"}, {"q": "nobody"}):
        page = text_of(admin_client.get(LIST, query))
        assert "Nothing matches" in page and "Clear search and filters" in page
        assert "Nothing here yet" not in page and "Show all" not in page
