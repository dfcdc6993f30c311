"""Whom RevenueCat is asked about, under which id, and what of its answer is compared. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from integration.customer_state import STATUS
from integration.models import Customer, Delivery, Discrepancy, Project
from integration.models.mapping_settings import Sandbox
from integration.reconciliation import EXPIRES
from integration.retry import DeliveryStatus
from integration.revenuecat.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Subject:
    """A customer as they were before RevenueCat was asked, the App User ID it is asked about, and what is open of them.

    A project can name its contacts by another id; RevenueCat knows that of the newest event that Intercom was told of.
    """

    customer: Customer
    app_user_id: str
    has_open: bool


def subjects_of(customers: Sequence[Customer]) -> list[Subject]:
    """These customers, in their order. Asks two questions of the database, however many there are."""
    differing = Discrepancy.objects.open().filter(customer__in=customers)
    known = set(differing.values_list("customer_id", flat=True))
    told = Delivery.objects.filter(customer__in=customers, status=DeliveryStatus.DELIVERED)
    newest = told.order_by("customer_id", "-id").distinct("customer_id")
    ids = dict(newest.values_list("customer_id", "app_user_id"))
    return [Subject(one, ids.get(one.pk, one.app_user_id), one.pk in known) for one in customers]


def compared_attributes(project: Project) -> list[str]:
    """The contact's attributes that are compared. Raises OperatorError where the project keeps none of them."""
    kept = {"status": STATUS, "expires": EXPIRES}
    names = [name for fact, name in kept.items() if fact in project.contact_facts]
    if not names:
        raise OperatorError(
            _(
                "Neither “Subscription status” nor “Expires” is among the facts that this project keeps on contacts: "
                "there is nothing to compare."
            )
        )
    return names


def asked_environment(project: Project) -> str:
    """Of which subscriptions: what the project does not send is not what its contacts tell of. "" stands for all."""
    return "" if project.sandbox == Sandbox.SEND else "production"
