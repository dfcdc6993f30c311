"""
Discrepancies go with the customer who is forgotten, and with time; the place of a comparison names nobody for long.
"""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from integration.models import Customer, Discrepancy, Project, Reconciliation
from integration.models.forgetting import Person
from integration.models.retention import prune_found
from integration.tasks import prune
from tests.everything import every_row
from tests.factories import make_project

NOW = timezone.now()


@pytest.fixture
def project(db: None) -> Project:
    """A project with the settings that every new one has."""
    return make_project("Larkfield")


def found(project: Project, app_user_id: str = "me-10733", *, days: float = 0, closed: bool = False) -> Discrepancy:
    """What a comparison found so many days ago."""
    customer, _ = Customer.objects.get_or_create(project=project, app_user_id=app_user_id)
    at = NOW - timedelta(days=days)
    return Discrepancy.objects.create(
        project=project, customer=customer, found_at=at, said_status="expired", agreed_at=at if closed else None
    )


def test_a_customer_has_one_open_discrepancy_at_most(project: Project) -> None:
    found(project, closed=True)
    found(project)
    with pytest.raises(IntegrityError), transaction.atomic():
        found(project)


def test_who_is_forgotten_leaves_no_discrepancy(project: Project) -> None:
    found(project, closed=True)
    found(project)
    other = found(project, "other")
    run = Reconciliation.begin(project, days=7, repair=False, now=NOW)
    Reconciliation.objects.filter(pk=run.pk).update(after="me-10733")
    person = Person.find(project, "me-10733")
    assert str(person.known()).endswith("1 customer, 2 discrepancies")
    assert person.forget(NOW).discrepancies == 2
    assert Discrepancy.objects.get() == other and "me-10733" not in every_row()


def test_discrepancies_go_when_failed_events_would(project: Project) -> None:
    old, young = found(project, days=91), found(project, "young", days=89)
    kept = found(make_project(keep_failures_days=0), days=1000)
    assert prune_found(NOW) == 1
    assert set(Discrepancy.objects.all()) == {young, kept} and old not in Discrepancy.objects.all()


def test_many_go_in_small_batches(project: Project) -> None:
    for number in range(5):
        found(project, f"user-{number}", days=100)
    assert prune_found(NOW, limit=2) == 5 and not Discrepancy.objects.exists()


def test_the_worker_and_the_command_prune_them(project: Project) -> None:
    found(project, days=91)
    prune.func(0)
    assert not Discrepancy.objects.exists()
    found(project, days=91)
    out = StringIO()
    call_command("prune", stdout=out)
    assert "Deleted 1 discrepancies.\n" in out.getvalue() and not Discrepancy.objects.exists()


def test_what_a_comparison_found_is_said_in_words(project: Project) -> None:
    row = found(project)
    assert str(row) == "no status, but expired in RevenueCat"
    run = Reconciliation(compared=1200, differing=3, repaired=2, left_out=7)
    assert run.counts == "1,200 compared, 3 differ, 2 repaired, 7 left out"
