"""
How many SQL statements a webhook and a delivery cost, counted in this process with the app's own view and drain.

BEGIN and COMMIT are counted apart: each is a round trip too, but they do no work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from integration.drain import drain
from integration.models import Project
from tests.bench.drain import fill
from tests.bench.figure import Figure
from tests.bench.place import Place, address_of

PART = "queries"
DELIVERIES = 640
OF_TRANSACTIONS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")

WHY_WEBHOOK = (
    "one checks that the project is the one remembered, stores event and delivery, and looks at the bell, which saves "
    "the statement, and the collision, of ringing it again. Once in ten minutes one more notes on the "
    "project that webhooks arrive, and two more in each web process find that it has changed, and read it"
)
WHY_DUPLICATE = "the same statement that would store it finds and counts it; nothing is rung"
WHY_DELIVERY = (
    "they are made once for all that are claimed, or settled, together: settings are read afresh, deliveries chosen, "
    "locked and leased, customers locked, the seconds that are taken looked up, attempts opened; then all of them are "
    "locked and written, by compare and swap. Larger batches would be fewer, and later, statements"
)


@dataclass(frozen=True, slots=True)
class _Count:
    statements: int
    transactions: int

    def __str__(self) -> str:
        return f"{self.statements}" + (f" and {self.transactions} of transactions" if self.transactions else "")


def run(place: Place) -> list[Figure]:
    """The figures of this part."""
    return [*_door(place), _drain(place)]


def _door(place: Place) -> list[Figure]:
    project = place.project("Queries of the door")
    # The first is noted on the project, once in some minutes, and the next one finds that the project has changed.
    noted, finding, second, third = place.bodies(4, customers=2)
    for body in (noted, finding):
        _post(project, body)
    accepted, repeat = (_counted(partial(_post, project, second)) for _ in range(2))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    ringing = _counted(partial(_post, project, third))
    return [
        Figure(PART, "SQL statements of an accepted webhook", str(accepted), note=WHY_WEBHOOK),
        Figure(PART, "SQL statements of one that rings the bell", str(ringing)),
        Figure(PART, "SQL statements of a duplicate", str(repeat), note=WHY_DUPLICATE),
    ]


def _drain(place: Place) -> Figure:
    project = place.project("Queries of a drain")
    with place.intercom() as intercom, override_settings(INTERCOM_API_URL=intercom.url):
        # Customers that Intercom knows, as nearly all are.
        for _ in range(2):
            fill(place, project, DELIVERIES, DELIVERIES)
            count = _counted(lambda: drain(project.pk, stop=threading.Event()))
    each = f"{count.statements / DELIVERIES:.2f} and {count.transactions / DELIVERIES:.2f} of transactions"
    return Figure(PART, f"SQL statements of a delivery, {DELIVERIES} due", each, note=WHY_DELIVERY)


def _counted(act: Callable[[], object]) -> _Count:
    with CaptureQueriesContext(connection) as captured:
        act()
    of_transactions = sum((query["sql"] or "").startswith(OF_TRANSACTIONS) for query in captured)
    return _Count(len(captured) - of_transactions, of_transactions)


def _post(project: Project, body: bytes) -> None:
    address = address_of(project, 0)
    answer = Client().post(
        address.path,
        body,
        content_type="application/json",
        headers={"Authorization": address.authorization, "Host": "localhost"},
    )
    if answer.status_code != 200:
        raise RuntimeError(f"answered {answer.status_code}")
