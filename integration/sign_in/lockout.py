"""When a sign-in is locked after failed attempts, and what somebody sees then; django-axes counts and asks.

A name is locked for the address that the attempts came from, and an address as a whole where it tries many names.
Nobody is ever locked everywhere: whoever knows a name must not be able to keep its owner out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from integration.storable import storable

# Failed attempts of one address with any names: more than the people of an office make in a quarter of an hour,
# few enough that the commonest passwords cannot be tried on everybody.
ADDRESS_LIMIT = 30
_MINUTE = timedelta(minutes=1)
# What django-axes has taken from headers and from the path, to be written down.
_KEPT_OF_HEADERS = ("axes_user_agent", "axes_http_accept", "axes_path_info")

if TYPE_CHECKING:

    class _Handler:
        """What of django-axes is used here, for the type checker: it has no types."""

        def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int: ...
        def user_login_failed(
            self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any
        ) -> None: ...

else:
    _Handler = AxesDatabaseHandler


class LockOut(_Handler):
    """Counts as django-axes does, by name and address, and beside that by address alone, with a limit of its own."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """As many as lock where the address is locked; otherwise those of this name and address."""
        of_this_name = super().get_failures(request, credentials)
        limit = int(settings.AXES_FAILURE_LIMIT)
        return limit if of_this_name < limit and address_is_locked(request) else of_this_name

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any
    ) -> None:
        """Count a failure, whatever else the request brings.

        django-axes writes all fields of the form and of the address into the row that counts. One that PostgreSQL
        cannot hold would keep the row from being written, and guessing would cost nothing. So it gets to see none.
        """
        if request is None:
            super().user_login_failed(sender, credentials, request, **more)
            return
        fields, query = request.POST, request.GET
        request.POST, request.GET = QueryDict(), QueryDict()
        for name in _KEPT_OF_HEADERS:
            setattr(request, name, storable(getattr(request, name)))
        try:
            super().user_login_failed(sender, credentials, request, **more)
        finally:
            # The page that says what was wrong shows them again.
            request.POST, request.GET = fields, query


def address_is_locked(request: HttpRequest) -> bool:
    """Whether the client's address has failed too often, with whatever names; never where addresses say nothing."""
    address = getattr(request, "axes_ip_address", None)
    if address is None or not settings.ADDRESSES_TELL_CLIENTS_APART:
        return False
    failed = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=get_cool_off_threshold(request))
    return (failed.aggregate(all=Sum("failures_since_start"))["all"] or 0) >= ADDRESS_LIMIT


def locked_out(request: HttpRequest, *_args: Any) -> HttpResponse:
    """429 with the sign-in page's looks; the same whether or not there is a user of that name."""
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    context = {
        **admin.site.each_context(request),
        "title": _("Sign-in locked"),
        "minutes": cool_off // _MINUTE,
        "whole_address": address_is_locked(request),
    }
    page = render(request, "integration/locked_out.html", context, status=429)
    page.headers["Retry-After"] = str(int(cool_off.total_seconds()))
    return page
