"""Who may post: the holder of the project's Authorization value, and of its signing secret where there is one.

Fails closed: a project without a value admits nobody.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from integration.models import Project
from integration.models.secrets import SecretUnreadableError
from integration.revenuecat import signature

logger = logging.getLogger(__name__)

WRONG_AUTHORIZATION = "The Authorization header is missing or is not this project's value."
UNREADABLE_SECRET = "This project's secrets cannot be read on this server; its operator has to look."  # noqa: S105

# How often each project refused a webhook since this process started: a flood must not be a flood of lines.
_refusals: Counter[uuid.UUID] = Counter()


class RevenueCatAuthentication(BaseAuthentication):
    """Admits a request to the project that the view has looked up."""

    def authenticate(self, request: Request) -> tuple[Project, None]:
        """The project as DRF's `user`. Raises AuthenticationFailed (401)."""
        view: Any = request.parser_context["view"]
        try:
            admit(request, view)
        except AuthenticationFailed:
            # The view may have remembered the project: only what is stored now refuses anybody.
            view.read_project()
            try:
                admit(request, view)
            except AuthenticationFailed as error:
                _count_refusal(view.project, str(error.__cause__ or error.detail))
                raise
        return view.project, None

    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401 instead of 403."""
        return "Authorization"


def admit(request: Request, view: Any) -> None:
    """Let the request in to the view's project, or raise AuthenticationFailed (401)."""
    project: Project = view.project
    try:
        if not project.admits(request.headers.get("Authorization", ""), timezone.now()):
            raise AuthenticationFailed(WRONG_AUTHORIZATION)
        secret = project.signing_secret.reveal()
    except SecretUnreadableError as error:
        raise AuthenticationFailed(UNREADABLE_SECRET) from error
    if secret:
        _verify_signature(request, secret, view.read_body(request))


def _verify_signature(request: Request, secret: str, body: bytes) -> None:
    try:
        signature.verify(
            header=request.headers.get(signature.HEADER, ""),
            body=body,
            secret=secret,
            now=timezone.now().timestamp(),
        )
    except signature.SignatureError as error:
        raise AuthenticationFailed(str(error)) from error


def _count_refusal(project: Project, reason: str) -> None:
    """One log line for the 1st, 2nd, 4th, 8th, … refusal, with the count; nothing is stored."""
    _refusals[project.pk] += 1
    count = _refusals[project.pk]
    if count & (count - 1) == 0:
        logger.warning("webhook refused for project %s (%d so far): %s", project.pk, count, reason)
