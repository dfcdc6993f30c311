"""
What all lists of the admin have in common: how they say that there is nothing, how many rows there are, and columns.
"""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client

from integration.admin.display import NOTHING
from integration.models import Project
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
    for name, cell in (("webhookevent", "product_id"), ("customer", "email")):
        page = text_of(admin_client.get(LISTS[name]))
        found = page.split(f'class="field-{cell} ')[1].split(">")[1].split("<")[0]
        assert found == NOTHING, name
