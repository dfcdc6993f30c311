"""What browsers are told to forbid: a Content-Security-Policy for every answer, and features no page here uses.

Two policies, and both are constants: what only machines and the front door's visitors get allows nothing at all,
and the admin's allows what comes from this server. docs/operations.md explains them.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

ADMIN = "/admin/"

_EVERYWHERE = {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}
_NOTHING = {**_EVERYWHERE, "form-action": "'none'"}
# Scripts come from files of this server and never stand in a page. Alpine, which moves unfold's pages, makes
# functions of the attributes of their elements, and needs 'unsafe-eval' for it. Unfold's colours are a <style>.
_ADMIN = {
    **_EVERYWHERE,
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
}


def _policy(directives: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in directives.items())


NOTHING_POLICY, ADMIN_POLICY = _policy(_NOTHING), _policy(_ADMIN)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media"),
        *("fullscreen", "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment"),
        *("publickey-credentials-get", "screen-wake-lock", "usb", "xr-spatial-tracking"),
    )
)

Answerer = Callable[[HttpRequest], HttpResponseBase]


class SecurityHeadersMiddleware:
    """Adds the headers that Django has no setting for; the first of all, so that no answer goes without them."""

    def __init__(self, get_response: Answerer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer with its headers."""
        response = self.get_response(request)
        is_admin = request.path_info.startswith(ADMIN)
        response.headers["Content-Security-Policy"] = ADMIN_POLICY if is_admin else NOTHING_POLICY
        if is_admin:
            response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response
