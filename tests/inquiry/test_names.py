"""
Names of products and entitlements, read from RevenueCat: what is added, what stays, and what stands in the way.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from integration.inquiry.names import read_names
from integration.models import Project
from integration.models.secrets import Secret
from integration.revenuecat.errors import OperatorError, UnavailableError
from tests.factories import receive, run_drain
from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import KEY, FakeRevenueCat


def names(project: Project) -> dict[str, str]:
    """What is stored now."""
    stored: dict[str, str] = Project.objects.get(pk=project.pk).product_names
    return stored


def test_names_are_added_and_those_that_are_there_stay(project: Project, revenuecat: FakeRevenueCat) -> None:
    Project.objects.update(product_names={"premium": "What we call it", "old": "Sold no more"})
    revenuecat.add_product("premium_monthly", "Premium Monthly")
    revenuecat.add_product("sub:monthly", "Play Monthly")
    revenuecat.add_entitlement("premium", "Premium")
    read = read_names(project)
    assert (read.read, read.added) == (3, 2)
    assert str(read) == "3 read from RevenueCat, 2 of them new; 1 stayed as they were"
    assert names(project) == {
        "premium": "What we call it",
        "old": "Sold no more",
        "premium_monthly": "Premium Monthly",
        "sub:monthly": "Play Monthly",
    }


def test_the_same_product_in_two_stores_has_the_first_name(project: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.add_product("premium", "Product")
    revenuecat.add_product("premium", "Product in another store")
    revenuecat.add_entitlement("premium", "Entitlement")
    assert read_names(project).read == 1 and names(project) == {"premium": "Product"}


def test_a_name_that_is_read_is_sent_with_the_next_event(
    project: Project, revenuecat: FakeRevenueCat, intercom: FakeIntercom
) -> None:
    revenuecat.add_product("premium_monthly", "Premium Monthly")
    Project.objects.update(metadata_keys=["product_name"])
    read_names(project)
    receive(project, product_id="premium_monthly")
    run_drain(project)
    assert intercom.events_of("user-1")[0].metadata == {"product_name": "Premium Monthly"}


def test_what_a_line_of_the_page_could_not_hold_is_left_out_or_cut(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.add_product("a=b", "No line could say it")
    revenuecat.add_product("x" * 256, "Too long an id")
    revenuecat.add_product("nul\x00", "No id of a store")
    revenuecat.add_product("good", f"N\x00me {'y' * 300}")
    assert read_names(project).added == 1
    name = names(project)["good"]
    assert name.startswith("N\u2400me yyy") and len(name) == 255


def test_nothing_to_read_is_said(project: Project, revenuecat: FakeRevenueCat) -> None:
    assert str(read_names(project)) == "RevenueCat has no names for products or entitlements of this project"
    assert names(project) == {}


def test_what_somebody_saves_meanwhile_is_not_overwritten(project: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.add_product("premium_monthly", "Premium Monthly")
    Project.objects.update(product_names={"premium_monthly": "Entered a moment ago"})
    # `project` was read before.
    assert project.product_names == {} and read_names(project).added == 0
    assert names(project) == {"premium_monthly": "Entered a moment ago"}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("revenuecat_api_key", Secret(""), "No RevenueCat API key is stored"),
        ("revenuecat_project", "", "enter the “RevenueCat project id”"),
        ("revenuecat_project", "99999999", "must belong to the project"),
    ],
)
def test_what_is_missing_is_said_to_the_operator(project: Project, field: str, value: Any, said: str) -> None:
    setattr(project, field, value)
    with pytest.raises(OperatorError, match=said):
        read_names(project)


def test_a_key_that_cannot_be_read_is_said(project: Project, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(OperatorError, match="cannot be read"):
        read_names(Project.objects.get())


def test_where_the_second_list_fails_nothing_is_changed(project: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.add_product("premium_monthly", "Premium Monthly")
    revenuecat.permissions.remove("project_configuration:entitlements:read")
    with pytest.raises(OperatorError, match="needs the permission project_configuration:entitlements:read"):
        read_names(project)
    assert names(project) == {}


def test_a_slow_service_does_not_keep_anybody_waiting(project: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.hang(20)
    with pytest.raises(UnavailableError, match="took too long"):
        read_names(project, seconds=0.3)


def test_the_command_says_how_many_there_were(project: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.add_entitlement("premium", "Premium")
    out = StringIO()
    call_command("read_names", project="Larkfield", stdout=out)
    assert out.getvalue() == "Names of “Larkfield”: 1 read from RevenueCat, 1 of them new; 0 stayed as they were.\n"
    revenuecat.key = "another"
    with pytest.raises(CommandError, match="does not know the API key") as refused:
        call_command("read_names", stdout=out)
    assert KEY not in str(refused.value) + out.getvalue()
