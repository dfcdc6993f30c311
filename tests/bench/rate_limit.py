"""
Whether one worker uses up the calls that Intercom allows, and no more: alone, and beside another app of the workspace.

Intercom allows 10,000 calls a minute in windows of ten seconds, and takes a quarter of a second for each.
https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable

from integration.models import Delivery, Project
from tests.bench import drain
from tests.bench.figure import Figure, at_least, at_most
from tests.bench.place import Place
from tests.bench.stand_in import StandIn

PART = "rate_limit"
WINDOW_SECONDS = 10
LIMIT = 10_000 * WINDOW_SECONDS // 60
LATENCY_SECONDS = 0.25
WINDOWS = 3
CUSTOMERS = 2_000
# The other app's share of a window, taken in so many steps at its beginning, each followed by a pause.
OTHER_SHARE, OTHER_STEPS, OTHER_PAUSE_SECONDS = 0.4, 10, 0.2
LEAST_USED = 0.95
# Whoever shares a limit can find it used up between an answer and the next call.
MOST_REFUSED_BESIDE = 0.01


def run(place: Place) -> list[Figure]:
    """The figures of this part."""
    return [*_alone(place), *_beside_another(place)]


def _alone(place: Place) -> list[Figure]:
    used, refused = _measured(place, LIMIT, lambda _: 0)
    return [
        _used(used, LIMIT, "of 10,000 calls a minute are used"),
        at_most(PART, "calls refused with 429", refused, 0, str(refused)),
    ]


def _beside_another(place: Place) -> list[Figure]:
    other = math.ceil(LIMIT * OTHER_SHARE)
    used, refused = _measured(place, LIMIT, lambda step: other // OTHER_STEPS if step < OTHER_STEPS else 0)
    rest = LIMIT - other // OTHER_STEPS * OTHER_STEPS
    share = refused / max(sum(used) + refused, 1)
    return [
        _used(used, rest, "of what another app leaves (60 %) is used"),
        at_most(PART, "share of calls refused with 429 then", share, MOST_REFUSED_BESIDE, f"{share:.4f} ({refused})"),
    ]


def _used(used: list[int], limit: int, what: str) -> Figure:
    share = sum(used) / (len(used) * limit)
    windows = " + ".join(str(calls) for calls in used)
    return at_least(PART, f"share {what}, {len(used)} windows", share, LEAST_USED, f"{share:.3f} ({windows})")


def _measured(place: Place, limit: int, others: Callable[[int], int]) -> tuple[list[int], int]:
    """Calls admitted in each whole window after the first, and how many were refused altogether."""
    windows = 1 if place.quick else WINDOWS
    project = place.project("Rate limit", active=False)
    drain.fill(place, project, limit * (windows + 2) // 2, CUSTOMERS)
    with place.intercom(latency=LATENCY_SECONDS, ledger_limit=limit * (windows + 3)) as intercom:
        with place.worker(intercom):
            intercom.tell("rate_limit", limit=limit, window_seconds=WINDOW_SECONDS)
            began = time.monotonic()
            drain.let_send(project)
            # Into the window that is not counted any more, so that the last one is whole.
            _use_up(intercom, began, windows + 1, others)
            if not Delivery.objects.filter(project=project, status="pending").exists():
                raise RuntimeError("there was not enough to send")
            Project.objects.filter(pk=project.pk).update(active=False)
        return _windows(intercom, began, windows)


def _use_up(intercom: StandIn, began: float, windows: int, others: Callable[[int], int]) -> None:
    """Let the windows pass, and take calls out of each for others."""
    steps = int(WINDOW_SECONDS / OTHER_PAUSE_SECONDS)
    for number in range(windows * steps):
        time.sleep(max(began + number * OTHER_PAUSE_SECONDS - time.monotonic(), 0))
        taken = others(number % steps)
        if taken:
            intercom.tell("rate_limit", consume=taken)
    time.sleep(max(began + windows * WINDOW_SECONDS - time.monotonic(), 0))


def _windows(intercom: StandIn, began: float, windows: int) -> tuple[list[int], int]:
    """The stand-in admits a call when it arrives, and answers later."""
    admitted: Counter[int] = Counter()
    for call in intercom.calls():
        if call["status"] != 429:
            admitted[int((call["arrived_at"] - began) // WINDOW_SECONDS)] += 1
    return [admitted[number] for number in range(1, windows + 1)], intercom.counters()["status 429"]
