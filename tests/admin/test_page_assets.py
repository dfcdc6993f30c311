"""
The styles and scripts of our own: on every page, and each once.
"""

from __future__ import annotations

import re
from collections import Counter

from django.contrib.auth.models import User
from django.test import Client

from integration.models import Project
from tests.admin.addresses import ROUTES, rows_of
from tests.admin.conftest import project_url, save

OURS = re.compile(r'<(?:link|script)[^>]*(?:href|src)="/static/(integration/[^"]+)"')


def test_every_page_has_our_styles_and_none_of_them_twice(
    admin_client: Client, admin_user: User, project: Project
) -> None:
    rows = rows_of(project, admin_user)
    pages = {route: admin_client.get(rows.url(route)).content.decode() for route in set(ROUTES) - {"logout/"}}
    pages["the question before saving"] = save(
        admin_client, project_url(project), event_renewal_name="renewed"
    ).content.decode()
    whole = {route: page for route, page in pages.items() if "<head>" in page}
    assert len(whole) > 25
    for route, page in whole.items():
        linked = Counter(OURS.findall(page))
        assert linked["integration/admin.css"] == 1, route
        assert set(linked.values()) == {1}, (route, linked)
