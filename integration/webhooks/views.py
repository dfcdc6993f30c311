"""`POST /webhooks/revenuecat/<project uuid>/`: store, commit, ring, answer 200. See docs/architecture.md."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    MethodNotAllowed,
    NotFound,
    Throttled,
    UnsupportedMediaType,
)
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integration.bells import bell_of, ring
from integration.envelopes import parse_envelope
from integration.models import Delivery, Project
from integration.models.accepting import Accepted
from integration.models.events import Envelope
from integration.webhooks.arrivals import note_arrival
from integration.webhooks.authentication import RevenueCatAuthentication, admit
from integration.webhooks.body import read_body
from integration.webhooks.errors import DatabaseAway
from integration.webhooks.known_projects import known_project, read_project
from integration.webhooks.throttling import TOO_MANY, RefusalsByAddress, RefusalsByProject

logger = logging.getLogger(__name__)


class AlwaysJSON(BaseContentNegotiation):
    """Answers in JSON whatever the Accept header says: a webhook must not fail over that."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The only parser."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The only renderer."""
        return renderers[0], renderers[0].media_type


class RevenueCatWebhookView(APIView):
    """Takes one webhook.

    Answers 200 `{"status": "accepted"}` after the commit, or `{"status": "duplicate"}` for an event id seen
    before; 400, 401, 404, 405, 413, 415, 429 or 503 with DRF's error body otherwise. RevenueCat counts anything but
    200 as a failure and sends again (https://www.revenuecat.com/docs/integrations/webhooks).
    """

    authentication_classes = (RevenueCatAuthentication,)
    throttle_classes = (RefusalsByAddress, RefusalsByProject)
    content_negotiation_class = AlwaysJSON
    http_method_names = ("post",)

    project: Project
    _body: bytes | None = None
    _refusal: APIException | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look up the project before anything else, so that 405 and 404 need no credentials."""
        if request.method != "POST":
            raise MethodNotAllowed(str(request.method))
        self.project = known_project(kwargs["project_id"])
        super().initial(request, *args, **kwargs)

    def post(self, request: Request, project_id: str) -> Response:
        """Store the event and what is owed for it in one transaction, then ring."""
        if request.content_type.partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType(request.content_type)
        envelope = parse_envelope(self.read_body(request))
        accepted = accept(self.project, envelope)
        while accepted is None:
            self.read_project()
            admit(request, self)
            accepted = accept(self.project, envelope)
        note_arrival(self.project, request.headers.get("Authorization", ""), envelope.event_id, timezone.now())
        return Response({"status": "accepted" if accepted.is_new else "duplicate"})

    def handle_exception(self, exc: Exception) -> Response:
        """DRF's answer; a database that does not answer is a 503, and too many refusals are a 429."""
        if isinstance(exc, OperationalError | InterfaceError):
            logger.error("a webhook could not be stored: the database does not answer")
            exc = DatabaseAway()
        elif isinstance(exc, AuthenticationFailed | NotFound):
            self._refusal = exc
            try:
                self.check_throttles(self.request)
            except Throttled as throttled:
                exc = throttled
        return super().handle_exception(exc)

    def check_throttles(self, request: Request) -> None:
        """Count a refusal. DRF asks for every request that is let in, and those are not counted."""
        if self._refusal is not None:
            super().check_throttles(request)

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        """429 with Retry-After, and still with the reason of the refusal: whoever set it up wrongly needs it."""
        reason = "" if self._refusal is None else f"{self._refusal.detail} "
        raise Throttled(wait, f"{reason}{TOO_MANY}")

    def read_project(self) -> None:
        """Put what is stored now in the place of the project that this process remembered."""
        self.project = read_project(self.kwargs["project_id"])

    def read_body(self, request: Request) -> bytes:
        """The raw body, read once and bounded; the signature is over exactly these bytes."""
        if self._body is None:
            self._body = read_body(request._request)
        return self._body


def accept(project: Project, envelope: Envelope) -> Accepted | None:
    """Store an event and what is owed for it, commit, then ring. None where the project has been changed meanwhile."""
    accepted = Delivery.objects.accept(
        project.pk, envelope, timezone.now(), version=project.version, bell=bell_of(project.pk)
    )
    if accepted and accepted.is_new and not accepted.is_rung:
        # After the commit, or the drain could look before there is anything to see. Robust: the event is
        # safe by then, and a bell that fails is made good by the tending.
        # A lambda, because Django names what failed by its __qualname__, and a partial has none.
        transaction.on_commit(lambda: ring(project.pk), robust=True)
    return accepted
