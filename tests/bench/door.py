"""
How many webhooks the door takes, and how fast it answers, beside a bare view of the same framework on the same server.

Both servers run all the time and are posted to in turn, so that whatever else the machine does meets both.
"""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from integration.models import Delivery, Project, WebhookEvent
from tests.bench.bare_door import TABLE
from tests.bench.figure import Figure, at_least, at_most, percentile
from tests.bench.load import Outcome
from tests.bench.place import Address, Place, address_of

PART = "door"
BARE = "tests.bench.bare_settings"
ROUNDS, SECONDS, WARM_UP_SECONDS = 5, 4.0, 2.0
LEAST_RATE, MOST_P99 = 0.7, 2.0


def run(place: Place) -> list[Figure]:
    """The figures of this part."""
    project = place.project("Door")
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("TRUNCATE bench_bare")
    with place.web() as port, place.web(BARE) as bare_port:
        app = address_of(project, port)
        ours, bares = _in_turn(place, app, Address(bare_port, "/bare/", app.authorization))
        _check(project, ours)
        return [*_beside(ours[1:], bares[1:]), *_with_a_worker(place, app)]


def best(place: Place, address: Address) -> Outcome:
    """The quickest of a few rounds, after a warm-up."""
    place.post(address, WARM_UP_SECONDS)
    return max((place.post(address, seconds(place)) for _ in range(rounds(place))), key=lambda outcome: outcome.rate)


def rounds(place: Place) -> int:
    """How many."""
    return 2 if place.quick else ROUNDS


def seconds(place: Place) -> float:
    """How long each is."""
    return 1.5 if place.quick else SECONDS


def _in_turn(place: Place, app: Address, bare: Address) -> tuple[list[Outcome], list[Outcome]]:
    """Round by round; the first of each is the warm-up."""
    ours, bares = [place.post(app, WARM_UP_SECONDS)], [place.post(bare, WARM_UP_SECONDS)]
    for number in range(rounds(place)):
        ours.append(place.post(app, seconds(place)))
        bares.append(place.post(bare, seconds(place)))
        place.say(f"  round {number + 1}: {ours[-1].rate:.0f}/s, the bare view {bares[-1].rate:.0f}/s")
    return ours, bares


def _beside(ours: list[Outcome], bares: list[Outcome]) -> list[Figure]:
    rate, bare_rate = (max(outcome.rate for outcome in outcomes) for outcomes in (ours, bares))
    p50, bare_p50 = (_best_percentile(outcomes, 50) for outcomes in (ours, bares))
    p99, bare_p99 = (_best_percentile(outcomes, 99) for outcomes in (ours, bares))
    return [
        at_least(
            PART,
            "webhooks accepted a second, 8 connections; as a share of the bare view's",
            rate / bare_rate,
            LEAST_RATE,
            f"{rate:.0f}/s of {bare_rate:.0f}/s: {rate / bare_rate:.2f}",
        ),
        Figure(PART, "half are answered within", f"{p50:.1f} ms; the bare view {bare_p50:.1f} ms"),
        at_most(
            PART,
            "99 of 100 are answered within; in times of the bare view's",
            p99 / bare_p99,
            MOST_P99,
            f"{p99:.1f} ms of {bare_p99:.1f} ms: {p99 / bare_p99:.2f}",
        ),
    ]


def _best_percentile(outcomes: list[Outcome], percent: float) -> float:
    return min(percentile(outcome.milliseconds, percent) for outcome in outcomes)


def _check(project: Project, ours: list[Outcome]) -> None:
    """Every answer must have been for an event that was stored, and is owed to Intercom."""
    answered = sum(outcome.answered for outcome in ours)
    stored = WebhookEvent.objects.filter(project=project, repeats=0).count()
    owed = Delivery.objects.filter(project=project).count()
    if not answered == stored == owed:
        raise RuntimeError(f"{answered} webhooks were answered 200, {stored} are stored and {owed} owed")


def _with_a_worker(place: Place, app: Address) -> list[Figure]:
    """The same while a worker sends what came in before; web server, worker and Intercom share the processors."""
    with place.intercom() as intercom, place.worker(intercom) as worker:
        place.wait_for(lambda: intercom.counters()["POST /events"] > 0, worker)
        before, began = intercom.counters()["POST /events"], timezone.now()
        outcome = place.post(app, seconds(place))
        sent = intercom.counters()["POST /events"] - before
        passed = (timezone.now() - began).total_seconds()
    p99 = percentile(outcome.milliseconds, 99)
    measured = f"{outcome.rate:.0f}/s, p99 {p99:.1f} ms, {sent / passed:.0f} deliveries/s meanwhile"
    return [Figure(PART, "webhooks accepted a second while a worker drains", measured)]
