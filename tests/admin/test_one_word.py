"""
One word for one thing: what is owed, what of it was not tried yet, and who waits to be named, the same everywhere.
"""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from integration.mapping import WaitReason
from integration.models import Delivery, IdentityCase, Project
from tests.admin.conftest import project_url, text_of
from tests.admin.front_page import page
from tests.admin.test_active_filters import active
from tests.admin.test_deliveries_list import LIST
from tests.factories import receive

PROJECTS = "/admin/integration/project/"
QUEUE = "/admin/integration/identitycase/"


def test_all_that_is_owed_is_pending(admin_client: Client, project: Project) -> None:
    receive(project)
    assert "Status: Pending" in active(admin_client, LIST, status__exact="pending")
    for url in (PROJECTS, project_url(project)):
        said = text_of(admin_client.get(url))
        assert "Pending" in said and "Waiting" not in said


def test_what_no_try_was_made_of_is_not_tried_yet(admin_client: Client, project: Project) -> None:
    receive(project)
    assert "State: Not tried yet" in active(admin_client, LIST, state="untried")
    context = page(admin_client)
    assert "Not tried yet" in {figure.label for figure in context["figures"]}
    assert "Not tried yet" in context["projects_table"]["headers"]


def test_who_waits_to_be_named_is_in_the_identity_queue(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    Delivery.objects.update(due_at=None, reason=str(WaitReason.ANONYMOUS))
    IdentityCase.objects.open([IdentityCase.of(delivery, WaitReason.ANONYMOUS, timezone.now())])
    assert "State: In the identity queue" in active(admin_client, LIST, state="waiting")
    said = text_of(admin_client.get(QUEUE))
    assert "Pending" in said and "Waiting" not in said
    # The number leads to as many deliveries.
    link = said.split("field-pending ")[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert admin_client.get(link).context["cl"].result_count == 1
    receive(project)
    assert admin_client.get(link).context["cl"].result_count == 1
