"""
Telling one contact, against a stateful workspace: what it costs, what is mended on the way, and what must never happen.

A story is told by the lines of the calls it made; `memory` is what the app remembers between two deliveries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from integration.intercom.client import IntercomClient
from integration.intercom.contacts import Contact, ContactRules, tell
from integration.intercom.errors import (
    AttributeProblemError,
    ContactMissingError,
    CredentialsError,
    RejectedError,
    TransientError,
    UnknownAttributeError,
)
from integration.intercom.messages import AttributeValue, ContactUpdate, DataEvent
from tests.fake_intercom import Contact as Stored
from tests.fake_intercom import FakeIntercom, faults
from tests.fake_intercom.messages import Answer, Call
from tests.intercom.conftest import MakeClient

WHO = "$RCAnonymousID:6b1f0d8e4c2a47d39a5e7f10c3b28d64"
TYPES = {"latest_store": "string", "expires_at": "date", "subscription_status": "string"}
ALL: dict[str, AttributeValue] = {
    "latest_store": "APP_STORE",
    "expires_at": 1_663_252_169,
    "subscription_status": "trial",
}
RENEWED = DataEvent("rc_renewal_event", WHO, 1_662_993_211, {"store": "APP_STORE"})
CREATE = ContactRules(may_create=True, attribute_types=TYPES)
NEVER_CREATE = ContactRules(may_create=False, attribute_types=TYPES)

FIND = "GET /contacts/find_by_external_id/{external_id}"
SHOW = "GET /contacts/{id}"
POST = "POST /contacts"
PUT = "PUT /contacts/{id}"
UNARCHIVE = "POST /contacts/{id}/unarchive"
EVENT = "POST /events"
ATTRIBUTES = "GET /data_attributes"
NEW_ATTRIBUTE = "POST /data_attributes"


@pytest.fixture(autouse=True)
def workspace(intercom: FakeIntercom) -> Iterator[None]:
    """A workspace that has our attributes; whatever a test does, no call may be one that Intercom only puts up with."""
    for name, data_type in TYPES.items():
        intercom.add_attribute(name, data_type)
    yield
    assert intercom.violations == []


def remembered(stored: Stored, *, merged: bool = False, told: Mapping[str, AttributeValue] = ALL) -> Contact:
    """What is remembered of a contact that was told all of it."""
    return Contact(contact_id=stored.id, merged=merged, told=dict(told))


def say(
    client: IntercomClient,
    memory: Contact,
    *,
    attributes: Mapping[str, AttributeValue] = ALL,
    changed: Mapping[str, AttributeValue] | None = None,
    event: DataEvent | None = RENEWED,
    rules: ContactRules = CREATE,
) -> None:
    """One telling; `changed` is everything unless the test says otherwise."""
    update = ContactUpdate(WHO, attributes, attributes if changed is None else changed)
    tell(client, memory, update, event, rules)


def routes(intercom: FakeIntercom) -> list[str]:
    """The calls that were made, in order."""
    return [call.route for call in intercom.ledger]


# --- What it costs ------------------------------------------------------------------------------------


def test_a_known_contact_of_which_nothing_changed_costs_one_call(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    memory = remembered(intercom.add_contact(WHO))
    say(client, memory, changed={})
    assert routes(intercom) == [EVENT]
    assert memory.told == ALL


def test_a_known_contact_of_which_one_attribute_changed_costs_two_and_only_that_is_written(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO, custom_attributes={"plan": "gold", "latest_store": "STRIPE"})
    memory = remembered(stored, told={"latest_store": "STRIPE"})
    say(client, memory, changed={"subscription_status": "active"})
    assert routes(intercom) == [PUT, EVENT]
    assert intercom.ledger[0].data == {"custom_attributes": {"subscription_status": "active"}}
    assert stored.custom_attributes == {"plan": "gold", "latest_store": "STRIPE", "subscription_status": "active"}
    assert memory.told == {"latest_store": "STRIPE", "subscription_status": "active"}


def test_a_contact_met_for_the_first_time_costs_three_and_is_remembered(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO)
    memory = Contact()
    say(client, memory)
    assert routes(intercom) == [FIND, PUT, EVENT]
    assert stored.custom_attributes == ALL
    assert memory == Contact(contact_id=stored.id, merged=False, told=ALL)
    assert [event.metadata for event in intercom.events_of(WHO)] == [{"store": "APP_STORE"}]


def test_a_contact_that_is_missing_is_created_with_everything(intercom: FakeIntercom, client: IntercomClient) -> None:
    memory = Contact()
    say(client, memory)
    assert routes(intercom) == [FIND, POST, EVENT]
    stored = intercom.contact(WHO)
    assert (stored.role, stored.custom_attributes) == ("user", ALL)
    assert memory == Contact(contact_id=stored.id, merged=False, told=ALL)


def test_a_first_meeting_writes_everything_even_where_less_is_believed_to_have_changed(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO)
    say(client, Contact(), changed={"expires_at": 1})
    assert stored.custom_attributes == ALL


def test_without_a_data_event_only_the_contact_is_written(intercom: FakeIntercom, client: IntercomClient) -> None:
    stored = intercom.add_contact(WHO)
    say(client, remembered(stored), changed={"subscription_status": "active"}, event=None)
    assert routes(intercom) == [PUT]


def test_without_a_data_event_or_a_change_there_is_nothing_to_say(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    say(client, remembered(intercom.add_contact(WHO)), changed={}, event=None)
    assert routes(intercom) == []


def test_a_contact_of_which_nothing_is_known_is_found_and_left_as_it_is(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO, custom_attributes={"plan": "gold"})
    memory = Contact()
    say(client, memory, attributes={})
    assert routes(intercom) == [FIND, EVENT]
    assert stored.custom_attributes == {"plan": "gold"}
    assert memory.contact_id == stored.id


def test_clearing_an_attribute_writes_null_to_a_contact_that_was_there_before(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO, custom_attributes={"expires_at": 5})
    memory = Contact()
    say(client, memory, attributes={"expires_at": None})
    assert stored.custom_attributes == {"expires_at": None}
    assert memory.told == {"expires_at": None}


def test_a_new_contact_has_nothing_to_clear_and_that_is_remembered(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    memory = Contact()
    say(client, memory, attributes={"expires_at": None, "latest_store": "STRIPE"})
    assert intercom.contact(WHO).custom_attributes == {"latest_store": "STRIPE"}
    assert memory.told == {"expires_at": None, "latest_store": "STRIPE"}


@pytest.mark.parametrize("external_id", [".", ".."])
def test_a_customer_whose_id_cannot_stand_in_a_path_is_told_all_the_same(
    intercom: FakeIntercom, client: IntercomClient, external_id: str
) -> None:
    stored = intercom.add_contact(external_id)
    event = DataEvent("rc_renewal_event", external_id, 5, {})
    tell(client, Contact(), ContactUpdate(external_id, ALL, ALL), event, CREATE)
    assert stored.custom_attributes == ALL
    assert len(intercom.events_of(external_id)) == 1


# --- A missing contact that may not be created --------------------------------------------------------


def test_a_project_that_never_creates_waits_and_says_for_whom(intercom: FakeIntercom, client: IntercomClient) -> None:
    memory = Contact()
    with pytest.raises(ContactMissingError) as caught:
        say(client, memory, rules=NEVER_CREATE)
    assert WHO in caught.value.message
    assert "never creates contacts" in caught.value.message
    assert routes(intercom) == [FIND]
    assert intercom.contacts == []
    assert memory == Contact()


def test_a_project_that_never_creates_tells_the_contact_once_it_has_appeared(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO)
    say(client, Contact(), rules=NEVER_CREATE)
    assert stored.custom_attributes == ALL


def test_a_project_that_never_creates_does_not_recreate_one_that_has_gone(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    memory = remembered(gone(intercom))
    with pytest.raises(ContactMissingError):
        say(client, memory, changed={}, rules=NEVER_CREATE)
    assert routes(intercom) == [EVENT, FIND]
    assert memory == Contact()


# --- Lost races, archived, merged, somebody else ------------------------------------------------------


def gone(intercom: FakeIntercom) -> Stored:
    """A contact that was there, and is no more."""
    stored = intercom.add_contact(WHO)
    intercom.delete(stored)
    return stored


def add_before(intercom: FakeIntercom, route: str, path: str) -> None:
    """Somebody else creates the contact in the moment before that call is acted upon."""
    method = route.partition(" ")[0]

    def create(call: Call) -> None:
        intercom.add_contact(WHO, custom_attributes={"plan": "gold"})

    intercom.inject(faults.watch(create), method=method, path=path)


def test_a_contact_that_somebody_creates_at_the_same_time_is_taken_over(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    add_before(intercom, POST, "/contacts")
    memory = Contact()
    say(client, memory)
    assert routes(intercom) == [FIND, POST, SHOW, PUT, EVENT]
    (stored,) = intercom.contacts
    assert stored.custom_attributes == {"plan": "gold"} | ALL
    assert memory == Contact(contact_id=stored.id, merged=False, told=ALL)


def test_an_archived_contact_is_brought_back(intercom: FakeIntercom, client: IntercomClient) -> None:
    stored = intercom.add_contact(WHO)
    intercom.archive(stored)
    memory = Contact()
    say(client, memory)
    assert routes(intercom) == [FIND, POST, UNARCHIVE, SHOW, PUT, EVENT]
    assert stored.live
    assert stored.custom_attributes == ALL
    assert len(intercom.events_of(WHO)) == 1
    assert memory.contact_id == stored.id


def test_a_remembered_contact_that_was_archived_is_brought_back(intercom: FakeIntercom, client: IntercomClient) -> None:
    stored = intercom.add_contact(WHO)
    intercom.archive(stored)
    say(client, remembered(stored), changed={})
    assert routes(intercom) == [EVENT, FIND, POST, UNARCHIVE, SHOW, PUT, EVENT]
    assert stored.live


def test_a_contact_that_cannot_be_brought_back_is_rejected_and_says_so(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO)
    intercom.archive(stored, restorable=False)
    with pytest.raises(RejectedError, match="marked for permanent deletion"):
        say(client, Contact())
    assert not stored.live
    assert intercom.events == []


@pytest.mark.parametrize("article", ["A", "An archived"])
@pytest.mark.parametrize("external_id", ["another-user", None, WHO.lower()])
def test_somebody_elses_contact_is_never_written(
    intercom: FakeIntercom, client: IntercomClient, article: str, external_id: str | None
) -> None:
    """A conflict may be about an e-mail address, whose holder is another person of ours."""
    other = intercom.add_contact(external_id, custom_attributes={"subscription_status": "active"})
    message = f"{article} contact matching those details already exists with id={other.id}"
    intercom.inject(faults.error(409, "conflict", message), method="POST", path="/contacts")
    memory = Contact()
    with pytest.raises(RejectedError, match="has another external id") as caught:
        say(client, memory)
    assert other.id in caught.value.message
    assert WHO in caught.value.message
    assert PUT not in routes(intercom)
    assert EVENT not in routes(intercom)
    assert other.custom_attributes == {"subscription_status": "active"}
    assert other.external_id == external_id
    assert memory == Contact()


def test_a_conflict_that_names_no_contact_is_tried_again_later(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.inject(faults.error(409, "conflict", "A contact exists"), path="/contacts")
    with pytest.raises(TransientError, match="does not say which contact"):
        say(client, Contact())


def test_a_conflict_whose_contact_is_gone_again_is_tried_again_later(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    intercom.inject(faults.error(409, "conflict", "A contact exists with id=65a1"), path="/contacts")
    with pytest.raises(TransientError, match="does not know the contact everywhere yet"):
        say(client, Contact())


def merged(intercom: FakeIntercom) -> tuple[Stored, Stored]:
    """Our contact, merged into another one that has no external id of ours."""
    old, canonical = intercom.add_contact(WHO), intercom.add_contact("canonical")
    intercom.merge(old, canonical)
    return old, canonical


def test_a_merged_contact_is_followed_to_where_it_went(intercom: FakeIntercom, client: IntercomClient) -> None:
    _, canonical = merged(intercom)
    memory = Contact()
    say(client, memory)
    assert routes(intercom) == [FIND, PUT, EVENT]
    assert canonical.custom_attributes == ALL
    assert canonical.external_id == "canonical"
    assert len(intercom.events_of("canonical")) == 1
    assert memory == Contact(contact_id=canonical.id, merged=True, told=ALL)


def test_a_merged_contact_that_is_remembered_as_such_costs_no_more_than_another(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    _, canonical = merged(intercom)
    memory = remembered(canonical, merged=True)
    say(client, memory, changed={"subscription_status": "active"})
    say(client, memory, changed={}, event=DataEvent("rc_expiration_event", WHO, 7, {}))
    assert routes(intercom) == [PUT, EVENT, EVENT]
    assert len(intercom.events_of("canonical")) == 2
    assert memory.merged


def test_a_remembered_contact_that_has_been_merged_since_is_followed(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    old, canonical = merged(intercom)
    memory = remembered(old)
    say(client, memory, changed={"subscription_status": "active"})
    assert routes(intercom) == [PUT, FIND, PUT, EVENT]
    assert canonical.custom_attributes == ALL
    assert memory == Contact(contact_id=canonical.id, merged=True, told=ALL)


def test_a_merge_is_noticed_by_the_event_too(intercom: FakeIntercom, client: IntercomClient) -> None:
    old, canonical = merged(intercom)
    memory = remembered(old)
    say(client, memory, changed={})
    assert routes(intercom) == [EVENT, FIND, PUT, EVENT]
    assert len(intercom.events_of("canonical")) == 1
    assert memory.contact_id == canonical.id


def test_a_contact_that_is_merged_in_the_very_moment_is_tried_again_later(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored, canonical = intercom.add_contact(WHO), intercom.add_contact("canonical")
    intercom.inject(faults.watch(lambda _: intercom.merge(stored, canonical)), method="PUT", path="/contacts/*")
    with pytest.raises(TransientError):
        say(client, Contact())
    memory = Contact()
    say(client, memory)
    assert memory.contact_id == canonical.id


def test_a_conflict_whose_contact_has_been_merged_is_tried_again_later(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    old, canonical = intercom.add_contact("old"), intercom.add_contact("canonical")
    intercom.merge(old, canonical)
    message = f"A contact matching those details already exists with id={old.id}"
    intercom.inject(faults.error(409, "conflict", message), method="POST", path="/contacts")
    with pytest.raises(TransientError):
        say(client, Contact())
    assert canonical.custom_attributes == {}


def test_a_merge_that_points_nowhere_is_rejected(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.inject(faults.error(410, "contact_merged", "This contact has been merged."), times=None)
    with pytest.raises(RejectedError, match="has been merged"):
        say(client, Contact())


def test_before_version_2_16_a_merged_contact_is_not_found_and_made_anew(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    intercom.merged_status = 404
    old, canonical = merged(intercom)
    memory = remembered(old)
    say(client, memory, changed={"subscription_status": "active"})
    assert routes(intercom) == [PUT, FIND, POST, EVENT]
    assert intercom.contact(WHO).live
    assert intercom.contact(WHO).custom_attributes == ALL
    assert canonical.custom_attributes == {}
    assert not memory.merged


# --- A memory that has gone stale ---------------------------------------------------------------------


def test_a_remembered_contact_that_was_deleted_is_made_anew_with_everything(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    memory = remembered(gone(intercom))
    say(client, memory, changed={"subscription_status": "active"}, attributes=ALL | {"subscription_status": "active"})
    assert routes(intercom) == [PUT, FIND, POST, EVENT]
    assert intercom.contact(WHO).custom_attributes == ALL | {"subscription_status": "active"}
    assert memory.contact_id == intercom.contact(WHO).id


def test_a_stale_memory_is_noticed_by_the_event_too(intercom: FakeIntercom, client: IntercomClient) -> None:
    memory = remembered(gone(intercom))
    say(client, memory, changed={})
    assert routes(intercom) == [EVENT, FIND, POST, EVENT]
    assert intercom.contact(WHO).custom_attributes == ALL
    assert len(intercom.events_of(WHO)) == 1


def test_a_contact_deleted_and_made_by_somebody_else_is_found_again(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    memory = remembered(gone(intercom))
    new = intercom.add_contact(WHO)
    say(client, memory, changed={"subscription_status": "active"})
    assert routes(intercom) == [PUT, FIND, PUT, EVENT]
    assert new.custom_attributes == ALL
    assert memory.contact_id == new.id


def test_a_contact_that_vanishes_between_its_attributes_and_the_event_is_made_anew(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO)
    intercom.inject(faults.watch(lambda _: intercom.delete(stored)), path="/events")
    memory = remembered(stored)
    say(client, memory, changed={"subscription_status": "active"})
    assert routes(intercom) == [PUT, EVENT, FIND, POST, EVENT]
    assert len(intercom.events_of(WHO)) == 1
    assert memory.contact_id == intercom.contact(WHO).id


def test_an_event_that_intercom_keeps_refusing_as_unknown_is_tried_again_later_with_a_clean_memory(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    stored = intercom.add_contact(WHO)
    intercom.inject(faults.error(404), times=None, path="/events")
    memory = remembered(stored)
    with pytest.raises(TransientError, match="does not know the contact everywhere yet"):
        say(client, memory, changed={})
    assert routes(intercom) == [EVENT, FIND, PUT, EVENT]
    assert memory == Contact()


def test_what_was_written_before_an_error_is_remembered(intercom: FakeIntercom, client: IntercomClient) -> None:
    stored = intercom.add_contact(WHO)
    intercom.inject(faults.error(503), path="/events")
    memory = Contact()
    with pytest.raises(TransientError):
        say(client, memory)
    assert memory == Contact(contact_id=stored.id, merged=False, told=ALL)


def test_what_was_not_written_is_not_remembered(intercom: FakeIntercom, client: IntercomClient) -> None:
    stored = intercom.add_contact(WHO)
    intercom.inject(faults.error(503), method="PUT", path="/contacts/*")
    memory = remembered(stored, told={})
    with pytest.raises(TransientError):
        say(client, memory)
    assert memory == Contact(contact_id=stored.id, merged=False, told={})
    assert EVENT not in routes(intercom)


def test_an_answer_that_names_no_contact_is_a_broken_one(intercom: FakeIntercom, client: IntercomClient) -> None:
    nameless = faults.Fault("nameless", answer=Answer(200, b'{"type": "list", "data": []}'))
    intercom.inject(nameless, method="GET")
    with pytest.raises(TransientError, match="names no contact"):
        say(client, Contact())


# --- Missing attributes -------------------------------------------------------------------------------


@pytest.fixture
def bare() -> Iterator[FakeIntercom]:
    """A workspace that knows none of our attributes."""
    with FakeIntercom() as running:
        yield running
        assert running.violations == []


def test_missing_attributes_are_made_once_and_the_call_is_repeated(bare: FakeIntercom, make_client: MakeClient) -> None:
    memory = Contact()
    say(make_client(base_url=bare.url), memory)
    assert routes(bare) == [FIND, POST, ATTRIBUTES, NEW_ATTRIBUTE, NEW_ATTRIBUTE, NEW_ATTRIBUTE, POST, EVENT]
    assert {name: made.data_type for name, made in bare.attributes.items()} == TYPES
    assert bare.contact(WHO).custom_attributes == ALL
    other = DataEvent("rc_renewal_event", "user-2", 5, {})
    tell(make_client(base_url=bare.url), Contact(), ContactUpdate("user-2", ALL, ALL), other, CREATE)
    assert routes(bare)[8:] == [FIND, POST, EVENT]


def test_only_what_is_missing_is_made(bare: FakeIntercom, make_client: MakeClient) -> None:
    bare.add_attribute("latest_store")
    bare.add_attribute("expires_at", "date")
    stored = bare.add_contact(WHO)
    say(make_client(base_url=bare.url), remembered(stored))
    assert routes(bare) == [PUT, ATTRIBUTES, NEW_ATTRIBUTE, PUT, EVENT]
    assert bare.ledger[2].data == {"name": "subscription_status", "model": "contact", "data_type": "string"}
    assert stored.custom_attributes == ALL


def test_an_attribute_that_another_thread_makes_at_the_same_time_is_no_error(
    bare: FakeIntercom, make_client: MakeClient
) -> None:
    def make(call: Call) -> None:
        bare.add_attribute(str(call.data["name"]), str(call.data["data_type"]))

    bare.inject(faults.watch(make), times=None, method="POST", path="/data_attributes")
    say(make_client(base_url=bare.url), Contact())
    assert bare.contact(WHO).custom_attributes == ALL


@pytest.mark.parametrize(
    ("model", "archived"), [("company", False), ("contact", True)], ids=["a company attribute", "an archived one"]
)
def test_a_name_that_is_taken_is_explained_to_the_operator(
    bare: FakeIntercom, make_client: MakeClient, model: str, archived: bool
) -> None:
    bare.add_attribute("latest_store", model=model, archived=archived)
    with pytest.raises(AttributeProblemError) as caught:
        say(make_client(base_url=bare.url), Contact())
    assert "'latest_store' does not exist" in caught.value.message
    assert "archived attribute or a company attribute" in caught.value.message
    assert "then resume the project" in caught.value.message
    assert len(bare.ledger) <= 7, "it is repeated once, not for ever"
    assert bare.events == []


def test_a_token_that_may_not_make_attributes_is_the_operators_to_mend(
    bare: FakeIntercom, make_client: MakeClient
) -> None:
    bare.inject(faults.error(403, "forbidden", "Not allowed"), method="POST", path="/data_attributes")
    with pytest.raises(CredentialsError, match="Not allowed"):
        say(make_client(base_url=bare.url), Contact())


def test_a_workspace_that_is_full_of_attributes_says_so(bare: FakeIntercom, make_client: MakeClient) -> None:
    for number in range(250):
        bare.add_attribute(f"other_{number}")
    with pytest.raises(AttributeProblemError, match="limit of 250"):
        say(make_client(base_url=bare.url), Contact())


def test_an_attribute_that_is_not_ours_is_never_made(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.inject(faults.error(400, "parameter_invalid", "Custom attribute 'plan' does not exist"), method="PUT")
    with pytest.raises(UnknownAttributeError):
        say(client, remembered(intercom.add_contact(WHO)))
    assert NEW_ATTRIBUTE not in routes(intercom)
