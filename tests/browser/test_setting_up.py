"""
A project's page: a token that is wrong and then right, and names that Intercom would not take.
"""

from __future__ import annotations

from integration.models import EventSetting, Project
from tests.browser.axe import findings
from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.fake_intercom import FakeIntercom

RIGHT = "dG9rOnRoZS1yaWdodC1vbmU="


def check(person: Person, project: Project) -> None:
    """Press the button, and confirm."""
    person.opens(f"/admin/integration/project/{project.pk}/change/")
    person.presses("Check connection")
    person.sees("Check now")
    assert findings(person) == []
    person.confirms()


def test_a_wrong_token_is_explained_and_the_right_one_is_found_right(
    visit: Visit, project: Project, intercom: FakeIntercom
) -> None:
    intercom.accepted_tokens = {RIGHT}
    person = visit("Integration admin")
    check(person, project)
    person.sees("Intercom refused the access token.")
    person.sees("Copy the whole token again from Intercom")
    person.opens(f"/admin/integration/project/{project.pk}/change/")
    person.fills("Intercom access token", RIGHT)
    person.presses("Save")
    check(person, project)
    person.sees("Connected to the workspace “Demo Workspace”")
    person.sees("The token, its permissions and the region are right.")


def test_a_name_that_intercom_would_change_is_refused_next_to_its_field(visit: Visit, project: Project) -> None:
    person = visit("Integration admin")
    person.opens(f"/admin/integration/project/{project.pk}/change/")
    person.fills("Renewal", "my.renewal")
    person.presses("Save")
    person.sees("Leave out “.” and “$”: Intercom would store them as “-”.")
    assert "Renewal" in person.reads("#content [role=alert]")
    person.fills("Renewal", "my_renewal")
    person.presses("Save")
    person.is_at(f"/admin/integration/project/{project.pk}/change/")
    assert [(row.event_type, row.custom_name) for row in EventSetting.objects.exclude(custom_name="")] == [
        ("renewal", "my_renewal")
    ]
