"""
What there is a picture of. The pages are found as a person would find them, because ids differ from demo to demo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.person import PHONE, WIDE

PATIENCE_MS = 20_000


def stay(page: Page) -> None:
    """The page as it opens."""


def first_row(page: Page) -> None:
    """The page of the first row of a list."""
    page.locator("#result_list tbody th a, #result_list tbody td a").first.click()
    page.wait_for_load_state()


def preview_of_first_row(page: Page) -> None:
    """What the event of the first delivery of a list would make now."""
    first_row(page)
    page.get_by_role("link", name="Preview with today's settings").click()
    page.wait_for_load_state()


def demo_project(page: Page) -> None:
    """The settings of the project that has everything on."""
    page.get_by_role("link", name="Demo, everything on").first.click()
    page.wait_for_load_state()


@dataclass(frozen=True, slots=True)
class Picture:
    """One page in one window; `name` becomes docs/images/<name>.png and docs/images/<name>-dark.png."""

    name: str
    path: str
    arrive: Callable[[Page], None] = stay
    window: tuple[int, int] = WIDE
    whole: bool = False


PICTURES = (
    Picture("admin-dashboard", "/admin/"),
    Picture("admin-deliveries", "/admin/integration/delivery/"),
    Picture("admin-delivery", "/admin/integration/delivery/?status__exact=failed", first_row),
    Picture("admin-project", "/admin/integration/project/", demo_project),
    Picture("admin-customer", "/admin/integration/customer/?q=user_14102", first_row),
    Picture("admin-preview", "/admin/integration/delivery/?status__exact=delivered", preview_of_first_row, whole=True),
    Picture("admin-bulk", "/admin/integration/bulkredelivery/add/?status__exact=failed"),
    Picture("admin-phone", "/admin/", window=PHONE),
)
