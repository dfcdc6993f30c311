"""Fills a project's names of products and entitlements with what RevenueCat calls them. What is there already stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from integration.inquiry.access import api_of
from integration.intercom.messages import LONGEST_STRING, shortened
from integration.models import Project
from integration.revenuecat.subscriptions import Named
from integration.storable import storable
from integration.transport import new_session

# Somebody may be waiting in front of a page.
SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class NamesRead:
    """How many names RevenueCat has, and how many of them were new here."""

    read: int
    added: int

    def __str__(self) -> str:
        if not self.read:
            return _("RevenueCat has no names for products or entitlements of this project")
        said = _("%(read)d read from RevenueCat, %(added)d of them new; %(kept)d stayed as they were")
        return said % {"read": self.read, "added": self.added, "kept": self.read - self.added}


def read_names(project: Project, *, seconds: float = SECONDS) -> NamesRead:
    """Ask, and add what is new. Raises a RevenueCatError, and changes nothing then."""
    with new_session(1) as session:
        api = api_of(project, session, seconds=seconds)
        # Products first: where one has the same id as an entitlement, its name is the one that is kept.
        found = _usable([*api.products(), *api.entitlements()])
    with transaction.atomic():
        # Read anew and locked: somebody may have saved the page meanwhile. Webhooks do not wait.
        row = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        new = {key: name for key, name in found.items() if key not in row.product_names}
        if new:
            row.product_names = {**row.product_names, **new}
            row.save(update_fields=["product_names"])
    return NamesRead(read=len(found), added=len(new))


def _usable(named: Iterable[Named]) -> dict[str, str]:
    """By id, the first one of each; without ids that a line of the settings page, `id = name`, could not hold."""
    found: dict[str, str] = {}
    for one in named:
        if "=" not in one.key and one.key.isprintable() and len(one.key) <= LONGEST_STRING:
            found.setdefault(one.key, shortened(str(storable(one.name))))
    return found
