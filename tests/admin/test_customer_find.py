"""
Find a customer: by email address, App User ID or alias, exactly, in the projects that somebody sees.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integration.mapping.identity import Link
from integration.models import Customer, IdentityLink, Project
from tests.admin.conftest import SignIn, text_of
from tests.factories import make_project, receive, run_drain

FIND = "/admin/integration/customer/find/"


def someone(project: Project, app_user_id: str, email: str = "", aliases: list[str] | None = None) -> Customer:
    """A customer with a row."""
    return Customer.objects.create(project=project, app_user_id=app_user_id, email=email, aliases=aliases or [])


def led_to(client: Client, text: str) -> str:
    """Where the box leads for this text; "" where it shows a page."""
    response: Any = client.get(FIND, {"q": text})
    return str(response.headers.get("Location", "")) if response.status_code == 302 else ""


def page_url(customer: Customer) -> str:
    """The customer's page."""
    return f"/admin/integration/customer/{customer.pk}/change/"


def test_the_page_has_one_box_and_stands_in_the_sidebar(admin_client: Client, project: Project) -> None:
    page = text_of(admin_client.get(FIND))
    assert page.count('name="q"') == 1 and 'for="find-customer"' in page and 'id="find-customer"' in page
    assert "Nobody is known as" not in page
    assert f'href="{FIND}"' in text_of(admin_client.get("/admin/"))


@pytest.mark.parametrize("text", ["maya", "Maya@Example.org", "maya@example.org", "old-maya", "$RCAnonymousID:9"])
def test_one_match_leads_to_the_page_at_once(admin_client: Client, project: Project, text: str) -> None:
    maya = someone(project, "maya", "maya@example.org", ["maya", "old-maya"])
    IdentityLink.objects.learn(project, {"$RCAnonymousID:9": Link("maya")})
    someone(project, "bo", "bo@example.org")
    assert led_to(admin_client, text) == led_to(admin_client, f"  {text} ") == page_url(maya)


def test_several_matches_are_listed_with_their_projects(admin_client: Client, project: Project) -> None:
    other = make_project("Seaside")
    both = [someone(project, "maya"), someone(other, "maya", aliases=["m"])]
    page = text_of(admin_client.get(FIND, {"q": "maya"}))
    for customer in both:
        assert page_url(customer) in page
    assert "Larkfield" in page and "Seaside" in page


def test_only_projects_that_one_is_a_member_of_are_searched(project: Project, sign_in: SignIn) -> None:
    client = sign_in("view_customer")
    foreign = make_project("Foreign")
    someone(foreign, "maya", "maya@example.org", ["alias-of-maya"])
    IdentityLink.objects.learn(foreign, {"$RCAnonymousID:9": Link("maya")})
    receive(foreign, app_user_id="waiting")
    for text in ("maya", "maya@example.org", "alias-of-maya", "$RCAnonymousID:9", "waiting"):
        page = text_of(client.get(FIND, {"q": text}))
        assert "Nobody is known as" in page and "Foreign" not in page and "Show them" not in page
    own = someone(project, "maya")
    assert led_to(client, "maya") == page_url(own)


def test_who_may_not_see_customers_finds_nobody(project: Project, sign_in: SignIn) -> None:
    someone(project, "maya")
    assert sign_in("view_delivery").get(FIND, {"q": "maya"}).status_code == 403


def test_parts_of_ids_find_nobody(admin_client: Client, project: Project) -> None:
    someone(project, "maya", "maya@example.org", ["old-maya"])
    for text in ("may", "example.org", "old", "MAYA", "%", "may_"):
        assert "Nobody is known as" in text_of(admin_client.get(FIND, {"q": text}))


@pytest.mark.parametrize("text", ["\0", "a\0b", "x" * 256, "<b>bold</b>", "'", "\\", "\ud83d\ude00"])
def test_odd_texts_break_nothing(admin_client: Client, project: Project, text: str) -> None:
    response: Any = admin_client.get(FIND, {"q": text.encode("utf-8", "surrogatepass")})
    assert response.status_code in {200, 400} and "<b>bold</b>" not in response.content.decode()


def test_somebody_whose_first_event_waits_is_found_in_the_log(admin_client: Client, project: Project) -> None:
    Project.objects.update(active=False)
    receive(project, app_user_id="waiting")
    page = text_of(admin_client.get(FIND, {"q": "waiting"}))
    assert "Show them" in page and "/admin/integration/delivery/?q=waiting" in page


def test_more_than_can_be_listed_is_said(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integration.admin.customer_find.MOST_FOUND", 2)
    for number in range(3):
        someone(project, f"user-{number}", "shared@example.org")
    page = text_of(admin_client.get(FIND, {"q": "shared@example.org"}))
    assert "There are more." in page and page.count("/change/") - page.count("user-2") >= 2


def test_the_page_asks_no_more_for_more_rows(
    admin_client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    for number in range(2):
        someone(make_project(f"Project {number}"), "maya")
    text_of(admin_client.get(FIND, {"q": "maya"}))
    with django_assert_max_num_queries(6) as few:
        text_of(admin_client.get(FIND, {"q": "maya"}))
    for number in range(2, 12):
        other = make_project(f"Project {number}")
        someone(other, "maya")
        receive(other, app_user_id="bo")
        run_drain(other)
    with django_assert_max_num_queries(6) as many:
        text_of(admin_client.get(FIND, {"q": "maya"}))
    assert len(few) == len(many)
