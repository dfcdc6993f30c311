"""
What of a project's page asks RevenueCat: the key, reading names, comparing; and the list of what differs.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from integration.models import Customer, Discrepancy, Project, Reconciliation
from integration.models.secrets import Secret
from integration.tasks import reconcile
from tests.admin.conftest import SignIn, act, project_url, save, text_of
from tests.factories import make_project, receive, run_drain
from tests.fake_revenuecat import KEY, FakeRevenueCat

NEW_KEY = "sk_anotherKeyOfTheTests9876543210"
LIST = "/admin/integration/discrepancy/"


@pytest.fixture
def asking(project: Project, revenuecat: FakeRevenueCat, settings: Any) -> Project:
    """A project that can ask RevenueCat."""
    settings.REVENUECAT_API_URL = revenuecat.url
    project.revenuecat_api_key = Secret.of(KEY)
    project.revenuecat_project = "proj1ab2c3d4"
    project.save()
    return project


def errors(response: Any) -> dict[str, list[str]]:
    """What is wrong with the form, by field."""
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def last_line(project: Project) -> str:
    """The newest line of the project's history."""
    return str(LogEntry.objects.filter(object_id=str(project.pk)).latest("pk").get_change_message())


# --- The key --------------------------------------------------------------------------------------------------


def test_a_key_is_stored_encrypted_and_never_shown_again(admin_client: Client, project: Project) -> None:
    answers = {"new_revenuecat_api_key": f" {NEW_KEY} ", "revenuecat_project": "1ab2c3d4"}
    page = text_of(save(admin_client, project_url(project), **answers))
    project.refresh_from_db()
    assert project.revenuecat_api_key.reveal() == NEW_KEY
    assert NEW_KEY not in page and project.revenuecat_api_key.ciphertext not in page
    assert f"Stored: …{NEW_KEY[-4:]}." in text_of(admin_client.get(project_url(project)))
    assert last_line(project) == "RevenueCat project id: blank → 1ab2c3d4; RevenueCat API key replaced."


def test_a_key_can_be_removed(admin_client: Client, asking: Project) -> None:
    save(admin_client, project_url(asking), clear_revenuecat_api_key="on")
    asking.refresh_from_db()
    assert not asking.revenuecat_api_key and last_line(asking) == "RevenueCat API key removed."
    assert "clear_revenuecat_api_key" not in text_of(admin_client.get(project_url(asking)))


def test_saving_the_page_keeps_the_key(admin_client: Client, asking: Project) -> None:
    save(admin_client, project_url(asking), name="Renamed")
    asking.refresh_from_db()
    assert asking.name == "Renamed" and asking.revenuecat_api_key.reveal() == KEY


def test_the_page_says_what_is_missing_for_asking(admin_client: Client, project: Project) -> None:
    url = project_url(project)
    assert "revenuecat_project" in errors(save(admin_client, url, new_revenuecat_api_key=NEW_KEY))
    assert "reconcile_nightly" in errors(save(admin_client, url, reconcile_nightly="list"))
    assert "new_revenuecat_api_key" in errors(save(admin_client, url, new_revenuecat_api_key="sk_…4f2a"))
    answers = {"new_revenuecat_api_key": NEW_KEY, "revenuecat_project": "1ab2c3d4", "reconcile_nightly": "repair"}
    save(admin_client, url, **answers)
    project.refresh_from_db()
    assert project.reconcile_nightly == "repair"
    removed = save(admin_client, url, clear_revenuecat_api_key="on")
    assert "reconcile_nightly" in errors(removed)


def test_the_buttons_stand_there_only_where_a_key_is_stored(admin_client: Client, project: Project) -> None:
    names = ("Read names from RevenueCat", "Compare with RevenueCat")
    page = text_of(admin_client.get(project_url(project)))
    assert not any(f"{project.pk}/{action}/" in page for action in ("read_names", "reconcile"))
    Project.objects.update(revenuecat_api_key=Secret.of(KEY))
    page = text_of(admin_client.get(project_url(project)))
    assert all(name in page for name in names) and "Last compared" in page and "Never." in page


# --- Names ----------------------------------------------------------------------------------------------------


