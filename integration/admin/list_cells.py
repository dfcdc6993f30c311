"""The cells of the list of deliveries: two short lines each, so that a row fits a narrow screen.

Nothing is read from the database and nothing is decided here.
"""

from __future__ import annotations

from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin.counting import said
from integration.admin.display import LONGEST_ID, NOTHING, ago, breakable, clock, cut, event_label, moment, two_lines
from integration.admin.log_words import store_words
from integration.admin.tries import tries_of
from integration.models import Delivery
from integration.retry import DeliveryStatus

Cell = SafeString | str


def arrived(delivery: Delivery, now: datetime) -> Cell:
    """How long ago it came in, and when exactly."""
    return two_lines(ago(delivery.created_at, now), moment(delivery.created_at, zone=False))


def event(delivery: Delivery) -> Cell:
    """The event type, or RevenueCat's own, and the product."""
    return two_lines(breakable(event_label(delivery)), breakable(delivery.webhook_event.product_id))


def whose(delivery: Delivery) -> Cell:
    """Customer and project."""
    return two_lines(cut(delivery.app_user_id, LONGEST_ID), str(delivery.project))


def bought(delivery: Delivery) -> Cell:
    """Where it was bought, and that it was no real purchase."""
    sandbox = _("Sandbox") if delivery.environment == "SANDBOX" else ""
    return two_lines(store_words(delivery.store) or NOTHING, sandbox)


def why(delivery: Delivery, now: datetime) -> Cell:
    """What it waits for, the last error, or the reason for which it was skipped."""
    waits_for = delivery.project.why_not_sending(now) if delivery.due_at else None
    return cut(waits_for or delivery.explanation)


def trying(delivery: Delivery, now: datetime) -> Cell:
    """How often it was tried, also before it was redelivered, and when it is again."""
    made = tries_of(delivery)
    is_pending = delivery.status == DeliveryStatus.PENDING
    if is_pending and made and not delivery.tries:
        # Not tried yet, since somebody owed it again or what held it did not count.
        tried = ngettext("%(count)s earlier try", "%(count)s earlier tries", made)
    else:
        tried = ngettext("%(count)s try", "%(count)s tries", made)
    return two_lines(tried % {"count": said(made)}, next_try(delivery, now) if is_pending else "")


def next_try(delivery: Delivery, now: datetime) -> Cell:
    """When, in few letters, or what it waits for."""
    project = delivery.project
    if delivery.due_at is None:
        return _("When named")
    if not project.active:
        return _("When switched on")
    if project.is_held(now):
        return _("When resumed") if project.held_until is None else _relative(project.held_until, now)
    return _("Now") if delivery.due_at <= now else _relative(delivery.due_at, now)


def _relative(at: datetime, now: datetime) -> SafeString:
    """In how long, as an element that says the exact time too."""
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), clock(at), ago(at, now))
