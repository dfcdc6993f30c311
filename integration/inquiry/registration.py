"""Registers a project's webhook in RevenueCat, or brings the one that is there up to date; never a second one.

First a plan, which somebody looks at, then the same once more, carried out. Says nothing of the Authorization value.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from integration.event_types import CATALOGUE
from integration.inquiry.access import api_of
from integration.mapping import AnonymousRule, SandboxRule
from integration.models import Project, WebhookRegistration
from integration.models.registrations import digest_of
from integration.models.secrets import Secret, SecretUnreadableError
from integration.revenuecat.errors import OperatorError, UnavailableError
from integration.revenuecat.webhooks import Webhook, WebhookWishes
from integration.transport import new_session
from integration.webhook_fit import Change, Expected, changes, ours, paywall_types, wanted_types, wishes_for

# Somebody is waiting in front of the page, for up to three of these.
SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done: to a webhook that is there, or by making one."""

    webhook: Webhook | None
    wishes: WebhookWishes
    changes: list[Change]
    warnings: list[str]
    digest: str

    @property
    def confirmation(self) -> str:
        """Tells one plan from another, so that only what was looked at is carried out."""
        seen = repr((self.webhook, self.wishes, self.changes, self.digest))
        return hashlib.sha256(seen.encode()).hexdigest()


class PerhapsWrittenError(UnavailableError):
    """RevenueCat did not answer to what it was told to write, and may have written it; the next plan sees it."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What was done."""

    webhook: Webhook
    changes: list[Change]
    is_new: bool
    # RevenueCat told a signing secret, which is stored now.
    signs: bool


def expected_of(project: Project) -> Expected:
    """What the project's settings want of its webhook."""
    policy = project.policy()
    sent = {row.event_type for row in CATALOGUE if policy.sends(row)}
    registration = WebhookRegistration.objects.filter(project=project).first()
    return Expected(
        url=project.webhook_url,
        mark=str(project.pk),
        known_id=registration.webhook_id if registration else "",
        wants_sandbox=policy.sandbox is not SandboxRule.SKIP,
        event_types=wanted_types(sent, names_matter=policy.anonymous is AnonymousRule.HOLD),
    )


def webhooks_of(project: Project, *, seconds: float = SECONDS) -> list[Webhook]:
    """What RevenueCat has. Raises a RevenueCatError."""
    with new_session(1) as session:
        return api_of(project, session, seconds=seconds).webhooks()


def plan(project: Project, *, seconds: float = SECONDS) -> Plan:
    """What registering would do; nothing is changed. Raises a RevenueCatError."""
    authorization = _authorization(project)
    expected = expected_of(project)
    found = ours(webhooks_of(project, seconds=seconds), expected)
    webhook = found[0] if found else None
    wishes = wishes_for(webhook, expected, name=f"Intercom: {project.name}", authorization=authorization)
    said = changes(webhook, wishes, authorization_hint=project.authorization.hint)
    return Plan(webhook, wishes, said, _warnings(project, found, expected), digest_of(project))


def write_as_seen(project: Project, confirmation: str, now: datetime) -> Registered | None:
    """Carry out the plan that somebody has looked at; None, and nothing is written, where it would be another by now.

    One at a time: RevenueCat takes two webhooks with one URL, and two who look at the same moment would make two.
    Raises a RevenueCatError: PerhapsWrittenError where it may have been written all the same.
    """
    turn = WebhookRegistration.take_turn(project, now)
    if turn is None:
        raise OperatorError(
            _("Somebody is writing this project's webhook at this moment. Open this dialog again to see what there is.")
        )
    try:
        # Another Authorization value may have been made since the page was asked for.
        project.refresh_from_db()
        planned = plan(project)
        return carry_out(project, planned, now) if planned.confirmation == confirmation else None
    finally:
        WebhookRegistration.end_turn(project, turn)


def carry_out(project: Project, planned: Plan, now: datetime, *, seconds: float = SECONDS) -> Registered:
    """Do it, and remember it. Raises a RevenueCatError; PerhapsWrittenError where it may be done all the same."""
    with new_session(1) as session:
        api = api_of(project, session, seconds=seconds)
        try:
            if planned.webhook is None:
                written = api.create_webhook(planned.wishes)
            else:
                written = api.update_webhook(planned.webhook.id, planned.wishes)
        except UnavailableError as error:
            raise PerhapsWrittenError(error.message) from error
    with transaction.atomic():
        WebhookRegistration.told(project, written.id, planned.digest, now)
        if written.signing_secret:
            # Of the stored row alone: the page may have been saved meanwhile.
            Project.objects.filter(pk=project.pk).update(signing_secret=Secret.of(written.signing_secret))
    is_new, signs = planned.webhook is None, bool(written.signing_secret)
    return Registered(written, planned.changes, is_new=is_new, signs=signs)


def cannot_be_reached(url: str) -> str:
    """Why RevenueCat cannot post to this URL; "" where nothing here says so."""
    if url.startswith("https://"):
        return ""
    return _("RevenueCat posts to https:// addresses that can be reached from outside. Set PUBLIC_URL on this server.")


def _authorization(project: Project) -> str:
    try:
        value = project.authorization.reveal()
    except SecretUnreadableError as error:
        raise OperatorError(str(error)) from error
    if not value:
        raise OperatorError(_("This project has no Authorization value. Make one with “Rotate authorization”."))
    return value


def _warnings(project: Project, found: list[Webhook], expected: Expected) -> list[str]:
    said = [warning] if (warning := cannot_be_reached(expected.url)) else []
    if len([one for one in found if one.url == expected.url]) > 1:
        said.append(_("RevenueCat has several webhooks with this URL. Delete all but one of them there."))
    if found and found[0].is_off:
        said.append(_("This webhook is switched off. Its API cannot switch it on: do that in RevenueCat."))
    if project.signing_secret:
        said.append(
            _(
                "A signing secret is stored here, so webhooks without a signature are refused. Whether RevenueCat "
                "signs can only be set in its dashboard."
            )
        )
    policy = project.policy()
    paywalls = paywall_types({row.event_type for row in CATALOGUE if policy.sends(row)})
    if paywalls:
        said.append(
            _(
                "RevenueCat sends paywall events ({names}) only where “Send paywall events” is on in its dashboard."
            ).format(names=", ".join(paywalls))
        )
    return said
