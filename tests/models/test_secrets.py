"""
A secret is shown to nobody by accident, and a lost key makes it unreadable instead of breaking a page.
"""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.db import connection

from integration.models import Project
from integration.models.secrets import Secret, SecretUnreadableError
from tests.factories import TOKEN, make_project


@pytest.mark.parametrize("text", ["a", "elevenchars", "x" * 12, TOKEN, "ü€😀" * 10])
def test_a_secret_shows_its_last_four_characters_or_less(text: str) -> None:
    secret = Secret.of(text)
    shown = "…" + text[-4:] if len(text) >= 12 else "…"
    assert str(secret) == secret.hint == f"{secret}" == shown
    assert repr(secret) == f"Secret({shown})"
    assert secret.reveal() == text


def test_a_pickle_of_a_secret_that_was_read_holds_ciphertext_only() -> None:
    secret = Secret.of(TOKEN)
    assert secret.reveal() == TOKEN
    pickled = pickle.dumps(secret)
    assert TOKEN.encode() not in pickled
    assert pickle.loads(pickled).reveal() == TOKEN


def test_a_secret_that_was_read_is_unreadable_again_once_its_key_is_gone(settings: Any) -> None:
    secret = Secret.of(TOKEN)
    assert secret.reveal() == TOKEN
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert secret.is_unreadable


def test_an_empty_text_is_no_secret() -> None:
    assert not Secret.of("")
    assert Secret.of("").reveal() == Secret.of("").hint == ""


def test_the_database_and_a_dump_hold_ciphertext_only(db: None) -> None:
    project = make_project()
    with connection.cursor() as cursor:
        cursor.execute('SELECT intercom_token, "authorization" FROM integration_project')
        stored = cursor.fetchone()
    dumped = serializers.serialize("json", [project])
    for text in (*stored, dumped):
        assert TOKEN not in text
    (restored,) = serializers.deserialize("json", dumped)
    assert isinstance(restored.object, Project)
    assert restored.object.intercom_token.reveal() == TOKEN
    assert json.loads(dumped)[0]["fields"]["intercom_token"] == stored[0]


def test_a_plain_text_cannot_be_stored_by_mistake(db: None) -> None:
    project = make_project()
    project.intercom_token = TOKEN  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"Secret\.of"):
        project.save()


def test_a_lost_key_makes_it_unreadable_and_breaks_nothing_else(db: None, settings: Any) -> None:
    project = make_project()
    old_keys = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    project = Project.objects.get(pk=project.pk)
    assert project.intercom_token.hint == "unreadable" and repr(project.intercom_token) == "Secret(unreadable)"
    with pytest.raises(SecretUnreadableError, match="ENCRYPTION_KEYS"):
        project.intercom_token.reveal()
    project.name = "renamed"
    project.save()
    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, *old_keys]
    assert Project.objects.get(pk=project.pk).intercom_token.reveal() == TOKEN
