"""
The admin at a million deliveries: how long the front page and every page of the log take over HTTP, for a superuser
and for members.

Every filter alone, every two filters together, searches that find one, many and none, deep pages, and a page of each
kind of row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Count
from django.utils import timezone

from integration.admin.customer_history import EVENTS_A_PAGE
from integration.figures import Span
from integration.mapping import SkipReason, WaitReason
from integration.models import Customer, Delivery, DeliveryAttempt, Project, WebhookEvent
from integration.models.log_filter import STATES
from integration.models.recounting import count_on
from tests.bench import seed
from tests.bench.admin_client import Browser, Page, make_person
from tests.bench.figure import Figure, at_most
from tests.bench.place import Place
from tests.factories import make_project

PART = "admin"
MOST_MILLISECONDS = 300.0
WORTH_SAYING = 0.5
REQUESTS = 3
MANY, FEW = 1_000_000, 20_000
# The smaller ones are filled first: their rows lie far from the newest, which is the worst place for a list.
SIZES = {"Quiet": 0.002, "Middle": 0.05, "Large": 0.948}
LAST_PAGE = 200

Filters = Mapping[str, Sequence[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Person:
    """Who looks, and the projects they see."""

    user: User
    projects: Sequence[Project]


def fill(place: Place, count: int) -> list[Project]:
    """`count` settled deliveries of three projects, and nothing else, unless a run before has left them."""
    wanted = {name: round(count * share) for name, share in SIZES.items()}
    there = {project.name: project for project in Project.objects.all()}
    found = {name: Delivery.objects.filter(project=project).count() for name, project in there.items()}
    if found == wanted:
        return [there[name] for name in SIZES]
    first, *others = wanted
    projects = [place.project(first), *(make_project(name) for name in others)]
    for project in projects:
        seed.settled(project, wanted[project.name])
        place.say(f"{wanted[project.name]:,} deliveries of {project.name} are there.")
    return projects


def people(projects: Sequence[Project]) -> list[Person]:
    """A superuser, a member of the largest project alone, and a member of the others."""
    *small, large = projects
    return [
        Person(make_person("superuser", None), projects),
        Person(make_person("member-large", [large]), [large]),
        Person(make_person("member-small", small), small),
    ]


def run(place: Place) -> list[Figure]:
    """Fill the database and measure every page; the slow ones are said one by one."""
    figures: list[Figure] = []
    everybody = people(fill(place, FEW if place.quick else MANY))
    _count_hours(place)
    with place.web() as port:
        for person in everybody:
            with Browser(f"http://127.0.0.1:{port}", person.user.get_username()) as browser:
                for group, pages in groups(person, pairs=not place.quick).items():
                    figures.append(_slowest(place, f"{person.user}, {group}", browser, pages))
    return figures


def _count_hours(place: Place) -> None:
    """What a worker does before anybody looks at the front page."""
    started = time.monotonic()
    counted = count_on(timezone.now(), go_on=lambda: True)
    place.say(f"{counted} hours were counted in {time.monotonic() - started:.1f} s.")


def _slowest(place: Place, what: str, browser: Browser, pages: Sequence[Page]) -> Figure:
    # The first pages of a fresh web server import what they need.
    browser.milliseconds(pages[0], REQUESTS)
    took = {page: browser.milliseconds(page, REQUESTS) for page in pages}
    for page, milliseconds in took.items():
        if milliseconds > WORTH_SAYING * MOST_MILLISECONDS:
            place.say(f"{milliseconds:7.0f} ms  {what}: {page.path}")
    slowest = max(took, key=lambda page: took[page])
    shown = f"{took[slowest]:.0f} ms ({slowest.name})"
    return at_most(PART, f"{what}: slowest of {len(pages)}", took[slowest], MOST_MILLISECONDS, shown)


# --- Which pages there are -------------------------------------------------------------------------------------


def groups(person: Person, *, pairs: bool) -> dict[str, list[Page]]:
    """All pages, in groups that the table has a line for; with `pairs` also any two filters of a list together."""
    deliveries, events = delivery_filters(person.projects), event_filters(person.projects)
    found = {
        "front page": list(_front_pages(person.projects)),
        "lists and deep pages": list(_lists()),
        "deliveries by filter": _filtered("delivery", deliveries, 1),
        "webhook events by filter": _filtered("webhookevent", events, 1),
        "customers by project": _filtered("customer", {"project": deliveries["project"]}, 1),
        "searches": list(_searches(person.projects[-1])),
        "pages of one row": list(_rows(person.projects[-1])),
    }
    if pairs:
        found["deliveries by two filters"] = _filtered("delivery", deliveries, 2)
        found["webhook events by two filters"] = _filtered("webhookevent", events, 2)
    return found


def delivery_filters(projects: Sequence[Project]) -> Filters:
    """Each filter of the list of deliveries with its common and its rare values."""
    return {
        "status": [{"status__exact": status} for status in ("delivered", "skipped", "failed", "pending")],
        "state": [{"state": state} for state in STATES],
        "project": [{"project__id__exact": str(project.pk)} for project in projects],
        "event type": [{"event_type": name} for name in ("renewal", "cancellation", "product_change", "none")],
        "environment": [{"environment": name} for name in ("PRODUCTION", "SANDBOX")],
        "received": _days("created_at"),
        "reason": [{"reason": str(reason)} for reason in (*SkipReason, *WaitReason)],
        "answer": [{"answer": answer} for answer in ("4xx", "5xx", "422", "404", "503", "none")],
        "store": [{"store": store} for store in ("APP_STORE", "PLAY_STORE", "STRIPE")],
    }


def event_filters(projects: Sequence[Project]) -> Filters:
    """The same of the list of webhook events."""
    return {
        "type": [{"type": name} for name in ("RENEWAL", "TRANSFER", "TEST")],
        "project": [{"project__id__exact": str(project.pk)} for project in projects],
        "environment": [{"environment": name} for name in ("PRODUCTION", "SANDBOX")],
        "received": _days("received_at"),
    }


def _days(field: str) -> list[dict[str, str]]:
    """The newest day, the oldest, and the newer half."""
    day = [f"{timezone.now() - timedelta(days=days):%Y-%m-%d}" for days in range(31)]
    return [
        {f"{field}_from_0": day[1]},
        {f"{field}_from_0": day[30], f"{field}_to_0": day[29]},
        {f"{field}_from_0": day[15]},
    ]


def _filtered(model: str, filters: Filters, together: int) -> list[Page]:
    pages: list[Page] = []
    for chosen in combinations(filters.values(), together):
        queries: list[dict[str, str]] = [{}]
        for values in chosen:
            queries = [{**query, **value} for query in queries for value in values]
        pages += [_list(model, **query) for query in queries]
    return pages


def _list(model: str, **query: str) -> Page:
    said = ", ".join(value if len(value) < 36 else "project" for value in query.values())
    path = f"/admin/integration/{model}/"
    return Page(f"{model} {said}".strip(), f"{path}?{urlencode(query)}" if query else path)


def _front_pages(projects: Sequence[Project]) -> Iterator[Page]:
    yield Page("front page", "/admin/")
    for range_ in Span:
        yield Page(f"front page {range_}", f"/admin/?range={range_}")
        yield Page(f"front page {range_} sandbox", f"/admin/?range={range_}&environment=SANDBOX")
        for project in projects:
            yield Page(f"front page {range_} of {project}", f"/admin/?range={range_}&project={project.pk}")


def _lists() -> Iterator[Page]:
    yield _list("project")
    for model in ("delivery", "webhookevent", "customer"):
        yield _list(model)
        yield _list(model, p="2")
        yield _list(model, p=str(LAST_PAGE // 10))
    yield _list("delivery", p=str(LAST_PAGE))
    yield _list("webhookevent", p=str(LAST_PAGE))


def _busiest(project: Project) -> str:
    """The customer with the most deliveries."""
    rows = Delivery.objects.filter(project=project).exclude(app_user_id="").values("app_user_id")
    return str(rows.annotate(count=Count("pk")).order_by("-count").first()["app_user_id"])  # type: ignore[index]


def _searches(project: Project) -> Iterator[Page]:
    event = WebhookEvent.objects.filter(project=project, email__gt="").order_by("id")[:1].get()
    busiest = Customer.objects.get(project=project, app_user_id=_busiest(project))
    for model in ("delivery", "webhookevent", "customer"):
        yield _list(model, q=event.event_id)
        yield _list(model, q=event.app_user_id)
        yield _list(model, q=event.email)
        yield _list(model, q=busiest.app_user_id)
        yield _list(model, q=busiest.email)
        yield _list(model, q="nobody@example.com")
        yield _list(model, q=event.transaction_id)
        yield _list(model, q=event.original_transaction_id)
        yield _list(model, q=str(busiest.aliases[0]))
    failed, well = (_request_id(project, outcome) for outcome in ("rejected", "delivered"))
    yield _list("delivery", q=failed)
    yield _list("delivery", q=well)
    # Looks through the newest tries, and finds none.
    yield _list("delivery", q="no-request-id-0123456789")
    yield _list("delivery", q=busiest.email, status__exact="failed")
    # One that is found is answered with the way to its page; looking for nobody asks all there is to ask.
    yield Page("find a customer", "/admin/integration/customer/find/?q=nobody%40example.com")


def _request_id(project: Project, outcome: str) -> str:
    tries = DeliveryAttempt.objects.filter(delivery__project=project, outcome=outcome)
    return str(tries.order_by("-id")[:1].get().exchanges[-1]["request_id"])


def _rows(project: Project) -> Iterator[Page]:
    deliveries = Delivery.objects.filter(project=project)
    for status in ("delivered", "skipped", "failed"):
        delivery = deliveries.filter(status=status).order_by("-id")[:1].get()
        yield _row("delivery", delivery.pk, status)
    yield _row("webhookevent", delivery.webhook_event_id)
    yield _row("customer", Customer.objects.filter(project=project).order_by("id")[:1].get().pk)
    busiest = Customer.objects.get(project=project, app_user_id=_busiest(project))
    yield _row("customer", busiest.pk, "the busiest")
    oldest = Delivery.objects.filter(customer=busiest).order_by("id").values_list("pk", flat=True)
    older = list(oldest[:EVENTS_A_PAGE])[-1]
    yield Page("customer page, older", f"/admin/integration/customer/{busiest.pk}/change/?before={older}")
    yield _row("project", project.pk)


def _row(model: str, key: object, which: str = "") -> Page:
    return Page(f"{model} page {which}".strip(), f"/admin/integration/{model}/{key}/change/")
