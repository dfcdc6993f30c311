"""
What is stored, the audit trail above all, is in one language, whatever the language of who does something.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone, translation

from integration.models import BulkRedelivery, Customer, Delivery, Drift, IdentityCase, Project, ProjectCheck
from integration.models.secrets import Secret
from integration.stored_language import stored_language
from tests.admin.addresses import Rows, rows_of
from tests.admin.conftest import act, delivery_url, project_url, save, text_of
from tests.admin.reader import LANGUAGE, QUOTE, another_language
from tests.everything import every_row
from tests.fake_revenuecat import KEY, FakeRevenueCat

LIST = "/admin/integration/delivery/"


@pytest.fixture
def reader(admin_client: Client, settings: Any) -> Iterator[Client]:
    """A superuser whose browser asks for another language."""
    admin_client.defaults["HTTP_ACCEPT_LANGUAGE"] = LANGUAGE
    with another_language(settings):
        yield admin_client


@pytest.fixture
def rows(project: Project, revenuecat: FakeRevenueCat, settings: Any) -> Rows:
    """Something for every action to be about, with a key for RevenueCat."""
    settings.REVENUECAT_API_URL = revenuecat.url
    project.revenuecat_api_key, project.revenuecat_project = Secret.of(KEY), "proj1ab2c3d4"
    project.save()
    return rows_of(project, User.objects.create_user("ada", is_staff=True))


def said() -> str:
    """All that the audit trail says."""
    return "\n".join(f"{entry.object_repr}: {entry.change_message}" for entry in LogEntry.objects.all())


def assert_one_language() -> None:
    """Nothing that is stored is in the reader's; a message that waits to be shown is for the reader."""
    Session.objects.all().delete()
    stored = [row for row in every_row().splitlines() if QUOTE in row]
    assert not stored, stored


def test_the_reader_is_spoken_to_in_the_readers_language(reader: Client, project: Project) -> None:
    page = text_of(reader.get(LIST))
    assert "«Deliveries»" in page and 'data-close="«Close»"' in page and "«Trial Started»" in page


def test_changing_settings(reader: Client, rows: Rows) -> None:
    save(reader, project_url(rows.project), active=False, region="eu", members=[rows.user.pk])
    assert "Active: on → off" in said() and "Region: " in said()
    assert_one_language()


def test_rotating_and_resuming_and_checking(reader: Client, rows: Rows, revenuecat: FakeRevenueCat) -> None:
    rows.project.hold("Intercom answered 401.", timezone.now(), until=None)
    revenuecat.add_product("premium_monthly", "Premium Monthly")
    for action, answers in (("rotate_authorization", {"hours": 2}), ("rotate_authorization", {"hours": 0})):
        act(reader, project_url(rows.project, action), **answers)
    for action in ("resume", "check_connection", "verify_webhook", "check_project", "read_names"):
        act(reader, project_url(rows.project, action))
    act(reader, project_url(rows.project, "reconcile"), days=7)
    assert "Authorization value rotated" in said() and "1 read from RevenueCat" in said()
    assert "Comparison with RevenueCat started" in said()
    assert Drift.objects.exists() and ProjectCheck.objects.get().remarks
    assert_one_language()


def test_registering_the_webhook(reader: Client, rows: Rows) -> None:
    url = project_url(rows.project, "register_webhook")
    act(reader, url, confirmed=reader.get(url).context["form"].fields["confirmed"].initial)
    assert "Webhook registered in RevenueCat" in said()
    assert_one_language()


def test_letting_somebody_in_and_changing_their_role(reader: Client, rows: Rows) -> None:
    role = Group.objects.get(name="Viewer")
    act(reader, project_url(rows.project, "give_access"), username="bo", role=role.pk)
    answer = {"username": "ada", "is_staff": "on", "date_joined_0": "2026-11-24", "date_joined_1": "12:00:00"}
    reader.post(f"/admin/auth/user/{rows.user.pk}/change/", {**answer, "groups": [role.pk]})
    assert "Access given to bo" in said() and "Groups" in said()
    assert_one_language()


def test_redelivering_one_and_many(reader: Client, rows: Rows) -> None:
    act(reader, delivery_url(rows.delivery.pk, "redeliver"))
    reader.post(LIST, {"action": "redeliver_selected", "_selected_action": [str(rows.delivery.pk)]})
    Delivery.objects.update(status="failed")
    reader.post("/admin/integration/bulkredelivery/add/?status__exact=failed", {"confirmed": "1"})
    run = BulkRedelivery.objects.latest("pk")
    act(reader, f"/admin/integration/bulkredelivery/{run.pk}/cancel/")
    assert "Redelivered." in said() and "Bulk redelivery of 1 delivery started: Status: Failed." in said()
    assert "Cancelled after" in said()
    assert_one_language()


def test_exporting_the_log_and_keeping_its_filters(reader: Client, rows: Rows) -> None:
    b"".join(reader.post(f"{LIST}export/?status__exact=failed", {"format": "csv"}))
    reader.post(f"{LIST}links/?status__exact=failed", {"name": "Failed", "shared": "on"})
    assert "Log exported as CSV: Status: Failed; 0 deliveries." in said() and "Saved for everybody." in said()
    assert_one_language()


def test_naming_repairing_and_forgetting_somebody(reader: Client, rows: Rows) -> None:
    case = IdentityCase.objects.get()
    act(reader, f"/admin/integration/identitycase/{case.pk}/resolve/", named="somebody-else")
    act(reader, f"/admin/integration/discrepancy/{rows.discrepancy.pk}/repair/")
    act(reader, f"/admin/integration/customer/{Customer.objects.get().pk}/forget/")
    assert "A customer was forgotten" in said() and "Named by hand" in said()
    assert_one_language()


def test_two_who_store_at_once_are_spoken_to_in_their_own_languages_afterwards() -> None:
    both_inside = threading.Barrier(2, timeout=10)
    left_with: dict[str, str | None] = {}

    @stored_language()
    def store() -> None:
        both_inside.wait()

    def act_in(language: str) -> None:
        translation.activate(language)
        store()
        left_with[language] = translation.get_language()

    people = [threading.Thread(target=act_in, args=(language,)) for language in ("de", "fr")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert left_with == {"de": "de", "fr": "fr"}
