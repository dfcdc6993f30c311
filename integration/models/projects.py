"""A RevenueCat project and what its operator decided: where to send, what to send, and whether to send now."""

from __future__ import annotations

import hmac
import secrets
import uuid
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Q, TextField
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integration.event_types import BY_TYPE, CATALOGUE, EventType
from integration.intercom.client import REGION_URLS
from integration.mapping import EventPolicy, ProjectPolicy
from integration.models.mapping_settings import MappingSettings, Sandbox
from integration.models.revenuecat_settings import RevenueCatSettings
from integration.models.secrets import Secret, SecretField, SecretUnreadableError
from integration.models.setup_state import SetupState
from integration.revenuecat.events import RevenueCatEvent

AUTHORIZATION_OVERLAP = timedelta(hours=24)
LONGEST_KEPT_DAYS = 3650
# Printable ASCII without spaces: anything else came along by mistake, and no HTTP header could carry it.
TOKEN_RULE = RegexValidator(
    r"\A[!-~]*\Z", _("This is no access token: it holds spaces or special characters. Copy it again, by itself.")
)

# Which transaction wrote the row, and where it put it: PostgreSQL's own marks, which no writer can forget to change.
ROW_VERSION = "(integration_project.xmin::text || integration_project.ctid::text)"


def new_authorization() -> str:
    """A value for RevenueCat's Authorization header, with 256 bits of chance in it."""
    return f"Bearer {secrets.token_urlsafe(32)}"


def _matches(known: Secret, offered: bytes) -> bool:
    return bool(known) and hmac.compare_digest(known.reveal().encode(), offered)


class Region(models.TextChoices):
    """Where the Intercom workspace lives."""

    US = "us", _("United States")
    EU = "eu", _("Europe")
    AU = "au", _("Australia")


class MissingContact(models.TextChoices):
    """What to do when no contact has the customer's id."""

    CREATE = "create", _("Create it")
    NEVER_CREATE = "never_create", _("Never create: wait for it, and fail after two days")
    FAIL = "fail", _("Never create: fail at once")


