"""Who is who: what is known of App User IDs beside their events, and the queue of those whom an operator must name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integration.mapping.identity import Link
from integration.mapping.planning import WAIT_SENTENCES, WaitReason
from integration.models.deliveries import Delivery
from integration.models.projects import Project

# Since when somebody waits stays while they wait; who waits again waits anew.
_OPEN = """
INSERT INTO integration_identitycase AS known (project_id, app_user_id, reason, candidates, since, resolved_at)
VALUES (%s, %s, %s, %s::jsonb, %s, NULL)
ON CONFLICT (project_id, app_user_id) DO UPDATE SET
    reason = EXCLUDED.reason,
    candidates = EXCLUDED.candidates,
    since = CASE WHEN known.resolved_at IS NULL THEN known.since ELSE EXCLUDED.since END,
    resolved_at = NULL
"""


class IdentityLinkQuerySet(models.QuerySet["IdentityLink"]):
    """Looking links up, and making them."""

    def known(self, project: Project, app_user_ids: Iterable[str]) -> dict[str, Link]:
        """The links of these ids, by id. A contact that was chosen belongs to the workspace it was chosen in."""
        rows = self.filter(project=project, app_user_id__in=list(app_user_ids))
        changed_at = project.intercom_token_changed_at
        if changed_at is not None:
            rows = rows.exclude(~Q(contact_id=""), made_at__lt=changed_at)
        return {row.app_user_id: Link(row.named, row.contact_id, row.email, decided=row.decided) for row in rows}

    def learn(self, project: Project, given: Mapping[str, Link]) -> None:
        """Anonymous ids turned out to be somebody's. What an operator has decided stays."""
        links = [
            IdentityLink(project=project, app_user_id=one, named=link.app_user_id, email=link.email)
            for one, link in sorted(given.items())
        ]
        self.bulk_create(links, ignore_conflicts=True)

    def decide(self, project: Project, app_user_id: str, *, named: str = "", contact_id: str = "") -> None:
        """An operator says who it is: another id of ours, or a contact of Intercom's."""
        values = {"named": named, "contact_id": contact_id, "email": "", "decided": True}
        self.update_or_create(values, project=project, app_user_id=app_user_id)


class IdentityLink(models.Model):
    """What is known of one App User ID: the id that stands for it, or Intercom's own id of the contact."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="identity_links", db_index=False)
    app_user_id = models.CharField(max_length=255)
    named = models.CharField(max_length=255, blank=True)
    contact_id = models.CharField(max_length=100, blank=True)
    email = models.CharField(max_length=255, blank=True, db_default="", default="")
    decided = models.BooleanField(default=False, db_default=False)
    made_at = models.DateTimeField(auto_now=True)

    objects = IdentityLinkQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "app_user_id"), name="one_link_per_app_user_id"),)

    def __str__(self) -> str:
        return f"{self.app_user_id} is {self.named or self.contact_id}"


class IdentityCaseQuerySet(models.QuerySet["IdentityCase"]):
    """Opening and closing cases."""

    def open(self, cases: Sequence[IdentityCase]) -> None:
        """Have these in the queue, once for each person; one that was closed is open again."""
        one_each = {(case.project_id, case.app_user_id): case for case in cases}
        rows = [one_each[key] for key in sorted(one_each)]
        with connection.cursor() as cursor:
            cursor.executemany(
                _OPEN,
                [(row.project_id, row.app_user_id, row.reason, json.dumps(row.candidates), row.since) for row in rows],
            )

    def close(self, project: Project, app_user_ids: Iterable[str], now: datetime) -> None:
        """These wait no longer; who else it might have been is not kept."""
        rows = self.filter(project=project, app_user_id__in=list(app_user_ids), resolved_at=None)
        rows.update(resolved_at=now, candidates=[])


class IdentityCase(models.Model):
    """Somebody whose events wait because nobody knows which contact is theirs."""

    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="identity_cases", db_index=False
    )
    app_user_id = models.CharField(_("customer"), max_length=255)
    reason = models.CharField(
        _("why"), max_length=50, choices=[(str(reason), _(sentence)) for reason, sentence in WAIT_SENTENCES.items()]
    )
    # Of several contacts with one email: id, external_id, email and name of each.
    candidates = models.JSONField(default=list, blank=True)
    since = models.DateTimeField(_("waiting since"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    objects = IdentityCaseQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = _("identity case")
        verbose_name_plural = _("identity queue")
        permissions = (("resolve_identitycase", "Can say which contact is whose"),)
        constraints = (models.UniqueConstraint(fields=("project", "app_user_id"), name="one_case_per_app_user_id"),)
        indexes = (models.Index(fields=("resolved_at", "-id"), name="identity_case_open"),)

    def __str__(self) -> str:
        return self.app_user_id

    @classmethod
    def of(cls, delivery: Delivery, reason: WaitReason, now: datetime, candidates: Sequence[Any] = ()) -> IdentityCase:
        """The case of a delivery that waits; not saved yet."""
        return cls(
            project_id=delivery.project_id,
            app_user_id=delivery.app_user_id,
            reason=str(reason),
            candidates=list(candidates),
            since=now,
        )
