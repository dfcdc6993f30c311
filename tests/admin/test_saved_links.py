"""
Saved links of the log: one's own and shared ones, never about somebody, and never about projects one does not see.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client

from integration.models import Project, SavedLink
from integration.models.saved_links import MOST_SAVED
from tests.admin.conftest import text_of
from tests.admin.test_deliveries_list import LIST
from tests.factories import make_project

LINKS = f"{LIST}links/"


def member(name: str, *projects: Project) -> Client:
    """A Viewer of these projects."""
    user = User.objects.create_user(name, is_staff=True)
    user.groups.set([Group.objects.get(name="Viewer")])
    for project in projects:
        project.members.add(user)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ada(project: Project) -> Client:
    """A Viewer."""
    return member("ada", project)


def keep(client: Client, name: str = "Failures", query: str = "status__exact=failed", **more: Any) -> str:
    """Save the filters of the address."""
    return text_of(client.post(f"{LINKS}?{query}", {"name": name, **more}, follow=True))


def test_a_viewer_saves_filters_and_finds_them_above_the_list(ada: Client) -> None:
    page = keep(ada, query="status__exact=failed&p=3&environment=SANDBOX")
    assert "“Failures” is saved." in page
    link = SavedLink.objects.get()
    assert link.query == "status__exact=failed&environment=SANDBOX" and not link.shared
    assert f'href="?{link.query}"'.replace("&", "&amp;") in text_of(ada.get(LIST))
    assert LogEntry.objects.get().get_change_message() == "Saved."


def test_a_link_that_is_not_shared_is_seen_by_nobody_else(ada: Client, project: Project) -> None:
    keep(ada, "Mine alone")
    keep(ada, "For all", shared="on")
    page = text_of(member("bo", project).get(LIST))
    assert "Mine alone" not in page and "For all" in page


def test_a_shared_link_about_a_project_is_for_those_who_see_it(ada: Client, project: Project) -> None:
    keep(ada, "Larkfield alone", f"project__id__exact={project.pk}", shared="on")
    assert "Larkfield alone" in text_of(member("bo", project).get(LIST))
    assert "Larkfield alone" not in text_of(member("cy", make_project("Other")).get(LIST))


def test_a_search_is_not_kept(ada: Client) -> None:
    keep(ada, query="status__exact=failed&q=ada%40example.com")
    assert SavedLink.objects.get().query == "status__exact=failed"
    assert "it names a person" in keep(ada, "Her", "q=ada%40example.com")
    assert SavedLink.objects.count() == 1


@pytest.mark.parametrize(
    "query", ["", "payload__icontains=x", "project__id__exact=1", "created_at_from_0=tomorrow", "store=%00"]
)
def test_what_is_no_filter_is_not_kept(ada: Client, query: str) -> None:
    keep(ada, query=query)
    assert not SavedLink.objects.exists()


def test_a_project_that_one_does_not_see_cannot_be_named(ada: Client) -> None:
    assert "There is no such project." in keep(ada, query=f"project__id__exact={make_project('Other').pk}")


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x00b"])
def test_a_link_needs_a_name(ada: Client, name: str) -> None:
    assert "Give the filters a name" in keep(ada, name)


def test_the_same_name_again_is_the_same_link(ada: Client) -> None:
    keep(ada)
    keep(ada, query="status__exact=skipped")
    assert SavedLink.objects.get().query == "status__exact=skipped"


def test_there_is_an_end_to_how_many_somebody_keeps(ada: Client) -> None:
    owner = User.objects.get(username="ada")
    SavedLink.objects.bulk_create(SavedLink(owner=owner, name=str(n), query="a=b") for n in range(MOST_SAVED))
    assert "remove one first" in keep(ada)


def remove(client: Client, link: SavedLink) -> str:
    """Take it away."""
    return text_of(client.post(LINKS, {"remove": str(link.pk)}, follow=True))


def test_one_removes_ones_own_and_superusers_shared_ones(ada: Client, admin_client: Client, project: Project) -> None:
    keep(ada)
    keep(ada, "For all", shared="on")
    mine, shared = SavedLink.objects.order_by("pk")
    assert "There is no such saved link." in remove(member("bo", project), shared)
    assert "There is no such saved link." in remove(admin_client, mine)
    assert "“Failures” is removed." in remove(ada, mine)
    assert "“For all” is removed." in remove(admin_client, shared)
    assert not SavedLink.objects.exists()


@pytest.mark.parametrize("key", ["", "x", "999999999999999999999999", "-1"])
def test_a_key_that_is_none_removes_nothing(ada: Client, key: str) -> None:
    assert "There is no such saved link." in text_of(ada.post(LINKS, {"remove": key}, follow=True))


def test_a_link_is_saved_by_post_alone(ada: Client) -> None:
    assert ada.get(LINKS).status_code == 405


def test_a_link_about_a_project_that_is_gone_is_not_kept(admin_client: Client, project: Project) -> None:
    gone = make_project("Gone")
    query = f"project__id__exact={gone.pk}"
    gone.delete()
    assert "There is no such project." in keep(admin_client, query=query)
    assert not SavedLink.objects.exists()
