"""
The settings page's fields for what RevenueCat's own integration does not do, and how their effects are shown.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from integration.models import Customer, Delivery, EventSetting, Project
from tests.admin.conftest import delivery_url, project_url, save, text_of
from tests.factories import make_project, receive, run_drain


def test_every_new_setting_is_saved_as_it_was_entered(admin_client: Client, project: Project) -> None:
    save(
        admin_client,
        project_url(project),
        sandbox="log",
        anonymous="hold",
        identity="attribute:crm_id\r\n\r\n app_user_id ",
        custom_types="SPIN_THE_WHEEL = wheel spun",
        money="after_commission",
        money_currency="usd",
        lifetime_totals=True,
        metadata_keys="product_name\nrevenue\nattribute_plan",
        product_names="premium_monthly = Premium, monthly = good",
        contact_facts=["status", "renews"],
        attribute_prefix="rc_",
        subscriber_attributes="plan\nteam = team_name",
        email_rule="when_empty",
        revenuecat_project="proj1ab2c3d4",
    )
    saved = Project.objects.get()
    assert (saved.sandbox, saved.anonymous, saved.money, saved.money_currency) == (
        "log",
        "hold",
        "after_commission",
        "usd",
    )
    assert saved.identity == ["attribute:crm_id", "app_user_id"]
    assert saved.custom_types == {"SPIN_THE_WHEEL": "wheel spun"}
    assert saved.metadata_keys == ["product_name", "revenue", "attribute_plan"]
    assert saved.product_names == {"premium_monthly": "Premium, monthly = good"}
    assert saved.contact_facts == ["status", "renews"]
    assert saved.subscriber_attributes == {"plan": "plan", "team": "team_name"}
    assert (saved.attribute_prefix, saved.email_rule, saved.revenuecat_project) == ("rc_", "when_empty", "proj1ab2c3d4")
    assert saved.lifetime_totals


def test_saving_the_page_as_it_is_changes_nothing(admin_client: Client, project: Project) -> None:
    project.metadata_keys = ["store", "revenue"]
    project.product_names = {"a": "A"}
    project.subscriber_attributes = {"plan": "plan", "x": "y"}
    project.save()
    before = Project.objects.values().get()
    save(admin_client, project_url(project))
    assert Project.objects.values().get() == before
    assert not EventSetting.objects.exists()


@pytest.mark.parametrize(
    ("field", "entered", "problem"),
    [
        ("identity", "shoe size", "is no source of ids"),
        ("custom_types", "WHEEL", "has no “=”"),
        ("custom_types", "A = x.y", "leave out “.” and “$”"),
        ("custom_types", "A B = x", "is no type of a RevenueCat event"),
        ("metadata_keys", "favourite_colour", "is no key that an event could have"),
        ("metadata_keys", "store\nstore", "stands here twice"),
        ("metadata_keys", "\n".join(f"attribute_{number}" for number in range(11)), "These are 11"),
        ("subscriber_attributes", "plan = subscription_status", "is kept here already"),
        ("subscriber_attributes", "plan = my.plan", "is no name for an attribute"),
        ("attribute_prefix", "rc.", "Letters, digits"),
        ("revenuecat_project", "my project", "no RevenueCat project id"),
        ("product_names", "a = A\na = B", "stands here twice"),
    ],
)
def test_what_is_wrong_is_said_next_to_the_field(
    admin_client: Client, project: Project, field: str, entered: str, problem: str
) -> None:
    before = Project.objects.values().get()
    page = text_of(save(admin_client, project_url(project), **{field: entered}))
    assert problem in page
    assert Project.objects.values().get() == before


def test_an_event_type_that_is_off_is_switched_on_and_off_again(admin_client: Client, project: Project) -> None:
    save(admin_client, project_url(project), event_transfer_send=True, event_transfer_name="Moved")
    setting = EventSetting.objects.get()
    assert (setting.event_type, setting.enabled, setting.custom_name) == ("transfer", True, "Moved")
    save(admin_client, project_url(project), event_transfer_send=None, event_transfer_name="")
    assert not EventSetting.objects.exists()


def test_what_would_have_been_sent_is_shown_as_not_sent(admin_client: Client, project: Project) -> None:
    project.sandbox = "log"
    project.save()
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    page = text_of(admin_client.get(delivery_url(delivery.pk)))
    assert "Not sent, only logged" in page and "What would be sent" in page
    assert "no answer" not in page.lower()


def test_a_customer_shows_the_running_totals_and_what_is_known_by_name(admin_client: Client, project: Project) -> None:
    project.money, project.lifetime_totals = "gross", True
    project.subscriber_attributes, project.email_rule = {"plan": "plan"}, "always"
    project.save()
    fields: dict[str, Any] = {"price": 5.99, "price_in_purchased_currency": 5.99, "currency": "USD"}
    fields["subscriber_attributes"] = {"plan": {"value": "gold"}, "$email": {"value": "ada@example.com"}}
    receive(project, **fields)
    run_drain(project)
    page = text_of(admin_client.get(f"/admin/integration/customer/{Customer.objects.get().pk}/change/"))
    assert "plan (subscriber attribute)" in page and "email (field of Intercom" in page
    assert "5.99 USD, 1 purchase, 0 refunds" in page
    assert Delivery.objects.get().counted


def test_whoever_hands_sandbox_events_over_names_somebody_who_sends_them(
    admin_client: Client, project: Project
) -> None:
    other = make_project("Elsewhere")
    assert "Choose the other project" in text_of(save(admin_client, project_url(project), sandbox="other"))
    asked = {"sandbox": "other", "sandbox_project": str(other.pk)}
    assert "does not send sandbox events" in text_of(save(admin_client, project_url(project), **asked))
    other.sandbox = "send"
    other.save()
    save(admin_client, project_url(project), **asked)
    assert Project.objects.get(pk=project.pk).sandbox_project == other


def test_who_does_not_see_the_other_project_can_still_save_the_page(
    client: Client, project: Project, django_user_model: type[User]
) -> None:
    project.sandbox, project.sandbox_project = "other", make_project("Elsewhere", sandbox="send")
    project.save()
    user = django_user_model.objects.create_user("somebody", password="irrelevant", is_staff=True)
    user.groups.add(Group.objects.get(name="Integration admin"))
    project.members.add(user)
    client.force_login(user)
    save(client, project_url(project), name="Another name")
    assert Project.objects.get(pk=project.pk).name == "Another name"
