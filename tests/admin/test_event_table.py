"""
The table of event types, and what the settings refuse because Intercom could not tell it apart.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integration.event_types import CATALOGUE
from integration.models import EventSetting, Project
from tests.admin.conftest import project_url, save, text_of
from tests.factories import make_project


def errors_of(response: Any) -> dict[str, list[str]]:
    """What the form says is wrong, by field."""
    return {name: list(errors) for name, errors in response.context["adminform"].form.errors.items()}


def test_every_event_type_is_a_row_with_a_label_for_its_field(admin_client: Client, project: Project) -> None:
    page = text_of(admin_client.get(project_url(project)))
    for row in CATALOGUE:
        field = f"id_event_{row.event_type}"
        assert f'<label for="{field}">' in page and f'id="{field}_when"' in page
        assert f'aria-describedby="{field}_when"' in page
    assert page.count('lg:leading-[38px]">Always<') == sum(not row.optional for row in CATALOGUE)


def test_an_error_stands_in_the_row_and_on_top_with_a_link_and_its_section_is_open(
    admin_client: Client, project: Project
) -> None:
    page = text_of(save(admin_client, project_url(project), event_transfer_name="a.b", event_transfer_send=True))
    assert 'id="id_event_transfer_error"' in page and 'aria-invalid="true"' in page
    assert '<a href="#id_event_transfer" class="underline">Transfer</a>: Leave out' in page
    section = page[page.index('id="section-more-events"') :]
    assert "<details>" not in section[: section.index("</table>")]


def test_an_error_opens_a_folded_section(admin_client: Client, project: Project) -> None:
    def folded(page: str) -> bool:
        section = page[page.index('id="section-privacy"') :]
        return "<details>" in section[: section.index('name="keep_successes_days"')]

    assert folded(text_of(admin_client.get(project_url(project))))
    assert not folded(text_of(save(admin_client, project_url(project), keep_successes_days="-1")))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"custom_types": "SPIN = spun\nspin = turned"}, "“spin” and “SPIN” are the same type to RevenueCat."),
        ({"custom_types": "SPIN = spun\nTURN = Spun"}, "The name for “TURN” is that of “SPIN” already."),
        ({"custom_types": "SPIN = RC_RENEWAL_event"}, "The name for “SPIN” is that of “Renewal” already."),
        ({"custom_types": "SPIN = again", "event_renewal_name": "Again"}, "The name for “SPIN” is that of “Renewal”"),
        ({"custom_types": "RENEWAL = again"}, "“RENEWAL” is the event type “Renewal”: name it there instead."),
    ],
)
def test_custom_types_that_could_not_be_told_apart_are_refused(
    admin_client: Client, project: Project, changes: dict[str, str], said: str
) -> None:
    response = save(admin_client, project_url(project), **changes)
    assert any(said in error for error in errors_of(response)["custom_types"])
    assert Project.objects.get().custom_types == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"attribute_prefix": "rc_", "subscriber_attributes": "plan = rc_subscription_status"},
        {"subscriber_attributes": "a = same\nb = Same"},
        {"money": "gross", "lifetime_totals": True, "attribute_prefix": "x_", "contact_facts": ["status"],
         "subscriber_attributes": "a = X_subscription_status"},
    ],
)  # fmt: skip
def test_a_subscriber_attribute_that_would_be_written_over_another_is_refused(
    admin_client: Client, project: Project, changes: dict[str, Any]
) -> None:
    response = save(admin_client, project_url(project), **changes)
    assert any("would be written over" in error for error in errors_of(response)["subscriber_attributes"])
    assert Project.objects.get().subscriber_attributes == {}


def same_workspace(*projects: Project) -> None:
    """As the check of the connection would have found it."""
    Project.objects.filter(pk__in=[one.pk for one in projects]).update(
        workspace_id="demo1234", connection_checked_at=timezone.now()
    )


def test_one_name_too_many_for_the_workspace_is_refused(admin_client: Client, project: Project) -> None:
    other = make_project("Other", custom_types={f"TYPE_{number}": f"name_{number}" for number in range(109)})
    same_workspace(project, other)
    save(admin_client, project_url(project), custom_types="SPIN = spun")
    assert Project.objects.get(pk=project.pk).custom_types == {"SPIN": "spun"}
    response = save(admin_client, project_url(project), event_transfer_send=True)
    (said,) = errors_of(response)["custom_types"]
    assert "These would be 121 event names in the Intercom workspace (109 of them only in other projects here)" in said
    assert not EventSetting.objects.exists()
    # A name that is used already is none more.
    save(admin_client, project_url(project), event_transfer_send=True, event_transfer_name="NAME_1")
    assert EventSetting.objects.get().custom_name == "NAME_1"


def test_what_is_too_many_already_keeps_nobody_from_saving_something_else(
    admin_client: Client, project: Project
) -> None:
    other = make_project("Other", custom_types={f"TYPE_{number}": f"name_{number}" for number in range(130)})
    same_workspace(project, other)
    save(admin_client, project_url(project), name="Renamed", event_expiration_send=None)
    assert Project.objects.get(pk=project.pk).name == "Renamed"
