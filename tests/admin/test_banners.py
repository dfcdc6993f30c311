"""
What needs somebody stands above every page until it is resolved, for those who see the project.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integration.admin.banners import MOST_LINES, MOST_OPEN
from integration.models import Delivery, Project, ProjectStanding
from tests.admin.addresses import ROUTES, rows_of
from tests.admin.conftest import SignIn, act, delivery_url, project_url, text_of
from tests.factories import make_project
from tests.models.aged import aged

Queries = Callable[..., Any]
NOW = timezone.now()
HOUR = timedelta(hours=1)
LIST = "/admin/integration/webhookevent/"
# Pages without the frame of the others: signing in and out, and what is no page.
FRAMELESS = {"login/", "login/code/", "logout/", "jsi18n/", "autocomplete/", "search/"}


def kinds(client: Client, url: str = LIST) -> list[str]:
    """Which banners a page has."""
    return re.findall(r'data-banner="(\w+)"', client.get(url).content.decode())


def box(client: Client) -> str:
    """The one box that all of them are in."""
    (found,) = re.findall(r'<section class="rc-banners.*?</section>', text_of(client.get(LIST)), re.DOTALL)
    return str(found)


def troubled(project: Project) -> None:
    """A project with everything that there is a banner for but a hold."""
    aged(project, NOW - HOUR, "failed")
    ProjectStanding.objects.create(project=project, stuck_since=NOW - HOUR, retrying=5, silent_since=NOW - HOUR)


def test_every_page_has_the_banner_of_a_failing_project(
    admin_client: Client, admin_user: User, project: Project
) -> None:
    rows = rows_of(project, admin_user)
    troubled(project)
    seen = 0
    for route in set(ROUTES) - FRAMELESS:
        response = admin_client.get(rows.url(route))
        text = response.content.decode()
        # Dialogs come into a page that has it.
        if response.status_code == 200 and '<div id="page"' in text:
            assert "failing" in re.findall(r'data-banner="(\w+)"', text), route
            seen += 1
    assert seen > 20


def test_all_is_well_and_there_is_no_banner(admin_client: Client, project: Project) -> None:
    aged(project, NOW - HOUR)
    assert kinds(admin_client) == []


def test_a_held_project_can_be_resumed_from_every_page(admin_client: Client, project: Project) -> None:
    project.hold("The token was refused. Enter another one.", NOW - 3 * HOUR, until=None)
    text = text_of(admin_client.get(LIST))
    assert "“Larkfield” has been held for 3\xa0hours: The token was refused.</span>" in text
    url = project_url(project, "resume")
    assert f'href="{url}"' in text and f'hx-get="{url}"' in text
    act(admin_client, url)
    assert kinds(admin_client) == []


def test_without_a_token_the_banner_leads_to_where_one_is_entered(admin_client: Client, db: None) -> None:
    project = make_project("Larkfield", token="")
    project.hold("No Intercom access token is set.", NOW, until=None)
    text = text_of(admin_client.get(LIST))
    assert f'href="{project_url(project)}"' in text and project_url(project, "resume") not in text


def test_the_page_of_a_held_project_says_so_itself(admin_client: Client, project: Project) -> None:
    project.hold("The token was refused.", NOW, until=None)
    assert kinds(admin_client, project_url(project)) == []
    assert "The token was refused." in text_of(admin_client.get(project_url(project)))


def test_failures_are_told_of_until_they_are_redelivered(admin_client: Client, project: Project) -> None:
    delivery = aged(project, NOW - HOUR, "failed")
    text = text_of(admin_client.get(LIST))
    assert "“Larkfield”: 1 delivery failed in the last 24 hours." in text
    link = re.search(r'href="([^"]*status__exact=failed[^"]*)"', text)
    assert link
    assert admin_client.get(link[1].replace("&amp;", "&")).context["cl"].result_count == 1
    act(admin_client, delivery_url(delivery.pk, "redeliver"))
    assert kinds(admin_client) == []


def test_what_does_not_get_through_and_who_is_silent_are_told_of(admin_client: Client, project: Project) -> None:
    ProjectStanding.objects.create(project=project, stuck_since=NOW - HOUR, retrying=5, silent_since=NOW - 3 * HOUR)
    assert kinds(admin_client) == ["stuck", "silent"]
    text = text_of(admin_client.get(LIST))
    assert "nothing was delivered for 1\xa0hour" in text and "5 deliveries are tried again" in text
    assert "has received nothing for 3\xa0hours" in text
    ProjectStanding.objects.update(stuck_since=None, silent_since=None)
    assert kinds(admin_client) == []


def test_members_are_told_of_their_own_projects_alone(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_delivery", "view_webhookevent")
    foreign = make_project("Foreign")
    troubled(foreign)
    foreign.hold("Their token.", NOW, until=None)
    assert kinds(client) == []
    troubled(project)
    assert kinds(client) == ["failing", "stuck", "silent"]
    assert "Foreign" not in text_of(client.get(LIST))


def test_links_lead_where_the_person_may_go(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_delivery", "view_webhookevent")
    troubled(project)
    project.hold("The token was refused.", NOW, until=None)
    text = text_of(client.get(LIST))
    assert kinds(client) == ["held", "failing", "silent"]
    assert "/admin/integration/project/" not in text
    for url in re.findall(r'href="(/admin/integration/[^"]*)" class="font-semibold underline"', text):
        assert client.get(url.replace("&amp;", "&")).status_code == 200


def test_who_has_no_role_is_told_of_nothing(sign_in: SignIn, project: Project) -> None:
    client = sign_in()
    troubled(project)
    assert kinds(client, "/admin/") == kinds(client, "/admin/password_change/") == []


def test_nobody_is_told_of_anything_before_signing_in(client: Client, project: Project) -> None:
    troubled(project)
    assert "Larkfield" not in text_of(client.get("/admin/login/"))


def test_the_worst_comes_first_whichever_project_it_is_of(admin_client: Client, project: Project) -> None:
    troubled(project)
    make_project("Zebra").hold("The token was refused.", NOW, until=None)
    assert kinds(admin_client) == ["held", "failing", "stuck", "silent"]


def test_all_but_the_first_lines_are_folded(admin_client: Client, db: None) -> None:
    for number in range(MOST_OPEN):
        make_project(f"Project {number}").hold("Why.", NOW, until=None)
    assert "<details" not in box(admin_client)
    for number in range(2):
        make_project(f"Other {number}").hold("Why.", NOW, until=None)
    above, folded = box(admin_client).split("<details")
    assert above.count('data-banner="held"') == MOST_OPEN and folded.count('data-banner="held"') == 2
    assert "and 2 more" in folded


def test_a_page_has_so_many_banners_and_no_more(admin_client: Client, db: None) -> None:
    for number in range(MOST_LINES + 2):
        make_project(f"Project {number:02}").hold("Why.", NOW, until=None)
    assert len(kinds(admin_client)) == MOST_LINES
    assert f"and {MOST_LINES + 2 - MOST_OPEN} more" in box(admin_client)
    assert "2 more are not shown here." in box(admin_client)


@pytest.mark.parametrize("count", [1, 5])
def test_banners_cost_one_question_a_page(
    admin_client: Client, project: Project, count: int, django_assert_max_num_queries: Queries
) -> None:
    for _ in range(count):
        troubled(make_project())
    text_of(admin_client.get(LIST))
    with django_assert_max_num_queries(20) as asked:
        text_of(admin_client.get(LIST))
    assert len([one for one in asked if "integration_projectstanding" in one["sql"]]) == 1
    assert Delivery.objects.count() == count
