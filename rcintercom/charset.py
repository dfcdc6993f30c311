"""What a request brings is UTF-8: where its Content-Type says otherwise it is refused, before anybody reads a field.

Django believes what a request declares. Of the encodings that Python knows some make texts that no database can hold,
so that a failed sign-in could not be written down and would not count; and at some Django fails while it makes the
request, where no middleware could answer. So the declaration is taken away before Django sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

WEBHOOKS = "/webhooks/"
REFUSAL = "Only UTF-8 is understood here."
# Compared as written, and never looked up: Python remembers every name that it has been asked for.
_NAMES = ("utf-8", "utf8")
_IS_FOREIGN = "rcintercom.foreign_charset"

Answerer = Callable[[HttpRequest], HttpResponseBase]
WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def without_foreign_charset(application: WSGIApplication) -> WSGIApplication:
    """`application`, which sees of a Content-Type that names another charset only the type, and a mark beside it."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        kind, *parameters = environ.get("CONTENT_TYPE", "").split(";")
        if not all(map(_is_understood, parameters)):
            environ |= {"CONTENT_TYPE": kind, _IS_FOREIGN: True}
        return application(environ, start_response)

    return answer


def _is_understood(parameter: str) -> bool:
    """No for another charset, and for what RFC 2231 encodes (`charset*=…`): no client of this app writes it."""
    name, _, value = parameter.partition("=")
    if name.strip().lower() == "charset":
        return value.strip().strip('"').lower() in _NAMES
    return "*" not in name


class OnlyUTF8Middleware:
    """Answers 400 where another charset was declared; not at the door, which reads bytes and judges them itself.

    JSON has no other charset (RFC 8259, section 8.1): what a header says must not lose an event whose bytes are good.
    """

    def __init__(self, get_response: Answerer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, or the refusal."""
        if _IS_FOREIGN in request.META and not request.path_info.startswith(WEBHOOKS):
            return HttpResponse(REFUSAL, status=400, content_type="text/plain; charset=utf-8")
        return self.get_response(request)
