"""
What each role may open and do: every address of the admin is tried by every role, in its own projects and in others.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from integration.models import Customer, Delivery, Project
from tests.admin.addresses import ROUTES, Rows, rows_of
from tests.admin.conftest import act, delivery_url, project_url, text_of
from tests.factories import make_project

LOG_PERMISSIONS = {"view_delivery", "view_webhookevent", "view_customer", "view_identitycase", "view_discrepancy"}
SUPPORT_PERMISSIONS = LOG_PERMISSIONS | {"redeliver_delivery", "view_payload", "resolve_identitycase"}
ROLES = {
    "Viewer": LOG_PERMISSIONS,
    "Support": SUPPORT_PERMISSIONS,
    "Integration admin": SUPPORT_PERMISSIONS | {"view_project", "add_project", "change_project"},
}
# Pages that everybody has who may sign in; none of them shows a row.
FOR_STAFF = {
    *("", "search/", "login/", "logout/", "password_change/", "password_change/done/", "jsi18n/"),
    *("login/code/", "second-factor/"),
    "integration/",
}
LOG_PAGES = {
    f"integration/{model}/{page}"
    for model in ("delivery", "webhookevent", "customer", "identitycase", "discrepancy")
    for page in ("", "<path:object_id>/change/", "<path:object_id>/history/")
}
LOG_PAGES |= {"integration/customer/find/"}
FIXTURE = {"integration/webhookevent/<path:object_id>/fixture/"}
# They take a POST alone, and leave every row of the log as it is.
LOG_TOOLS = {"integration/delivery/export/", "integration/delivery/links/"}
BULK = {
    f"integration/bulkredelivery/{page}"
    for page in ("", "add/", *(f"<path:object_id>/{name}/" for name in ("change", "history", "progress", "cancel")))
}
REDELIVER = {"integration/delivery/<path:object_id>/redeliver/"} | BULK
RESOLVE = {f"integration/identitycase/<path:object_id>/{name}/" for name in ("resolve", "retry")}
FORGET = {"integration/customer/<path:object_id>/forget/"}
PROJECT = "integration/project/"
WEBHOOK = ("register_webhook", "update_webhook", "verify_webhook", "check_project")
SETTINGS = (
    {
        f"{PROJECT}{page}"
        for page in ("", "add/", *(f"<path:object_id>/{name}/" for name in ("change", "history", "check_connection")))
    }
    | {
        f"{PROJECT}<path:object_id>/{name}/"
        for name in ("rotate_authorization", "resume", "read_names", "reconcile", "send_test", "test_state", *WEBHOOK)
    }
    | {"integration/discrepancy/<path:object_id>/repair/"}
)
PREVIEW = {"integration/preview/", "integration/preview/<path:object_id>/"}
MAY_OPEN = {
    "Viewer": LOG_PAGES | LOG_TOOLS,
    "Support": LOG_PAGES | LOG_TOOLS | FIXTURE | REDELIVER | RESOLVE | PREVIEW,
    "Integration admin": LOG_PAGES | LOG_TOOLS | FIXTURE | REDELIVER | RESOLVE | PREVIEW | FORGET | SETTINGS,
}
# Lists take a POST for their actions, which have permissions of their own.
LISTS = {
    route
    for route in LOG_PAGES | SETTINGS
    if route.endswith(("delivery/", "event/", "customer/", "identitycase/", "discrepancy/", "project/"))
}
MAY_POST = {role: (pages - LOG_PAGES) | (LISTS & pages) for role, pages in MAY_OPEN.items()}


@pytest.fixture
def own(project: Project, django_user_model: type[User]) -> Rows:
    """The rows of the project that the person is a member of."""
    user = django_user_model.objects.create_user("somebody", password="irrelevant", is_staff=True)
    project.members.add(user)
    return rows_of(project, user)


@pytest.fixture
def foreign(own: Rows) -> Rows:
    """The rows of a project that the person is no member of."""
    return rows_of(make_project("Foreign"), User.objects.create_user("other"))


@pytest.fixture
def as_role(own: Rows, request: pytest.FixtureRequest) -> Client:
    """The member of the own project, in the role that the test names."""
    own.user.groups.set([Group.objects.get(name=request.param)])
    client = Client()
    client.force_login(own.user)
    return client


def each_role() -> pytest.MarkDecorator:
    """Run the test once for each role."""
    return pytest.mark.parametrize(("role", "as_role"), [(role, role) for role in ROLES], indirect=["as_role"])


def test_the_roles_are_groups_with_exactly_these_permissions(db: None) -> None:
    held = {group.name: {one.codename for one in group.permissions.all()} for group in Group.objects.all()}
    assert held == ROLES
    assert Permission.objects.filter(codename__in=ROLES["Integration admin"]).count() == len(ROLES["Integration admin"])


@each_role()
def test_a_role_opens_the_pages_it_is_for_and_no_other(own: Rows, as_role: Client, role: str) -> None:
    opened = {route for route in ROUTES if as_role.get(own.url(route)).status_code not in {403, 404}}
    assert opened == MAY_OPEN[role] | FOR_STAFF


@each_role()
def test_a_role_posts_only_where_it_may(own: Rows, as_role: Client, role: str) -> None:
    before = Project.objects.values().get(), Delivery.objects.values().get()
    # A list of what was done shows the same for a POST; suggestions take none.
    harmless = (
        FOR_STAFF
        | {"autocomplete/", "integration/customer/find/"}
        | {route for route in LOG_PAGES if route.endswith("history/")}
    )
    for route in set(ROUTES) - MAY_POST[role] - harmless:
        response = act(as_role, own.url(route), hours=1, post="yes", name="Renamed")
        assert response.status_code in {403, 404}, route
    assert (Project.objects.values().get(), Delivery.objects.values().get()) == before


@each_role()
def test_no_role_reaches_a_row_of_a_project_without_being_a_member(foreign: Rows, as_role: Client, role: str) -> None:
    def state() -> tuple[Any, Any]:
        project, delivery = (type(row).objects.filter(pk=row.pk) for row in (foreign.project, foreign.delivery))
        return project.values().get(), delivery.values().get()

    before = state()
    for route in (route for route in ROUTES if "object_id" in route):
        url = foreign.url(route)
        for response in (as_role.get(url), act(as_role, url, hours=1, post="yes", name="Renamed")):
            assert response.status_code in {403, 404}, route
            assert "Foreign" not in response.content.decode(), route
    assert state() == before


def test_nobody_gets_in_without_signing_in(own: Rows, client: Client) -> None:
    for route in set(ROUTES) - {"login/", "logout/"}:
        for response in (client.get(own.url(route)), act(client, own.url(route), hours=1)):
            assert response.status_code == 302, route
            assert response.headers["Location"].startswith("/admin/login/"), route


def test_who_has_no_role_opens_no_page_of_a_row(own: Rows, client: Client) -> None:
    client.force_login(own.user)
    pages = set(ROUTES) - FOR_STAFF | {"integration/"}
    assert {client.get(own.url(route)).status_code for route in pages} <= {403, 404}


def test_permissions_on_users_and_groups_make_nobody_a_superuser(own: Rows, client: Client) -> None:
    own.user.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    client.force_login(own.user)
    url = f"/admin/auth/user/{own.user.pk}/change/"
    assert client.get(url).status_code == 403
    assert client.post(url, {"username": "somebody", "is_superuser": "on"}).status_code == 403
    assert client.get("/admin/auth/group/").status_code == 403


# --- What a role is shown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_role", "shown"), [("Viewer", False), ("Support", True), ("Integration admin", True)], indirect=["as_role"]
)
def test_payloads_and_exchanges_are_hidden_from_viewers(own: Rows, as_role: Client, shown: bool) -> None:
    event = text_of(as_role.get(own.url("integration/webhookevent/<path:object_id>/change/")))
    delivery = text_of(as_role.get(delivery_url(own.delivery.pk)))
    assert ("api_version" in event) is shown and ("POST /events" in delivery) is shown
    assert ("Your role does not show what RevenueCat sent." in event) is not shown
    assert ("Your role does not show what was said to Intercom." in delivery) is not shown
    assert "Attempt 1" in delivery and "was delivered" in delivery


@each_role()
def test_the_project_is_a_link_for_those_who_may_open_it(own: Rows, as_role: Client, role: str) -> None:
    page = text_of(as_role.get(delivery_url(own.delivery.pk)))
    assert "Larkfield" in page
    assert (f'href="{project_url(own.project)}"' in page) is (role == "Integration admin")


@pytest.mark.parametrize("as_role", ["Integration admin"], indirect=True)
def test_who_adds_a_project_is_a_member_of_it_and_does_not_choose_the_others(own: Rows, as_role: Client) -> None:
    other = User.objects.create_user("other")
    answer = {"name": "New", "new_intercom_token": "abc", "region": "us", "sandbox": "skip", "members": str(other.pk)}
    assert as_role.post("/admin/integration/project/add/", answer, follow=True).status_code == 200
    made = Project.objects.get(name="New")
    assert list(made.members.all()) == [own.user]
    page = text_of(as_role.get(project_url(made)))
    assert 'name="members"' not in page
    as_role.post(project_url(made), {**answer, "missing_contact": "create", "active": "on"})
    assert list(made.members.all()) == [own.user]


def test_superusers_see_every_project(admin_client: Client, own: Rows, foreign: Rows) -> None:
    for rows in (own, foreign):
        assert admin_client.get(project_url(rows.project)).status_code == 200
    assert admin_client.get("/admin/integration/customer/").context["cl"].result_count == Customer.objects.count() == 2
