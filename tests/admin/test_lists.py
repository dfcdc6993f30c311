"""
What all lists of the admin have in common: how they say that there is nothing, how many rows there are, and columns.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from integration.admin.display import NOTHING
from integration.mapping import WaitReason
from integration.models import Customer, Discrepancy, IdentityCase, Project
from tests.admin.conftest import text_of
from tests.admin.test_list_lookups import LISTS, OURS
from tests.factories import receive, run_drain


@pytest.mark.parametrize("model", OURS)
def test_where_there_is_nothing_every_page_says_so_with_the_same_sign(model: type) -> None:
    assert admin.site._registry[model].get_empty_value_display() == NOTHING


def test_a_row_without_a_product_and_a_customer_without_an_email_have_that_sign(
    admin_client: Client, project: Project
) -> None:
    receive(project, product_id="")
    run_drain(project)
    for name, cell in (("webhookevent", "product"), ("customer", "short_email")):
        page = text_of(admin_client.get(LISTS[name]))
        found = page.split(f'class="field-{cell} ')[1].split(">")[1].split("<")[0]
        assert found == NOTHING, name


@pytest.mark.parametrize(
    ("name", "none", "one", "two"),
    [
        ("delivery", "0 deliveries", "1 delivery", "2 deliveries"),
        ("webhookevent", "0 webhook events", "1 webhook event", "2 webhook events"),
        ("customer", "0 customers", "1 customer", "2 customers"),
        ("identitycase", "0 cases", "1 case", "2 cases"),
        ("discrepancy", "0 discrepancies", "1 discrepancy", "2 discrepancies"),
    ],
)
def test_a_number_of_rows_reads_well(
    admin_client: Client, project: Project, name: str, none: str, one: str, two: str
) -> None:
    url = LISTS[name]
    assert f">{none}<" in text_of(admin_client.get(url))
    for app_user_id, said in (("ada", one), ("bo", two)):
        delivery = receive(project, app_user_id=app_user_id)
        run_drain(project)
        IdentityCase.objects.open([IdentityCase.of(delivery, WaitReason.ANONYMOUS, timezone.now())])
        customer = Customer.objects.get(app_user_id=app_user_id)
        Discrepancy.objects.create(project=project, customer=customer, found_at=timezone.now())
        assert f">{said}<" in text_of(admin_client.get(url))


@pytest.mark.parametrize("model", OURS)
def test_a_large_number_of_rows_has_its_thousands_apart(model: type[Model]) -> None:
    page: Any = admin.site._registry[model]
    assert page.counted(10_000).startswith("10,000 ")


@pytest.mark.parametrize("model", OURS)
def test_every_column_has_a_name_that_begins_with_a_capital_letter_or_is_one_word(model: type[Model]) -> None:
    page = admin.site._registry[model]
    names = [str(label_for_field(column, model, page)) for column in page.list_display]
    # On a telephone a single word gets one by the stylesheet, and nothing else does.
    assert [name for name in names if " " in name and not name[0].isupper()] == []
