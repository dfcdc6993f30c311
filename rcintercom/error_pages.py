"""What somebody sees where a request is refused, leads nowhere or fails: what it means, and what to do next.

In the admin the pages look like the others; without a signed-in person, or where something is broken, they need neither
the database nor a script. They never say what was asked for or what went wrong inside.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import requires_csrf_token

from rcintercom.security_headers import ADMIN

TITLES = {
    "400": _("This was not understood"),
    "403": _("Not allowed"),
    "404": _("Page not found"),
    "500": _("Something went wrong"),
    "csrf": _("This form is no longer good"),
}


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: an address or a form that no page makes."""
    return _page(request, 400, "400")


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: what somebody's role does not allow."""
    return _page(request, 403, "403")


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nothing there, or nothing for these eyes."""
    return _page(request, 404, "404")


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without the token that goes with its cookie. Django's `reason` goes to the log."""
    return _page(request, 403, "csrf")


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """500: something is broken here, and so this asks nothing of the database."""
    return _bare(request, 500, "500")


def _page(request: HttpRequest, status: int, what: str) -> HttpResponse:
    """In the looks of the admin; bare outside of it, and where a request was refused before anybody asked whose."""
    if not request.path_info.startswith(ADMIN) or not hasattr(request, "user"):
        return _bare(request, status, what)
    signed_in = admin.site.has_permission(request)
    context = {
        **admin.site.each_context(request),
        "title": TITLES[what],
        "text": f"errors/{what}.html",
        "layout": "admin/base_site.html" if signed_in else "unfold/layouts/unauthenticated.html",
        "signed_in": signed_in,
    }
    return render(request, "errors/page.html", context, status=status)


def _bare(request: HttpRequest, status: int, what: str) -> HttpResponse:
    """Without a template of the admin's; outside of it browsers may not even load a style."""
    context = {
        "title": TITLES[what],
        "text": f"errors/{what}.html",
        "in_admin": request.path_info.startswith(ADMIN),
        "now": datetime.now(UTC),
    }
    return HttpResponse(loader.render_to_string("errors/bare.html", context), status=status)
