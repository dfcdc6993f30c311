"""
Download as fixture: nothing of the person is left, and the event still means what it meant.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.mapping import AnonymousRule, ProjectPolicy, Send, plan
from integration.revenuecat.anonymised import KEPT, anonymised
from integration.revenuecat.events import parse, people
from integration.revenuecat.samples import load_sample, sample_names

# No text that is made up can have it in it.
MARK = "⁂"
MARKED = st.text(min_size=1, max_size=12).map(lambda text: f"{MARK}{text}")
VALUES = st.recursive(
    MARKED | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MARKED | st.just("nested"), inner, max_size=3),
    max_leaves=8,
)
PERSONAL = (
    *("app_user_id", "original_app_user_id", "aliases", "transferred_from", "transferred_to", "redeemed_from"),
    *(
        "redeemed_by",
        "subscriber_attributes",
        "transaction_id",
        "original_transaction_id",
        "id",
        "metadata",
        "brand_new",
    ),
)


@given(event=st.dictionaries(st.sampled_from(PERSONAL) | MARKED, VALUES), more=st.dictionaries(MARKED, VALUES))
def test_nothing_that_could_be_personal_is_left(event: dict[str, Any], more: dict[str, Any]) -> None:
    body = {**more, "api_version": "1.0", "event": {"type": "RENEWAL", **event}}
    before = copy.deepcopy(body)
    text = json.dumps(anonymised(body), ensure_ascii=False)
    assert MARK not in text and body == before


@pytest.mark.parametrize("name", sample_names())
def test_no_id_name_or_address_of_a_sample_is_left_and_its_shape_is(name: str) -> None:
    body = load_sample(name)
    made = anonymised(body)
    text = json.dumps(made)
    for secret in personal_texts(body["event"]):
        assert json.dumps(secret) not in text, secret
    assert set(made["event"]) == set(body["event"])
    assert {key: made["event"][key] for key in made["event"] if key in KEPT} == {
        key: body["event"][key] for key in body["event"] if key in KEPT
    }
    assert len(people(made["event"])) == len(people(body["event"]))


@pytest.mark.parametrize("name", sample_names())
@pytest.mark.parametrize("anonymous", list(AnonymousRule))
def test_what_is_planned_for_it_is_what_was_planned(name: str, anonymous: AnonymousRule) -> None:
    policy = ProjectPolicy(anonymous=anonymous, identity=("alias", "app_user_id"))
    body = load_sample(name)
    made = anonymised(body)
    for before, after in zip(people(body["event"]) or ("",), people(made["event"]) or ("",), strict=True):
        one = plan(parse(body["event"], received_at_ms=0, person=before or None), policy)
        other = plan(parse(made["event"], received_at_ms=0, person=after or None), policy)
        assert type(one) is type(other)
        if isinstance(one, Send) and isinstance(other, Send):
            assert (one.event_type, one.note) == (other.event_type, other.note)
            assert {name: fact.value for name, fact in one.facts.facts.items()} == {
                name: fact.value for name, fact in other.facts.facts.items()
            }
            assert (one.data_event is None) == (other.data_event is None)
            if one.data_event and other.data_event:
                assert one.data_event.metadata == other.data_event.metadata
                assert one.data_event.event_name == other.data_event.event_name


def test_the_same_text_becomes_the_same_wherever_it_is() -> None:
    event = {
        "app_user_id": "maya",
        "aliases": ["$RCAnonymousID:aa", "maya"],
        "subscriber_attributes": {"crm_id": {"value": "maya"}, "$email": {"value": "maya@example.org"}},
        "note": "maya",
        "contact": "maya@example.org",
    }
    made = anonymised({"event": event})["event"]
    assert made["app_user_id"] == made["aliases"][1] == made["subscriber_attributes"]["crm_id"]["value"] == made["note"]
    assert made["aliases"][0].startswith("$RCAnonymousID:") and "maya" not in json.dumps(made)
    assert made["subscriber_attributes"]["$email"]["value"].endswith("@example.com")


def test_nulls_and_numbers_stay_what_they_are() -> None:
    event = {"app_user_id": "None", "aliases": ["True", "7"], "gone": None, "is_new": True, "times": 8, "price": 7}
    made = anonymised({"event": event})["event"]
    assert (made["gone"], made["is_new"], made["times"], made["price"]) == (None, True, 8, 7)


def personal_texts(event: dict[str, Any]) -> set[str]:
    """The ids of a sample, and the values of its subscriber attributes."""
    ids = [event.get("id"), event.get("app_user_id"), event.get("original_app_user_id"), event.get("transaction_id")]
    for key in ("aliases", "transferred_from", "transferred_to", "redeemed_from", "redeemed_by"):
        ids += event.get(key) or []
    ids += [one.get("value") for one in (event.get("subscriber_attributes") or {}).values()]
    return {one for one in ids if isinstance(one, str) and one}
