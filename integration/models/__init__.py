"""The rows: projects, what arrived, what is owed, every try, customers, comparisons, second factors."""

from integration.models.attempts import DeliveryAttempt
from integration.models.customers import Customer
from integration.models.deliveries import Delivery
from integration.models.discrepancies import Discrepancy, Reconciliation
from integration.models.events import WebhookEvent
from integration.models.identities import IdentityCase, IdentityLink
from integration.models.imports import HistoryImport
from integration.models.projects import EventSetting, Project
from integration.models.second_factor import SecondFactor

__all__ = [
    "Customer",
    "Delivery",
    "DeliveryAttempt",
    "Discrepancy",
    "EventSetting",
    "HistoryImport",
    "IdentityCase",
    "IdentityLink",
    "Project",
    "Reconciliation",
    "SecondFactor",
    "WebhookEvent",
]
