"""
What was stored before deliveries had an environment of their own gets that of its event.
"""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from integration.models import Delivery
from tests.factories import make_project, receive

MIGRATION = import_module("integration.migrations.0008_fill_delivery_environment")


def test_old_deliveries_get_the_environment_of_their_event(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    monkeypatch.setattr(MIGRATION, "BATCH", 2)
    made = [
        receive(project, app_user_id=f"user-{number}", environment=environment)
        for number, environment in enumerate(["SANDBOX", "PRODUCTION", "", "SANDBOX", "SANDBOX"])
    ]
    Delivery.objects.update(environment="")
    for _ in range(2):
        MIGRATION.fill(apps, None)
        found = dict(Delivery.objects.values_list("id", "environment"))
        assert [found[delivery.pk] for delivery in made] == ["SANDBOX", "PRODUCTION", "", "SANDBOX", "SANDBOX"]


def test_a_delivery_is_stored_with_its_environment(db: None) -> None:
    assert receive(make_project(), environment="SANDBOX").environment == "SANDBOX"
