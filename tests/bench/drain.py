"""
How many deliveries a second one worker makes when Intercom answers at once, beside a bare loop of `requests`.

Steady state: customers are known and something about each has changed, so a delivery is two calls. The worker is the
real process. What it has done is read in the log of tries, from the first that began to the last that ended.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.db.models import Count, Max, Min
from django.utils import timezone

from integration.bells import ring
from integration.drain.loop import THREADS
from integration.envelopes import parse_envelope
from integration.models import Delivery, DeliveryAttempt, Project
from tests.bench.bare_drain import Job
from tests.bench.figure import Figure, at_least
from tests.bench.place import Place
from tests.bench.stand_in import StandIn
from tests.bench.webhooks import FIRST_MS
from tests.chaos.programs import Program

PART = "drain"
CUSTOMERS = 1_000
ROUNDS, DELIVERIES = 5, 4_000
LEAST_SHARE, LEAST_RATE = 0.6, 500
# Slower than this is not worth waiting for.
SLOWEST_RATE = 40
# As http.client and the stand-in know them: a client makes these itself.
NOT_SAID_AGAIN = frozenset({"host", "connection", "content-length", "authorization"})


def run(place: Place) -> list[Figure]:
    """The figures of this part."""
    project = place.project("Drain", active=False)
    count = 800 if place.quick else DELIVERIES
    with place.intercom() as intercom, place.worker(intercom) as worker:
        fill(place, project, CUSTOMERS)
        drained(place, project, worker, CUSTOMERS)
        rates: list[float] = []
        bare_rates: list[float] = []
        for number in range(2 if place.quick else ROUNDS):
            fill(place, project, count)
            before = intercom.counters()
            rates.append(drained(place, project, worker, count))
            _check_calls(intercom.counters() - before, count)
            bare_rates.append(_bare(place, intercom, project, count, first_second=number * count))
            place.say(f"  round {number + 1}: {rates[-1]:.0f}/s, the bare loop {bare_rates[-1]:.0f}/s")
    rate, bare = max(rates), max(bare_rates)
    share = at_least(
        PART,
        "deliveries of two calls a second; as a share of a bare loop's",
        rate / bare,
        LEAST_SHARE,
        f"{rate:.0f}/s of {bare:.0f}/s: {rate / bare:.2f}",
    )
    return [share, at_least(PART, "deliveries of two calls a second", rate, LEAST_RATE, f"{rate:.0f}/s")]


def fill(place: Place, project: Project, count: int, customers: int = CUSTOMERS) -> None:
    """Have so many new deliveries due, through the door's own code."""
    for body in place.bodies(count, customers):
        Delivery.objects.accept(project.pk, parse_envelope(body), timezone.now())


def drained(place: Place, project: Project, worker: Program, count: int) -> float:
    """Let the worker send until so many deliveries have ended well. Returns how many a second."""
    last = DeliveryAttempt.objects.aggregate(last=Max("id"))["last"] or 0
    tries = DeliveryAttempt.objects.filter(pk__gt=last, outcome="delivered")
    let_send(project)
    try:
        place.wait_for(lambda: tries.count() >= count, worker, seconds=30 + count / SLOWEST_RATE)
    finally:
        Project.objects.filter(pk=project.pk).update(active=False)
    # What was under way when the project was switched off ends as well.
    place.wait_for(lambda: not DeliveryAttempt.objects.filter(pk__gt=last, finished_at=None).exists(), worker)
    found = tries.aggregate(count=Count("id"), first=Min("started_at"), last=Max("finished_at"))
    return float(found["count"] / (found["last"] - found["first"]).total_seconds())


def let_send(project: Project) -> None:
    """Switch the project on, and ring."""
    Project.objects.filter(pk=project.pk).update(active=True)
    ring(project.pk)


def _check_calls(calls: dict[str, int], count: int) -> None:
    """A rate of deliveries says nothing unless each was two calls, and told something new."""
    made = calls.get("PUT /contacts/{id}", 0), calls.get("POST /events", 0), calls.get("calls", 0)
    if made != (count, count, 2 * count) or calls.get("repeats", 0):
        raise RuntimeError(f"{count} deliveries were not two calls each: {calls}")


def _bare(place: Place, intercom: StandIn, project: Project, count: int, *, first_second: int) -> float:
    calls = list(intercom.calls())
    put, event = (
        next(call for call in calls if call["route"] == route) for route in ("PUT /contacts/{id}", "POST /events")
    )
    job = Job(
        url=intercom.url,
        headers=_headers(event["headers"]) | {"Authorization": f"Bearer {project.intercom_token.reveal()}"},
        contacts=intercom.contact_ids(),
        attributes=json.loads(put["body"])["custom_attributes"],
        event={key: value for key, value in json.loads(event["body"]).items() if key != "user_id"},
        # Before all that the app tells, so that nothing is a repeat.
        first_second=FIRST_MS // 1000 - 100_000_000 + first_second,
        count=count,
        threads=THREADS,
    )
    return float(place.helper("tests.bench.bare_drain", asdict(job), count / SLOWEST_RATE)["rate"])


def _headers(said: dict[str, Any]) -> dict[str, str]:
    """What the app says with each call, so that the bare loop says it too."""
    return {name: str(value) for name, value in said.items() if name not in NOT_SAID_AGAIN}
