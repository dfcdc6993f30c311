"""System checks: what would be unsafe or could not work, said before it hurts. Ids are integration.E001, ….

Some run at every start, some with the database (`migrate`), the rest only with `manage.py check --deploy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import DatabaseError
from django.db.models import QuerySet

_SECRETS = ("authorization", "intercom_token", "signing_secret", "revenuecat_api_key")


def encryption_keys_are_usable(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001: every entry of ENCRYPTION_KEYS must be a Fernet key; nothing could be read or stored otherwise."""
    wrong = [number for number, key in enumerate(settings.ENCRYPTION_KEYS, 1) if not _is_fernet_key(key)]
    return [
        Error(
            f"Entry {number} of ENCRYPTION_KEYS is not a Fernet key.",
            hint="Make one with: python manage.py newkey",
            id="integration.E001",
        )
        for number in wrong
    ]


def keys_come_from_the_environment(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """E002: a production server must not depend on a file that it made for itself."""
    if not settings.KEYS_ARE_GENERATED:
        return []
    return [
        Error(
            "SECRET_KEY or ENCRYPTION_KEYS is unset, so this server made its own and keeps them under VAR_DIR.",
            hint="Set both in the environment and back them up: without the keys the stored tokens are lost. "
            "`python manage.py newkey` prints one.",
            id="integration.E002",
        )
    ]


def public_url_is_https(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """E003: RevenueCat posts to HTTPS addresses only, and the Authorization value must not travel in the open."""
    if str(settings.PUBLIC_URL).startswith("https://"):
        return []
    return [
        Error(
            "PUBLIC_URL does not start with https://.",
            hint="Set it to the address under which RevenueCat reaches this server.",
            id="integration.E003",
        )
    ]


def intercom_is_intercom(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """W001: INTERCOM_API_URL sends every project's token and events to another host than Intercom's."""
    if not settings.INTERCOM_API_URL:
        return []
    return [
        Warning(
            "INTERCOM_API_URL is set: tokens and events go there and not to Intercom.",
            hint="Unset it, unless this is a proxy of yours.",
            id="integration.W001",
        )
    ]


def revenuecat_is_revenuecat(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """W004: REVENUECAT_API_URL sends every project's API key to another host than RevenueCat's."""
    if not settings.REVENUECAT_API_URL:
        return []
    return [
        Warning(
            "REVENUECAT_API_URL is set: API keys go there and not to RevenueCat.",
            hint="Unset it, unless this is a proxy of yours.",
            id="integration.W004",
        )
    ]


def clients_can_be_told_apart(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """W002: behind a proxy that ends TLS everybody has its address, unless TRUSTED_PROXIES says where theirs stands."""
    if settings.ADDRESSES_TELL_CLIENTS_APART:
        return []
    return [
        Warning(
            "HTTPS is on, so there is a proxy in front of the app, but TRUSTED_PROXIES is unset: failed sign-ins and "
            "refused webhooks of everybody are counted together, and no address is locked for trying many names.",
            hint="Set it to the number of proxies that add to X-Forwarded-For, mostly 1; to 0 where none does.",
            id="integration.W002",
        )
    ]


def stored_secrets_can_be_read(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """W003: a server that has other keys than its database was filled with lets no webhook in and sends nothing.

    Only where the database is checked: by `migrate`, which `run` begins with, and by `check --database default`.
    """
    if not databases or not all(_is_fernet_key(key) for key in settings.ENCRYPTION_KEYS):
        return []
    # By its name: this layer knows no rows, and at start-up they are not known yet.
    projects: QuerySet[Any] = QuerySet(apps.get_model("integration", "Project"))
    try:
        values = list(projects.values_list(*_SECRETS))
    except DatabaseError:
        # No tables yet, or of an older version, or no database: others say so.
        return []
    secrets = [secret for row in values for secret in row if secret]
    unreadable = sum(secret.is_unreadable for secret in secrets)
    return [_unreadable(unreadable, len(secrets))] if unreadable else []


def _unreadable(count: int, of: int) -> CheckMessage:
    return Warning(
        f"{count} of the {of} secrets of projects cannot be read with this server's ENCRYPTION_KEYS: "
        "webhooks of these projects are refused, or nothing is sent for them.",
        hint="Add the key they were encrypted with to ENCRYPTION_KEYS, or put back the server-keys.json that "
        "belongs to this database, under VAR_DIR. docs/operations.md tells of restoring and of lost keys.",
        id="integration.W003",
    )


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


ALWAYS = (encryption_keys_are_usable,)
OF_THE_DATABASE = (stored_secrets_can_be_read,)
ON_DEPLOY = (
    keys_come_from_the_environment,
    public_url_is_https,
    intercom_is_intercom,
    revenuecat_is_revenuecat,
    clients_can_be_told_apart,
)
