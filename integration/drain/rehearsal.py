"""What would be said to Intercom, without saying it: for events that are only logged, and for previews.

Reads rows and never writes any; no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integration.customer_state import changed_attributes
from integration.intercom.contacts import Contact, ContactRules
from integration.intercom.messages import ContactUpdate
from integration.intercom.rehearsal import rehearse
from integration.mapping import AnonymousRule, ProjectPolicy, Send, Skip, Wait, plan
from integration.mapping.identity import Link, Links, names_given
from integration.models import Customer, IdentityLink, Project
from integration.models.projects import MissingContact
from integration.revenuecat.events import RevenueCatEvent, parse, people


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The calls that would be made, as an attempt shows them, but without answers."""

    send: Send
    calls: list[dict[str, Any]]


def contact_rules(project: Project, policy: ProjectPolicy) -> ContactRules:
    """What may be done about a contact of the project."""
    return ContactRules(
        may_create=project.missing_contact == MissingContact.CREATE,
        attribute_types=policy.attribute_types(),
        missing_is_final=project.missing_contact == MissingContact.FAIL,
    )


def known_contact(send: Send, customer: Customer, project: Project) -> Contact:
    """What is remembered of the contact, or the one that an operator has named."""
    contact = customer.contact(project)
    if contact.contact_id is None and send.identity.contact_id is not None:
        return Contact(contact_id=send.identity.contact_id, merged=True)
    return contact


def contact_update(send: Send, customer: Customer, contact: Contact, policy: ProjectPolicy) -> ContactUpdate:
    """What the contact should be, and which part of it Intercom is not known to hold."""
    state = customer.known_state()
    wanted = policy.attributes(state, customer.totals)
    changed = changed_attributes(wanted, contact.told)
    who = send.identity
    return ContactUpdate(who.external_id, wanted, changed, policy.own_fields(state), who.email, who.contact_id)


def rehearsed(send: Send, customer: Customer, project: Project, policy: ProjectPolicy) -> Rehearsed:
    """The calls for `send`; the customer stays as it is."""
    would_be = Customer(
        project=project,
        app_user_id=customer.app_user_id,
        state=customer.known_state().merge(send.facts).to_json(),
    )
    would_be.count(customer.totals + send.totals)
    contact = known_contact(send, customer, project)
    update = contact_update(send, would_be, contact, policy)
    exchanges = rehearse(contact, update, send.data_event, contact_rules(project, policy))
    return Rehearsed(send, [exchange.to_json() for exchange in exchanges])


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of an event for one of the people it is about: the calls, or why there are none."""

    app_user_id: str
    decided: Send | Skip | Wait
    calls: list[dict[str, Any]]


def sender(project: Project, event: Mapping[str, Any], *, received_at_ms: int) -> Project:
    """Who would send the `event` of a webhook of `project`: it itself, or the one it hands sandbox events to."""
    if project.sandbox_project is not None and project.hands_over(parse(event, received_at_ms=received_at_ms)):
        return project.sandbox_project
    return project


def preview(
    project: Project, event: Mapping[str, Any], *, received_at_ms: int, policy: ProjectPolicy | None = None
) -> list[Preview]:
    """What the `event` of a webhook would make this project say now, to everybody it is about. No network.

    `policy` stands in for the project's stored one. Where another project sends the event, what that one would say.
    """
    sends = sender(project, event, received_at_ms=received_at_ms)
    if policy is None or sends != project:
        policy = sends.policy()
    found: list[Preview] = []
    for person in people(event) or ("",):
        parsed = parse(event, received_at_ms=received_at_ms, person=person or None)
        decided = plan(parsed, policy, _links(sends, parsed, policy))
        calls: list[dict[str, Any]] = []
        if isinstance(decided, Send):
            key = decided.identity.key
            known = Customer.objects.filter(project=sends, app_user_id=key).first()
            calls = rehearsed(decided, known or Customer(project=sends, app_user_id=key), sends, policy).calls
        found.append(Preview(person, decided, calls))
    return found


def _links(project: Project, event: RevenueCatEvent, policy: ProjectPolicy) -> Links:
    """What is known of the event's id beside it; where customers are held for a name, also what the event itself says.

    A drain would write the latter down first. What is known already stays.
    """
    known = IdentityLink.objects.known(project, [event.app_user_id or ""])
    given = names_given(event) if policy.anonymous is AnonymousRule.HOLD else {}
    return {one: Link(name) for one, name in given.items()} | known
