"""Names the app to Django and registers its system checks; nothing else happens at start-up."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core import checks as django_checks

from integration import checks


class IntegrationConfig(AppConfig):
    """The one app of this project."""

    name = "integration"
    verbose_name = "RevenueCat to Intercom"

    def ready(self) -> None:
        """Register the checks; here and not by importing, so that what is registered stands in one place."""
        for check in checks.ALWAYS:
            django_checks.register(check, django_checks.Tags.security)
        for check in checks.OF_THE_DATABASE:
            django_checks.register(check, django_checks.Tags.database)
        for check in checks.ON_DEPLOY:
            django_checks.register(check, django_checks.Tags.security, deploy=True)


class AdminSiteConfig(AdminConfig):
    """Django's admin, with our site in place of its own."""

    default = False
    default_site = "integration.sign_in.site.AdminSite"
