"""Posts a webhook to a running server, as RevenueCat would; shared by the commands."""

from __future__ import annotations

import json
from typing import Any

import requests
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from integration.models import Project
from integration.revenuecat import signature


def post_webhook(project: Project, body: dict[str, Any], *, server: str) -> requests.Response:
    """Post `body` to the project's address on `server`, signed where the project wants it.

    Raises CommandError where nothing answers.
    """
    data = json.dumps(body).encode()
    headers = {
        "Content-Type": "application/json",
        "Authorization": project.authorization.reveal(),
    }
    secret = project.signing_secret.reveal()
    if secret:
        headers[signature.HEADER] = signature.signature_header(
            body=data, secret=secret, timestamp=int(timezone.now().timestamp())
        )
    url = server.rstrip("/") + reverse("revenuecat-webhook", args=[project.pk])
    try:
        return requests.post(url, data=data, headers=headers, timeout=30, allow_redirects=False)
    except requests.RequestException as error:
        raise CommandError(
            f"Nothing answers at {url}. Start the server with `make run`, "
            "set PORT here as it was set there, or name it with --server."
        ) from error
