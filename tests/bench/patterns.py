"""
A few rows of every kind as the app itself writes them: its door takes them in, its drain sends them to the stand-in.

The seed multiplies them by the hundred thousand, so that a bench looks at what a real database would hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.test import override_settings
from django.utils import timezone

from integration.models import Customer, Delivery, Project, WebhookEvent
from integration.revenuecat.samples import freshened, load_sample
from tests.factories import Clock, receive, run_drain
from tests.fake_intercom import FakeIntercom, faults

FAILED = "failed"
# After the first try that Intercom answers with a 503; RETRY_WAIT is more than the schedule's first wait.
RETRY_WAIT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event, and how many of a thousand are of it."""

    sample: str
    share: int
    outcome: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


SENT = (
    Kind("renewal", 260),
    Kind("renewal", 120, changes={"store": "PLAY_STORE", "product_id": "larkfield_premium_yearly"}),
    Kind("initial_purchase", 110),
    Kind("trial_started", 90),
    Kind("trial_converted", 40),
    Kind("trial_cancelled", 60),
    Kind("cancellation_unsubscribe", 80),
    Kind("expiration", 70),
    Kind("billing_issue", 40),
    Kind("product_change", 15),
    Kind("non_subscription_purchase", 15),
)
SETTLED = (
    *SENT,
    Kind("renewal", 20, changes={"environment": "SANDBOX"}),
    Kind("experiment_enrollment", 20),
    Kind("transfer", 10),
    Kind("renewal", 14, changes={"app_user_id": "$RCAnonymousID:{user}"}),
    Kind("renewal", 5, changes={"app_user_id": None}),
    Kind("test", 1),
    Kind("renewal", 30, outcome=FAILED),
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A delivery to be multiplied, and the texts in its rows that differ from copy to copy."""

    delivery_id: int
    share: int
    user: str
    email: str
    event_id: str
    contact_id: str
    at_ms: int
    expires_ms: int


@contextmanager
def pending(project: Project) -> Iterator[list[Pattern]]:
    """A delivery of each kind that is sent, as the door leaves it. They are gone at the end of the block."""
    yield from _kept(project, [_received(project, number, kind) for number, kind in enumerate(SENT)])


@contextmanager
def settled(project: Project) -> Iterator[list[Pattern]]:
    """A delivery of each kind as the drain leaves it. They are gone at the end of the block."""
    Project.objects.filter(pk=project.pk).update(anonymous="skip")
    try:
        with FakeIntercom() as intercom, override_settings(INTERCOM_API_URL=intercom.url):
            found = _drained(project, intercom)
    finally:
        Project.objects.filter(pk=project.pk).update(anonymous=project.anonymous)
    yield from _kept(project, found)


def _drained(project: Project, intercom: FakeIntercom) -> list[Pattern]:
    # Most customers are known to Intercom already, so that a delivery is two calls.
    for number, kind in enumerate(SETTLED):
        if kind.sample != "initial_purchase":
            _received(project, number, Kind("initial_purchase", 0), earlier=True)
    run_drain(project)
    ordinary = [_received(project, number, kind) for number, kind in enumerate(SETTLED) if not kind.outcome]
    run_drain(project)
    failed = [_received(project, number, kind) for number, kind in enumerate(SETTLED) if kind.outcome == FAILED]
    clock = Clock()
    for status in (503, 422):
        intercom.inject(faults.error(status), times=len(failed), path="/events")
        run_drain(project, clock)
        clock.advance(seconds=RETRY_WAIT.total_seconds())
    return ordinary + failed


def _received(project: Project, number: int, kind: Kind, *, earlier: bool = False) -> Pattern:
    user, email = f"pattern-{number:02}", f"mail-{number:02}@bench.example.com"
    body = freshened(load_sample(kind.sample), shift_ms=0)
    at_ms = int(timezone.now().timestamp()) * 1000 + 123 - (86_400_000 if earlier else 0)
    expires_ms = at_ms + 30 * 86_400_000 + 7_000
    event = body["event"]
    event |= {"event_timestamp_ms": at_ms, "purchased_at_ms": at_ms, "app_user_id": user, "aliases": [user]}
    if isinstance(event.get("expiration_at_ms"), int):
        event["expiration_at_ms"] = expires_ms
    event["subscriber_attributes"] = event.get("subscriber_attributes", {}) | {"$email": {"value": email}}
    event |= {key: _filled(value, user) for key, value in kind.changes.items()}
    delivery = receive(project, body)
    return Pattern(delivery.pk, kind.share, user, email, event["id"], "", at_ms, expires_ms)


def _filled(value: Any, user: str) -> Any:
    return value.format(user=user) if isinstance(value, str) else value


def _kept(project: Project, patterns: Sequence[Pattern]) -> Iterator[list[Pattern]]:
    """The patterns with their contacts; afterwards all rows that the project had none of before are deleted."""
    try:
        yield list(patterns)
    finally:
        ours = Customer.objects.filter(project=project, app_user_id__contains="pattern-")
        Delivery.objects.filter(project=project, app_user_id__contains="pattern-").delete()
        Delivery.objects.filter(pk__in=[pattern.delivery_id for pattern in patterns]).delete()
        WebhookEvent.objects.filter(project=project, email__endswith="@bench.example.com").delete()
        ours.delete()
