"""System checks: what would be unsafe or could not work, said before it hurts. Ids are integration.E001, ….

`manage.py check --deploy` runs all of them; the others run at every start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004


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


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


ALWAYS = (encryption_keys_are_usable,)
ON_DEPLOY = (
    keys_come_from_the_environment,
    public_url_is_https,
    intercom_is_intercom,
    clients_can_be_told_apart,
)
