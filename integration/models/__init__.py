"""The rows: projects, what arrived, what is owed, every try, customers, comparisons, drifts, what people keep."""

from integration.models.attempts import DeliveryAttempt
from integration.models.customers import Customer
from integration.models.deliveries import Delivery
from integration.models.discrepancies import Discrepancy, Reconciliation
from integration.models.drifts import Drift, ProjectCheck
from integration.models.events import WebhookEvent
from integration.models.identities import IdentityCase, IdentityLink
from integration.models.imports import HistoryImport
from integration.models.projects import EventSetting, Project
from integration.models.redelivery import BulkRedelivery
from integration.models.registrations import WebhookRegistration
from integration.models.saved_links import SavedLink
from integration.models.second_factor import SecondFactor
from integration.models.standings import ProjectStanding
from integration.models.tallies import CountedHour, CountingState, HourlyCount, HourlyLatency, StaleHour

__all__ = [
    "BulkRedelivery",
    "CountedHour",
    "CountingState",
    "Customer",
    "Delivery",
    "DeliveryAttempt",
    "Discrepancy",
    "Drift",
    "EventSetting",
    "HistoryImport",
    "HourlyCount",
    "HourlyLatency",
    "IdentityCase",
    "IdentityLink",
    "Project",
    "ProjectCheck",
    "ProjectStanding",
    "Reconciliation",
    "SavedLink",
    "SecondFactor",
    "StaleHour",
    "WebhookEvent",
    "WebhookRegistration",
]
