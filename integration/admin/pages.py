"""The pages beside those of models, where their addresses are. What they need to be opened, each asks by itself."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from integration.admin.preview import preview_page


def extra_urls() -> list[URLPattern]:
    """What unfold's site asks for, and puts before its own."""
    page = admin.site.admin_view(preview_page)
    return [
        path("integration/preview/", page, name="integration_preview"),
        path("integration/preview/<path:object_id>/", page, name="integration_preview_project"),
    ]
