"""
Whether the door and the drain are as fast in a full database as in an empty one: a million deliveries in the log, and
two hundred thousand due. Filling it takes a few minutes.
"""

from __future__ import annotations

from django.utils import timezone

from integration.models import Project
from tests.bench import door, drain, seed
from tests.bench.figure import Figure, at_least
from tests.bench.place import Place, address_of

PART = "growth"
SETTLED, DUE = 1_000_000, 200_000
QUICK_SETTLED, QUICK_DUE = 20_000, 8_000
ROUNDS, DELIVERIES = 3, 4_000
LEAST_SHARE = 0.8


def run(place: Place) -> list[Figure]:
    """The figures of this part."""
    settled, due = (QUICK_SETTLED, QUICK_DUE) if place.quick else (SETTLED, DUE)
    door_empty, drain_empty = _empty(place)
    place.say(f"  empty: door {door_empty:.0f}/s, drain {drain_empty:.0f}/s; filling")
    project = place.project("Full", active=False)
    seed.settled(project, settled)
    seed.due(project, due)
    forget_contacts(project)
    drain_full = _drained(place, project)
    door_full = _door(place, project)
    place.say(f"  full: door {door_full:.0f}/s, drain {drain_full:.0f}/s")
    within = f"at {settled:,} in the log and {due:,} due; as a share of the empty one's rate"
    return [
        _beside(f"the door {within}", door_full, door_empty),
        _beside(f"the drain {within}", drain_full, drain_empty),
    ]


def _beside(what: str, full: float, empty: float) -> Figure:
    return at_least(PART, what, full / empty, LEAST_SHARE, f"{full:.0f}/s of {empty:.0f}/s: {full / empty:.2f}")


def _empty(place: Place) -> tuple[float, float]:
    """Webhooks and deliveries a second. The customers are new, as to Intercom all are in the full database."""
    rate = _door(place, place.project("Empty"))
    project = place.project("Empty", active=False)
    # A round takes a few more than it counts. One delivery for each customer: in the full database, too, the deliveries
    # that are sent are all of different customers, and one of a known customer is a call less.
    deliveries = _count(place) * (ROUNDS + 1)
    seed.due(project, deliveries, customers=deliveries)
    return rate, _drained(place, project)


def forget_contacts(project: Project) -> None:
    """Void what is remembered of contacts, which the stand-in has never seen: with another token it is."""
    project.replace_intercom_token("another-token-of-the-bench", timezone.now())
    project.save(update_fields=["intercom_token", "intercom_token_changed_at"])


def _door(place: Place, project: Project) -> float:
    with place.web() as port:
        return door.best(place, address_of(project, port)).rate


def _drained(place: Place, project: Project) -> float:
    """The best of a few rounds; those that are left stay due."""
    with place.intercom() as intercom, place.worker(intercom) as worker:
        return max(drain.drained(place, project, worker, _count(place)) for _ in range(ROUNDS))


def _count(place: Place) -> int:
    return 400 if place.quick else DELIVERIES
