"""
Above a list stands what it is narrowed down by: each filter and the search in words, each a link that takes it away.
"""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from integration.models import Project
from tests.admin.conftest import SignIn, text_of
from tests.admin.test_deliveries_list import LIST
from tests.factories import make_project, receive

ACTIVE = re.compile(r'<nav class="rc-active-filters".*?</nav>', re.DOTALL)
LINK = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
CLEAR, CLEAR_WITH_SEARCH = "Clear all filters", "Clear search and filters"


def active(client: Client, url: str, **query: str) -> dict[str, str]:
    """What stands above the list: the words of each link, and where it leads."""
    found = ACTIVE.search(text_of(client.get(url, query)))
    links = LINK.findall(found[0]) if found else []
    return {_words(inner): html.unescape(href) for href, inner in links}


def _words(inner: str) -> str:
    without_icon = re.sub(r'<span class="(?:material|rc-unseen).*?</span>', "", inner)
    return html.unescape(" ".join(re.sub(r"<[^>]*>", "", without_icon).split()))


def test_a_list_of_everything_says_nothing(admin_client: Client, project: Project) -> None:
    assert active(admin_client, LIST) == {} and active(admin_client, LIST, p="1", status__exact="") == {}


def test_each_filter_and_the_search_are_said_in_words(admin_client: Client, project: Project) -> None:
    query = {
        "q": "user-1",
        "status__exact": "failed",
        "state": "unsent",
        "project__id__exact": str(project.pk),
        "event_type": "initial_purchase",
        "environment": "SANDBOX",
        "store": "PLAY_STORE",
        "reason": "test_event",
        "answer": "none",
        "created_at_from_0": "2026-11-24",
        "created_at_from_1": "14:30",
        "created_at_to_0": "2026-11-25",
    }
    assert list(active(admin_client, LIST, **query)) == [
        "Search: user-1",
        "Status: Failed",
        "State: Failed or skipped",
        "Project: Larkfield",
        "Event type: Initial Purchase",
        "Received from: 2026-11-24 14:30:00 UTC",
        "Received until: 2026-11-25 23:59:59 UTC",
        "Reason: Test event",
        "Intercom's last answer: No answer",
        "Environment: Sandbox",
        "Store: Google Play",
        CLEAR_WITH_SEARCH,
    ]


def test_each_can_be_taken_away_and_all_of_them_together(admin_client: Client, project: Project) -> None:
    query = {
        "q": "user-1",
        "project__id__exact": str(project.pk),
        "status__exact": "failed",
        "created_at_from_0": "2026-11-24",
        "created_at_from_1": "14:30",
        "p": "2",
    }
    links = active(admin_client, LIST, **query)
    by_project = f"project__id__exact={project.pk}"
    since = "created_at_from_0=2026-11-24&created_at_from_1=14%3A30"
    assert links["Search: user-1"] == f"?{since}&{by_project}&status__exact=failed"
    assert links["Status: Failed"] == f"?{since}&{by_project}&q=user-1"
    assert links["Received from: 2026-11-24 14:30:00 UTC"] == f"?{by_project}&q=user-1&status__exact=failed"
    assert links[CLEAR_WITH_SEARCH] == "?"
    assert active(admin_client, LIST, status__exact="failed") == {"Status: Failed": "?", CLEAR: "?"}


def test_what_is_no_choice_stands_there_as_it_is_and_escaped(admin_client: Client, project: Project) -> None:
    query = {"store": "<b>MARS</b>", "created_at_from_0": "tomorrow"}
    assert list(active(admin_client, LIST, **query)) == ["Received from: tomorrow", "Store: <b>MARS</b>", CLEAR]
    assert "<b>MARS" not in text_of(admin_client.get(LIST, query))


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("integration/webhookevent/", {"type": "RENEWAL", "q": "x"}, ["Search: x", "Type: RENEWAL", CLEAR_WITH_SEARCH]),
        ("integration/customer/", {"q": "ada"}, ["Search: ada", CLEAR_WITH_SEARCH]),
        ("integration/identitycase/", {"state": "all"}, ["State: All", CLEAR]),
        ("integration/discrepancy/", {"said_status": "grace_period"}, ["Status in RevenueCat: Grace period", CLEAR]),
        ("auth/user/", {"is_staff__exact": "1"}, ["Staff status: Yes", CLEAR]),
    ],
)
def test_the_other_lists_say_it_too(
    admin_client: Client, project: Project, path: str, query: dict[str, str], said: list[str]
) -> None:
    receive(project)
    assert list(active(admin_client, f"/admin/{path}", **query)) == said


def test_of_groups_the_one_that_was_chosen_is_named(admin_client: Client, db: None) -> None:
    group, users = Group.objects.get(name="Support"), "/admin/auth/user/"
    assert list(active(admin_client, users, groups__id__exact=str(group.pk))) == ["Groups: Support", CLEAR]
    assert list(active(admin_client, users, groups__isnull="True")) == ["Groups: –", CLEAR]


def test_a_project_that_somebody_does_not_see_is_not_named(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_delivery")
    foreign = make_project("Foreign")
    query = {"project__id__exact": str(foreign.pk)}
    assert list(active(client, LIST, **query)) == [f"Project: {foreign.pk}", CLEAR]


def test_saying_it_asks_nothing_of_the_database(
    admin_client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    receive(project)
    text_of(admin_client.get(LIST))
    with django_assert_max_num_queries(9):
        text_of(admin_client.get(LIST, {"store": "APP_STORE", "answer": "none", "status__exact": "pending"}))
