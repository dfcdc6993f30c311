"""
Every setting that changes what is said, against what Intercom must hear then: `tests/fixtures/options/*.json`.

A case names a sample, the settings of a project as they stand in its columns, the event types that are switched on, and
what must be heard. Written by hand from `docs/`, as the other pairs; nothing here may write them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integration.event_types import EventType
from integration.mapping import EventPolicy, ProjectPolicy, Send, plan
from integration.models import Project
from integration.models.mapping_settings import MappingSettings
from integration.revenuecat.events import parse
from integration.revenuecat.samples import load_sample, sample_names

DIRECTORY = Path(__file__).parents[1] / "fixtures" / "options"
CASES = sorted(path.stem for path in DIRECTORY.glob("*.json"))
# Nothing is said differently because of it: it is tested where the drain logs instead of sending.
WITHOUT_A_PAIR = {"sandbox", "anonymous"}


def case(name: str) -> dict[str, Any]:
    """One case."""
    found: dict[str, Any] = json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    return found


def policy_of(found: dict[str, Any]) -> ProjectPolicy:
    """The policy of a project with these settings."""
    events = {EventType(name): EventPolicy(**{"enabled": True, **given}) for name, given in found["events"].items()}
    return Project(**found["settings"]).policy_with(events)


def heard(decided: Send, policy: ProjectPolicy) -> dict[str, Any]:
    """What a contact that nobody has met is told."""
    fields = {name: own.value for name, own in policy.own_fields(decided.facts).items()}
    attributes = policy.attributes(decided.facts, decided.totals)
    return {
        "contact": {"external_id": decided.external_id, **fields, "custom_attributes": attributes},
        "event": decided.data_event.body() if decided.data_event else None,
    }


@pytest.mark.parametrize("name", CASES)
def test_with_these_settings_intercom_hears_what_was_written_down_by_hand(name: str) -> None:
    found = case(name)
    policy = policy_of(found)
    event = parse(load_sample(found["sample"])["event"], received_at_ms=1, person=found.get("person"))
    decided = plan(event, policy)
    assert isinstance(decided, Send), f"skipped: {decided}"
    said = heard(decided, policy)
    assert said["contact"] == found["contact"]
    # As text: the order of the metadata counts.
    assert json.dumps(said["event"]) == json.dumps(found["event"])


def test_every_setting_that_changes_what_is_said_has_a_pair() -> None:
    columns = {field.name for field in MappingSettings._meta.get_fields()}
    tried = {name for one in CASES for name in case(one)["settings"]}
    assert columns - WITHOUT_A_PAIR <= tried, f"write tests/fixtures/options/*.json for {columns - tried}"


@pytest.mark.parametrize("name", CASES)
def test_a_case_would_be_heard_differently_without_its_settings(name: str) -> None:
    found = case(name)
    if name == "type_off_keeps_the_contact_true":
        return
    event = parse(load_sample(found["sample"])["event"], received_at_ms=1, person=found.get("person"))
    default = plan(event, ProjectPolicy())
    wanted = {"contact": found["contact"], "event": found["event"]}
    assert not isinstance(default, Send) or heard(default, ProjectPolicy()) != wanted


@pytest.mark.parametrize("name", CASES)
def test_no_sample_breaks_with_the_settings_of_a_case(name: str) -> None:
    policy = policy_of(case(name))
    for sample in sample_names():
        decided = plan(parse(load_sample(sample)["event"], received_at_ms=1), policy)
        if isinstance(decided, Send) and decided.data_event is not None:
            assert len(decided.data_event.metadata) <= 10
