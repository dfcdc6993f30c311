"""
Rotating the encryption key: every secret ends up under the newest key, and nothing that runs meanwhile is disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from integration.models import Project
from integration.models.reencryption import Renewal, StoredSecret, stored_secrets
from integration.models.secrets import Secret
from tests.drain.conftest import Meanwhile
from tests.factories import AUTHORIZATION, SIGNING_SECRET, TOKEN, make_project, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults
from tests.fake_revenuecat import KEY

SECRETS = ("authorization", "previous_authorization", "signing_secret", "intercom_token", "revenuecat_api_key")


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in, with every secret there is."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project(
        "Larkfield",
        signing_secret=Secret.of(SIGNING_SECRET),
        previous_authorization=Secret.of("the value before"),
        previous_authorization_until=timezone.now() + timedelta(hours=1),
        revenuecat_api_key=Secret.of(KEY),
    )


@pytest.fixture
def new_key(settings: Any) -> str:
    """A key that has just been put in front of the list."""
    key = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [key, *settings.ENCRYPTION_KEYS]
    return key


def reencrypt() -> str:
    """What the command says."""
    out = StringIO()
    call_command("reencrypt", stdout=out)
    return out.getvalue()


def one(project: Project, field: str) -> StoredSecret:
    """A stored secret as the command has read it."""
    return next(secret for secret in stored_secrets() if secret.row == project and secret.field.name == field)


def test_after_reencrypt_the_old_key_can_be_taken_away(project: Project, new_key: str, settings: Any) -> None:
    assert reencrypt() == "Encrypted anew with the newest key: 5. Had it already: 0. Cannot be read: 0.\n"
    settings.ENCRYPTION_KEYS = [new_key]
    renewed = Project.objects.get()
    texts = [getattr(renewed, name).reveal() for name in SECRETS]
    assert texts == [AUTHORIZATION, "the value before", SIGNING_SECRET, TOKEN, KEY]
    assert renewed.admits(AUTHORIZATION, timezone.now()) and renewed.admits("the value before", timezone.now())


def test_running_it_again_changes_nothing(project: Project, new_key: str) -> None:
    reencrypt()
    before = Project.objects.values().get()
    assert reencrypt() == "Encrypted anew with the newest key: 0. Had it already: 5. Cannot be read: 0.\n"
    assert Project.objects.values().get() == before


def test_what_is_no_secret_stays_as_it_is(db: None, new_key: str) -> None:
    make_project(authorization="", token="")
    assert reencrypt().startswith("Encrypted anew with the newest key: 0. Had it already: 0.")
    assert Project.objects.values_list(*SECRETS).get() == (Secret(""),) * 5


def test_a_secret_under_a_lost_key_is_left_alone_and_named_and_the_others_are_done(
    project: Project, settings: Any
) -> None:
    lost, key = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), key]
    Project.objects.update(intercom_token=Secret.of("another token"), signing_secret=Secret(""))
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    with pytest.raises(CommandError) as refused:
        reencrypt()
    said = str(refused.value)
    assert f"the authorization of project “Larkfield” ({project.pk})" in said
    assert "the previous authorization of project" in said and "intercom token" not in said
    stored = Project.objects.get()
    assert stored.intercom_token.renewed() == stored.intercom_token
    settings.ENCRYPTION_KEYS = lost
    assert stored.authorization.reveal() == AUTHORIZATION


def test_a_token_that_is_replaced_meanwhile_is_not_overwritten(project: Project, new_key: str, settings: Any) -> None:
    found = one(project, "intercom_token")
    # By a process that does not know the new key yet.
    newest_first, settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS, settings.ENCRYPTION_KEYS[1:]
    Project.objects.update(intercom_token=Secret.of("the operator's new token"))
    settings.ENCRYPTION_KEYS = newest_first
    assert found.renew() is Renewal.RENEWED
    settings.ENCRYPTION_KEYS = [new_key]
    assert Project.objects.get().intercom_token.reveal() == "the operator's new token"


def test_a_project_that_is_deleted_meanwhile_does_no_harm(project: Project, new_key: str) -> None:
    found = one(project, "intercom_token")
    project.delete()
    assert found.renew() is Renewal.CURRENT
    assert not Project.objects.exists()


# --- Holds that are under way -------------------------------------------------------------------------------


@pytest.fixture
def refusing(intercom: FakeIntercom) -> Iterator[FakeIntercom]:
    """Intercom refuses every token."""
    with intercom.inject(faults.error(401), times=None):
        yield intercom


def test_a_refused_token_holds_the_project_although_it_was_encrypted_anew_meanwhile(
    project: Project, refusing: FakeIntercom, new_key: str
) -> None:
    delivery = receive(project)
    said: list[str] = []
    meanwhile = Meanwhile(refusing, lambda: said.append(reencrypt()))
    run_drain(project, meanwhile)
    project.refresh_from_db()
    assert said and project.held_at is not None
    assert refreshed(delivery).tries == 0


@pytest.mark.parametrize("what", ["token", "region"])
def test_a_refusal_of_what_was_replaced_meanwhile_holds_nothing(
    project: Project, refusing: FakeIntercom, what: str
) -> None:
    receive(project)

    def replace() -> None:
        current = Project.objects.get()
        if what == "token":
            current.replace_intercom_token("another", timezone.now())
        current.intercom_token_changed_at = timezone.now()
        current.save()
        refusing.clear_faults()

    meanwhile = Meanwhile(refusing, replace)
    run_drain(project, meanwhile)
    project.refresh_from_db()
    assert meanwhile.done and project.held_at is None
