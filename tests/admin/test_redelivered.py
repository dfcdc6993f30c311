"""
A delivery that was redelivered: its tries are counted the same in the list and on its page; what is said stays true.
"""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integration.admin import counting, tries
from integration.models import Delivery, DeliveryAttempt, Project
from tests.admin.conftest import act, delivery_url, text_of
from tests.admin.test_deliveries_list import LIST
from tests.factories import receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults

AGAIN = "1 delivery was handed to the worker again, to be sent with today's settings."


def cell(client: Client, name: str) -> str:
    """What a column of the list says of its first row."""
    found = text_of(client.get(LIST)).split(f'class="field-{name} ')[1].split("</td>")[0].split(">", 1)[1]
    for tag in ('<div class="rc-two-lines">', '<div class="text-xs">', "<div>", "</div>"):
        found = found.replace(tag, " ")
    return " ".join(found.split())


def tries_on_page(client: Client, delivery: Delivery) -> str:
    """What its page says under “Tries”."""
    readonly: Any = client.get(delivery_url(delivery.pk)).context["adminform"]
    fields = [field for fieldset in readonly for line in fieldset for field in line]
    return str(next(field.contents() for field in fields if field.field["name"] == "tried"))


def redelivered(client: Client, project: Project) -> Delivery:
    """One that was delivered, and was owed again by hand."""
    delivery = receive(project)
    run_drain(project)
    act(client, delivery_url(delivery.pk, "redeliver"))
    return refreshed(delivery)


def test_all_tries_count_also_those_before(admin_client: Client, project: Project) -> None:
    delivery = redelivered(admin_client, project)
    assert cell(admin_client, "trying") == "1 earlier try Now"
    assert tries_on_page(admin_client, delivery) == "1"
    run_drain(project)
    page = text_of(admin_client.get(delivery_url(delivery.pk)))
    assert "Attempt 2" in page and "Attempt 3" not in page and "It was redelivered since." in page
    assert cell(admin_client, "trying") == "2 tries"
    assert tries_on_page(admin_client, delivery) == "2"


def test_a_try_that_ended_in_a_hold_was_made_and_is_counted(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    delivery = receive(project)
    intercom.inject(faults.error(401))
    run_drain(project)
    assert refreshed(delivery).tries == 0
    assert cell(admin_client, "trying") == "1 earlier try When resumed"
    assert tries_on_page(admin_client, delivery) == "1"


def test_what_never_was_redelivered_says_nothing_of_it(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    run_drain(project)
    assert "It was redelivered since." not in text_of(admin_client.get(delivery_url(delivery.pk)))
    assert cell(admin_client, "trying") == tries_on_page(admin_client, delivery) + " try" == "1 try"


def test_a_try_that_succeeded_before_is_not_said_to_have_failed(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    delivery = redelivered(admin_client, project)
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert "It was tried once so far; the next try is at" in text_of(admin_client.get(delivery_url(delivery.pk)))
    Delivery.objects.update(due_at=timezone.now())
    intercom.inject(faults.error(503))
    run_drain(project)
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert "It was tried 2 times so far; the next try is at" in text_of(admin_client.get(delivery_url(delivery.pk)))


def test_while_it_is_on_its_way_the_page_offers_to_look_again_and_does_not_say_that_it_failed(
    admin_client: Client, project: Project
) -> None:
    delivery = redelivered(admin_client, project)
    url = delivery_url(delivery.pk)
    look_again = f'<a href="{url}" class="font-semibold underline">Look again</a>'
    assert look_again in text_of(admin_client.get(url))
    # As a worker that has taken it leaves it until the try has ended.
    Delivery.objects.update(tries=1, due_at=timezone.now() + timedelta(seconds=40))
    DeliveryAttempt.objects.create(delivery=delivery, started_at=timezone.now())
    page = text_of(admin_client.get(url))
    assert "It is being sent at this moment." in page and look_again in page and "Retrying" not in page
    project.hold("Why.", timezone.now(), until=None)
    Delivery.objects.update(due_at=timezone.now())
    assert "Look again" not in text_of(admin_client.get(url))


def test_one_whose_tries_were_all_broken_off_is_retried_although_nobody_has_said_why(
    admin_client: Client, project: Project
) -> None:
    delivery = receive(project)
    # As workers leave it that were killed twice while they sent.
    Delivery.objects.update(tries=2, due_at=timezone.now() + timedelta(seconds=40))
    assert "Retrying" in cell(admin_client, "status_label")
    assert "Retrying" in text_of(admin_client.get(delivery_url(delivery.pk)))


def test_what_is_said_after_redelivering_is_still_true_when_it_was_sent(admin_client: Client, project: Project) -> None:
    delivery = redelivered(admin_client, project)
    run_drain(project)
    page = html.unescape(text_of(admin_client.get(delivery_url(delivery.pk))))
    assert AGAIN in page and "and was delivered as" in page
    assert "being sent" not in page


def test_the_tries_of_all_rows_that_are_shown_are_one_question_and_no_row_has_too_many(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_OF_A_ROW", 2)
    monkeypatch.setattr(tries, "MOST_OF_A_ROW", 2)
    for _ in range(3):
        receive(project)
    run_drain(project)
    for _ in range(3):
        DeliveryAttempt.objects.create(delivery=Delivery.objects.latest("pk"), started_at=timezone.now())
    with CaptureQueriesContext(connection) as asked:
        page = text_of(admin_client.get(LIST))
    assert len([one for one in asked.captured_queries if "integration_deliveryattempt" in one["sql"]]) == 1
    assert "More than 2 tries" in page and "1 try" in page
