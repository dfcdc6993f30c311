"""
After everything has happened that can, no secret stands in the database, in a backup of it, in the logs, in an answer
or on a page. The exceptions are by design: a project's Authorization value on its own settings page, to be copied, and
what an authenticator app needs, on the pages that show it once.
"""

from __future__ import annotations

import logging
from base64 import b32decode
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from integration.models import Customer, Delivery, DeliveryAttempt, Discrepancy, Project, WebhookEvent
from integration.models.secrets import Secret
from integration.revenuecat import signature
from tests.admin.authenticator import LOGIN, PAGE, give_code, give_password, switch_on
from tests.admin.conftest import act, project_url, save
from tests.everything import backup, every_row, forms_of
from tests.factories import Clock, make_project, raw, receive, run_drain, webhook
from tests.fake_intercom import FakeIntercom, faults
from tests.fake_revenuecat import FakeRevenueCat
from tests.fake_revenuecat.objects import error

CURRENT = "Bearer the-current-authorization-value-0123456789"
PREVIOUS = "Bearer the-value-before-it-9876543210"
SIGNING = "whsec-the-signing-secret-abcdef"
TOKEN = "dG9rOnRoZS1jdXJyZW50LWFjY2Vzcy10b2tlbg=="
TOKEN_BEFORE = "dG9rOnRoZS1hY2Nlc3MtdG9rZW4tYmVmb3Jl"
API_KEY = "sk_theKeyThatIsStoredNow0123456789"
NEVER_SHOWN = {
    "previous": PREVIOUS,
    "signing secret": SIGNING,
    "token": TOKEN,
    "token before": TOKEN_BEFORE,
    "API key": API_KEY,
}
SECRETS = NEVER_SHOWN | {"authorization": CURRENT}

pytestmark = pytest.mark.django_db(transaction=True)


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that a text holds in some form."""
    return [name for name, secret in secrets.items() if any(form in text for form in forms_of(secret))]


@pytest.fixture
def project(intercom: FakeIntercom, revenuecat: FakeRevenueCat, settings: Any) -> Project:
    """A project with every secret there is; its token is about to be replaced in the admin."""
    settings.INTERCOM_API_URL = intercom.url
    settings.REVENUECAT_API_URL = revenuecat.url
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return make_project(
        "Larkfield",
        token=TOKEN_BEFORE,
        authorization=CURRENT,
        previous_authorization=Secret.of(PREVIOUS),
        previous_authorization_until=timezone.now() + timedelta(hours=1),
    )


@pytest.fixture
def superuser(client: Client, project: Project) -> Client:
    """Somebody who sees every page."""
    client.force_login(User.objects.create_superuser("root", password="irrelevant"))
    return client


def knock(project: Project) -> str:
    """Webhooks right and wrong, at the door; what was answered."""
    url, body = f"/webhooks/revenuecat/{project.pk}/", raw(webhook())
    signed = signature.signature_header(body=body, secret=SIGNING, timestamp=int(timezone.now().timestamp()))
    said = []
    for authorization, signed_with in (
        (CURRENT, signed),
        (PREVIOUS, signed),
        (CURRENT, signed + "0"),
        (CURRENT + "x", signed),
        (f"{CURRENT} {SIGNING}", ""),
    ):
        headers = {"Authorization": authorization, signature.HEADER: signed_with}
        answer = Client().generic("POST", url, body, "application/json", headers=headers)
        said.append(f"{answer.status_code} {answer.headers} {answer.content.decode()}")
    return "\n".join(said)


def drain_through_every_fault(project: Project, intercom: FakeIntercom) -> None:
    """Answers that repeat the token, and none at all."""
    clock = Clock()
    for number, fault in enumerate(
        (
            faults.error(400, message=f"What is {TOKEN}?"),
            faults.error(500, message=f"Bearer {TOKEN}"),
            faults.error(401, message=f"Access Token {TOKEN} Invalid"),
            faults.redirect(f"https://elsewhere.invalid/?access_token={TOKEN}"),
            faults.hang(1),
            faults.close_unanswered(),
        )
    ):
        receive(project, app_user_id=f"user-{number}")
        intercom.inject(fault, path=f"/contacts/find_by_external_id/user-{number}")
    now = timezone.now()
    broken = WebhookEvent.objects.create(project=project, event_id="broken", type="X", payload={}, received_at=now)
    Delivery.objects.create(project=project, webhook_event=broken, due_at=now, created_at=now)
    for _ in range(4):
        project.refresh_from_db()
        project.resume()
        run_drain(project, clock, attempt_seconds=0.3)
        clock.advance(minutes=1)
    with intercom.refusing_connections():
        receive(project, app_user_id="user-refused")
        run_drain(project, clock, attempt_seconds=0.3)


def ask_through_every_fault(project: Project, revenuecat: FakeRevenueCat, superuser: Client) -> str:
    """Answers of RevenueCat that repeat the key, and none at all; what was said of them."""
    out = StringIO()
    # Somebody has had an event lately, so that RevenueCat is asked about them.
    Customer.objects.filter(pk=Customer.objects.all()[0].pk).update(
        last_event_at_ms=int(timezone.now().timestamp() * 1000)
    )
    for status in (200, 302, 400, 401, 403, 404, 429, 500):
        elsewhere = f"https://elsewhere.invalid/?key={API_KEY}"
        # With "too many" it says how soon to come again; else half a minute is waited for.
        said = error(API_KEY, f"Bearer {API_KEY}") | {"backoff_ms": 10}
        revenuecat.fail(status, said, times=3, Location=elsewhere)
        with suppress(CommandError):
            call_command("read_names", stdout=out)
        with suppress(CommandError):
            call_command("reconcile", stdout=out)
        for dialog in ("read_names", "reconcile"):
            out.write(act(superuser, project_url(project, dialog), days=7).content.decode())
    revenuecat.refuse_connections()
    for command in ("read_names", "reconcile"):
        with pytest.raises(CommandError) as refused:
            call_command(command, stdout=out)
        out.write(str(refused.value))
    return out.getvalue()


def run_commands() -> str:
    """The commands that read projects or the log; what they said."""
    out = StringIO()
    for name, arguments in (
        ("deliveries", ["--limit", "0"]),
        ("deliveries", ["--limit", "0", "--json"]),
        ("reencrypt", []),
    ):
        call_command(name, *arguments, stdout=out, stderr=out)
    with pytest.raises(CommandError) as refused:
        call_command("createproject", "Larkfield", "--intercom-token", TOKEN)
    return out.getvalue() + str(refused.value)


def use_second_factor(superuser: Client) -> dict[str, str]:
    """Set it up, sign in with it, rightly and wrongly, make new recovery codes; what is secret of it by name."""
    user = User.objects.get(username="root")
    app = switch_on(superuser, user, "irrelevant")
    browser = Client()
    give_password(browser, user, password="irrelevant")
    give_code(browser, f"{app.recovery_codes[0]}-")
    # Somebody pastes the wrong thing, and leaves another set-up half done.
    other = Client()
    give_password(other, user, password="irrelevant")
    give_code(other, app.recovery_codes[1] + app.key)
    other.post(LOGIN, {"username": "root", "password": app.recovery_codes[2]})
    half = User.objects.create_user("half", is_staff=True)
    other.force_login(half)
    other.get(PAGE)
    codes = {f"recovery code {number}": code for number, code in enumerate(app.recovery_codes)}
    return {"key": app.key, "raw key": b32decode(app.key).hex()} | codes


def addresses(project: Project) -> Iterator[str]:
    """Every page of the admin: lists, searches, rows, histories, dialogs."""
    site = "/admin/integration/"
    yield from (
        "/admin/",
        PAGE,
        "/admin/auth/user/",
        "/admin/auth/group/",
        "/admin/password_change/",
        f"{site}project/add/",
    )
    yield from (project_url(project, name) for name in ("change", "history"))
    for model in (Project, Delivery, WebhookEvent, Customer, Discrepancy):
        name = model._meta.model_name
        yield from (f"{site}{name}/", f"{site}{name}/?q=user-1")
        for pk in model.objects.values_list("pk", flat=True):
            yield from (f"{site}{name}/{pk}/change/", f"{site}{name}/{pk}/history/")
    for model, dialogs in (
        (Project, ("check_connection", "rotate_authorization", "resume", "read_names", "reconcile", "send_test")),
        (Delivery, ("redeliver",)),
    ):
        first = model.objects.values_list("pk", flat=True).first()
        yield from (f"{site}{model._meta.model_name}/{first}/{dialog}/" for dialog in dialogs)


def pages_that_leak(client: Client, project: Project, secrets: dict[str, str]) -> dict[str, list[str]]:
    """The addresses whose page shows a secret, beside the Authorization value on its project's own page."""
    found: dict[str, list[str]] = {}
    for address in addresses(project):
        page = client.get(address, follow=True)
        assert page.status_code == 200, address
        shown = set(leaks(page.content.decode() + str(page.headers), secrets))
        expected = {"authorization"} if address == project_url(project) else set()
        if shown != expected:
            found[address] = sorted(shown ^ expected)
    return found


