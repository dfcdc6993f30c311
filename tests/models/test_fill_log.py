"""
What was stored before the log had stores, transactions and answers of its own gets them when it is upgraded.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from integration.models import Delivery, WebhookEvent
from tests.factories import make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom, faults

MIGRATION = import_module("integration.migrations.0023_fill_log")


def test_old_rows_are_filled_from_what_was_stored(
    db: None, intercom: FakeIntercom, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.INTERCOM_API_URL = intercom.url
    monkeypatch.setattr(MIGRATION, "BATCH", 2)
    project = make_project()
    for number, ids in enumerate([("1", "1"), ("2", "1"), (None, None), (7, "x"), ("y" * 400, "")]):
        receive(project, app_user_id=f"user-{number}", transaction_id=ids[0], original_transaction_id=ids[1])
    intercom.inject(faults.error(422, "parameter_invalid", "No."))
    run_drain(project)
    events = list(WebhookEvent.objects.order_by("pk").values_list("transaction_id", "original_transaction_id"))
    failed = Delivery.objects.get(status="failed")
    assert failed.last_answer == 422
    WebhookEvent.objects.update(transaction_id="", original_transaction_id="")
    Delivery.objects.update(store="", last_answer=None)
    for _ in range(2):
        MIGRATION.fill(apps, None)
        found = WebhookEvent.objects.order_by("pk").values_list("transaction_id", "original_transaction_id")
        assert [row for row in found if row[0] != "7"] == [row for row in events if row[1] != "x"]
        assert set(Delivery.objects.values_list("store", flat=True)) == {"APP_STORE"}
        answers = dict(Delivery.objects.values_list("pk", "last_answer"))
        assert answers.pop(failed.pk) == 422 and set(answers.values()) == {None}
