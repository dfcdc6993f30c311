"""
How Intercom answers about data attributes, and what it makes of custom attributes that a contact is given.

A custom attribute must exist before it is written; one that does not exist fails the whole request.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import parse_qs

from tests.fake_intercom.messages import Answer, Call, JsonObject, Refusal, json_answer
from tests.fake_intercom.models import BUILT_IN_ATTRIBUTES, DATA_TYPES, Attribute, attribute_json
from tests.fake_intercom.workspace import ATTRIBUTE_LIMIT, Workspace

STRING_LIMIT = 255
VALUE_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "options": (str,),
    "integer": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "datetime": (int, str),
    "date": (int, str),
}
PEOPLE_OR_COMPANY = {"contact": "people", "company": "company"}


def check_custom_attributes(workspace: Workspace, call: Call) -> JsonObject:
    """The custom attributes of a request; refuses the first unknown one, notes values that do not fit their type."""
    values = call.data.get("custom_attributes", {})
    if not isinstance(values, dict):
        raise Refusal(400, "parameter_invalid", "custom_attributes must be an object", field="custom_attributes")
    for name, value in values.items():
        attribute = workspace.attribute("contact", name)
        if attribute is None or attribute.archived:
            raise Refusal(400, "parameter_invalid", f"Custom attribute '{name}' does not exist")
        complaint = _complaint(attribute, value)
        if complaint:
            call.violations.append(complaint)
    return values


def list_attributes(workspace: Workspace, call: Call) -> Answer:
    """`GET /data_attributes?model=contact[&include_archived=true]`."""
    query = parse_qs(call.query)
    model = query.get("model", [""])[0]
    with_archived = query.get("include_archived", [""])[0] == "true"
    built_in = [
        Attribute(0, name, "contact", "string", "", int(workspace.clock()), custom=False)
        for name in BUILT_IN_ATTRIBUTES
    ]
    shown = [
        attribute_json(each)
        for each in built_in + workspace.all_attributes
        if model in ("", each.model) and (with_archived or not each.archived)
    ]
    return json_answer({"type": "list", "data": shown})


def create_attribute(workspace: Workspace, call: Call) -> Answer:
    """`POST /data_attributes`. The status of reaching the limit is not published; 422 is an assumption."""
    data = call.data
    for field in ("name", "model", "data_type"):
        if not isinstance(data.get(field), str):
            raise Refusal(400, "parameter_not_found", f"{field} is required", field=field)
    name, model, data_type = str(data["name"]), str(data["model"]), str(data["data_type"])
    _check_definition(name, model, data_type, data.get("options"))
    for taken in PEOPLE_OR_COMPANY:
        if workspace.attribute(taken, name) is not None:
            what, new = PEOPLE_OR_COMPANY[taken], PEOPLE_OR_COMPANY[model]
            advice = f"To save this as new {new} data, use a different name."
            raise Refusal(400, "parameter_invalid", f"You already have '{name}' in your {what} data. {advice}")
    if workspace.live_attribute_count() >= ATTRIBUTE_LIMIT:
        message = f"You have reached the limit of {ATTRIBUTE_LIMIT} custom data attributes"
        raise Refusal(422, "custom_data_limit_reached", message)
    description = str(data.get("description") or "")
    return json_answer(attribute_json(workspace.add_attribute(name, data_type, model=model, description=description)))


def update_attribute(workspace: Workspace, call: Call) -> Answer:
    """`PUT /data_attributes/{id}`: nothing here changes one, so that only its being there or not is answered."""
    found = next((each for each in workspace.all_attributes if str(each.id) == call.argument), None)
    if found is None:
        raise Refusal(404, "field_not_found", "We couldn't find that data attribute to update")
    return json_answer(attribute_json(found))


def _check_definition(name: str, model: str, data_type: str, options: object) -> None:
    if model not in PEOPLE_OR_COMPANY:
        raise Refusal(400, "parameter_invalid", "model must be contact or company", field="model")
    if not name or not all(_may_be_in_name(character) for character in name):
        allowed = "alphanumeric characters, currency symbols, and hyphens"
        message = f"Your name for this attribute must only contain {allowed}"
        raise Refusal(400, "parameter_invalid", message, field="name")
    if data_type not in DATA_TYPES:
        raise Refusal(400, "parameter_invalid", "Data Type isn't an option", field="data_type")
    if data_type == "options" and not (isinstance(options, list) and len(options) >= 2):
        raise Refusal(400, "parameter_invalid", "The Data Attribute model field must be options", field="options")


def _may_be_in_name(character: str) -> bool:
    return character.isalnum() or character in "_- " or unicodedata.category(character) == "Sc"


def _complaint(attribute: Attribute, value: object) -> str | None:
    """What is wrong with a value. Intercom's own answer to it is not published, so it is noted, not refused."""
    if value is None:
        return None
    expected = VALUE_TYPES[attribute.data_type]
    is_boolean = isinstance(value, bool)
    if not isinstance(value, expected) or (is_boolean and bool not in expected):
        return f"custom attribute {attribute.name!r} of type {attribute.data_type} got {value!r}"
    if isinstance(value, str) and len(value) > STRING_LIMIT:
        return f"custom attribute {attribute.name!r} is longer than {STRING_LIMIT} characters"
    return None
