"""
Money, as Intercom gets it: revenue with events, refunds, and running totals that nothing counts twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from integration.models import Customer, Delivery, Project
from tests.factories import NEW_YEAR_MS, Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults

TOTALS = ("rc_lifetime_revenue_usd", "rc_purchases", "rc_refunds")


@pytest.fixture
def project(project: Project) -> Project:
    """One that reports money and keeps totals."""
    project.money, project.lifetime_totals = "gross", True
    project.save()
    return project


def totals(intercom: FakeIntercom, user: str = "user-1") -> tuple[Any, ...]:
    """The running totals that Intercom holds."""
    held = intercom.contact(user).custom_attributes
    return tuple(held[name] for name in TOTALS)


def bought(project: Project, price: float, **fields: Any) -> Delivery:
    """A purchase, in US dollars unless the fields say otherwise."""
    paid: dict[str, Any] = {"price": price, "price_in_purchased_currency": price, "currency": "USD"}
    return receive(project, **paid | fields)


@pytest.mark.parametrize(
    ("price", "currency", "amount"),
    [
        (5.99, "EUR", 599),
        (1000.0, "JPY", 1000),
        (1.234, "KWD", 1234),
        (0.0, "EUR", 0),
        (19.99, "USD", 1999),
        (1.005, "EUR", 101),
        (1e-7, "EUR", 0),
    ],
)
def test_an_amount_is_exact_in_the_smallest_unit_of_its_currency(
    project: Project, intercom: FakeIntercom, price: float, currency: str, amount: int
) -> None:
    bought(project, 9.99, price_in_purchased_currency=price, currency=currency)
    run_drain(project)
    assert intercom.events[0].metadata["revenue"] == {"amount": amount, "currency": currency.lower()}


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"price_in_purchased_currency": None}, "the amount"),
        ({"currency": None}, "the currency"),
        ({"event_type": "PRODUCT_CHANGE"}, "a payment"),
        ({"event_type": "CANCELLATION", "cancel_reason": "UNSUBSCRIBE"}, "a refund"),
    ],
)
def test_what_is_not_known_or_was_not_paid_is_left_out(
    project: Project, intercom: FakeIntercom, fields: dict[str, Any], missing: str
) -> None:
    bought(project, 0.0 if "cancel_reason" in fields else 5.99, **fields)
    run_drain(project)
    assert not {"revenue", "refund", "net_revenue"} & set(intercom.events[0].metadata), missing


def test_intercom_is_never_sent_a_negative_amount_of_money(project: Project, intercom: FakeIntercom) -> None:
    bought(project, -5.99, event_type="CANCELLATION", cancel_reason="CUSTOMER_SUPPORT")
    run_drain(project)
    metadata = intercom.events[0].metadata
    assert metadata["refund"] == {"amount": 599, "currency": "usd"}
    assert metadata["net_revenue"] == -5.99
    assert not intercom.violations


def test_totals_grow_with_purchases_and_shrink_with_refunds(project: Project, intercom: FakeIntercom) -> None:
    bought(project, 5.99, event_type="INITIAL_PURCHASE")
    bought(project, 0.1, event_timestamp_ms=NEW_YEAR_MS + 1000)
    bought(project, 0.2, event_timestamp_ms=NEW_YEAR_MS + 2000)
    bought(
        project,
        -5.99,
        event_type="CANCELLATION",
        cancel_reason="CUSTOMER_SUPPORT",
        event_timestamp_ms=NEW_YEAR_MS + 3000,
    )
    run_drain(project)
    assert totals(intercom) == (0.3, 3, 1)
    assert Customer.objects.get().revenue_usd == Decimal("0.3")


def test_a_trial_and_the_sandbox_are_no_purchases(project: Project, intercom: FakeIntercom) -> None:
    project.sandbox = "send"
    project.save()
    bought(project, 0.0, event_type="INITIAL_PURCHASE", period_type="TRIAL")
    bought(project, 5.99, environment="SANDBOX", event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    assert totals(intercom) == (0.0, 0, 0)


def test_totals_do_not_count_a_retry_a_redelivery_or_a_repeat_twice(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = bought(project, 5.99)
    intercom.inject(faults.error(503), times=None)
    for _ in range(3):
        run_drain(project, clock)
        clock.advance(hours=1)
    assert refreshed(delivery).tries == 3
    intercom.clear_faults()
    run_drain(project, clock)
    Delivery.objects.all().requeue(clock())
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered"
    assert totals(intercom) == (5.99, 1, 0)


def test_a_late_event_counts_all_the_same(project: Project, intercom: FakeIntercom) -> None:
    bought(project, 3.0)
    run_drain(project)
    bought(project, 2.0, event_timestamp_ms=NEW_YEAR_MS - 1000)
    run_drain(project)
    assert totals(intercom) == (5.0, 2, 0)


def test_the_totals_are_on_the_basis_that_the_project_reports(project: Project, intercom: FakeIntercom) -> None:
    project.money = "after_commission"
    project.save()
    bought(project, 10.0, commission_percentage=0.3)
    bought(project, 10.0, event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    assert totals(intercom) == (7.0, 2, 0), "a share that is not known counts for nothing"


def test_totals_that_were_switched_off_are_written_no_more(project: Project, intercom: FakeIntercom) -> None:
    bought(project, 5.99)
    run_drain(project)
    project.lifetime_totals = False
    project.save()
    bought(project, 5.99, event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    assert totals(intercom) == (5.99, 1, 0)
    assert Delivery.objects.filter(counted=True, created_at__lte=timezone.now()).count() == 1
