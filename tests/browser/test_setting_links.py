"""
“Change this setting”: the link leads to the field itself, however it is folded away, and it is ready to be changed.
"""

from __future__ import annotations

from integration.admin.remedies import AFTER_SKIP, AFTER_TRY, IDENTITY_QUEUE, OF_EVENT_TYPE
from integration.admin.setting_links import setting_url
from integration.models import Project
from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.factories import receive, run_drain

# Those that the reasons name, those that the story of a delivery adds, and event types of both tables.
FIELDS = sorted(
    {field for field in (*AFTER_SKIP.values(), *AFTER_TRY.values()) if field} - {OF_EVENT_TYPE, IDENTITY_QUEUE}
    | {"active", "missing_contact", "revenuecat_project"}
    | {"event_renewal", "event_expiration", "event_paywall_close", "event_subscription_paused"}
)
# Of a group of boxes the first one has the cursor.
CURSOR = {"contact_facts": "contact_facts_0"}
ARRIVED = """(id) => {
    const field = document.activeElement;
    if (!field || field.id !== id) { return false; }
    const box = field.getBoundingClientRect();
    return field.checkVisibility() && box.top >= 0 && box.bottom <= window.innerHeight;
}"""


def arrives(person: Person, url: str) -> None:
    """Wait until the field at the end of the address has the cursor and stands in the window."""
    anchor = url.split("#id_")[1]
    person.on_page(lambda page: page.wait_for_function(ARRIVED, arg=f"id_{CURSOR.get(anchor, anchor)}"))


def test_a_link_to_a_setting_ends_in_its_field(visit: Visit, project: Project) -> None:
    person = visit("Integration admin")
    for field in FIELDS:
        # From elsewhere, so that the page is made anew.
        person.on_page(lambda page: page.goto("about:blank"))
        person.opens(setting_url(project, field))
        arrives(person, setting_url(project, field))


def test_from_a_delivery_to_the_switch_that_kept_it_back(visit: Visit, project: Project) -> None:
    delivery = receive(project, event_type="PAYWALL_CLOSE")
    run_drain(project)
    person = visit("Integration admin")
    person.opens(f"/admin/integration/delivery/{delivery.pk}/change/")
    person.follows("Change “Paywall Close” in the project's settings.")
    arrives(person, "#id_event_paywall_close_send")
    person.types("Space")
    person.presses("Save")
    person.sees("Impact of the change")


def test_a_link_on_the_page_itself_opens_what_was_folded_again(visit: Visit, project: Project) -> None:
    person = visit("Integration admin")
    person.opens(setting_url(project, "sandbox"))
    arrives(person, "#id_sandbox")
    person.on_page(lambda page: page.evaluate("location.hash = '#id_keep_failures_days'"))
    arrives(person, "#id_keep_failures_days")
