"""
How many statements a drain costs: few for each batch, and none for each delivery.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from integration.models import Project
from tests.factories import NEW_YEAR_MS, Clock, receive, run_drain
from tests.fake_intercom import FakeIntercom

# Looking: the project and its event settings; then the claim, two of whose statements are about its plan alone. In a
# test the transactions are savepoints.
EMPTY_DRAIN = 8


def statements(project: Project, clock: Clock, **options: Any) -> int:
    """How many statements one drain makes."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        run_drain(project, clock, **options)
    return len(captured)


def test_a_drain_with_nothing_to_do_costs_eight_statements(project: Project, clock: Clock) -> None:
    assert statements(project, clock) == EMPTY_DRAIN


def test_skipped_deliveries_cost_a_claim_each_batch_and_nothing_each(project: Project, clock: Clock) -> None:
    for number in range(32):
        receive(project, app_user_id=f"user-{number}", event_type="TRANSFER")
    # Two batches of 16 and the look that finds nothing more.
    assert statements(project, clock, threads=16) <= 2 * 15 + EMPTY_DRAIN


def test_the_statements_of_a_batch_do_not_grow_with_it(project: Project, prepared: FakeIntercom, clock: Clock) -> None:
    counts = {}
    for size in (1, 16):
        for number in range(size):
            receive(project, app_user_id=f"size-{size}-{number}")
        # One claim takes them all; they are settled in as many batches as their answers come in.
        prepared.latency = 0.02
        counts[size] = statements(project, clock, threads=16)
        settled_one_by_one = (size - 1) * (EMPTY_DRAIN + 8)
        assert counts[size] <= 36 + settled_one_by_one
    assert counts[16] < 16 * counts[1] / 2


def test_a_delivery_of_a_known_customer_costs_at_most_thirty_statements_alone(
    project: Project, prepared: FakeIntercom, clock: Clock
) -> None:
    receive(project)
    run_drain(project, clock)
    receive(project, event_timestamp_ms=NEW_YEAR_MS + 1000)
    clock.advance(seconds=1)
    assert statements(project, clock) <= 30
    assert prepared.counters["POST /events"] == 2
