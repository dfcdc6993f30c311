"""Reads the body of a request, and no more of it than an event can have. What it says is read in `envelopes`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from gunicorn.http.errors import ParseException as ServerParseError  # type: ignore[import-untyped]
from rest_framework.exceptions import ParseError

from integration.envelopes import LARGEST_BODY
from integration.webhooks.errors import BodyTooLarge


def read_body(request: HttpRequest) -> bytes:
    """The raw body, at most 1 MiB. Raises BodyTooLarge, without reading on where the length is declared."""
    declared = _declared_length(request)
    if declared > LARGEST_BODY:
        raise BodyTooLarge
    stream: Any = request
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        # A chunked body has no length, so Django would read none of it; the server knows where it ends.
        stream = request.META["wsgi.input"]
    try:
        body: bytes = stream.read(LARGEST_BODY + 1)
    except (OSError, ServerParseError) as error:
        raise ParseError("The body broke off before its end, or its chunks are broken.") from error
    if len(body) > LARGEST_BODY:
        raise BodyTooLarge
    if len(body) < declared:
        raise ParseError("The body broke off before its end.")
    return body


def _declared_length(request: HttpRequest) -> int:
    """The declared length, 0 where there is none; more than is allowed stands for all that is too large."""
    text = str(request.META.get("CONTENT_LENGTH") or "")
    # Python takes ² for a digit but not for a number, and refuses numbers of thousands of digits.
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    return LARGEST_BODY + 1 if len(digits) > len(str(LARGEST_BODY)) else int(digits or "0")
