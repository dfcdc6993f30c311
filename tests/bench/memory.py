"""
Whether the web server and the worker hold on to memory: webhooks come in steadily and are delivered, somebody looks at
the admin now and then, and what each program holds is written down every other second.

Held is what would be free if it ended (USS), with all its processes. Flat means: over the last third of the time it
holds, in the median, at most a tenth and 4 MB more than between the second and the fourth tenth of the time. By then
the pools are open and every page has been seen. A leak of 1 kB a webhook would add some 18 MB between the two.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median

import psutil

from integration.models import Delivery, WebhookEvent
from tests.bench.admin_client import Browser, Page, make_person
from tests.bench.figure import Figure, at_most
from tests.bench.load import Outcome
from tests.bench.place import Place, address_of
from tests.bench.stand_in import StandIn

PART = "memory"
SECONDS, QUICK_SECONDS = 600.0, 60.0
PER_SECOND = 50.0
CUSTOMERS = 2_000
LOOK_SECONDS = 2.0
# Every so many looks somebody opens a page.
LOOKS_A_PAGE = 3
MOST_GROWTH, MOST_MEGABYTES = 1.10, 4.0
LOG = "/admin/integration"


@dataclass(slots=True)
class Held:
    """What one program held, in MB, look by look."""

    name: str
    pid: int
    megabytes: list[float] = field(default_factory=list)

    def look(self) -> None:
        """Write down what it holds now, with the processes that it has started."""
        master = psutil.Process(self.pid)
        self.megabytes.append(sum(_uss(process) for process in (master, *master.children(recursive=True))))

    @property
    def early(self) -> float:
        """The median between the second and the fourth tenth, once everything has been used."""
        return median(_part(self.megabytes, 0.1, 0.4))

    @property
    def late(self) -> float:
        """The median of the last third."""
        return median(_part(self.megabytes, 2 / 3, 1.0))


def run(place: Place) -> list[Figure]:
    """Post, deliver and look for ten minutes; a minute where it is quick."""
    project = place.project("Memory")
    make_person("memory", None)
    seconds = QUICK_SECONDS if place.quick else SECONDS
    with place.intercom() as intercom, _web(place) as (web, port), place.worker(intercom) as worker:
        programs = [Held("web", web), Held("worker", worker.pid)]
        address = address_of(project, port)
        with Browser(f"http://127.0.0.1:{port}", "memory") as browser, ThreadPoolExecutor(1) as pool:
            posting = pool.submit(place.post, address, seconds, per_second=PER_SECOND, customers=CUSTOMERS)
            _watch(place, programs, browser, posting)
        return [_judged(held) for held in programs] + [_delivered(posting.result(), intercom)]


def _watch(place: Place, programs: Sequence[Held], browser: Browser, posting: Future[Outcome]) -> None:
    pages: Iterator[Page] | None = None
    looks = 0
    while not posting.done():
        if not looks % LOOKS_A_PAGE and WebhookEvent.objects.exists():
            pages = pages or cycle(_pages())
            browser.milliseconds(next(pages), 1)
        for held in programs:
            held.look()
        if looks % 30 == 0:
            place.say("  ".join(f"{held.name} {held.megabytes[-1]:.1f} MB" for held in programs))
        looks += 1
        time.sleep(LOOK_SECONDS)


def _pages() -> list[Page]:
    """What an operator looks at, over and over again."""
    event = WebhookEvent.objects.order_by("id")[:1].get()
    delivery = Delivery.objects.get(webhook_event=event)
    paths = (
        "/admin/",
        f"{LOG}/project/",
        f"{LOG}/delivery/",
        f"{LOG}/delivery/{delivery.pk}/change/",
        f"{LOG}/delivery/?status__exact=failed",
        f"{LOG}/webhookevent/{event.pk}/change/",
        f"{LOG}/customer/?q={event.app_user_id}",
        f"{LOG}/project/{event.project_id}/change/",
    )
    return [Page(path, path) for path in paths]


def _judged(held: Held) -> Figure:
    first, last, most = held.megabytes[0], held.megabytes[-1], max(held.megabytes)
    growth = held.late / held.early
    shown = (
        f"{growth:.2f} ({held.early:.0f} to {held.late:.0f} MB; first {first:.0f}, last {last:.0f}, most {most:.0f} MB)"
    )
    allowed = MOST_GROWTH + MOST_MEGABYTES / held.early
    return at_most(PART, f"{held.name}: late to early", growth, round(allowed, 2), shown)


def _delivered(outcome: Outcome, intercom: StandIn) -> Figure:
    sent = intercom.counters()["POST /events"]
    return Figure(PART, "meanwhile", f"{outcome.answered:,} webhooks stored, {sent:,} delivered")


def _part(values: Sequence[float], begin: float, end: float) -> Sequence[float]:
    return values[int(len(values) * begin) : max(int(len(values) * end), int(len(values) * begin) + 1)]


def _uss(process: psutil.Process) -> float:
    """In MB; nothing where it has just ended."""
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().uss) / 2**20
    return 0.0


@contextmanager
def _web(place: Place) -> Iterator[tuple[int, int]]:
    """The web server's process id and port: it is the one process that was not there before."""
    before = _children()
    with place.web() as port:
        (pid,) = _children() - before
        yield pid, port


def _children() -> set[int]:
    return {process.pid for process in psutil.Process().children()}
