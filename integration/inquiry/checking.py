"""Looks whether a project still fits what is set up in RevenueCat and Intercom, and writes down since when it does not.

What could not be looked at is a remark and no drift: what was found before stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integration.inquiry.connection import check_and_remember
from integration.inquiry.registration import cannot_be_reached, expected_of, webhooks_of
from integration.intercom.workspace import REGION_OF_ANSWER, Found, Verdict
from integration.models import Drift, Project, ProjectCheck, WebhookRegistration
from integration.models.projects import Region
from integration.models.secrets import SecretUnreadableError
from integration.revenuecat.errors import OperatorError, RevenueCatError
from integration.storable import storable
from integration.stored_language import stored_language
from integration.webhook_fit import Misfit, described, findings, ours

OF_WEBHOOK = frozenset(
    {
        Misfit.WEBHOOK_MISSING,
        Misfit.WEBHOOK_URL,
        Misfit.WEBHOOK_TWICE,
        Misfit.WEBHOOK_ENVIRONMENT,
        Misfit.WEBHOOK_EVENTS,
        Misfit.WEBHOOK_OFF,
        Misfit.REVENUECAT_REFUSED,
    }
)
OF_INTERCOM = frozenset({Misfit.INTERCOM_TOKEN, Misfit.INTERCOM_REGION, Misfit.INTERCOM_WORKSPACE})
# Nobody who could judge the token was reached.
NOT_JUDGED = frozenset({Verdict.BUSY, Verdict.UNREACHABLE, Verdict.NOT_INTERCOM})
# What fits again is kept so long.
KEPT = timedelta(days=90)


@dataclass(slots=True)
class Looked:
    """What was looked at, what of it does not fit, and what else there is to say."""

    at: set[Misfit] = field(default_factory=set)
    found: dict[Misfit, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    workspace: Found | None = None


@stored_language()
def check_project(project: Project, now: datetime, *, of_intercom: bool = True) -> Looked:
    """Look at everything, or at RevenueCat's side alone, and write down what came of it."""
    looked = Looked()
    _look_at_webhook(project, looked)
    _look_at_authorization(project, looked)
    if of_intercom:
        _look_at_intercom(project, looked, now)
    with transaction.atomic():
        # One check at a time writes: two could open the same drift.
        if Project.objects.select_for_update(no_key=True).filter(pk=project.pk).first() is not None:
            Drift.objects.judged(project, {str(kind): said for kind, said in looked.found.items()}, looked.at, now)
            Drift.objects.filter(project=project, resolved_at__lt=now - KEPT).delete()
            if of_intercom:
                _remember(project, looked, now)
    return looked


# --- RevenueCat -----------------------------------------------------------------------------------------------


def _look_at_webhook(project: Project, looked: Looked) -> None:
    if not project.revenuecat_api_key or not project.revenuecat_project:
        looked.at |= OF_WEBHOOK
        looked.remarks.append(
            _("RevenueCat was not asked about its webhook: this project has no RevenueCat API key or project id.")
        )
        return
    expected = expected_of(project)
    try:
        webhooks = webhooks_of(project)
    except OperatorError as error:
        looked.at.add(Misfit.REVENUECAT_REFUSED)
        looked.found[Misfit.REVENUECAT_REFUSED] = error.message
        return
    except RevenueCatError as error:
        looked.remarks.append(_("RevenueCat's webhook could not be looked at: {why}").format(why=error.message))
        return
    looked.at |= OF_WEBHOOK
    if warning := cannot_be_reached(expected.url):
        looked.remarks.append(warning)
    looked.found |= {one.kind: one.sentence for one in findings(webhooks, expected)}
    if webhook := next(iter(ours(webhooks, expected)), None):
        looked.remarks.append(_("RevenueCat's webhook {webhook}.").format(webhook=described(webhook)))


