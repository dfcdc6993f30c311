"""Posts a webhook to a running server, as RevenueCat would, and says why one was refused; shared by the commands."""

from __future__ import annotations

import json
from typing import Any

import requests
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from integration.models import Project
from integration.revenuecat import signature

# What to look at, by the answer's status.
CAUSES = {
    400: "Is the body an event? An HTML page means that the server does not know this host name: see ALLOWED_HOSTS.",
    401: "Is that server on another database than this command? Or does a proxy change the request?",
    404: "That server has no such project: is it on another database than this command, or another program?",
    413: "The body is too large, for the app or for the proxy in front of it.",
    429: "Too many webhooks were refused; wait a minute.",
}
NOT_A_WEBHOOK = "That is no answer of this app's webhook address: is it the right server?"
SERVER_FAILED = "The server, its database or the proxy in front of it has failed: look at the log there."


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


def why_refused(answer: requests.Response) -> str:
    """What an answer other than 200 means, and what to do, in a sentence or two."""
    status = answer.status_code
    said = f"The server refused the webhook with {status}."
    if 300 <= status < 400:
        target = answer.headers.get("Location", "nowhere")
        return (
            f"{said} It redirects to {target}, and a webhook follows no redirect. Name the https:// address with "
            "--server; behind a proxy, have it set X-Forwarded-Proto."
        )
    return f"{said} {CAUSES.get(status, SERVER_FAILED if status >= 500 else NOT_A_WEBHOOK)}"
