"""
Who is forgotten is gone: no id, no alias and no email address of theirs is in any table, and nobody else is touched.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from integration.models import Customer, Delivery, DeliveryAttempt, Project, WebhookEvent
from integration.models.forgetting import NOTHING, CustomerBusyError, Erased, Person
from tests.everything import every_row
from tests.factories import make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom, faults
from tests.processes import outside_params, until

ME, ALIAS, FIRST = "me-10733", "$RCAnonymousID:6b1f0d8e4c2a47d3", "me-before-10733"
EMAIL = "jonas.vogel@example.com"
MINE = (ME, ALIAS, FIRST, EMAIL, "me-10732", "jonas")


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project("Larkfield")


@pytest.fixture
def known(project: Project) -> Project:
    """The project, with somebody who has been told of, and somebody else."""
    attributes = {"$email": {"value": EMAIL}}
    receive(project, app_user_id=ME, aliases=[ME, ALIAS], subscriber_attributes=attributes)
    receive(project, app_user_id=ALIAS, original_app_user_id=FIRST, aliases=[])
    receive(project, app_user_id=FIRST, aliases=[FIRST], environment="SANDBOX")
    receive(project, app_user_id="me-10732", aliases=[FIRST])
    receive(project, app_user_id="other", aliases=["other"])
    run_drain(project)
    return project


def left_of(*texts: str) -> list[str]:
    """Which of these texts are in the database."""
    everything = every_row()
    return [text for text in texts if text in everything]


def forget(project: Project, app_user_id: str = ME) -> Erased:
    """Find the person and forget them."""
    return Person.find(project, app_user_id).forget(timezone.now())


# --- What goes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("app_user_id", [ME, ALIAS, FIRST, "me-10732"])
def test_nothing_of_the_person_is_left_whichever_id_they_are_known_by(known: Project, app_user_id: str) -> None:
    assert left_of(*MINE) == list(MINE)
    person = Person.find(known, app_user_id)
    assert person.ids == {ME, ALIAS, FIRST, "me-10732"}
    before = person.known()
    assert (before.events, before.deliveries, before.attempts, before.customers) == (4, 4, 3, 3 + 1)
    assert person.forget(timezone.now()) == before
    assert left_of(*MINE) == []


def test_everybody_else_is_as_before(known: Project) -> None:
    models = (WebhookEvent, Delivery, Customer)
    others = [list(model.objects.filter(app_user_id="other").values()) for model in models]
    attempts = list(DeliveryAttempt.objects.filter(delivery__app_user_id="other").values())
    forget(known)
    assert [list(model.objects.values()) for model in models] == others
    assert list(DeliveryAttempt.objects.values()) == attempts and attempts


def test_only_a_count_is_left(known: Project) -> None:
    forget(known)
    known.refresh_from_db()
    assert known.forgotten_customers == 1
    assert forget(known) == NOTHING
    known.refresh_from_db()
    assert known.forgotten_customers == 1


def test_the_same_id_in_another_project_is_somebody_else(known: Project) -> None:
    elsewhere = make_project("Elsewhere")
    receive(elsewhere, app_user_id=ME)
    forget(known)
    assert Delivery.objects.filter(app_user_id=ME).get().project == elsewhere


def test_what_is_pending_goes_too_and_is_never_sent(known: Project, intercom: FakeIntercom) -> None:
    receive(known, app_user_id=ME)
    forget(known)
    before = len(intercom.ledger)
    run_drain(known)
    assert len(intercom.ledger) == before


def test_a_transfer_goes_but_not_the_person_on_its_other_side(known: Project) -> None:
    receive(known, event_type="TRANSFER", app_user_id=None, transferred_from=[ALIAS], transferred_to=["other"])
    receive(known, event_type="PURCHASE_REDEEMED", app_user_id=None, redeemed_from=[ALIAS], redeemed_by=["other"])
    run_drain(known)
    person = Person.find(known, ME)
    assert "other" not in person.ids
    person.forget(timezone.now())
    assert left_of(*MINE) == []
    assert Customer.objects.get().app_user_id == "other"


def test_aliases_that_outlasted_their_events_still_lead_to_the_person(known: Project) -> None:
    WebhookEvent.objects.all().delete()
    assert Person.find(known, ALIAS).ids >= {ME, ALIAS}
    forget(known, ALIAS)
    assert left_of(ME, ALIAS, EMAIL) == []


def test_an_alias_that_only_older_events_named_still_leads_to_the_person_when_they_are_pruned(project: Project) -> None:
    receive(project, app_user_id=ME, aliases=[ME, ALIAS], event_timestamp_ms=1_700_000_000_000)
    receive(project, app_user_id=ME, aliases=[ME, FIRST], event_timestamp_ms=1_700_000_001_000)
    receive(project, app_user_id=ME, aliases=["much-older"], event_timestamp_ms=1_600_000_000_000)
    run_drain(project)
    WebhookEvent.objects.all().delete()
    assert Customer.objects.get().aliases == [ME, FIRST, ALIAS, "much-older"]
    for alias in (ALIAS, FIRST, "much-older"):
        assert Person.find(project, alias).ids == {ME, ALIAS, FIRST, "much-older"}
    forget(project, ALIAS)
    assert not Customer.objects.exists()


def test_an_alias_that_one_event_alone_names_leads_to_what_came_in_under_it(project: Project) -> None:
    receive(project, app_user_id="me", aliases=["me", "other-me"])
    receive(project, app_user_id="other-me", aliases=[])
    Person.find(project, "me").forget(timezone.now())
    assert not WebhookEvent.objects.exists()


def test_a_hundred_aliases_are_remembered_the_newest_of_them(project: Project) -> None:
    for number in range(12):
        aliases = [f"alias-{number}-{one}" for one in range(10)]
        receive(project, app_user_id=ME, aliases=aliases, event_timestamp_ms=1_700_000_000_000 + number)
    run_drain(project)
    kept = Customer.objects.get().aliases
    assert len(kept) == 100
    assert kept[0] == "alias-11-0" and kept[-1] == "alias-2-9"


def test_the_value_of_another_field_is_no_id(known: Project) -> None:
    receive(known, app_user_id="premium_monthly", aliases=["PRODUCTION"])
    forget(known, "premium_monthly")
    forget(known, "APP_STORE")
    assert left_of(*MINE) == list(MINE) and left_of("other") == ["other"]


@pytest.mark.parametrize("aliases", [None, "text", 5, {"me-10733": 1}, [None, 7, ["x"]]])
def test_a_payload_that_is_not_as_it_should_be_stands_in_nobodys_way(known: Project, aliases: Any) -> None:
    receive(known, app_user_id="odd", aliases=aliases, original_app_user_id={"a": 1})
    forget(known, "odd")
    assert not Delivery.objects.filter(app_user_id="odd").exists()


# --- While the app runs -------------------------------------------------------------------------------------


def test_while_a_delivery_is_being_sent_nothing_is_erased(known: Project) -> None:
    now = timezone.now()
    Customer.objects.filter(app_user_id=ALIAS).update(busy_until=now + timedelta(seconds=45))
    before = every_row()
    with pytest.raises(CustomerBusyError) as refused:
        forget(known)
    assert refused.value.until == now + timedelta(seconds=45)
    assert every_row() == before
    assert Person.find(known, ME).forget(now + timedelta(seconds=46)).customers == 4


@pytest.mark.django_db(transaction=True)
def test_the_command_waits_for_what_is_being_sent(intercom: FakeIntercom, settings: Any) -> None:
    settings.INTERCOM_API_URL = intercom.url
    project = make_project()
    receive(project, app_user_id=ME)
    gate = threading.Event()
    arrived = threading.Event()
    intercom.inject(faults.with_hook(faults.hold(gate), lambda _: arrived.set()))
    drain = threading.Thread(target=_drain_in_a_thread, args=(project,))
    drain.start()
    assert arrived.wait(10)
    threading.Timer(0.5, gate.set).start()
    said(ME, "--yes")
    drain.join(10)
    assert left_of(ME) == []
    assert intercom.events, "what was being sent was sent"


class Elsewhere:
    """Locks rows on a connection of its own, as a drain does for a moment, until it is let go."""

    def __init__(self, statement: str) -> None:
        self._connection = psycopg.connect(**outside_params())
        self._connection.execute(statement)

    def waits(self) -> bool:
        """Whether somebody waits for these rows."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))",
                [self._connection.info.backend_pid],
            )
            return bool(cursor.fetchone()[0])

    def let_go(self) -> None:
        """Release them."""
        self._connection.close()


