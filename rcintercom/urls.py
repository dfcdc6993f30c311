"""The addresses: the webhook endpoint, the admin, and whether all is well."""

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
