"""The time zone and the language of whoever looks at a page of the admin, as their browser says them.

The zone stands in a cookie that `integration/static/integration/time_zone.js` writes. A name that this server does not
know changes nothing, and neither does a browser without scripts: then the zone is the setting TIME_ZONE. The language
is one of LANGUAGES. Nothing outside of the admin is touched: the door answers machines, and pays for none of this.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from urllib.parse import unquote

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from rcintercom.security_headers import ADMIN

TIME_ZONE_COOKIE = "time_zone"
# As in IANA's database: America/Argentina/Buenos_Aires, Etc/GMT+5. It becomes the name of a file.
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")

Answerer = Callable[[HttpRequest], HttpResponseBase]


class ViewerMiddleware:
    """Makes both the current ones while a page of the admin is made. What is streamed is made after that."""

    def __init__(self, get_response: Answerer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, with its times in that zone; what is typed is understood in it too."""
        if not request.path_info.startswith(ADMIN):
            return self.get_response(request)
        zone = known_zone(request.COOKIES.get(TIME_ZONE_COOKIE, ""))
        language = translation.get_language_from_request(request)
        with timezone.override(zone), translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language",))
        return response


def known_zone(cookie: str) -> zoneinfo.ZoneInfo | None:
    """The zone that a cookie names; None where this server knows none of that name."""
    name = unquote(cookie)
    if not _ZONE_NAME.fullmatch(name):
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