def forget_while_locked(project: Project, statement: str, meanwhile: Callable[[], object]) -> list[object]:
    """Forget the person while rows are locked elsewhere; what was erased, or the error that came of it."""
    came: list[object] = []

    def work() -> None:
        try:
            came.append(forget(project))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
            came.append(error)
        finally:
            connection.close()

    elsewhere = Elsewhere(statement)
    thread = threading.Thread(target=work)
    thread.start()
    until(elsewhere.waits, "the rows are waited for")
    meanwhile()
    elsewhere.let_go()
    thread.join(10)
    return came


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_comes_while_locks_are_waited_for_is_left_whole_for_somebody_new(
    known: Project, intercom: FakeIntercom
) -> None:
    lock_customers = "SELECT 1 FROM integration_customer FOR UPDATE"
    came = forget_while_locked(known, lock_customers, lambda: receive(known, app_user_id=ME))
    assert came == [Erased(customers=4, events=4, deliveries=4, attempts=3)]
    later = Delivery.objects.get(app_user_id=ME)
    run_drain(known)
    later.refresh_from_db()
    assert later.status == "delivered"


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_comes_and_is_sent_while_locks_are_waited_for_is_forgotten_too(
    known: Project, intercom: FakeIntercom
) -> None:
    def come_and_be_sent() -> None:
        receive(known, app_user_id=ME)
        run_drain(known)

    lock_deliveries = "SELECT 1 FROM integration_delivery FOR UPDATE"
    came = forget_while_locked(known, lock_deliveries, come_and_be_sent)
    assert came == [Erased(customers=4, events=5, deliveries=5, attempts=4)]
    assert left_of(*MINE) == []


