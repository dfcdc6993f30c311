"""
Where people find a contact in Intercom's own pages.
"""

from __future__ import annotations

import pytest

from integration.intercom.client import REGION_URLS
from integration.intercom.pages import PAGES, contact_page


def test_every_region_has_pages() -> None:
    assert set(PAGES) == set(REGION_URLS)


@pytest.mark.parametrize(
    ("region", "host"), [("us", "app.intercom.com"), ("eu", "app.eu.intercom.com"), ("au", "app.au.intercom.com")]
)
def test_a_contact_has_a_page_in_its_region_s_pages(region: str, host: str) -> None:
    assert contact_page(region, "abc123", "w0rk") == f"https://{host}/a/apps/w0rk/users/abc123"


def test_without_a_workspace_it_is_the_one_that_somebody_is_signed_in_to() -> None:
    assert contact_page("us", "abc123") == "https://app.intercom.com/a/apps/_/users/abc123"


def test_ids_stay_within_their_part_of_the_address() -> None:
    assert contact_page("us", "a/../b?c#d", "w/x") == "https://app.intercom.com/a/apps/w%2Fx/users/a%2F..%2Fb%3Fc%23d"


def test_an_unknown_region_and_an_unknown_contact_have_none() -> None:
    assert contact_page("mars", "abc123") is None and contact_page("us", "") is None
