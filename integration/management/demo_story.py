"""The story that `demo` tells: a project, every sample and two customers who make trouble, and the table of it all.

Speaks to the demo's own server and stand-in only; starting and stopping them is the command's business.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import requests
from django.core.management.base import CommandError
from django.db.models import QuerySet
from django.utils import timezone

from integration.event_types import CATALOGUE
from integration.management.webhooks import post_webhook
from integration.mapping.attributes import ALL_FACTS
from integration.mapping.identity import Source
from integration.models import Delivery, EventSetting, Project
from integration.models.mapping_settings import Anonymous, OwnFieldRule, Revenue, Sandbox
from integration.retry import DeliveryStatus
from integration.revenuecat.samples import freshened, happened_ms, load_sample, sample_names

PROJECT_NAME, EVERYTHING_NAME = "Demo", "Demo, everything on"
# All that RevenueCat's own integration does not do, as an admin would switch it on.
EVERYTHING: Mapping[str, Any] = {
    "sandbox": Sandbox.LOG,
    "anonymous": Anonymous.HOLD,
    "identity": [Source.APP_USER_ID.value, Source.ALIAS.value],
    "custom_types": {"subscriber_alias": "alias_made"},
    "money": Revenue.GROSS,
    "lifetime_totals": True,
    "contact_facts": [fact.name for fact in ALL_FACTS],
    "attribute_prefix": "rc_",
    "subscriber_attributes": {"favourite_bird": "favourite_bird"},
    "email_rule": OwnFieldRule.WHEN_EMPTY,
    "name_rule": OwnFieldRule.WHEN_EMPTY,
    "revenuecat_project": "1ab2c3d4",
    "product_names": {"larkfield_premium_monthly": "Larkfield Premium, monthly"},
}
USUAL = (DeliveryStatus.DELIVERED, DeliveryStatus.SKIPPED)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A customer of whom the stand-in never wants to hear: what it answers, and what becomes of the delivery."""

    app_user_id: str
    status: int
    message: str
    ends: DeliveryStatus


TROUBLES = (
    Trouble("demo_refused", 422, "The demo's stand-in refuses this customer, to show a failure", DeliveryStatus.FAILED),
    Trouble("demo_busy", 503, "The demo's stand-in is busy for this customer, to show a retry", DeliveryStatus.PENDING),
)
TROUBLED_SAMPLE = "renewal"


@dataclass(frozen=True, slots=True)
class Sent:
    """A webhook that was posted: what it is called in the table, and what may become of it."""

    name: str
    ends: tuple[DeliveryStatus, ...] = USUAL


def make_projects() -> tuple[Project, Project]:
    """One that sends what RevenueCat's own integration sends, and one with everything on."""
    everything = make_project(EVERYTHING_NAME, **EVERYTHING)
    for row in CATALOGUE:
        EventSetting.objects.get_or_create(project=everything, event_type=str(row.event_type))
    return make_project(PROJECT_NAME), everything


def make_project(name: str, **fields: Any) -> Project:
    """A demo project. A second run finds it, and tells the story anew, of customers nobody has heard of."""
    project = Project.objects.filter(name=name).first()
    token = secrets.token_urlsafe(24)
    if project is None:
        project = Project.prepared(name=name, intercom_token=token, now=timezone.now())
        for field, value in fields.items():
            setattr(project, field, value)
    project.replace_intercom_token(token, timezone.now())
    project.save()
    project.resume()
    project.customers.all().delete()
    return project


def make_trouble(stand_in: str) -> None:
    """Have the stand-in refuse two customers, always. Raises CommandError where it does not take that."""
    for trouble in TROUBLES:
        rule = {"kind": "error", "status": trouble.status, "message": trouble.message, "times": None}
        path = f"/contacts/find_by_external_id/{trouble.app_user_id}"
        answer = requests.post(f"{stand_in}/_fake/faults", json=rule | {"path": path}, timeout=5)
        if not answer.ok:
            raise CommandError(f"The stand-in for Intercom does not do as it is told: {answer.text}")


