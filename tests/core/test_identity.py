"""
Which id names the contact: sources in their order, anonymous ids last, and names that events give to anonymous ids.
"""

from __future__ import annotations

from typing import Any

import pytest

from integration.mapping import AnonymousRule, ProjectPolicy, Send, Skip, SkipReason, Wait, WaitReason, plan
from integration.mapping.identity import Identity, Link, identify, links_given, names_given
from tests.core.examples import event

ANON, OTHER = "$RCAnonymousID:1", "$RCAnonymousID:2"
PERSON: dict[str, Any] = {
    "app_user_id": "user-9",
    "original_app_user_id": "user-1",
    "aliases": [ANON, "alias-5", "user-9"],
    "subscriber_attributes": {"$email": {"value": "Ada@Example.com "}, "crm_id": {"value": "C-7"}},
}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("app_user_id",), Identity("user-9")),
        (("original_app_user_id", "app_user_id"), Identity("user-1")),
        (("alias",), Identity("alias-5")),
        (("attribute:crm_id",), Identity("C-7")),
        (("attribute:missing", "original_app_user_id"), Identity("user-1")),
        (("email",), Identity("user-9", email="ada@example.com")),
        (("attribute:missing",), Identity("user-9")),
        ((), Identity("user-9")),
    ],
)
def test_the_first_source_that_has_something_to_say_wins(sources: tuple[str, ...], expected: Identity) -> None:
    assert identify(event("RENEWAL", **PERSON), sources, {}) == expected


def test_an_anonymous_id_counts_only_where_no_source_names_anybody() -> None:
    anonymous = event("RENEWAL", app_user_id=ANON, original_app_user_id=OTHER, aliases=[ANON, OTHER])
    for sources in (("app_user_id",), ("original_app_user_id", "alias", "email")):
        found = identify(anonymous, sources, {})
        assert found == Identity(ANON)
        assert found.is_anonymous
    known = event("RENEWAL", app_user_id=ANON, aliases=[ANON, "alias-5"])
    assert identify(known, ("app_user_id", "alias"), {}) == Identity("alias-5")


def test_a_link_names_an_anonymous_id_and_a_contact_that_was_chosen_goes_before_all_else() -> None:
    anonymous = event("RENEWAL", app_user_id=ANON, aliases=[])
    assert identify(anonymous, ("app_user_id",), {ANON: Link("user-1")}) == Identity("user-1")
    chosen = identify(event("RENEWAL", **PERSON), ("email",), {"user-9": Link(contact_id="64b")})
    assert chosen == Identity("user-9", contact_id="64b")
    assert chosen.key.endswith("contact:64b")
    assert not chosen.is_anonymous


def test_people_are_told_apart_by_what_names_their_contact() -> None:
    assert Identity("a", email="x@y.z").key == Identity("b", email="x@y.z").key == "\x1femail:x@y.z"
    assert Identity("a").key == "a"


def test_an_event_gives_names_to_the_anonymous_ids_among_its_aliases() -> None:
    assert names_given(event("RENEWAL", **PERSON)) == {ANON: "user-9"}
    assert names_given(event("RENEWAL", app_user_id=ANON, aliases=[ANON, OTHER], original_app_user_id=OTHER)) == {}
    assert names_given(event("RENEWAL", app_user_id=ANON, aliases=[ANON, "late"])) == {ANON: "late"}


def test_an_id_that_nobody_could_hold_is_given_no_name() -> None:
    assert names_given(event("RENEWAL", aliases=["$RCAnonymousID:" + "x" * 300, ANON])) == {ANON: "user_10482"}


def test_a_transfer_names_anonymous_ids_by_their_own_side_and_only_else_by_the_other() -> None:
    sides: dict[str, Any] = {"app_user_id": None, "aliases": [], "transferred_to": [OTHER, "new"]}
    named = names_given(event("TRANSFER", transferred_from=[ANON, "old"], **sides))
    assert named == {ANON: "old", OTHER: "new"}
    assert names_given(event("TRANSFER", transferred_from=[ANON], **sides)) == {ANON: "new", OTHER: "new"}


@pytest.mark.parametrize("email", ["none", "a@b@c", "x" * 260 + "@example.com", "two words@example.com"])
def test_what_is_no_email_names_nobody(email: str) -> None:
    odd = event("RENEWAL", subscriber_attributes={"$email": {"value": email}})
    assert identify(odd, ("email", "app_user_id"), {}) == Identity("user_10482")


def test_what_an_operator_has_said_goes_before_what_events_say() -> None:
    decided = {"user-9": Link("user-77", decided=True)}
    assert identify(event("RENEWAL", **PERSON), ("email",), decided) == Identity("user-77")
    learnt = {"user-9": Link("user-77")}
    assert identify(event("RENEWAL", **PERSON), ("app_user_id",), learnt) == Identity("user-9")


def test_an_event_gives_its_email_with_the_name_where_people_are_known_by_it() -> None:
    known = event("RENEWAL", **PERSON)
    assert links_given(known, ("email", "app_user_id")) == {ANON: Link("user-9", email="ada@example.com")}
    assert links_given(known, ("app_user_id", "email")) == {ANON: Link("user-9")}
    # The other side of a transfer is somebody else until RevenueCat says otherwise.
    moved = event("TRANSFER", app_user_id="new", transferred_from=[ANON], transferred_to=["new"])
    assert links_given(moved, ("email",)) == {ANON: Link("new")}
    waiting = event("RENEWAL", app_user_id=ANON, aliases=[ANON], original_app_user_id=ANON)
    links = {ANON: Link("user-9", email="ada@example.com")}
    assert identify(waiting, ("email",), links) == Identity("user-9", email="ada@example.com")
    assert identify(waiting, ("app_user_id",), links) == Identity("user-9")


def test_no_app_user_id_can_look_like_the_key_of_a_shared_contact() -> None:
    assert identify(event("RENEWAL", app_user_id="\x1femail:ada@example.com"), ("app_user_id",), {}) is None
    assert Identity("email:ada@example.com").key != Identity("x", email="ada@example.com").key


def test_who_has_no_name_is_sent_skipped_or_waits_as_the_project_says() -> None:
    anonymous = event("RENEWAL", app_user_id=ANON, aliases=[])
    assert isinstance(plan(anonymous, ProjectPolicy()), Send)
    skipped = plan(anonymous, ProjectPolicy(anonymous=AnonymousRule.SKIP))
    assert isinstance(skipped, Skip) and skipped.reason is SkipReason.ANONYMOUS
    waits = plan(anonymous, ProjectPolicy(anonymous=AnonymousRule.HOLD))
    assert isinstance(waits, Wait) and waits.reason is WaitReason.ANONYMOUS
    assert waits.sentence.endswith(".")
    by_email = ProjectPolicy(anonymous=AnonymousRule.HOLD, identity=("email",))
    with_email = event("RENEWAL", app_user_id=ANON, subscriber_attributes=PERSON["subscriber_attributes"])
    assert isinstance(plan(with_email, by_email), Send)


def test_what_is_skipped_for_another_reason_does_not_wait() -> None:
    waiting = ProjectPolicy(anonymous=AnonymousRule.HOLD)
    decided = plan(event("RENEWAL", app_user_id=ANON, environment="SANDBOX"), waiting)
    assert isinstance(decided, Skip) and decided.reason is SkipReason.SANDBOX
