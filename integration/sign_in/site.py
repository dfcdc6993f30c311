"""The admin as a whole: unfold's, with a second factor at its door.

Every page asks `has_permission`, so no page can forget it. What a session remembers is known to `verified.py` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from integration.sign_in.second_factor import second_factor_page
from integration.sign_in.steps import SignIn, ask_for_code
from integration.sign_in.verified import Standing, standing

if TYPE_CHECKING:
    _Site = admin.AdminSite
else:
    _Site = UnfoldAdminSite

_hidden_in_reports = method_decorator((sensitive_post_parameters("password", "code"), never_cache))


class AdminSite(_Site):
    """The pages of the admin, and how one gets to them."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff who have given a code where they have to; anybody may sign out."""
        if not super().has_permission(request):
            return False
        return request.path == reverse("admin:logout") or standing(request) is Standing.NO_OBSTACLE

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Those of unfold, the second step of signing in, and the page of one's own second factor."""
        return [
            path("login/code/", self.sign_in_code, name="sign_in_code"),
            path("second-factor/", self.second_factor, name="second_factor"),
            *super().get_urls(),
        ]

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page for the password: Django's, but for what follows it."""
        if request.method == "GET" and super().has_permission(request):
            where = standing(request)
            if where is not Standing.NEEDS_CODE:
                page = "admin:index" if where is Standing.NO_OBSTACLE else "admin:second_factor"
                return HttpResponseRedirect(reverse(page))
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **(extra_context or {}),
        }
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context[REDIRECT_FIELD_NAME] = reverse("admin:index")
        request.current_app = self.name
        page_of = SignIn.as_view(
            extra_context=context,
            authentication_form=self.login_form or AuthenticationForm,
            template_name="admin/login.html",
        )
        return cast("HttpResponse", page_of(request))

    @_hidden_in_reports
    def sign_in_code(self, request: HttpRequest) -> HttpResponse:
        """The page for the code, after that for the password."""
        return ask_for_code(request, self.each_context(request))

    @_hidden_in_reports
    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """The page of one's own second factor: also for those who must set one up before they see anything else."""
        if not super().has_permission(request) or standing(request) is Standing.NEEDS_CODE:
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        is_first = standing(request) is Standing.NEEDS_SET_UP
        layout = "unfold/layouts/unauthenticated.html" if is_first else "admin/base_site.html"
        return second_factor_page(request, {**self.each_context(request), "layout": layout, "is_first": is_first})
