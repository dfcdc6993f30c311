"""
One delivery: the sentence that answers "was it sent, and if not, why not?", every try, and the button.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from integration.models import Customer, Delivery, DeliveryAttempt, Project
from integration.retry import AttemptOutcome
from tests.admin.conftest import SignIn, act, delivery_url, text_of, was_rung
from tests.factories import TOKEN, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults


def page_of(client: Client, delivery: Delivery) -> str:
    """The page, with runs of white space as one."""
    return " ".join(text_of(client.get(delivery_url(delivery.pk))).split())


def test_a_delivered_one_says_when_and_under_which_name(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    run_drain(project)
    page = page_of(admin_client, delivery)
    row = refreshed(delivery)
    assert row.finished_at is not None
    assert (
        f"Renewal of user-1 arrived at {row.created_at:%Y-%m-%d %H:%M:%S} UTC and was delivered as rc_renewal_event "
        f"at {row.finished_at:%Y-%m-%d %H:%M:%S} UTC." in page
    )


def test_a_skipped_one_says_which_setting(admin_client: Client, project: Project) -> None:
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    assert "A sandbox event, and “Sandbox events” are skipped" in page_of(admin_client, delivery)


def test_a_failed_one_says_what_intercom_said(admin_client: Client, project: Project, intercom: FakeIntercom) -> None:
    delivery = receive(project)
    intercom.inject(faults.error(422, "parameter_invalid", "No such thing"), path="/events")
    run_drain(project)
    page = page_of(admin_client, delivery)
    assert "and failed at" in page and "Intercom answered 422: No such thing." in page
    assert "Rejected by Intercom" in page


def _off(project: Project) -> None:
    Project.objects.update(active=False)


def _held(project: Project) -> None:
    project.hold("The token was refused.", timezone.now(), until=None)


def _later(project: Project) -> None:
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=1), tries=2, explanation="Intercom answered 503.")


def _in_flight(project: Project) -> None:
    Delivery.objects.update(due_at=timezone.now() + timedelta(seconds=40), tries=1)
    DeliveryAttempt.objects.create(delivery=Delivery.objects.get(), started_at=timezone.now())


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (lambda _: None, "It is due and will be sent in a moment."),
        (_off, "It waits, because the project “Larkfield” is switched off."),
        (_held, "It waits, because the project “Larkfield” is held until somebody resumes it. The token was refused."),
        (_later, "2 tries failed so far; the next try is at"),
        (_in_flight, "It is being sent at this moment."),
    ],
)
def test_a_pending_one_says_what_it_waits_for(admin_client: Client, project: Project, arrange: Any, said: str) -> None:
    delivery = receive(project)
    arrange(project)
    assert said in page_of(admin_client, delivery)


def test_every_try_is_listed_in_order_with_its_exchanges(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    intercom.rate_limit(1000)
    delivery = receive(project)
    intercom.inject(faults.error(503, message="Busy"))
    run_drain(project)
    run_drain(project, lambda: timezone.now() + timedelta(minutes=1))
    page = page_of(admin_client, delivery)
    assert page.index("Attempt 1") < page.index("Failed, tried again") < page.index("Attempt 2") < page.index("/events")
    for part in ("GET /contacts/find_by_external_id/user-1", "503", "Busy", "POST /events", "202", "x-ratelimit-limit"):
        assert part in page
    calls = [call for attempt in DeliveryAttempt.objects.all() for call in attempt.exchanges]
    for call in calls:
        assert f"{call['milliseconds']} ms" in page and call["request_id"] in page
    assert escape('"event_name": "rc_renewal_event"') in page
    assert TOKEN not in page and "Bearer" not in page.replace("Bearer $INTERCOM_TOKEN", "")


def test_html_in_payloads_and_answers_is_escaped(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    delivery = receive(project, app_user_id=evil, product_id=evil)
    intercom.inject(faults.error(422, "parameter_invalid", evil), path="/events")
    run_drain(project)
    customer = Customer.objects.get()
    for url in (
        delivery_url(delivery.pk),
        f"/admin/integration/webhookevent/{delivery.webhook_event_id}/change/",
        f"/admin/integration/customer/{customer.pk}/change/",
        "/admin/integration/customer/",
    ):
        page = text_of(admin_client.get(url))
        assert evil not in page and "&lt;img src=x onerror=alert(1)&gt;" in page, url


def test_a_traceback_is_for_superusers_only(admin_client: Client, project: Project, sign_in: SignIn) -> None:
    delivery = receive(project)
    DeliveryAttempt.objects.create(
        delivery=delivery, started_at=timezone.now(), outcome=AttemptOutcome.CRASHED, traceback="in secret_module.py"
    )
    assert "in secret_module.py" in page_of(admin_client, delivery)
    assert "in secret_module.py" not in page_of(sign_in("view_delivery"), delivery)


def test_the_facts_link_to_the_event_the_customer_and_the_project(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    run_drain(project)
    page = page_of(admin_client, delivery)
    for path in (
        f"/admin/integration/webhookevent/{delivery.webhook_event_id}/change/",
        f"/admin/integration/customer/{Customer.objects.get().pk}/change/",
        f"/admin/integration/project/{project.pk}/change/",
    ):
        assert f'href="{path}"' in page


def test_store_and_environment_are_in_words_as_in_the_list(admin_client: Client, project: Project) -> None:
    page = page_of(admin_client, receive(project, store="PLAY_STORE", environment="SANDBOX"))
    facts = page[page.index("<fieldset") : page.index("Timeline")]
    assert "Google Play" in facts and "Sandbox" in facts
    assert "PLAY_STORE" not in facts and "SANDBOX" not in facts


def test_an_event_type_that_this_version_does_not_know_breaks_no_page(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    Delivery.objects.update(event_type="from_the_future", status="delivered")
    assert "from_<wbr>the_<wbr>future" in text_of(admin_client.get("/admin/integration/delivery/"))
    assert delivery.webhook_event.type in page_of(admin_client, delivery)


def test_an_exchange_that_an_older_version_wrote_breaks_nothing(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    DeliveryAttempt.objects.create(
        delivery=delivery, started_at=timezone.now(), outcome="unknown", exchanges=[{"method": "GET", "status": None}]
    )
    assert "no answer" in page_of(admin_client, delivery)


def test_nothing_can_be_changed_added_or_deleted(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    run_drain(project)
    for model, pk in (
        ("delivery", delivery.pk),
        ("webhookevent", delivery.webhook_event_id),
        ("customer", Customer.objects.get().pk),
    ):
        page = text_of(admin_client.get(f"/admin/integration/{model}/{pk}/change/"))
        assert 'name="_save"' not in page
        assert admin_client.post(f"/admin/integration/{model}/{pk}/change/", {"status": "failed"}).status_code == 403
        assert admin_client.post(f"/admin/integration/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403
        assert admin_client.get(f"/admin/integration/{model}/add/").status_code == 403


def test_the_button_owes_it_again_and_rings(
    admin_client: Client, project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    assert "Redeliver" in text_of(admin_client.get(delivery_url(delivery.pk, "redeliver")))
    assert refreshed(delivery).status == "skipped"
    with django_capture_on_commit_callbacks(execute=True):
        response = act(admin_client, delivery_url(delivery.pk, "redeliver"))
    assert response.headers["Location"] == delivery_url(delivery.pk)
    assert refreshed(delivery).status == "pending" and was_rung(project)
    assert "1 delivery was handed to the worker again" in page_of(admin_client, delivery)
    assert LogEntry.objects.get().get_change_message() == "Redelivered."


def test_the_button_needs_the_permission(project: Project, sign_in: SignIn) -> None:
    delivery = receive(project)
    client = sign_in("view_delivery")
    assert "Redeliver" not in page_of(client, delivery)
    assert act(client, delivery_url(delivery.pk, "redeliver")).status_code == 403


def test_a_delivery_that_is_gone_is_said(admin_client: Client, project: Project) -> None:
    assert act(admin_client, delivery_url(4711, "redeliver")).status_code == 404
    page = admin_client.get(delivery_url(4711))
    assert page.status_code == 404 and "Page not found" in page.content.decode()
