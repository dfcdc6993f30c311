"""
Every sample webhook, against what Intercom must hear of it: the pairs are described in `tests/fixtures/README.md`.

The Intercom halves were written by hand; nothing here may write them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeAlias

import pytest

from integration.mapping import ProjectPolicy, SandboxRule, Send, Skip, Wait, plan
from integration.revenuecat.events import parse
from integration.revenuecat.samples import DIRECTORY, load_sample, sample_names

Json: TypeAlias = dict[str, object]

EXPECTED = Path(__file__).parents[1] / "fixtures" / "intercom"
DEFAULTS = ProjectPolicy()
WITH_SANDBOX = ProjectPolicy(sandbox=SandboxRule.SEND)
# Never needed: every sample has a time of its own.
RECEIVED_AT_MS = 1


def webhook(name: str) -> Json:
    """The `event` of a sample."""
    found: Json = load_sample(name)["event"]
    return found


def expected(name: str) -> Json:
    """What Intercom must hear of it."""
    path = EXPECTED / f"{name}.json"
    assert path.is_file(), f"the sample {name} has no Intercom half: write tests/fixtures/intercom/{name}.json by hand"
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def heard(decided: Send | Skip | Wait) -> Json:
    """A plan in the form of the Intercom halves, without their notes."""
    if not isinstance(decided, Send):
        return {"skipped": str(decided.reason)}
    contact: Json = {"external_id": decided.external_id, "custom_attributes": decided.facts.attributes()}
    return {"contact": contact, "event": decided.data_event.body() if decided.data_event else None}


def in_writing(found: Json) -> str:
    """As text, so that the order of the metadata counts; the note of a half is for people, its attributes a set."""
    told = {name: value for name, value in found.items() if name != "note"}
    contact = told.get("contact")
    if isinstance(contact, dict):
        told["contact"] = {"external_id": contact["external_id"]} | dict(sorted(contact["custom_attributes"].items()))
    return json.dumps(told, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("name", sample_names())
def test_intercom_hears_of_each_sample_what_was_written_down_by_hand(name: str) -> None:
    decided = plan(parse(webhook(name), received_at_ms=RECEIVED_AT_MS), DEFAULTS)
    assert in_writing(heard(decided)) == in_writing(expected(name))


@pytest.mark.parametrize("name", sample_names())
def test_sending_sandbox_events_changes_sandbox_samples_only(name: str) -> None:
    event = webhook(name)
    decided = plan(parse(event, received_at_ms=RECEIVED_AT_MS), WITH_SANDBOX)
    if expected(name).get("skipped") != "sandbox":
        assert in_writing(heard(decided)) == in_writing(expected(name))
        return
    in_production = plan(parse(event | {"environment": "PRODUCTION"}, received_at_ms=RECEIVED_AT_MS), DEFAULTS)
    assert isinstance(decided, Send)
    assert in_writing(heard(decided)) == in_writing(heard(in_production)).replace(
        '"environment": "production"', '"environment": "sandbox"'
    )


def test_there_is_a_sample_of_the_sandbox_and_it_is_skipped_by_default() -> None:
    assert [name for name in sample_names() if expected(name).get("skipped") == "sandbox"]


def test_every_intercom_half_has_a_sample() -> None:
    orphans = {path.stem for path in EXPECTED.glob("*.json")} - set(sample_names())
    assert not orphans, f"no sample in {DIRECTORY} has the name of: {sorted(orphans)}"


def test_every_contact_only_half_says_why_there_is_no_event() -> None:
    silent = [name for name in sample_names() if expected(name).get("event", ...) is None]
    assert silent
    for name in silent:
        decided = plan(parse(webhook(name), received_at_ms=RECEIVED_AT_MS), DEFAULTS)
        assert isinstance(decided, Send)
        assert str(webhook(name)["type"]) in decided.note
        assert expected(name).get("note")


def test_no_two_samples_share_an_event_id() -> None:
    ids = [str(webhook(name)["id"]) for name in sample_names()]
    assert len(ids) == len(set(ids))
