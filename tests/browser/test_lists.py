"""
The lists of the admin in front of a person: what they are filtered by, and how they read on a telephone.
"""

from __future__ import annotations

from integration.models import Project
from tests.browser.conftest import Visit
from tests.browser.person import PHONE
from tests.browser.test_every_page import look_at
from tests.factories import receive

LIST = "/admin/integration/delivery/"
# How the label of a column is written beside a cell.
LABELS = """() => [...document.querySelectorAll("#result_list [data-label]")]
    .filter((one) => one.dataset.label.includes(" "))
    .map((one) => getComputedStyle(one, "::before").textTransform)"""
# Of a cell of two lines, how far the second one begins below the first.
BELOW = """() => { const [first, second] = document.querySelector(".field-whose .rc-two-lines").children;
    return second.getBoundingClientRect().top >= first.getBoundingClientRect().bottom; }"""


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
