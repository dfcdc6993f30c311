"""
Every page of the admin, found by its address pattern, so that a new one is looked at too: what axe-core says of it in
light and dark, whether it fits its window, and that nothing on it breaks or asks another machine (`person.py`).
"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from integration.models import Project
from tests.admin.addresses import ROUTES, Rows, rows_of
from tests.browser.axe import findings
from tests.browser.conftest import Visit
from tests.browser.person import PHONE, WIDE, Person

# Answers that are no page: files, suggestions, what ends the session, and what takes a POST alone.
NO_PAGES = {
    *("logout/", "jsi18n/", "autocomplete/", "search/", "integration/webhookevent/<path:object_id>/fixture/"),
    *("integration/delivery/links/", "integration/delivery/export/"),
    "integration/bulkredelivery/<path:object_id>/cancel/",
}
NOT_SIGNED_IN = {"login/", "login/code/"}
SECTIONS = {
    "projects": ("integration/project/",),
    "log": ("integration/delivery/", "integration/webhookevent/"),
    "people": ("integration/customer/", "integration/identitycase/", "integration/discrepancy/"),
    "access": ("auth/",),
}
# What a dialog is filled with has no page around it; the stories look at dialogs where they open.
IS_PAGE = "document.documentElement.hasAttribute('x-data')"
# As unfold's switch does it; then the page need not be made twice. Colours that are on their way count when they are
# there; what never ends cannot be ended.
TO_DARK = """() => {
    document.documentElement.classList.remove("light");
    document.documentElement.classList.add("dark");
    document.getAnimations().forEach((one) => { try { one.finish(); } catch { } });
}"""
# The innermost of what sticks out of the window, where the page can be pushed sideways.
BEYOND = """() => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) { return []; }
    const out = (one) => one.getBoundingClientRect().right > page.clientWidth + 1;
    const inner = [...document.querySelectorAll("#main *")].filter(out).filter((one) => ![...one.children].some(out));
    const by = page.scrollWidth - page.clientWidth;
    return [`${by} px`, ...inner.slice(0, 3).map((one) => one.outerHTML.replace(/\\s+/g, " ").slice(0, 200))];
}"""


def section_of(route: str) -> str:
    """Where a route belongs; whatever is new is in the last one."""
    return next((name for name, starts in SECTIONS.items() if route.startswith(starts)), "others")


@pytest.fixture
def rows(project: Project) -> Rows:
    """Something for every page to show; the project is held, so that every button is there."""
    rows = rows_of(project, User.objects.create_user("somebody", is_staff=True))
    project.hold("Intercom refused the access token.", timezone.now(), until=None)
    return rows


def look_at(person: Person, path: str) -> list[str]:
    """What is wrong with one page, in both themes and both widths."""
    status = person.opens(path)
    if status != 200:
        return [f"answered {status}"] if status not in (403, 404, 405) else []
    if not person.measures(IS_PAGE):
        return []
    found = [*findings(person), *too_wide(person, WIDE)]
    person.measures(TO_DARK)
    found += [f"dark: {line}" for line in findings(person, "color-contrast")]
    found += too_wide(person, PHONE)
    person.resizes(WIDE)
    return found


def too_wide(person: Person, size: tuple[int, int]) -> list[str]:
    """Whether the page must be pushed sideways to be read."""
    person.resizes(size)
    beyond = person.measures(BEYOND)
    return [f"too wide for {size[0]} px: {' '.join(beyond)}"] if beyond else []


def report(wrong: dict[str, list[str]]) -> str:
    """All of it: pytest cuts long values."""
    return "\n".join(f"{route}\n  " + "\n  ".join(found) for route, found in wrong.items())


@pytest.mark.parametrize("section", [*SECTIONS, "others"])
def test_every_page_is_accessible_in_light_and_dark_and_fits_its_window(visit: Visit, rows: Rows, section: str) -> None:
    person = visit()
    routes = [route for route in ROUTES if section_of(route) == section and route not in NO_PAGES | NOT_SIGNED_IN]
    wrong = {route: found for route in routes if (found := look_at(person, rows.url(route)))}
    assert not wrong, report(wrong)


def test_the_pages_before_one_is_signed_in_are_too(visitor: Visit) -> None:
    person = visitor()
    found = look_at(person, "/admin/login/")
    assert not found, report({"login/": found})
