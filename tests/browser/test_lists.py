"""
The lists of the admin in front of a person: what they are filtered by, and how they read on a telephone.
"""

from __future__ import annotations

from integration.models import Project
from tests.browser.conftest import Visit
from tests.browser.person import PHONE
from tests.browser.test_every_page import look_at
from tests.factories import receive, run_drain

LIST = "/admin/integration/delivery/"
# How the label of a column is written beside a cell.
LABELS = """() => [...document.querySelectorAll("#result_list [data-label]")]
    .filter((one) => one.dataset.label.includes(" "))
    .map((one) => getComputedStyle(one, "::before").textTransform)"""
# Of a cell of two lines, how far the second one begins below the first.
BELOW = """() => { const [first, second] = document.querySelector(".field-whose .rc-two-lines").children;
    return second.getBoundingClientRect().top >= first.getBoundingClientRect().bottom; }"""
# How far the table can be pushed sideways in its frame.
SIDEWAYS = """() => { const frame = document.querySelector("#result_list").closest(".simplebar-content-wrapper");
    return frame.scrollWidth - frame.clientWidth; }"""
# How many lines of text the first row is high, without the room around them.
LINES = """() => Math.round((document.querySelector("tr.data-row").getBoundingClientRect().height - 13) / 20)"""

# How much of what the page is about is cut off in its head.
CUT_OFF = """() => { const name = document.querySelector("h1 > :last-child");
    return name.scrollWidth - name.clientWidth; }"""


def test_a_filter_is_taken_away_and_then_all_of_them(visit: Visit, project: Project) -> None:
    receive(project, app_user_id="ada", store="PLAY_STORE")
    receive(project, app_user_id="bo", store="STRIPE")
    person = visit("Support")
    path = f"{LIST}?q=ada&store=PLAY_STORE&status__exact=failed"
    assert look_at(person, path) == []
    person.sees("Nothing matches")
    person.on_page(lambda page: page.get_by_role("link", name="Status: Failed Remove").click())
    person.is_at(f"{LIST}?q=ada&store=PLAY_STORE")
    person.sees("Google Play")
    person.does_not_see("Stripe")
    person.follows("Clear search and filters")
    person.is_at(f"{LIST}?")
    person.sees("Stripe")


def test_on_a_telephone_columns_are_called_as_they_are_elsewhere(visit: Visit, project: Project) -> None:
    receive(project)
    person = visit("Support")
    person.resizes(PHONE)
    person.opens(LIST)
    assert set(person.measures(LABELS)) == {"none"}
    assert person.measures(BELOW)


def test_the_list_of_customers_fits_however_long_ids_and_addresses_are(visit: Visit, project: Project) -> None:
    project.name = "The subscriptions of Larkfield, everything on"
    project.save()
    email = {"$email": {"value": "ada.byron.of.the.analytical.engine@post.example.com", "updated_at_ms": 1}}
    receive(project, app_user_id="$RCAnonymousID:6b1f0d8e4c2a47d39a5e7f10c3b28d64", subscriber_attributes=email)
    run_drain(project)
    person = visit("Support")
    person.opens("/admin/integration/customer/")
    assert person.measures(SIDEWAYS) == 0
    assert person.measures(LINES) <= 2


def test_the_head_of_a_page_says_what_it_is_about_also_on_a_telephone(visit: Visit, project: Project) -> None:
    project.name = "Larkfield, everything"
    project.save()
    person = visit()
    person.opens(f"/admin/integration/project/{project.pk}/change/")
    assert person.measures(CUT_OFF) == 0
    person.resizes(PHONE)
    assert person.measures(CUT_OFF) == 0
