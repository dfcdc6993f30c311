"""The addresses: the webhook endpoint, the admin, and whether all is well; and what is said where there is nothing."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from integration.health import health, web_health

urlpatterns = [
    path("webhooks/", include("integration.webhooks.urls")),
    path("health/", health),
    path("health/web/", web_health),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(url="/admin/")),
]

# The names by which Django looks for them.
handler400 = "rcintercom.error_pages.bad_request"
handler403 = "rcintercom.error_pages.forbidden"
handler404 = "rcintercom.error_pages.not_found"
handler500 = "rcintercom.error_pages.server_error"
