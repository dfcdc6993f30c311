"""The part of a project that setting it up has found out. Nothing that is sent depends on it."""

from __future__ import annotations

from django.db import models


class SetupState(models.Model):
    """The columns. `connection` is an `intercom.workspace.Found`, of the token and region that are stored now."""

    connection = models.JSONField(null=True, blank=True, editable=False)
    connection_checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Intercom's id of the workspace, by which projects of one workspace find each other.
    workspace_id = models.CharField(max_length=200, blank=True, editable=False, db_default="")
    # When a webhook with the present Authorization value was last noted (integration.webhooks.arrivals).
    webhook_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Somebody writes the webhook to RevenueCat, until then at the latest (integration.models.registrations).
    registering_until = models.DateTimeField(null=True, blank=True, editable=False)
    # The newest event that was sent from the admin as a test.
    test_event_id = models.CharField(max_length=255, blank=True, editable=False, db_default="")

    # What is void with another token or region.
    OF_THE_WORKSPACE = ("connection", "connection_checked_at", "workspace_id")

    class Meta:
        abstract = True

    def forget_workspace(self) -> None:
        """What was found out belongs to the token and the region it was found with. Does not save."""
        self.connection = self.connection_checked_at = None
        self.workspace_id = ""
