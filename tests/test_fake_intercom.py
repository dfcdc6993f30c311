"""
The stand-in answers about workspaces and contacts as Intercom does.

Every test talks to it over HTTP, as an app would.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.fake_intercom import FakeIntercom
from tests.plain_client import PlainClient, error_of

NOT_FOUND = (404, "not_found", "User Not Found")


@pytest.fixture
def client(intercom: FakeIntercom) -> PlainClient:
    return PlainClient(intercom)


def test_me_names_the_workspace_and_its_region(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.name, intercom.region = "Acme", "Europe"
    content = client.get("/me").json()
    assert content["type"] == "admin"
    assert content["app"]["name"] == "Acme"
    assert content["app"]["id_code"]
    assert content["app"]["region"] == "Europe"


def test_any_token_is_accepted_unless_the_test_says_which(intercom: FakeIntercom, client: PlainClient) -> None:
    assert client.get("/me").status_code == 200
    intercom.accepted_tokens = {"another-token"}
    assert error_of(client.get("/me")) == (401, "unauthorized", "Access Token Invalid")


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Basic abcd", "token-1234"])
def test_a_missing_or_misshapen_token_is_refused(client: PlainClient, authorization: str) -> None:
    client.session.headers["Authorization"] = authorization
    assert error_of(client.get("/me")) == (401, "unauthorized", "Access Token Invalid")


def test_an_accept_header_without_json_is_refused(client: PlainClient) -> None:
    client.session.headers["Accept"] = "text/html"
    status, code, _ = error_of(client.get("/me"))
    assert (status, code) == (406, "media_type_not_acceptable")


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/contacts/", "/contacts/a/b", "/contacts/find_by_external_id/", "/me/"]
)
def test_an_unknown_path_is_not_found(client: PlainClient, path: str) -> None:
    assert error_of(client.get(path))[:2] == (404, "not_found")


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"a": NaN}', b'{"a": "\xff"}', b""])
def test_a_body_that_is_no_json_object_is_refused(client: PlainClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.session.post(client.url + "/contacts", data=body, headers=headers, timeout=5)
    assert error_of(response)[:2] == (400, "parameter_invalid")


def test_a_json_body_without_its_content_type_is_noted(intercom: FakeIntercom, client: PlainClient) -> None:
    client.session.post(client.url + "/contacts", data='{"role": "lead"}', timeout=5)
    assert intercom.violations == ["POST /contacts: a JSON body without Content-Type: application/json"]


def test_a_contact_is_created_and_found_by_both_its_ids(intercom: FakeIntercom, client: PlainClient) -> None:
    created = client.post("/contacts", {"role": "user", "external_id": "user-1", "email": "a@example.com"})
    assert created.status_code == 200
    contact = created.json()
    assert contact["type"] == "contact"
    assert len(contact["id"]) == 24
    assert int(contact["id"], 16)
    assert client.get("/contacts/find_by_external_id/user-1").json() == contact
    assert client.get(f"/contacts/{contact['id']}").json() == contact
    assert intercom.contact("user-1").email == "a@example.com"


@pytest.mark.parametrize("external_id", ["$RCAnonymousID:0a1b", "with/slash", "with space?&#%", "ümlaut", "1+1"])
def test_an_external_id_is_quoted_in_the_path(intercom: FakeIntercom, client: PlainClient, external_id: str) -> None:
    intercom.add_contact(external_id)
    found = client.get(f"/contacts/find_by_external_id/{quote(external_id, safe='')}")
    assert found.json()["external_id"] == external_id


def test_an_unknown_contact_is_not_found(client: PlainClient) -> None:
    assert error_of(client.get("/contacts/find_by_external_id/nobody")) == NOT_FOUND
    assert error_of(client.get("/contacts/0123456789abcdef01234567")) == NOT_FOUND
    assert error_of(client.put("/contacts/0123456789abcdef01234567", {"name": "N"})) == NOT_FOUND
    assert error_of(client.post("/contacts/0123456789abcdef01234567/unarchive")) == NOT_FOUND


def test_a_deleted_contact_is_unknown_from_then_on(intercom: FakeIntercom, client: PlainClient) -> None:
    contact = intercom.add_contact("user-1")
    intercom.delete(contact)
    assert error_of(client.put(f"/contacts/{contact.id}", {"name": "N"})) == NOT_FOUND
    assert client.post("/contacts", {"role": "user", "external_id": "user-1"}).status_code == 200


def test_a_lead_is_not_found_by_external_id(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.add_contact("user-1", role="lead")
    assert error_of(client.get("/contacts/find_by_external_id/user-1")) == NOT_FOUND


def test_an_archived_contact_is_not_found_and_not_updated(intercom: FakeIntercom, client: PlainClient) -> None:
    contact = intercom.add_contact("user-1")
    intercom.archive(contact)
    assert error_of(client.get("/contacts/find_by_external_id/user-1")) == NOT_FOUND
    assert error_of(client.put(f"/contacts/{contact.id}", {"name": "N"})) == NOT_FOUND


def test_a_merged_contact_is_gone_and_names_the_canonical_one(intercom: FakeIntercom, client: PlainClient) -> None:
    first, second, third = (intercom.add_contact(f"user-{number}") for number in (1, 2, 3))
    intercom.merge(first, second)
    intercom.merge(second, third)
    for response in (
        client.get("/contacts/find_by_external_id/user-1"),
        client.get(f"/contacts/{first.id}"),
        client.put(f"/contacts/{first.id}", {"name": "N"}),
    ):
        assert error_of(response)[:2] == (410, "contact_merged")
        assert response.headers["Link"] == f'</contacts/{third.id}>; rel="canonical"'
    conflict = error_of(client.post("/contacts", {"external_id": "user-1"}))
    assert conflict[2].endswith(f"id={third.id}")


def test_older_api_versions_answer_404_for_a_merged_contact(intercom: FakeIntercom, client: PlainClient) -> None:
    intercom.merged_status = 404
    contact = intercom.add_contact("user-1")
    intercom.merge(contact, intercom.add_contact("user-2"))
    assert error_of(client.get("/contacts/find_by_external_id/user-1")) == NOT_FOUND
    assert error_of(client.put(f"/contacts/{contact.id}", {"name": "N"})) == NOT_FOUND


def test_creating_a_contact_twice_is_a_conflict_that_names_the_first(
    intercom: FakeIntercom, client: PlainClient
) -> None:
    contact = intercom.add_contact("user-1")
    wanted = {"role": "user", "external_id": "user-1"}
    message = f"contact matching those details already exists with id={contact.id}"
    assert error_of(client.post("/contacts", wanted)) == (409, "conflict", f"A {message}")
    intercom.archive(contact)
    assert error_of(client.post("/contacts", wanted)) == (409, "conflict", f"An archived {message}")


def test_of_many_at_once_one_creates_the_contact(intercom: FakeIntercom) -> None:
    def create(_: int) -> int:
        return PlainClient(intercom).post("/contacts", {"role": "user", "external_id": "user-1"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(8))) == [200] + [409] * 7
    assert len(intercom.contacts) == 1


def test_an_email_is_in_the_way_only_where_the_test_says_so(intercom: FakeIntercom, client: PlainClient) -> None:
    first = intercom.add_contact("user-1", email="a@example.com")
    assert client.post("/contacts", {"external_id": "user-2", "email": "a@example.com"}).status_code == 200
    intercom.unique_emails = True
    conflict = error_of(client.post("/contacts", {"external_id": "user-3", "email": "a@example.com"}))
    assert conflict[2].endswith(f"id={first.id}")


def test_unarchiving_restores_a_contact(intercom: FakeIntercom, client: PlainClient) -> None:
    contact = intercom.add_contact("user-1")
    intercom.archive(contact)
    assert client.post(f"/contacts/{contact.id}/unarchive").json()["id"] == contact.id
    assert client.get("/contacts/find_by_external_id/user-1").status_code == 200


def test_a_contact_marked_for_deletion_cannot_be_restored(intercom: FakeIntercom, client: PlainClient) -> None:
    contact = intercom.add_contact("user-1")
    intercom.archive(contact, restorable=False)
    assert error_of(client.post(f"/contacts/{contact.id}/unarchive"))[1] == "not_restorable"
    assert contact.archived


def test_an_update_changes_only_what_it_names(intercom: FakeIntercom, client: PlainClient) -> None:
    for name in ("plan", "store"):
        intercom.add_attribute(name)
    contact = intercom.add_contact("user-1", email="a@example.com", custom_attributes={"plan": "a", "store": "b"})
    answer = client.put(f"/contacts/{contact.id}", {"name": "N", "custom_attributes": {"plan": None}})
    assert answer.status_code == 200
    assert (answer.json()["email"], answer.json()["name"]) == ("a@example.com", "N")
    assert intercom.contact("user-1").custom_attributes == {"plan": None, "store": "b"}


def test_an_external_id_can_move_but_not_onto_another_contact(intercom: FakeIntercom, client: PlainClient) -> None:
    contact = intercom.add_contact("user-1")
    intercom.add_contact("user-2")
    assert error_of(client.put(f"/contacts/{contact.id}", {"external_id": "user-2"}))[:2] == (409, "conflict")
    assert client.put(f"/contacts/{contact.id}", {"external_id": "user-3"}).status_code == 200
    assert intercom.find_contact("user-1") is None
    assert intercom.contact("user-3").id == contact.id


@pytest.mark.parametrize(
    "body",
    [
        {"name": "N"},
        {"role": "user"},
        {"role": "admin"},
        {"external_id": 1},
        {"external_id": ""},
        {"role": "lead", "external_id": "a"},
    ],
)
def test_a_contact_needs_a_role_or_an_identifier_that_fits(client: PlainClient, body: object) -> None:
    assert error_of(client.post("/contacts", body))[0] == 400


def test_a_search_finds_live_contacts_by_external_id_and_email(intercom: FakeIntercom, client: PlainClient) -> None:
    contact = intercom.add_contact("user-1", email="a@example.com")
    intercom.archive(intercom.add_contact("user-2", email="a@example.com"))
    for field, value in (("external_id", "user-1"), ("email", "a@example.com")):
        answer = client.post("/contacts/search", {"query": {"field": field, "operator": "=", "value": value}})
        assert [each["id"] for each in answer.json()["data"]] == [contact.id]
        assert answer.json()["total_count"] == 1
    assert error_of(client.post("/contacts/search", {"query": {"field": "name", "operator": "~"}}))[0] == 400
