"""
How Intercom answers about contacts: looking up, creating, updating, unarchiving, searching.

Where nothing is published, the stricter answer was chosen and is marked as an assumption.
"""

from __future__ import annotations

from tests.fake_intercom.attribute_rules import check_custom_attributes
from tests.fake_intercom.messages import Answer, Call, JsonObject, Refusal, json_answer
from tests.fake_intercom.models import Contact, contact_json
from tests.fake_intercom.workspace import Workspace

MERGE_HOPS = 3
PLAIN_FIELDS = (
    "email",
    "phone",
    "name",
    "avatar",
    "signed_up_at",
    "last_seen_at",
    "owner_id",
    "unsubscribed_from_emails",
)


def user_not_found() -> Refusal:
    """The one answer for a contact that is unknown or archived."""
    return Refusal(404, "not_found", "User Not Found")


def find_by_external_id(workspace: Workspace, call: Call) -> Answer:
    """`GET /contacts/find_by_external_id/{id}`: users only, never leads."""
    contact = workspace.find_contact(call.argument)
    if contact is None or contact.role != "user":
        raise user_not_found()
    return _shown(workspace, _live(workspace, contact))


def show(workspace: Workspace, call: Call) -> Answer:
    """`GET /contacts/{id}`. That an archived one is not shown is an assumption."""
    return _shown(workspace, _live(workspace, workspace.contact_by_id(call.argument)))


def create(workspace: Workspace, call: Call) -> Answer:
    """`POST /contacts`: 200, or 409 with the id of the contact that is in the way."""
    data = call.data
    role, external_id, email = data.get("role"), data.get("external_id"), data.get("email")
    if role is None and external_id is None and email is None:
        raise Refusal(400, "parameter_not_found", "email, external_id or role is required")
    if role == "user" and external_id is None and email is None:
        raise Refusal(400, "parameter_not_found", "external_id or email is required for a user", field="external_id")
    _check_fields(data)
    custom_attributes = check_custom_attributes(workspace, call)
    _refuse_conflict(workspace, external_id, email)
    contact = workspace.add_contact(
        external_id if isinstance(external_id, str) else None,
        role=str(role or "user"),
        custom_attributes=custom_attributes,
        fields=_plain(data),
    )
    return _shown(workspace, contact)


def update(workspace: Workspace, call: Call) -> Answer:
    """`PUT /contacts/{id}`: only what is named changes; all of it or nothing."""
    contact = _live(workspace, workspace.contact_by_id(call.argument))
    data = call.data
    _check_fields(data)
    custom_attributes = check_custom_attributes(workspace, call)
    external_id = data.get("external_id", contact.external_id)
    if isinstance(external_id, str) and external_id != contact.external_id:
        _refuse_conflict(workspace, external_id, None)
        workspace.set_external_id(contact, external_id)
    contact.role = str(data.get("role", contact.role))
    contact.fields = contact.fields | _plain(data)
    contact.custom_attributes = contact.custom_attributes | custom_attributes
    contact.updated_at = int(workspace.clock())
    return _shown(workspace, contact)


def unarchive(workspace: Workspace, call: Call) -> Answer:
    """`POST /contacts/{id}/unarchive`. The status of a refusal is not published; 400 is an assumption."""
    contact = workspace.contact_by_id(call.argument)
    if contact is not None and contact.archived:
        if not contact.restorable:
            raise Refusal(400, "not_restorable", "This contact is marked for permanent deletion and is not restorable")
        contact.archived = False
    return _shown(workspace, _live(workspace, contact))


def search(workspace: Workspace, call: Call) -> Answer:
    """`POST /contacts/search`, as far as apps like ours need it: `external_id =` and `email =`."""
    query = call.data.get("query")
    if not isinstance(query, dict):
        raise Refusal(400, "parameter_invalid", "query is required", field="query")
    name, operator, value = query.get("field"), query.get("operator"), query.get("value")
    if name not in ("external_id", "email") or operator != "=":
        raise Refusal(400, "parameter_invalid", f"the stand-in cannot search for {name} {operator}", field="query")
    found = [each for each in workspace.contacts if each.live and value == getattr(each, name)]
    pages = {"type": "pages", "page": 1, "per_page": 50, "total_pages": 1}
    data = [contact_json(each, workspace.id_code) for each in found[:50]]
    return json_answer({"type": "list", "data": data, "total_count": len(found), "pages": pages})


def canonical(workspace: Workspace, contact: Contact) -> Contact:
    """The contact into which this one was merged, at most three merges on."""
    for _ in range(MERGE_HOPS):
        onward = workspace.contact_by_id(contact.merged_into or "")
        if onward is None:
            break
        contact = onward
    return contact


def _live(workspace: Workspace, contact: Contact | None) -> Contact:
    if contact is not None and contact.merged_into is not None and workspace.merged_status == 410:
        link = f'</contacts/{canonical(workspace, contact).id}>; rel="canonical"'
        message = "This contact has been merged. See the 'Link' header for the canonical contact."
        raise Refusal(410, "contact_merged", message, headers={"Link": link})
    if contact is None or not contact.live:
        raise user_not_found()
    return contact


def _shown(workspace: Workspace, contact: Contact) -> Answer:
    return json_answer(contact_json(contact, workspace.id_code))


def _check_fields(data: JsonObject) -> None:
    if data.get("role") not in (None, "user", "lead"):
        raise Refusal(400, "parameter_invalid", "role must be user or lead", field="role")
    external_id = data.get("external_id")
    if external_id is not None and (not isinstance(external_id, str) or not external_id):
        raise Refusal(400, "parameter_invalid", "external_id must be a string", field="external_id")
    if external_id is not None and data.get("role") == "lead":
        raise Refusal(400, "parameter_invalid", "external_id can't be set for a lead", field="external_id")


def _plain(data: JsonObject) -> JsonObject:
    return {name: data[name] for name in PLAIN_FIELDS if name in data}


def _refuse_conflict(workspace: Workspace, external_id: object, email: object) -> None:
    """That an external id stays taken after a merge, by the canonical contact, is an assumption (410 mode only)."""
    holder = workspace.find_contact(external_id) if isinstance(external_id, str) else None
    if holder is not None and holder.merged_into is not None:
        holder = canonical(workspace, holder) if workspace.merged_status == 410 else None
    if holder is None and workspace.unique_emails and isinstance(email, str):
        holder = next(iter(workspace.contacts_with_email(email)), None)
    if holder is not None:
        article = "An archived" if holder.archived else "A"
        raise Refusal(409, "conflict", f"{article} contact matching those details already exists with id={holder.id}")
