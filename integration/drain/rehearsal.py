"""What would be said to Intercom, without saying it: for events that are only logged, and for previews.

Reads rows and never writes any; no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integration.customer_state import changed_attributes
from integration.intercom.contacts import Contact, ContactRules
from integration.intercom.messages import ContactUpdate
from integration.intercom.rehearsal import rehearse
from integration.mapping import ProjectPolicy, Send
from integration.models import Customer, Project
from integration.models.projects import MissingContact


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The calls that would be made, as an attempt shows them, but without answers."""

    send: Send
    calls: list[dict[str, Any]]


def contact_rules(project: Project, policy: ProjectPolicy) -> ContactRules:
    """What may be done about a contact of the project."""
    return ContactRules(
        may_create=project.missing_contact == MissingContact.CREATE, attribute_types=policy.attribute_types()
    )


def contact_update(send: Send, customer: Customer, contact: Contact, policy: ProjectPolicy) -> ContactUpdate:
    """What the contact should be, and which part of it Intercom is not known to hold."""
    state = customer.known_state()
    wanted = policy.attributes(state, customer.totals)
    changed = changed_attributes(wanted, contact.told)
    return ContactUpdate(send.app_user_id, wanted, changed, policy.own_fields(state))


def rehearsed(send: Send, customer: Customer, project: Project, policy: ProjectPolicy) -> Rehearsed:
    """The calls for `send`; the customer stays as it is."""
    would_be = Customer(
        project=project,
        app_user_id=customer.app_user_id,
        state=customer.known_state().merge(send.facts).to_json(),
    )
    would_be.count(customer.totals + send.totals)
    contact = customer.contact(project)
    update = contact_update(send, would_be, contact, policy)
    exchanges = rehearse(contact, update, send.data_event, contact_rules(project, policy))
    return Rehearsed(send, [exchange.to_json() for exchange in exchanges])
