"""
Intercom keeps one data event of a contact, name and second: a second one moves, once and for all.
"""

from __future__ import annotations

import pytest

from integration.models import EventSetting, Project
from tests.factories import NEW_YEAR_MS, Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults

SECOND = NEW_YEAR_MS // 1000


def seconds(intercom: FakeIntercom, customer: str = "user-1") -> list[int]:
    """The seconds of the stored events of one customer, in order of arrival."""
    return [event.created_at for event in intercom.events_of(customer)]


def test_two_renewals_in_one_second_are_both_kept(project: Project, intercom: FakeIntercom) -> None:
    for product in ("a", "b", "c"):
        receive(project, product_id=product)
    run_drain(project)
    assert seconds(intercom) == [SECOND, SECOND + 1, SECOND + 2]
    assert [event.metadata["product_identifier"] for event in intercom.events] == ["a", "b", "c"]
    assert not intercom.repeats


def test_the_second_is_decided_once_and_kept_for_every_retry(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    first = receive(project, product_id="a")
    second = receive(project, product_id="b")
    intercom.inject(faults.lose_answer(), times=2, path="/events")
    for _ in range(3):
        run_drain(project, clock)
        clock.advance(minutes=1)
    assert refreshed(first).status == refreshed(second).status == "delivered"
    assert seconds(intercom) == [SECOND, SECOND + 1]
    assert len(intercom.repeats) == 2


def test_a_second_that_is_taken_by_an_own_event_moves_it_on(project: Project, intercom: FakeIntercom) -> None:
    receive(project, event_timestamp_ms=NEW_YEAR_MS + 1000)
    receive(project, product_id="b")
    receive(project, product_id="c")
    run_drain(project)
    assert sorted(seconds(intercom)) == [SECOND, SECOND + 1, SECOND + 2]
    assert not intercom.repeats


@pytest.mark.parametrize(("one", "another"), [("Renewal_X", "renewal_x"), ("a.b$c", "A-B-c")])
def test_names_that_intercom_takes_for_equal_collide(
    project: Project, intercom: FakeIntercom, one: str, another: str
) -> None:
    EventSetting.objects.create(project=project, event_type="renewal", custom_name=one)
    EventSetting.objects.create(project=project, event_type="cancellation", custom_name=another)
    receive(project)
    receive(project, event_type="CANCELLATION", cancel_reason="UNSUBSCRIBE")
    run_drain(project)
    assert seconds(intercom) == [SECOND, SECOND + 1]
    assert not intercom.repeats


def test_other_customers_and_other_names_do_not_collide(project: Project, intercom: FakeIntercom) -> None:
    receive(project)
    receive(project, app_user_id="user-2")
    receive(project, event_type="CANCELLATION", cancel_reason="UNSUBSCRIBE")
    run_drain(project)
    assert {event.created_at for event in intercom.events} == {SECOND}
    assert len(intercom.events) == 3


def test_a_new_name_looks_for_a_free_second_of_its_own(project: Project, intercom: FakeIntercom) -> None:
    receive(project, product_id="a")
    late = receive(project, product_id="b")
    run_drain(project)
    assert refreshed(late).event_second == SECOND + 1
    EventSetting.objects.create(project=project, event_type="renewal", custom_name="fresh")
    type(late).objects.filter(pk=late.pk).requeue(refreshed(late).created_at)
    run_drain(project)
    assert refreshed(late).event_second == SECOND
    assert len(intercom.events) == 3


def test_redelivering_both_keeps_both_seconds(project: Project, intercom: FakeIntercom) -> None:
    rows = [receive(project, product_id=product) for product in ("a", "b")]
    run_drain(project)
    type(rows[0]).objects.all().requeue(rows[0].created_at)
    run_drain(project)
    assert seconds(intercom) == [SECOND, SECOND + 1]
    assert len(intercom.repeats) == 2
    assert [refreshed(row).event_second for row in rows] == [SECOND, SECOND + 1]
