"""The door's address."""

from __future__ import annotations

from django.urls import path, re_path

from integration.webhooks.views import RevenueCatWebhookView

urlpatterns = [
    path(
        "revenuecat/<str:project_id>/",
        RevenueCatWebhookView.as_view(),
        name="revenuecat-webhook",
    ),
    # A slash lost while pasting must not lose events: RevenueCat follows no redirects.
    re_path(r"^revenuecat/(?P<project_id>[^/]+)$", RevenueCatWebhookView.as_view()),
]