class ProjectQuerySet(models.QuerySet["Project"]):
    """Which projects may send, and whose rows somebody may see."""

    def sending(self, now: datetime) -> ProjectQuerySet:
        """Projects that are active and not held at `now`."""
        return self.filter(active=True).filter(Q(held_at=None) | Q(held_until__lte=now))

    def with_version(self) -> ProjectQuerySet:
        """Each with a `version` that changes whenever its row is written, by whomever; see `ROW_VERSION`."""
        # Ignored: the types' plugin takes an attribute that is also declared, beside the others, for a second one.
        return self.annotate(version=RawSQL(ROW_VERSION, [], output_field=TextField()))  # type: ignore[no-redef]  # noqa: S611

    def visible_to(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """All projects for superusers, those that they are members of for everybody else."""
        return self if user.is_superuser else self.filter(members=user.pk)


class Project(RevenueCatSettings, MappingSettings, SetupState):
    """One RevenueCat project and its Intercom settings."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100, unique=True)
    active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("While this is off, webhooks are still stored; they are delivered when it is on again."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(
        User,
        verbose_name=_("members"),
        blank=True,
        related_name="projects",
        help_text=_("Who sees this project and its log, besides superusers. What they may do, their groups say."),
    )

    authorization = SecretField(blank=True)
    previous_authorization = SecretField(blank=True)
    previous_authorization_until = models.DateTimeField(null=True, blank=True)
    signing_secret = SecretField(blank=True)

    intercom_token = SecretField(blank=True)
    # What is remembered of contacts belongs to the workspace of the token it was learnt with.
    intercom_token_changed_at = models.DateTimeField(null=True, blank=True)
    region = models.CharField(_("region"), max_length=2, choices=Region.choices, default=Region.US)
    sandbox_project = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("project for sandbox events"),
        help_text=_("Where they are handed to another project: its workspace and all its settings apply to them."),
    )
    missing_contact = models.CharField(
        _("when a contact is missing"),
        max_length=20,
        choices=MissingContact.choices,
        default=MissingContact.CREATE,
    )

    # How long the log is kept (integration.models.retention). What is pending is always kept.
    keep_successes_days = models.PositiveSmallIntegerField(
        _("days to keep delivered and skipped events"),
        default=30,
        validators=[MaxValueValidator(LONGEST_KEPT_DAYS)],
        help_text=_("Counted from the day they were settled. 0 keeps them for ever."),
    )
    keep_failures_days = models.PositiveSmallIntegerField(
        _("days to keep failed events"),
        default=90,
        validators=[MaxValueValidator(LONGEST_KEPT_DAYS)],
        help_text=_("Until then they can be redelivered. 0 keeps them for ever."),
    )
    # All that is left of customers who were forgotten.
    forgotten_customers = models.PositiveIntegerField(_("forgotten customers"), default=0, editable=False)

    held_at = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    hold_reason = models.TextField(blank=True)

    # Of projects that were read by `with_version`.
    version: str

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        verbose_name = _("project")
        verbose_name_plural = _("projects")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def prepared(cls, *, name: str, intercom_token: str, now: datetime) -> Project:
        """A new project with an Authorization value of its own, ready to be saved."""
        project = cls(name=name, authorization=Secret.of(new_authorization()))
        project.replace_intercom_token(intercom_token, now)
        return project

    # --- The door -------------------------------------------------------------------------------------

    @property
    def webhook_url(self) -> str:
        """The address to paste into RevenueCat."""
        return str(settings.PUBLIC_URL) + reverse("revenuecat-webhook", args=[self.pk])

    def admits(self, authorization: str, now: datetime) -> bool:
        """Whether `authorization` is this project's value, or the one before it while that is still valid.

        Closed when no value is set. Compares in constant time. Raises SecretUnreadableError where the value
        cannot be read; one before it that cannot be read admits nobody, and does not keep out its successor.
        """
        offered = authorization.encode("utf-8", "surrogateescape")
        overlaps = self.previous_authorization_until is not None and now < self.previous_authorization_until
        matches = [_matches(self.authorization, offered)]
        with suppress(SecretUnreadableError):
            matches.append(overlaps and _matches(self.previous_authorization, offered))
        return any(matches)

    def is_present_value(self, authorization: str) -> bool:
        """Whether it is this project's value and not the one before it. Raises SecretUnreadableError."""
        return _matches(self.authorization, authorization.encode("utf-8", "surrogateescape"))

    def rotate_authorization(self, now: datetime, *, overlap: timedelta = AUTHORIZATION_OVERLAP) -> None:
        """Make a new value; the old one stays valid for `overlap`, unless nobody can read it any more. Saves."""
        self.previous_authorization = self.authorization
        self.previous_authorization_until = now if self.authorization.is_unreadable else now + overlap
        self.authorization = Secret.of(new_authorization())
        # Nobody has sent the new one yet.
        self.webhook_seen_at = None
        self.save(
            update_fields=[
                "authorization",
                "previous_authorization",
                "previous_authorization_until",
                "webhook_seen_at",
            ]
        )

    # --- Intercom ---------------------------------------------------------------------------------------

    @property
    def intercom_url(self) -> str:
        """Intercom's host for this project, without a trailing slash."""
        return str(settings.INTERCOM_API_URL).rstrip("/") or REGION_URLS[self.region]

    def replace_intercom_token(self, token: str, now: datetime) -> None:
        """Use `token` from now on, and forget what is known of contacts. Does not save."""
        self.intercom_token = Secret.of(token)
        self.intercom_token_changed_at = now
        self.forget_workspace()

    def policy(self) -> ProjectPolicy:
        """The settings that decide what is sent, as the mapping wants them."""
        known = {str(event_type) for event_type in EventType}
        return self.policy_with(
            {
                EventType(setting.event_type): EventPolicy(enabled=setting.enabled, custom_name=setting.custom_name)
                for setting in self.event_settings.all()
                if setting.event_type in known
            }
        )

    # --- Holds --------------------------------------------------------------------------------------------

    def is_held(self, now: datetime) -> bool:
        """Whether a hold is in force at `now`."""
        return self.held_at is not None and (self.held_until is None or self.held_until > now)

    def hands_over(self, event: RevenueCatEvent) -> bool:
        """Whether another project sends this event of ours."""
        is_for_another = self.sandbox == Sandbox.OTHER and self.sandbox_project_id is not None
        return is_for_another and event.is_sandbox and event.type != "TEST"

    def why_not_sending(self, now: datetime) -> str | None:
        """Why nothing is sent for this project at `now`, in a sentence; None where something may be sent."""
        if not self.active:
            return gettext("“%s” is switched off; what waits is sent when it is switched on.") % self.name
        if self.is_held(now):
            return gettext("“%(name)s” is held: %(reason)s") % {"name": self.name, "reason": self.hold_reason}
        return None

    def hold(self, reason: str, now: datetime, *, until: datetime | None, token_since: datetime | None = None) -> None:
        """Stop sending until `until`, or until resumed. A hold that waits for the operator is never shortened.

        `token_since` is the `intercom_token_changed_at` of the token and region that the hold is about: where they
        have been replaced since, nothing is held. The stored token itself would not do, since a new encryption key
        changes how the same token is stored.
        """
        rows = Project.objects.filter(pk=self.pk)
        if token_since is not None:
            rows = rows.filter(intercom_token_changed_at=token_since)
        if until is not None:
            rows = rows.exclude(held_at__isnull=False, held_until=None)
        rows.update(held_at=now, held_until=until, hold_reason=reason)
        self.refresh_from_db(fields=["held_at", "held_until", "hold_reason"])

    def resume(self) -> None:
        """Lift the hold. Saves; whoever calls rings for what is due."""
        self.held_at = self.held_until = None
        self.hold_reason = ""
        self.save(update_fields=["held_at", "held_until", "hold_reason"])


class EventSetting(models.Model):
    """A project's override for one event type; where there is no row, the defaults hold."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="event_settings")
    # No choices: a new event type must not need a migration.
    event_type = models.CharField(max_length=50)
    enabled = models.BooleanField(default=True)
    custom_name = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("event_type",)
        constraints = (models.UniqueConstraint(fields=("project", "event_type"), name="one_setting_per_event_type"),)

    def __str__(self) -> str:
        known = {str(row.event_type): row.label for row in CATALOGUE}
        return known.get(self.event_type, self.event_type)

    @property
    def default_name(self) -> str:
        """The name that is sent where `custom_name` is blank."""
        return BY_TYPE[EventType(self.event_type)].default_name
