"""
Members of a project see it and its log; of other projects they see nothing, on no page, in no count and no filter.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integration.models import Customer, Delivery, Project, WebhookEvent, log_search
from tests.admin.conftest import SignIn, save, text_of, was_rung
from tests.factories import make_project, receive, refreshed, run_drain

ADMIN = "/admin/integration"
LOG = ("delivery", "webhookevent", "customer")
EMAIL = {"$email": {"value": "ada@example.com", "updated_at_ms": 1}}


@pytest.fixture
def member(project: Project, sign_in: SignIn) -> Client:
    """A member of one project; the other one is made later, and has events of the same customers."""
    client = sign_in(
        *("view_project", "change_project", "view_delivery", "view_webhookevent", "view_customer"),
        *("redeliver_delivery", "view_payload"),
    )
    foreign = make_project("Foreign")
    for owner in (project, foreign):
        for event_type in ("RENEWAL", "EXPIRATION", f"ONLY_{owner.name.upper()}"):
            receive(owner, event_type=event_type, subscriber_attributes=EMAIL)
        for _ in range(3):
            run_drain(owner)
    return client


@pytest.fixture
def foreign(member: Client) -> Project:
    """The project that the member does not see."""
    return Project.objects.get(name="Foreign")


def shown(client: Client, model: str, **query: str) -> Any:
    """The change list for this query."""
    response = client.get(f"{ADMIN}/{model}/", query)
    text_of(response)
    return response.context["cl"]


@pytest.mark.parametrize("model", LOG)
def test_lists_searches_and_counts_hold_only_rows_of_ones_own_projects(
    member: Client, project: Project, model: str
) -> None:
    for query in ({}, {"q": "user-1"}, {"q": "ada@example.com"}):
        changes = shown(member, model, **query)
        assert {row.project_id for row in changes.result_list} == {project.pk}
        assert changes.result_count == len(changes.result_list) == (1 if model == "customer" else 3)
        assert "Foreign" not in text_of(member.get(f"{ADMIN}/{model}/", query))


def test_the_list_of_projects_holds_only_ones_own(member: Client, project: Project) -> None:
    assert [row.pk for row in shown(member, "project").result_list] == [project.pk]


@pytest.mark.parametrize("model", LOG)
def test_filters_offer_and_find_nothing_of_other_projects(member: Client, foreign: Project, model: str) -> None:
    assert str(foreign.pk) not in text_of(member.get(f"{ADMIN}/{model}/"))
    assert shown(member, model, project__id__exact=str(foreign.pk)).result_count == 0


def test_the_type_filter_offers_only_types_of_ones_own_projects(member: Client, admin_client: Client) -> None:
    mine, everybodys = (text_of(client.get(f"{ADMIN}/webhookevent/")) for client in (member, admin_client))
    assert "ONLY_LARKFIELD" in mine and "ONLY_FOREIGN" not in mine
    assert "ONLY_LARKFIELD" in everybodys and "ONLY_FOREIGN" in everybodys


def test_other_projects_events_do_not_use_up_what_a_search_looks_through(
    member: Client, project: Project, foreign: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "MOST_MATCHES", 3)
    for _ in range(5):
        receive(foreign, subscriber_attributes=EMAIL)
    assert shown(member, "delivery", q="ada@example.com").result_count == 3


def test_actions_leave_rows_of_other_projects_alone(member: Client, project: Project, foreign: Project) -> None:
    foreign.hold("Why.", timezone.now(), until=None)
    member.post(f"{ADMIN}/project/", {"action": "resume_selected", "_selected_action": [str(foreign.pk)]})
    delivery = Delivery.objects.filter(project=foreign).latest("pk")
    answer = {"action": "redeliver_selected", "_selected_action": [str(delivery.pk)], "select_across": "1"}
    member.post(f"{ADMIN}/delivery/", answer)
    assert refreshed(delivery).status != "pending" and not was_rung(foreign)
    foreign.refresh_from_db()
    assert foreign.held_at is not None


def test_suggestions_and_the_search_for_pages_name_nothing_of_other_projects(member: Client, foreign: Project) -> None:
    theirs = Customer.objects.get(project=foreign)
    Customer.objects.filter(pk=theirs.pk).update(app_user_id="only-theirs")
    for field, model in (("customer", "delivery"), ("webhook_event", "delivery"), ("project", "delivery")):
        asked = {"app_label": "integration", "model_name": model, "field_name": field, "term": "only-theirs"}
        response = member.get("/admin/autocomplete/", asked)
        assert response.status_code in {403, 404} or response.json()["results"] == []
    for query in ({"s": "only-theirs", "extended": "1"}, {"s": "Foreign", "extended": "1"}):
        page = member.get("/admin/search/", query).content.decode()
        assert f"/customer/{theirs.pk}/" not in page and str(foreign.pk) not in page


def test_whoever_is_taken_out_of_a_project_sees_nothing_of_it_any_more(member: Client, project: Project) -> None:
    event = WebhookEvent.objects.filter(project=project).latest("pk")
    url = f"{ADMIN}/webhookevent/{event.pk}/change/"
    assert member.get(url).status_code == 200
    project.members.clear()
    assert member.get(url).status_code == 404
    assert [shown(member, model).result_count for model in (*LOG, "project")] == [0, 0, 0, 0]


def test_superusers_choose_the_members(admin_client: Client, project: Project) -> None:
    ada, bo = (User.objects.create_user(name, is_staff=True) for name in ("ada", "bo"))
    url = f"{ADMIN}/project/{project.pk}/change/"
    save(admin_client, url, members=[ada.pk, bo.pk])
    assert set(project.members.all()) == {ada, bo}
    save(admin_client, url, members=[ada.pk], name="Renamed")
    assert set(project.members.all()) == {ada}