def _look_at_authorization(project: Project, looked: Looked) -> None:
    """RevenueCat does not tell the value that it has; all that can be known is whether it was told the present one."""
    looked.at.add(Misfit.WEBHOOK_AUTHORIZATION)
    registration = WebhookRegistration.objects.select_related("project").filter(project=project).first()
    if registration is not None and not registration.is_of_present_value:
        looked.found[Misfit.WEBHOOK_AUTHORIZATION] = rotated_sentence(registration)
        return
    cannot = _("RevenueCat does not tell the Authorization value that it has, so it cannot be compared.")
    if registration is not None:
        told = _("It was told the present one at {time}.").format(time=_clock(registration.told_at))
        cannot = f"{cannot} {told}"
    looked.remarks.append(cannot)


def rotated_sentence(registration: WebhookRegistration) -> str:
    """What is wrong where another Authorization value was made since RevenueCat was told of one."""
    return _(
        "RevenueCat was told the Authorization value at {time}; another one has been made since. Tell it the present "
        "one with “Update webhook”, or its webhooks are refused once the old value is void."
    ).format(time=_clock(registration.told_at))


# --- Intercom -------------------------------------------------------------------------------------------------


def _look_at_intercom(project: Project, looked: Looked, now: datetime) -> None:
    if not project.intercom_token:
        # Its own notice stands on the page.
        looked.at |= OF_INTERCOM
        return
    try:
        found = check_and_remember(project, now)
    except SecretUnreadableError:
        looked.at |= OF_INTERCOM
        return
    if found.verdict in NOT_JUDGED:
        looked.remarks.append(_("Intercom could not be asked: {why}").format(why=found.said))
        return
    looked.at.add(Misfit.INTERCOM_TOKEN)
    if found.verdict in (Verdict.REFUSED, Verdict.PLAN):
        looked.found[Misfit.INTERCOM_TOKEN] = (
            _("Intercom does not accept the access token any more: {why} Copy it again from Intercom's Developer Hub.")
            if found.verdict is Verdict.REFUSED
            else _("The plan of the workspace does not allow what this app does: {why} Settle it in Intercom.")
        ).format(why=found.said)
        return
    if found.missing:
        looked.found[Misfit.INTERCOM_TOKEN] = _(
            "The access token may not do all that this app does. Give the app these permissions in Intercom's "
            "Developer Hub: {permissions}."
        ).format(permissions=", ".join(found.missing))
    if found.workspace_id:
        looked.at |= OF_INTERCOM
        looked.workspace = found
        _judge_workspace(project, found, looked)


def _judge_workspace(project: Project, found: Found, looked: Looked) -> None:
    if found.verdict is Verdict.OTHER_REGION:
        looked.found[Misfit.INTERCOM_REGION] = _(
            "The workspace “{name}” is in {actual}, and this project's region is {set}. Set “Region” and save."
        ).format(
            name=found.workspace,
            actual=Region(REGION_OF_ANSWER[found.region.lower()]).label,
            set=Region(project.region).label,
        )
    before = ProjectCheck.objects.filter(project=project).exclude(workspace_id="").first()
    if before is None or before.workspace_id == found.workspace_id:
        return
    if before.token_since == project.intercom_token_changed_at:
        looked.found[Misfit.INTERCOM_WORKSPACE] = _(
            "The access token belongs to the workspace “{name}” now, and belonged to “{before}”. If that is meant, "
            "enter the token anew and save; if not, enter that of “{before}”."
        ).format(name=found.workspace, before=before.workspace_name)
    else:
        looked.remarks.append(
            _("The new access token is that of “{name}”; the one before it was that of “{before}”.").format(
                name=found.workspace, before=before.workspace_name
            )
        )


def _remember(project: Project, looked: Looked, now: datetime) -> None:
    values: dict[str, object] = {"checked_at": now, "remarks": [str(storable(one)) for one in looked.remarks]}
    if looked.workspace is not None and Misfit.INTERCOM_WORKSPACE not in looked.found:
        values |= {
            "workspace_id": looked.workspace.workspace_id,
            "workspace_name": looked.workspace.workspace,
            "token_since": project.intercom_token_changed_at,
        }
    ProjectCheck.objects.update_or_create(values, project=project)


def _clock(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M} {timezone.localtime(at).tzname()}"
