"""
The stand-in answers about data attributes as Intercom does, and notices values that do not fit theirs.

Every test talks to it over HTTP, as an app would.
"""

from __future__ import annotations

import pytest

from tests.fake_intercom import FakeIntercom
from tests.plain_client import PlainClient, error_of


@pytest.fixture
def client(intercom: FakeIntercom) -> PlainClient:
    return PlainClient(intercom)


def test_an_unknown_custom_attribute_fails_the_whole_request(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.add_attribute("known")
    intercom.add_attribute("old", archived=True)
    contact = intercom.add_contact("user-1")
    body = {"name": "N", "custom_attributes": {"known": "a", "first": "b", "second": "c"}}
    refusal = (400, "parameter_invalid", "Custom attribute 'first' does not exist")
    assert error_of(client.put(f"/contacts/{contact.id}", body)) == refusal
    assert error_of(client.post("/contacts", body | {"external_id": "user-2"})) == refusal
    assert (contact.custom_attributes, contact.fields) == ({}, {})
    assert intercom.find_contact("user-2") is None
    archived = client.put(f"/contacts/{contact.id}", {"custom_attributes": {"old": "a"}})
    assert error_of(archived)[2] == "Custom attribute 'old' does not exist"


@pytest.mark.parametrize(
    ("data_type", "good", "bad"),
    [
        ("string", "a", 1),
        ("string", "a" * 255, "a" * 256),
        ("integer", 1, "1"),
        ("integer", 0, True),
        ("float", 1, "1.5"),
        ("boolean", True, 1),
        ("date", 1_663_252_169, 1.5),
        ("string", None, {"nested": 1}),
    ],
)
def test_a_value_that_does_not_fit_its_attribute_is_noted(
    intercom: FakeIntercom, client: PlainClient, data_type: str, good: object, bad: object
) -> None:
    intercom.add_attribute("plan", data_type)
    contact = intercom.add_contact("user-1")
    client.put(f"/contacts/{contact.id}", {"custom_attributes": {"plan": good}})
    assert intercom.violations == []
    client.put(f"/contacts/{contact.id}", {"custom_attributes": {"plan": bad}})
    assert len(intercom.violations) == 1


def test_an_attribute_is_created_listed_and_usable(intercom: FakeIntercom, client: PlainClient) -> None:
    created = client.post("/data_attributes", {"name": "plan_b", "model": "contact", "data_type": "string"})
    assert created.status_code == 200
    assert created.json()["full_name"] == "custom_attributes.plan_b"
    intercom.add_attribute("seats", "integer", model="company")
    listed = client.get("/data_attributes?model=contact").json()
    assert listed["type"] == "list"
    assert [each["name"] for each in listed["data"] if each["custom"]] == ["plan_b"]
    assert "email" in [each["name"] for each in listed["data"] if not each["custom"]]
    contact = client.post("/contacts", {"external_id": "user-1", "custom_attributes": {"plan_b": "gold"}})
    assert contact.json()["custom_attributes"] == {"plan_b": "gold"}


def test_archived_attributes_are_listed_only_when_asked_for(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.add_attribute("old", archived=True)
    names = [each["name"] for each in client.get("/data_attributes?model=contact").json()["data"]]
    assert "old" not in names
    listed = client.get("/data_attributes?model=contact&include_archived=true").json()["data"]
    assert [each["archived"] for each in listed if each["name"] == "old"] == [True]


@pytest.mark.parametrize(
    ("model", "archived", "word"),
    [("contact", False, "people"), ("contact", True, "people"), ("company", False, "company")],
)
def test_an_attribute_name_is_taken_across_models_and_archives(
    intercom: FakeIntercom, client: PlainClient, model: str, archived: bool, word: str
) -> None:
    intercom.add_attribute("plan", model=model, archived=archived)
    answer = client.post("/data_attributes", {"name": "plan", "model": "contact", "data_type": "string"})
    advice = "To save this as new people data, use a different name."
    assert error_of(answer) == (400, "parameter_invalid", f"You already have 'plan' in your {word} data. {advice}")


@pytest.mark.parametrize(
    "changes",
    [{"data_type": "text"}, {"data_type": "options"}, {"name": "a.b"}, {"name": ""}, {"model": "event"}, {"name": 1}],
)
def test_an_attribute_that_cannot_be_is_refused(client: PlainClient, changes: dict[str, object]) -> None:
    wanted = {"name": "plan", "model": "contact", "data_type": "string"} | changes
    assert error_of(client.post("/data_attributes", wanted))[0] == 400


def test_a_workspace_has_at_most_250_attributes(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.add_attribute("old", archived=True)  # Does not count: archiving is how to make room.
    for number in range(249):
        intercom.add_attribute(f"attribute_{number}")
    wanted = {"model": "contact", "data_type": "string"}
    assert client.post("/data_attributes", wanted | {"name": "plan"}).status_code == 200
    answer = client.post("/data_attributes", wanted | {"name": "one_more"})
    assert error_of(answer)[:2] == (422, "custom_data_limit_reached")