def test_names_are_read_and_it_is_said_how_many(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.add_product("premium_monthly", "Premium Monthly")
    assert "Read names" in text_of(admin_client.get(project_url(asking, "read_names"))) and revenuecat.asked == []
    answer = act(admin_client, project_url(asking, "read_names"))
    assert answer.headers["Location"] == project_url(asking)
    said = "Names of products and entitlements: 1 read from RevenueCat, 1 of them new; 0 stayed as they were."
    page = text_of(admin_client.get(project_url(asking)))
    assert said in page and "premium_monthly = Premium Monthly" in page
    assert last_line(asking) == said
    act(admin_client, project_url(asking, "read_names"))
    assert LogEntry.objects.count() == 1


def test_what_revenuecat_refuses_is_said_in_the_dialog(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.permissions.clear()
    page = text_of(act(admin_client, project_url(asking, "read_names")))
    assert "needs the permission project_configuration:products:read" in page and KEY not in page
    assert not LogEntry.objects.exists()


# --- Comparing ------------------------------------------------------------------------------------------------


def test_a_comparison_is_begun_for_a_worker(
    admin_client: Client, asking: Project, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        act(admin_client, project_url(asking, "reconcile"), days=30, repair="on")
    run = Reconciliation.objects.get()
    assert (run.days, run.repair, run.finished_at) == (30, True, None)
    assert last_line(asking) == "Comparison with RevenueCat started: the last 30 days, with repair."
    job = ProcrastinateJob.objects.get(queue_name="reconcile")
    assert job.lock == job.queueing_lock == f"reconcile:{asking.pk}"
    page = text_of(admin_client.get(project_url(asking)))
    assert "The comparison begins" in page and "It waits for a worker" in page
    reconcile.func(str(asking.pk))
    assert "0 compared, 0 differ, 0 repaired." in text_of(admin_client.get(project_url(asking)))


def test_one_that_is_under_way_is_said_and_not_begun_again(
    admin_client: Client, asking: Project, django_capture_on_commit_callbacks: Any
) -> None:
    run = Reconciliation.begin(asking, days=7, repair=False, now=timezone.now())
    run.take(timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        act(admin_client, project_url(asking, "reconcile"), days=30)
    page = text_of(admin_client.get(project_url(asking)))
    assert "A comparison is under way" in page and "It is under way." in page
    assert Reconciliation.objects.get().days == 7 and not LogEntry.objects.exists()


def test_why_it_stopped_stands_on_the_page(admin_client: Client, asking: Project) -> None:
    run = Reconciliation.begin(asking, days=7, repair=False, now=timezone.now())
    run.leave(problem="RevenueCat answered 401: it does not know the API key.")
    page = text_of(admin_client.get(project_url(asking)))
    assert "It stopped: RevenueCat answered 401: it does not know the API key." in page


@pytest.mark.parametrize("days", ["0", "366", "", "x"])
def test_a_number_of_days_that_cannot_be_is_refused(admin_client: Client, asking: Project, days: str) -> None:
    assert act(admin_client, project_url(asking, "reconcile"), days=days).status_code == 200
    assert not Reconciliation.objects.exists()


# --- What differs ---------------------------------------------------------------------------------------------


def differing(project: Project, app_user_id: str = "user-1", **fields: Any) -> Discrepancy:
    """Something that a comparison found."""
    receive(project, app_user_id=app_user_id)
    run_drain(project)
    customer = Customer.objects.get(project=project, app_user_id=app_user_id)
    values = {"held_status": "active", "said_status": "expired", "found_at": timezone.now()} | fields
    return Discrepancy.objects.create(project=project, customer=customer, **values)


def shown(client: Client, **query: str) -> list[int]:
    """The keys of the rows that the list shows."""
    response = client.get(LIST, query)
    text_of(response)
    return [row.pk for row in response.context["cl"].result_list]


def test_what_differs_is_listed_and_filtered(admin_client: Client, project: Project) -> None:
    now = timezone.now()
    opened = differing(project)
    repaired = differing(project, "user-2", repaired_at=now, said_status="trial")
    gone = differing(make_project(), "user-3", agreed_at=now)
    assert shown(admin_client) == [gone.pk, repaired.pk, opened.pk]
    assert shown(admin_client, state="open") == [opened.pk]
    assert shown(admin_client, state="repaired") == [repaired.pk]
    assert shown(admin_client, state="gone") == [gone.pk]
    assert shown(admin_client, said_status="trial") == [repaired.pk]
    assert shown(admin_client, project__id__exact=str(project.pk)) == [repaired.pk, opened.pk]
    assert shown(admin_client, q="user-2") == [repaired.pk] and shown(admin_client, q="nobody") == []
    today = f"{now:%Y-%m-%d}"
    assert len(shown(admin_client, found_at_from_0=today, found_at_to_0=today)) == 3


def test_the_page_of_one_shows_both_sides_and_nothing_can_be_changed(admin_client: Client, project: Project) -> None:
    row = differing(project)
    page = text_of(admin_client.get(f"{LIST}{row.pk}/change/"))
    assert "active" in page and "expired" in page and "user-1" in page and "Open" in page
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_list_of_discrepancies_asks_no_more_for_more_rows(
    admin_client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    differing(project)
    text_of(admin_client.get(LIST))
    with django_assert_max_num_queries(8) as few:
        text_of(admin_client.get(LIST))
    for number in range(2, 7):
        differing(project, f"user-{number}")
    with django_assert_max_num_queries(8) as many:
        text_of(admin_client.get(LIST))
    assert len(many) == len(few)


def test_members_see_the_discrepancies_of_their_projects_alone(sign_in: SignIn, project: Project) -> None:
    own = differing(project)
    client = sign_in("view_discrepancy")
    foreign = differing(make_project("Foreign"), "user-9")
    assert shown(client) == [own.pk]
    assert client.get(f"{LIST}{foreign.pk}/change/").status_code == 404