def test_no_secret_is_in_the_database_in_a_backup_in_the_logs_in_an_answer_or_on_a_page(
    project: Project,
    superuser: Client,
    intercom: FakeIntercom,
    revenuecat: FakeRevenueCat,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (None, "procrastinate", "django.db.backends", "django.request", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    # What heals is asked again after a pause.
    monkeypatch.setattr("integration.inquiry.comparing.PAUSE_SECONDS", 0.01)
    secrets_entered = {"new_intercom_token": TOKEN, "new_signing_secret": SIGNING, "new_revenuecat_api_key": API_KEY}
    saved = save(superuser, project_url(project), **secrets_entered, revenuecat_project="1ab2c3d4")
    assert not leaks(saved.content.decode(), NEVER_SHOWN)
    project.refresh_from_db()
    assert (project.intercom_token.reveal(), project.signing_secret.reveal()) == (TOKEN, SIGNING)
    said = knock(project)
    drain_through_every_fault(project, intercom)
    said += ask_through_every_fault(project, revenuecat, superuser)
    customer = Customer.objects.all()[0]
    Discrepancy.objects.create(project=project, customer=customer, said_status="expired", found_at=timezone.now())
    assert len(revenuecat.asked) > 16 and project.revenuecat_api_key.reveal() == API_KEY
    said += run_commands() + act(superuser, project_url(project, "check_connection")).content.decode()
    assert DeliveryAttempt.objects.count() >= 8
    secrets = SECRETS | use_second_factor(superuser)
    assert pages_that_leak(superuser, project, secrets) == {}
    places = {"an answer": said, "the database": every_row(), "a backup": backup(), "the log": caplog.text}
    assert {where: found for where, text in places.items() if (found := leaks(text, secrets))} == {}
    # The places were looked at, and what should be in them is.
    assert project.name in places["a backup"] and project.name in places["the database"]
    assert "webhook refused" in caplog.text and "is held" in caplog.text


def test_the_search_finds_a_secret_where_there_is_one(project: Project) -> None:
    Project.objects.update(hold_reason=f"What is {TOKEN}?")
    assert leaks(every_row(), SECRETS) == leaks(backup(), SECRETS) == ["token"]
