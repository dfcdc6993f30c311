"""
Before event settings are saved their impact is said: only where there is one, only to who may change them.
"""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from integration.admin.impact import CONFIRMED, REOPENED
from integration.models import Delivery, EventSetting, Project
from tests.admin.conftest import SignIn, entered, project_url, save, text_of
from tests.factories import make_project, receive, run_drain

TOKEN = "dG9rOmEtc2VjcmV0LXRoYXQtbm9ib2R5LXNlZXM="


@pytest.fixture
def busy(project: Project) -> Project:
    """Three paywalls of two customers and a sandbox event were skipped, one renewal was sent."""
    for number in range(3):
        receive(project, event_type="PAYWALL_CLOSE", app_user_id=f"user-{number % 2}")
    receive(project, environment="SANDBOX", app_user_id="tester")
    receive(project)
    for _ in range(3):
        run_drain(project)
    return project


def said(response: Any) -> str:
    """The page as it is read."""
    return html.unescape(text_of(response))


def asks(response: Any) -> bool:
    """Whether it is the page in between."""
    return "Impact of the change" in text_of(response)


def go_on(client: Client, project: Project, asked: Any, button: str, **answers: str) -> Any:
    """Press a button of the page in between, with what it carries along."""
    data: dict[str, Any] = {}
    for name, text in asked.context["values"]:
        data.setdefault(name, []).append(text)
    return client.post(project_url(project), {**data, **answers, button: "1"}, follow=True)


def test_what_a_change_would_have_meant_is_said_before_it_is_saved(admin_client: Client, busy: Project) -> None:
    asked = save(admin_client, project_url(busy), event_paywall_close_send=True)
    page = said(asked)
    assert asks(asked) and "Over the last 7 days 5 events came in." in page
    assert "3 more events to 2 contacts" in page and "would be new: rc_paywall_close_event" in page
    assert "no longer appear" not in page and "Skipped: switched off" in page
    assert not EventSetting.objects.exists() and not LogEntry.objects.exists()


def test_it_is_saved_when_that_is_confirmed(admin_client: Client, busy: Project) -> None:
    asked = save(admin_client, project_url(busy), event_paywall_close_send=True, name="Renamed")
    response = go_on(admin_client, busy, asked, CONFIRMED)
    assert not asks(response)
    assert EventSetting.objects.get().event_type == "paywall_close"
    assert Project.objects.get().name == "Renamed" and LogEntry.objects.count() == 1


def test_one_can_go_back_to_the_form_as_it_was_filled_in(admin_client: Client, busy: Project) -> None:
    asked = save(admin_client, project_url(busy), event_renewal_name="renewed", name="Renamed")
    response = go_on(admin_client, busy, asked, REOPENED)
    page = said(response)
    assert "Nothing is saved yet." in page and 'value="renewed"' in page and 'value="Renamed"' in page
    assert "Please correct" not in page and not EventSetting.objects.exists()
    assert asks(save(admin_client, project_url(busy), event_renewal_name="renewed")), "and from there on again"


def test_what_somebody_else_saves_while_one_looks_is_not_undone_unseen(admin_client: Client, busy: Project) -> None:
    asked = save(admin_client, project_url(busy), event_paywall_close_send=True)
    Project.objects.update(active=False)
    again = go_on(admin_client, busy, asked, CONFIRMED)
    form = again.context["adminform"].form
    assert "somebody changed this project since you opened it" in said(again) and set(form.errors) == {"active"}
    assert form["active"].value() is False and form["event_paywall_close"].value()[1] is True
    assert not Project.objects.get().active and not EventSetting.objects.exists()


def test_saving_and_continuing_goes_on_after_the_question(admin_client: Client, busy: Project) -> None:
    data = {**entered(admin_client, project_url(busy), sandbox="send"), "_continue": "1"}
    asked = admin_client.post(project_url(busy), data)
    response = go_on(admin_client, busy, asked, CONFIRMED)
    assert response.redirect_chain[-1][0].startswith(project_url(busy))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"event_renewal_name": "renewed"}, "1 event under another name, to 1 contact"),
        ({"event_renewal_name": "renewed"}, "would no longer appear: rc_renewal_event"),
        ({"sandbox": "send"}, "1 more event to 1 contact"),
        ({"sandbox": "log"}, "Only logged: sandbox"),
        ({"contact_facts": ["store"]}, "no longer be kept up to date: expires_at, latest_entitlement"),
        ({"attribute_prefix": "rc_"}, "would be new: rc_"),
    ],
)
def test_each_kind_of_difference_has_its_line(
    admin_client: Client, busy: Project, changes: dict[str, Any], line: str
) -> None:
    asked = save(admin_client, project_url(busy), **changes)
    assert asks(asked) and line in said(asked)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Renamed"},
        {"keep_successes_days": "7"},
        {"metadata_keys": "store"},
        {"event_refund_send": True},
        {"event_cancellation_name": "cancelled"},
        {"anonymous": "hold"},
        {"money": "gross"},
        {},
    ],
)
def test_what_would_have_meant_nothing_is_saved_at_once(
    admin_client: Client, busy: Project, changes: dict[str, Any]
) -> None:
    assert not asks(save(admin_client, project_url(busy), **changes))
    assert LogEntry.objects.count() == 1


