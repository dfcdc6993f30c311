"""
How long it takes from the 200 that RevenueCat gets until Intercom gets the event, at an even pace.

Webhooks come in at their times, however long the answers take. The stand-in's clock is the poster's: the monotonic
clock of the machine. What counts is the call that carries the event, after the one with the contact's attributes.
"""

from __future__ import annotations

from tests.bench import drain
from tests.bench.figure import Figure, at_least, at_most, percentile
from tests.bench.load import Outcome
from tests.bench.place import Place, address_of
from tests.bench.stand_in import StandIn
from tests.bench.webhooks import product_id

PART = "latency"
RATES = (50, 200)
SECONDS = 20.0
CUSTOMERS = 500
MOST_P50_MS, MOST_P95_MS = 50, 125
LEAST_PACE = 0.95
# What came in last is reached within this time, or not at all.
REACHED_SECONDS = 30.0


def run(place: Place) -> list[Figure]:
    """The figures of this part."""
    figures: list[Figure] = []
    for rate in RATES:
        figures += _at(place, rate)
    return figures


def _at(place: Place, rate: int) -> list[Figure]:
    seconds = 3.0 if place.quick else SECONDS
    project = place.project(f"Latency at {rate}/s")
    enough = int(seconds * rate * 2 + CUSTOMERS * 4)
    with place.intercom(ledger_limit=enough) as intercom, place.worker(intercom) as worker, place.web() as port:
        # Customers that Intercom knows, and processes that are warm.
        drain.fill(place, project, CUSTOMERS, CUSTOMERS)
        drain.let_send(project)
        place.wait_for(lambda: intercom.counters()["POST /events"] >= CUSTOMERS, worker)
        outcome = place.post(address_of(project, port), seconds, per_second=rate, customers=CUSTOMERS)
        wanted = CUSTOMERS + outcome.answered
        place.wait_for(lambda: intercom.counters()["POST /events"] >= wanted, worker, REACHED_SECONDS)
        took = _milliseconds(intercom, outcome)
    return [
        _pace(rate, outcome),
        _figure(took, rate, 50, MOST_P50_MS),
        _figure(took, rate, 95, MOST_P95_MS),
        _figure(took, rate, 99),
    ]


def _milliseconds(intercom: StandIn, outcome: Outcome) -> list[float]:
    """From each 200 to the first arrival of its event, which may come before the 200 has been read."""
    reached: dict[str, float] = {}
    for call in intercom.calls():
        if call["route"] == "POST /events":
            reached.setdefault(call["json"]["metadata"]["product_identifier"], call["arrived_at"])
    return [
        (reached[product_id(number)] - answered_at) * 1000
        for number, answered_at in zip(outcome.numbers, outcome.answered_at, strict=True)
    ]


def _figure(took: list[float], rate: int, percent: int, most: float | None = None) -> Figure:
    value = percentile(took, percent)
    what = f"p{percent} from 200 to Intercom at {rate} events a second, ms"
    shown = f"{value:.1f}"
    return Figure(PART, what, shown) if most is None else at_most(PART, what, value, most, shown)


def _pace(rate: int, outcome: Outcome) -> Figure:
    """The other figures are about this rate only where the door keeps up with it."""
    shown = f"{outcome.rate:.0f}/s, p99 of the door {percentile(outcome.milliseconds, 99):.1f} ms"
    return at_least(PART, f"webhooks answered a second of {rate}", outcome.rate, rate * LEAST_PACE, shown)
