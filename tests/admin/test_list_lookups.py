"""
The address of a list asks for what its filters offer, and for nothing else: it is no way around what pages do not show.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Field
from django.test import Client
from django.utils import timezone

from integration.admin.base import BaseAdmin
from integration.models import Project
from tests.admin.conftest import text_of
from tests.factories import make_project, receive, run_drain

OURS = [model for model, page in admin.site._registry.items() if isinstance(page, BaseAdmin)]
LISTS = {model._meta.model_name: f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in OURS}
PHONE = {"phone": {"value": "+41791234567", "updated_at_ms": 1}}
ORACLES = {
    "webhookevent": (
        "payload__event__subscriber_attributes__phone__value__startswith=%2B4179",
        "payload__icontains=4179",
        "payload__event__price__gt=1",
        "email__startswith=a",
        "project__intercom_token__startswith=g",
        "type__exact=RENEWAL",
        "received_at__gte=2020-01-01",
        "received_at_from_2=2020-01-01",
    ),
    "project": (
        "intercom_token__startswith=gAAAAA",
        "revenuecat_api_key__startswith=gAAAAA",
        "authorization__startswith=gAAAAA",
        "signing_secret__isnull=True",
        "members=1",
        "members__password__startswith=pbkdf2",
        "webhook_events__payload__event__price__gt=1",
        "id__exact=1",
    ),
    "delivery": (
        "webhook_event__payload__event__price__gt=1",
        "attempts__exchanges__icontains=x",
        "project__authorization__startswith=g",
        "project__isnull=True",
        "status__in=failed,pending",
        "status__isnull=True",
        "customer__state__icontains=x",
    ),
    "customer": ("state__icontains=x", "app_user_id=ada", "project=1", "project__members=1"),
    "identitycase": ("candidates__icontains=x", "app_user_id=ada", "project__members=1"),
    "discrepancy": (
        "customer__state__icontains=x",
        "customer__email__startswith=a",
        "project__revenuecat_api_key__startswith=g",
        "held_status=active",
        "found_at__gte=2020-01-01",
    ),
    "bulkredelivery": ("filter__text__startswith=a", "started_by__password__startswith=a", "projects__members=1"),
    "user": ("password__startswith=pbkdf2", "groups__permissions__codename__startswith=a", "is_staff=1"),
    "group": ("user__password__startswith=pbkdf2", "permissions=1"),
}


@pytest.fixture
def filled(project: Project) -> Project:
    """Projects with something in every list."""
    for one in (project, make_project("Other")):
        receive(one, subscriber_attributes=PHONE)
        receive(one, event_type="TEST")
        run_drain(one)
    return project


@pytest.fixture
def viewer(filled: Project, client: Client) -> Client:
    """A Viewer of that project, who may not read payloads."""
    user = User.objects.create_user("vi", password="irrelevant", is_staff=True)
    user.groups.set([Group.objects.get(name="Viewer")])
    filled.members.add(user)
    client.force_login(user)
    return client


def test_every_list_is_looked_at_here() -> None:
    assert set(ORACLES) == set(LISTS)


@pytest.mark.parametrize(("model", "query"), [(model, query) for model in ORACLES for query in ORACLES[model]])
def test_a_lookup_that_no_filter_offers_is_answered_400(
    admin_client: Client, filled: Project, model: str, query: str
) -> None:
    assert admin_client.get(f"{LISTS[model]}?{query}").status_code == 400


def test_a_viewer_gets_no_answer_about_payloads(viewer: Client) -> None:
    for digit in "0123456789":
        asked = {"payload__event__subscriber_attributes__phone__value__startswith": f"+{digit}"}
        assert viewer.get(LISTS["webhookevent"], asked).status_code == 400


@pytest.mark.parametrize("model", OURS, ids=lambda it: it.__name__)
def test_no_column_of_a_row_can_be_asked_for_that_is_no_filter(admin_client: Client, model: Any, db: None) -> None:
    page = admin.site._registry[model]
    filters = {one[0] if isinstance(one, tuple) else one for one in page.list_filter}
    for field in model._meta.get_fields():
        for lookup in ("", "__exact", "__startswith", "__isnull", "__in", "__pk__exact"):
            offered = isinstance(field, Field) and field.name in filters and lookup in ("__exact", "__isnull")
            if not offered and f"{field.name}{lookup}" not in own_names(page):
                url = f"{LISTS[model._meta.model_name]}?{field.name}{lookup}=1"
                assert admin_client.get(url).status_code == 400, url


def own_names(page: Any) -> set[str]:
    """The parameters of filters that are no columns'."""
    return {one.parameter_name for one in page.list_filter if hasattr(one, "parameter_name")}


@pytest.mark.parametrize("model", list(LISTS))
def test_everything_that_the_filters_of_a_list_offer_is_answered(
    admin_client: Client, filled: Project, model: str
) -> None:
    first = admin_client.get(LISTS[model])
    offered = list(offers(first))
    assert bool(offered) == bool(first.context["cl"].has_filters)
    for query in [*links(text_of(first)), *offered, "?q=ada", "?p=1", "?o=1.-2", "?e=1"]:
        text_of(admin_client.get(LISTS[model] + query))


def offers(response: Any) -> Iterator[str]:
    """What choosing each choice of each filter would put into the address."""
    changes = response.context["cl"]
    for spec in changes.filter_specs:
        for choice in spec.choices(changes):
            if "form" not in choice:
                yield choice["query_string"]
                continue
            form = str(choice["form"])
            names = re.findall(r'name="([^"]+)"', form)
            values = re.findall(r'<option value="([^"]*)"', form) or ["2026-01-01"]
            yield from (f"?{urlencode({name: html.unescape(value)})}" for name in names for value in values)


def links(page: str) -> set[str]:
    """The links of a list that lead to itself."""
    return {html.unescape(found) for found in re.findall(r'href="(\?[^"]*)"', page)}


def test_the_link_of_a_project_to_what_waits_works(admin_client: Client, project: Project) -> None:
    project.hold("Why.", timezone.now(), until=None)
    receive(project)
    for url in (LISTS["project"], f"{LISTS['project']}{project.pk}/change/"):
        (link,) = re.findall(r'href="(/admin/integration/delivery/\?[^"]+)"', text_of(admin_client.get(url)))
        response = admin_client.get(html.unescape(link))
        text_of(response)
        assert response.context["cl"].result_count == 1


@pytest.mark.parametrize("name", ["app_user_id", "status__exact", "environment", "event_type", "type"])
@pytest.mark.parametrize("model", ["delivery", "webhookevent", "customer"])
def test_nul_in_the_address_of_a_list_is_answered_400(
    admin_client: Client, filled: Project, model: str, name: str
) -> None:
    assert admin_client.get(f"{LISTS[model]}?{name}=%00").status_code == 400


def test_nul_in_what_suggestions_are_asked_for_finds_nothing(admin_client: Client, filled: Project) -> None:
    asked = {"app_label": "integration", "model_name": "project", "field_name": "members", "term": "\x00"}
    assert admin_client.get("/admin/autocomplete/", asked).json()["results"] == []
    assert admin_client.get("/admin/autocomplete/", asked | {"term": "adm"}).json()["results"]