def test_a_new_project_is_not_asked(admin_client: Client, project: Project) -> None:
    assert not asks(save(admin_client, project_url(project), event_paywall_close_send=True, sandbox="send"))


def test_a_mistake_in_the_form_comes_before_the_question(admin_client: Client, busy: Project) -> None:
    response = save(admin_client, project_url(busy), sandbox="send", event_renewal_name="a.b")
    assert not asks(response) and response.context["adminform"].form.errors


def test_what_is_older_than_a_week_does_not_count(admin_client: Client, busy: Project) -> None:
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert not asks(save(admin_client, project_url(busy), sandbox="send"))


# --- Secrets --------------------------------------------------------------------------------------------------------


def test_a_secret_that_was_entered_too_is_asked_for_again_and_not_shown(admin_client: Client, busy: Project) -> None:
    asked = save(admin_client, project_url(busy), sandbox="send", new_intercom_token=TOKEN)
    assert asks(asked) and TOKEN not in said(asked)
    assert 'name="new_intercom_token"' in said(asked) and 'name="new_signing_secret"' not in said(asked)
    go_on(admin_client, busy, asked, CONFIRMED, new_intercom_token=TOKEN)
    busy.refresh_from_db()
    assert (busy.sandbox, busy.intercom_token.reveal()) == ("send", TOKEN)


# --- What was skipped -----------------------------------------------------------------------------------------------


def test_what_was_skipped_is_offered_for_redelivery(admin_client: Client, busy: Project) -> None:
    asked = save(admin_client, project_url(busy), event_paywall_close_send=True, sandbox="send")
    assert "4 events that were not sent are among them" in said(asked)
    page = said(go_on(admin_client, busy, asked, CONFIRMED))
    assert "Paywall Close (3)" in page and "Skipped: sandbox (1)" in page
    found = {}
    for text in ("Paywall Close (3)", "Skipped: sandbox (1)"):
        url = page.split(f">{text}</a>")[0].rsplit('href="', 1)[1].split('"')[0]
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["project__id__exact"] == str(busy.pk) and query["created_at_from_0"]
        found[text] = [query["reason"], query.get("event_type")]
        log = admin_client.get("/admin/integration/delivery/", query).context["cl"]
        assert log.result_count == int(text.split("(")[1].rstrip(")"))
    assert found == {
        "Paywall Close (3)": ["event_type_off", "paywall_close"],
        "Skipped: sandbox (1)": ["sandbox", None],
    }


def test_what_only_updated_the_contact_is_offered_by_its_event_type(admin_client: Client, project: Project) -> None:
    EventSetting.objects.create(project=project, event_type="expiration", enabled=False)
    receive(project, event_type="EXPIRATION")
    run_drain(project)
    asked = save(admin_client, project_url(project), event_expiration_send=True)
    page = said(go_on(admin_client, project, asked, CONFIRMED))
    assert "Expiration (1)" in page and "event_type=expiration" in page and "status__exact=delivered" in page


# --- Who is asked ----------------------------------------------------------------------------------------------------


def test_only_who_may_change_the_project_learns_its_impact(
    sign_in: SignIn, busy: Project, admin_client: Client
) -> None:
    data = entered(admin_client, project_url(busy), sandbox="send")
    client = sign_in("view_project", "view_delivery", "view_payload")
    assert client.post(project_url(busy), data).status_code == 403


def test_of_a_project_that_is_not_seen_nothing_is_said(sign_in: SignIn, busy: Project, admin_client: Client) -> None:
    data = entered(admin_client, project_url(busy), sandbox="send")
    client = sign_in("view_project", "change_project")
    busy.members.clear()
    response = client.post(project_url(busy), data)
    assert response.status_code == 404 and b"Impact" not in response.content


def test_who_may_not_redeliver_is_offered_nothing(sign_in: SignIn, busy: Project) -> None:
    client = sign_in("view_project", "change_project", "view_delivery")
    asked = save(client, project_url(busy), sandbox="send")
    assert asks(asked)
    assert "Redeliver them" not in said(go_on(client, busy, asked, CONFIRMED))


def test_events_of_other_projects_do_not_count(admin_client: Client, busy: Project) -> None:
    other = make_project("Quiet")
    assert not asks(save(admin_client, project_url(other), sandbox="send"))


def test_it_asks_the_same_questions_however_many_events_there_are(
    admin_client: Client, busy: Project, django_assert_max_num_queries: Any
) -> None:
    data = entered(admin_client, project_url(busy), sandbox="send", event_expiration_send=False)
    receive(busy, event_type="CANCELLATION")
    admin_client.post(project_url(busy), data)
    with django_assert_max_num_queries(17) as few:
        assert asks(admin_client.post(project_url(busy), data))
    for number in range(5):
        receive(busy, environment="SANDBOX", app_user_id=f"user-{number}")
    with django_assert_max_num_queries(17) as many:
        assert asks(admin_client.post(project_url(busy), data))
    assert len(few) == len(many)