def _drain_in_a_thread(project: Project) -> None:
    try:
        run_drain(project)
    finally:
        connection.close()


def test_later_webhooks_of_the_person_begin_anew(known: Project, intercom: FakeIntercom) -> None:
    forget(known)
    event = receive(known, app_user_id=ME)
    run_drain(known)
    assert Delivery.objects.get(pk=event.pk).status == "delivered"
    assert Customer.objects.get(app_user_id=ME).aliases == ["user-1"]


# --- The command --------------------------------------------------------------------------------------------


def said(*arguments: str) -> str:
    """What the command says."""
    out = StringIO()
    call_command("forget", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_erases_and_who_shares_the_address(known: Project) -> None:
    Customer.objects.filter(app_user_id="other").update(email=EMAIL)
    lines = said(ALIAS, "--project", str(known.pk), "--yes").splitlines()
    assert lines == [
        f"Ids of this person in “Larkfield”: {ALIAS}, me-10732, {ME}, {FIRST}",
        "Kept of them: 4 webhook events, 4 deliveries, 3 attempts, 4 customers",
        "Other customers with the same email address, who stay: 1",
        "Erased: 4 webhook events, 4 deliveries, 3 attempts, 4 customers.",
    ]


def test_the_command_leaves_a_line_in_the_log_that_names_nobody(
    known: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "integration")
    said(ME, "--yes")
    (line,) = [record.getMessage() for record in caplog.records if "forgotten" in record.getMessage()]
    erased = "4 webhook events, 4 deliveries, 3 attempts, 4 customers"
    assert line == f"a customer of project {known.pk} was forgotten with manage.py forget: {erased}"


@pytest.mark.parametrize(("answer", "erased"), [("y", True), ("YES ", True), ("", False), ("n", False), (None, False)])
def test_the_command_asks_first(
    known: Project, monkeypatch: pytest.MonkeyPatch, answer: str | None, *, erased: bool
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("" if answer is None else f"{answer}\n"))
    if erased:
        said(ME)
    else:
        with pytest.raises(CommandError, match="Nothing was erased"):
            said(ME)
    assert bool(left_of(EMAIL)) is not erased


def test_the_command_says_when_nobody_is_known_by_the_id(known: Project) -> None:
    with pytest.raises(CommandError, match="knows nobody with this App User ID"):
        said("nobody", "--yes")
