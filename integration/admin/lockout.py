"""What somebody sees whose sign-in is locked after too many failed attempts; django-axes decides when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

_MINUTE = timedelta(minutes=1)


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """429 with the sign-in page's looks; the same whether or not there is a user of that name."""
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    context = {
        **admin.site.each_context(request),
        "title": "Sign-in locked",
        "minutes": cool_off // _MINUTE,
    }
    page = render(request, "integration/locked_out.html", context, status=429)
    page.headers["Retry-After"] = str(int(cool_off.total_seconds()))
    return page
