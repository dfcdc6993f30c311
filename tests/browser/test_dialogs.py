"""
Every dialog of the admin, found by the links that open one, so that a new one is tried too: the focus goes in, it has a
name, axe-core finds nothing, and Escape closes it and gives the focus back.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from integration.models import Project, SecondFactor
from integration.models.secrets import Secret
from tests.admin.addresses import ROUTES, Rows, rows_of
from tests.browser.axe import findings
from tests.browser.conftest import Visit
from tests.browser.person import PATIENCE_MS, Person
from tests.browser.test_every_page import NO_PAGES, TO_DARK, report
from tests.fake_revenuecat import KEY, FakeRevenueCat

OPENER = re.compile(r'hx-get="([^"]+)"\s+hx-target="#modal-content"')
# The end of each address, of a project's page and of all others. One that is missing was found nowhere.
OF_A_PROJECT = {
    *("resume", "check_connection", "rotate_authorization", "give_access", "read_names", "reconcile"),
    *("register_webhook", "verify_webhook", "check_project"),
}
OF_OTHERS = {"redeliver", "cancel", "forget", "resolve", "retry", "repair", "remove_second_factor"}
# What has the focus in the dialog; whether it has left the dialog for something else on the page.
FOCUSED = "#modal-content:focus, #modal-content :focus"
HAS_LEFT = """() => document.activeElement !== document.body
    && !document.getElementById("modal-content").contains(document.activeElement)"""


@pytest.fixture
def rows(project: Project, revenuecat: FakeRevenueCat, settings: Any) -> Rows:
    """Something for every dialog to be about; the project is held, and can ask RevenueCat."""
    settings.REVENUECAT_API_URL = revenuecat.url
    somebody = User.objects.create_user("somebody", is_staff=True)
    rows = rows_of(project, somebody)
    SecondFactor.objects.create(user=somebody, key=Secret.of("key"), last_step=0, created_at=timezone.now())
    project.revenuecat_api_key, project.revenuecat_project = Secret.of(KEY), "proj1ab2c3d4"
    project.save()
    project.hold("Intercom refused the access token.", timezone.now(), until=None)
    return rows


def dialogs(rows: Rows) -> dict[str, tuple[str, str]]:
    """Of each kind the address of a page that opens it, and its own."""
    client, found = Client(), dict[str, tuple[str, str]]()
    client.force_login(User.objects.create_superuser("finder"))
    for url in (rows.url(route) for route in ROUTES if route not in NO_PAGES):
        answer = client.get(url)
        for address in OPENER.findall(answer.content.decode()) if answer.status_code == 200 else ():
            found.setdefault(address.rstrip("/").rsplit("/", 1)[-1], (url, address))
    return found


def opens(person: Person, address: str) -> None:
    """By the keyboard, and wait until it is there."""

    def press(page: Page) -> None:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.locator(f'[hx-get="{address}"]').first.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible(timeout=PATIENCE_MS)

    person.on_page(press)
    is_in(person)


def is_in(person: Person) -> None:
    """Wait until the focus is in the dialog."""
    person.on_page(lambda page: expect(page.locator(FOCUSED)).to_have_count(1))


def is_back(person: Person, address: str) -> None:
    """Wait until the focus is on what opens the dialog."""
    person.on_page(lambda page: expect(page.locator(f'[hx-get="{address}"]:focus')).to_have_count(1))


def closes(person: Person, address: str) -> None:
    """By Escape, and wait until the focus is back."""

    def press(page: Page) -> None:
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()

    person.on_page(press)
    is_back(person, address)


def wrong_with(person: Person, page: str, address: str) -> list[str]:
    """What is wrong with one dialog while it is open."""
    person.opens(page)
    opens(person, address)
    title = person.reads("#dialog h1")
    named = person.on_page(lambda page: page.get_by_role("dialog", name=title, exact=True).count())
    found = [] if title and named else ["has no name"]
    for _ in range(6):
        person.types("Tab")
        if person.measures(HAS_LEFT):
            found.append(f"the Tab key leaves it: {person.measures('document.activeElement.outerHTML')}")
            break
    found += findings(person)
    person.measures(TO_DARK)
    found += [f"dark: {line}" for line in findings(person, "color-contrast")]
    closes(person, address)
    return found


@pytest.mark.parametrize("kinds", [OF_A_PROJECT, OF_OTHERS], ids=["of a project", "of others"])
def test_every_dialog_can_be_opened_read_and_closed_by_the_keyboard(visit: Visit, rows: Rows, kinds: set[str]) -> None:
    found = dialogs(rows)
    assert set(found) == OF_A_PROJECT | OF_OTHERS
    person = visit()
    wrong = {kind: said for kind in sorted(kinds) if (said := wrong_with(person, *found[kind]))}
    assert not wrong, report(wrong)


def test_cancel_gives_the_focus_back_too(visit: Visit, rows: Rows) -> None:
    person = visit()
    person.opens(f"/admin/integration/project/{rows.project.pk}/change/")
    address = f"/admin/integration/project/{rows.project.pk}/rotate_authorization/"
    opens(person, address)
    person.presses("Cancel")
    is_back(person, address)
    person.is_at(f"/admin/integration/project/{rows.project.pk}/change/")


def test_what_a_check_has_found_is_accessible_and_the_focus_comes_back_to_the_button(visit: Visit, rows: Rows) -> None:
    person = visit()
    person.opens(f"/admin/integration/project/{rows.project.pk}/change/")
    for name, said in (("check_connection", "Connected to the workspace"), ("check_project", "RevenueCat")):
        address = f"/admin/integration/project/{rows.project.pk}/{name}/"
        opens(person, address)
        person.confirms()
        person.on_page(lambda page, said=said: expect(page.locator("#dialog-form")).to_contain_text(said))  # type: ignore[misc]
        assert findings(person) == []
        closes(person, address)


def test_an_error_in_a_dialog_and_the_password_of_a_new_account_are_accessible(visit: Visit, rows: Rows) -> None:
    person = visit()
    person.opens(f"/admin/integration/project/{rows.project.pk}/change/")
    address = f"/admin/integration/project/{rows.project.pk}/give_access/"
    opens(person, address)
    person.confirms()
    person.sees("This field is required.")
    is_in(person)
    assert findings(person) == []
    person.on_page(lambda page: page.locator("#dialog input[name=username]").fill("ada"))
    person.on_page(lambda page: page.locator("#dialog select[name=role]").select_option(label="Viewer"))
    person.confirms()
    person.sees("It is shown this once.")
    is_in(person)
    assert findings(person) == []


def test_the_filters_and_the_search_over_all_pages_are_accessible_when_they_are_open(visit: Visit, rows: Rows) -> None:
    person = visit()
    person.opens("/admin/integration/delivery/")
    person.reaches("Filters")
    person.types("Enter")
    person.sees("By status")
    assert findings(person) == []
    person.opens("/admin/integration/delivery/")
    person.types("Control+k")
    person.on_page(lambda page: expect(page.locator("#search-input-command")).to_be_focused())
    assert findings(person) == []
    person.types("Escape")
    person.on_page(lambda page: expect(page.locator("#search-input-command")).to_be_hidden())
