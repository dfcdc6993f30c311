"""Texts that no database can hold: a request that brings one is refused, before anybody reads a field.

Django believes the charset that a request declares. Some of the encodings that Python knows make half characters, so
that a failed sign-in could not be written down and would not count; and at some Django fails while it makes the
request, where no middleware could answer. So what is declared is taken away before Django sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

WEBHOOKS = "/webhooks/"
NOT_UTF_8 = "Only UTF-8 is understood here."
NUL = "NUL characters are not understood here."
# Compared as written, and never looked up: Python remembers every name that it has been asked for.
_NAMES = ("utf-8", "utf8")
_IS_FOREIGN = "rcintercom.foreign_charset"

Answerer = Callable[[HttpRequest], HttpResponseBase]
WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def without_foreign_charset(application: WSGIApplication) -> WSGIApplication:
    """`application`, which sees of a Content-Type that names another charset only the type, and a mark beside it."""

    def answer(request: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        kind, *parameters = request.get("CONTENT_TYPE", "").split(";")
        if not all(map(_is_understood, parameters)):
            request |= {"CONTENT_TYPE": kind, _IS_FOREIGN: True}
        return application(request, start_response)

    return answer


def _is_understood(parameter: str) -> bool:
    """No for another charset, and for what RFC 2231 encodes (`charset*=…`): no client of this app writes it."""
    name, _, value = parameter.partition("=")
    if name.strip().lower() == "charset":
        return value.strip().strip('"').lower() in _NAMES
    return "*" not in name


class BadTextMiddleware:
    """Answers 400 where another charset was declared, and to NUL in a cookie.

    Not at the door, which reads bytes and judges them itself: JSON has no other charset (RFC 8259, section 8.1), and
    what a header says must not lose an event whose bytes are good.
    """

    def __init__(self, get_response: Answerer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, or the refusal."""
        refusal = None if request.path_info.startswith(WEBHOOKS) else _refusal(request)
        if refusal is not None:
            return HttpResponse(refusal, status=400, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


def _refusal(request: HttpRequest) -> str | None:
    if _IS_FOREIGN in request.META:
        return NOT_UTF_8
    # Django asks the database for the session that a cookie names. NUL in a form is a matter of its fields, and NUL in
    # an address of the pages.
    if any("\0" in value for value in request.COOKIES.values()):
        return NUL
    return None
