"""`manage.py preview`: exactly the calls that the drain makes, or why there are none; and no call, no row."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from integration.models import Customer, DeliveryAttempt, EventSetting, Project, WebhookEvent
from integration.revenuecat.samples import sample_names
from tests.factories import make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that would send to the stand-in."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project()


def shown(*arguments: str) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("preview", *arguments, stdout=out)
    return out.getvalue()


def as_json(*arguments: str) -> list[dict[str, Any]]:
    """The same for programs."""
    found: list[dict[str, Any]] = json.loads(shown(*arguments, "--json"))
    return found


def test_the_calls_are_those_that_the_drain_then_makes(project: Project, intercom: FakeIntercom) -> None:
    for name in ("latest_store", "latest_entitlement", "subscription_status"):
        intercom.add_attribute(name, "string")
    intercom.add_attribute("expires_at", "date")
    two: list[dict[str, Any]] = [{}, {"event_type": "EXPIRATION"}]
    for fields in two:
        event_id = receive(project, event_timestamp_ms=1_800_000_000_000 + len(fields), **fields).webhook_event.event_id
        (foreseen,) = as_json(event_id)
        seen = len(intercom.ledger)
        run_drain(project)
        made = [(call.method, call.path, json.loads(call.body or b"null")) for call in intercom.ledger[seen:]]
        assert [(call["method"], call["path"], call["request"]) for call in foreseen["calls"]] == made
        assert foreseen["sent"]


def test_nobody_is_called_and_nothing_is_stored(project: Project, intercom: FakeIntercom) -> None:
    for name in sample_names():
        shown(name)
    assert not intercom.ledger
    assert not Customer.objects.exists() and not DeliveryAttempt.objects.exists() and not WebhookEvent.objects.exists()


def test_what_is_not_sent_names_the_setting(project: Project) -> None:
    printed = shown("transfer")
    assert "user_14455: not sent (event_type_off)." in printed and "user_15026: not sent" in printed
    assert "“More events”" in printed
    assert "Sandbox events" in shown("sandbox_renewal")


def test_an_event_that_is_only_logged_says_so_and_shows_its_calls(project: Project) -> None:
    project.sandbox = "log"
    project.save()
    printed = shown("sandbox_renewal")
    assert "not sent, only logged" in printed and "POST /events" in printed


def test_an_event_that_another_project_sends_is_shown_as_that_one_would_send_it(project: Project) -> None:
    other = make_project("Elsewhere", sandbox="send")
    EventSetting.objects.create(project=other, event_type="renewal", custom_name="renewed there")
    project.sandbox, project.sandbox_project = "other", other
    project.save()
    assert "renewed there" in shown("sandbox_renewal", "--project", str(project.pk))


def test_both_sides_of_a_transfer_are_shown(project: Project) -> None:
    EventSetting.objects.create(project=project, event_type="transfer", enabled=True)
    assert [one["app_user_id"] for one in as_json("transfer")] == ["user_14455", "user_15026"]


def test_a_project_that_never_makes_contacts_says_what_happens_then(project: Project) -> None:
    project.missing_contact = "never_create"
    project.save()
    assert "this project never creates contacts" in shown("renewal")


def test_a_file_of_ones_own_is_taken(project: Project, tmp_path: Path) -> None:
    body = tmp_path / "webhook.json"
    body.write_text('{"event": {"type": "TEST", "id": "1"}}', encoding="utf-8")
    assert "test_event" in shown(str(body))


def test_what_is_no_event_is_said(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no event with the id nothing\. There is no sample"):
        shown("nothing")
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(CommandError, match="not JSON"):
        shown(str(broken))
