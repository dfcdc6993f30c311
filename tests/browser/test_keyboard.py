"""
What a mouse does the keyboard does too: the menu under one's name, the filters, a dialog.
"""

from __future__ import annotations

from integration.models import Project
from tests.browser.conftest import Visit
from tests.factories import receive


def test_the_menu_and_the_filters_open_by_the_keyboard_alone(visit: Visit, project: Project) -> None:
    receive(project)
    person = visit("Support")
    person.opens("/admin/integration/delivery/")
    person.does_not_see("Change password")
    person.reaches("support")
    person.types("Enter")
    person.sees("Change password")
    person.reaches("Filters")
    person.types("Enter")
    person.sees("By status")


def test_a_dialog_is_opened_and_closed_by_the_keyboard_alone(visit: Visit, project: Project) -> None:
    delivery = receive(project)
    person = visit("Support")
    person.opens(f"/admin/integration/delivery/{delivery.pk}/change/")
    person.reaches("Redeliver")
    person.types("Enter")
    person.sees("Intercom drops what it already has")
    person.types("Escape")
    person.does_not_see("Intercom drops what it already has")