def send_story(project: Project, *, server: str) -> dict[str, Sent]:
    """Post every sample in the order in which the events happened, the last one now, then the trouble: by event id."""
    samples = sorted(((load_sample(name), name) for name in sample_names()), key=lambda pair: happened_ms(pair[0]))
    shift_ms = int(time.time() * 1000) - happened_ms(samples[-1][0])
    ends = USUAL if project.anonymous != Anonymous.HOLD else (*USUAL, DeliveryStatus.PENDING)
    bodies = [(freshened(body, shift_ms=shift_ms), Sent(name, ends)) for body, name in samples]
    renewal = load_sample(TROUBLED_SAMPLE)
    shift_ms = int(time.time() * 1000) - happened_ms(renewal)
    bodies += [
        (
            freshened(renewal, shift_ms=shift_ms, app_user_id=trouble.app_user_id),
            Sent(f"{TROUBLED_SAMPLE} of {trouble.app_user_id}", (trouble.ends,)),
        )
        for trouble in TROUBLES
    ]
    for body, sent in bodies:
        answer = post_webhook(project, body, server=server)
        if answer.status_code != requests.codes.ok:
            raise CommandError(f"The sample {sent.name} was refused: {answer.status_code} {answer.text}")
    return {body["event"]["id"]: sent for body, sent in bodies}


def deliveries_of(project: Project, sent: Mapping[str, Sent]) -> QuerySet[Delivery]:
    """What is owed for what was sent."""
    return Delivery.objects.filter(project=project, webhook_event__event_id__in=list(sent))


def missing(sent: Mapping[str, Sent], rows: QuerySet[Delivery]) -> list[str]:
    """The names of those that have not become what they should: not yet, or not at all."""
    # A pending one has come to its end once it was tried, and says why it goes on.
    became = {
        event_id: status
        for event_id, status, why in rows.values_list("webhook_event__event_id", "status", "explanation")
        if why or status != DeliveryStatus.PENDING
    }
    return [one.name for event_id, one in sent.items() if became.get(event_id) not in one.ends]


def table(sent: Mapping[str, Sent], rows: QuerySet[Delivery]) -> Iterator[str]:
    """What arrived, what was sent, what was not and why: one line for each webhook, then the counts."""
    by_id = {
        row.webhook_event.event_id: row for row in rows.select_related("webhook_event").prefetch_related("attempts")
    }
    width = max(len(one.name) for one in sent.values())
    yield f"{'ARRIVED':<{width}}  {'STATUS':<9}  {'SENT':<15}  DATA EVENT, OR WHY NONE"
    counts: dict[str, int] = {}
    for event_id, one in sent.items():
        row = by_id.get(event_id)
        status = str(row.status) if row else "missing"
        counts[status] = counts.get(status, 0) + 1
        said = _outcome(row) if row else "It did not arrive."
        yield f"{one.name:<{width}}  {status:<9}  {_what_was_sent(row):<15}  {said}"
    yield ""
    yield summary(sent, counts)


def summary(sent: Mapping[str, Sent], counts: Mapping[str, int]) -> str:
    """How many webhooks came to which end."""
    return f"{len(sent)} webhooks: " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))


def difference(project: Project, sent: Mapping[str, Sent], rows: QuerySet[Delivery]) -> Iterator[str]:
    """How the same webhooks ended for a project with other settings, in two lines."""
    counts = Counter(str(status) for status in rows.values_list("status", flat=True))
    names = sorted(set(rows.exclude(event_name="").values_list("event_name", flat=True)))
    yield f"The same for the project “{project}”: {summary(sent, counts)} (a transfer is owed to both its sides)."
    yield f"It tells Intercom of {len(names)} kinds of event: {', '.join(names)}."


def _outcome(row: Delivery) -> str:
    if row.status == DeliveryStatus.DELIVERED:
        return row.event_name or row.explanation
    following = f" Next try at {row.due_at.astimezone(UTC):%H:%M:%S} UTC." if row.due_at else ""
    return f"{row.explanation}{following}"


def _what_was_sent(row: Delivery | None) -> str:
    """Which of the two things Intercom was told, by the calls that it took."""
    attempts = row.attempts.all() if row else []
    paths = {exchange["path"] for attempt in attempts for exchange in attempt.exchanges if _wrote(exchange)}
    contact = any(path.startswith("/contacts") for path in paths)
    return " + ".join(filter(None, ["contact" if contact else "", "event" if "/events" in paths else ""])) or "-"


def _wrote(exchange: dict[str, Any]) -> bool:
    return exchange["method"] != "GET" and exchange["status"] in (requests.codes.ok, requests.codes.accepted)
