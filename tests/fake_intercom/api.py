"""
The answer of the workspace to one admitted call: the table of routes, and `GET /me`.

Called with the workspace's lock held. Raises Refusal for every answer that is an error.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fake_intercom import attribute_rules, contact_rules, event_rules
from tests.fake_intercom.messages import Answer, Call, Refusal, json_answer
from tests.fake_intercom.workspace import Workspace


def respond(workspace: Workspace, call: Call) -> Answer:
    """What Intercom says to this call."""
    handler = HANDLERS.get(call.route)
    if handler is None:
        raise Refusal(404, "not_found", "The requested resource was not found")
    if call.body:
        if not isinstance(call.json, dict):
            raise Refusal(400, "parameter_invalid", "The request body is not a valid JSON object")
        if not call.headers.get("content-type", "").startswith("application/json"):
            call.violations.append("a JSON body without Content-Type: application/json")
    elif call.route in NEEDS_BODY:
        raise Refusal(400, "parameter_invalid", "The request body is empty")
    return handler(workspace, call)


def _me(workspace: Workspace, call: Call) -> Answer:
    app = {
        "type": "app",
        "id_code": workspace.id_code,
        "name": workspace.name,
        "created_at": 1_600_000_000,
        "secure": True,
        "identity_verification": False,
        "timezone": "Etc/UTC",
        "region": workspace.region,
    }
    admin = {
        "type": "admin",
        "id": "1",
        "email": "operator@example.com",
        "name": "Operator",
        "email_verified": True,
        "app": app,
        "has_inbox_seat": True,
    }
    return json_answer(admin)


NEEDS_BODY = frozenset(
    {"POST /contacts", "PUT /contacts/{id}", "POST /contacts/search", "POST /data_attributes", "POST /events"}
)
HANDLERS: dict[str, Callable[[Workspace, Call], Answer]] = {
    "GET /me": _me,
    "GET /contacts/find_by_external_id/{external_id}": contact_rules.find_by_external_id,
    "GET /contacts/{id}": contact_rules.show,
    "POST /contacts": contact_rules.create,
    "POST /contacts/search": contact_rules.search,
    "PUT /contacts/{id}": contact_rules.update,
    "POST /contacts/{id}/unarchive": contact_rules.unarchive,
    "GET /data_attributes": attribute_rules.list_attributes,
    "POST /data_attributes": attribute_rules.create_attribute,
    "PUT /data_attributes/{id}": attribute_rules.update_attribute,
    "POST /events": event_rules.create_event,
}
