"""
What must stand in more than one place stands in all of them: event types, skip reasons, variables, commands.

A failure names what is missing and where to add it, because that is how a new event type is meant to be added.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.event_types import BY_TYPE, CATALOGUE, CatalogueRow, EventType, event_type_of
from integration.mapping import SKIP_SENTENCES, SkipReason
from integration.revenuecat.events import parse
from integration.revenuecat.samples import load_sample, sample_names

ROOT = Path(__file__).parents[1]
EXPECTED = ROOT / "tests" / "fixtures" / "intercom"
OPTIONS = ROOT / "tests" / "fixtures" / "options"
MAPPING_TESTS = ROOT / "tests" / "core" / "test_mapping.py"
COMMANDS = ROOT / "integration" / "management" / "commands"
# Every process has them; nothing is to be decided about them.
NOT_FOR_OPERATORS = {"DJANGO_SETTINGS_MODULE", "PATH"}


def text_of(path: str) -> str:
    """A document of the project; a missing one fails the test in words."""
    found = ROOT / path
    assert found.is_file(), f"{path} does not exist: write it"
    return found.read_text(encoding="utf-8")


def table_rows(markdown: str) -> list[str]:
    """The lines of a document that are rows of a table."""
    return [line for line in markdown.splitlines() if line.lstrip().startswith("|")]


# --- Event types --------------------------------------------------------------------------------------


def test_every_event_type_has_exactly_one_row_in_the_catalogue() -> None:
    rows = Counter(row.event_type for row in CATALOGUE)
    missing = [event_type for event_type in EventType if not rows[event_type]]
    assert not missing, f"add a row to CATALOGUE in integration/event_types/catalogue.py for: {missing}"
    assert max(rows.values()) == 1
    assert set(BY_TYPE) == set(EventType)


def test_labels_names_and_descriptions_tell_event_types_apart() -> None:
    assert len({row.label.lower() for row in CATALOGUE}) == len(CATALOGUE)
    assert len({row.default_name.lower() for row in CATALOGUE}) == len(CATALOGUE)
    assert len({row.description for row in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.label)
def test_a_default_name_is_one_that_intercom_keeps_as_it_is(row: CatalogueRow) -> None:
    assert re.fullmatch(r"rc_[a-z_]+_event", row.default_name)
    assert row.description.endswith(".")


def test_the_event_types_that_can_be_switched_off_are_the_four_that_were_decided() -> None:
    assert {row.label for row in CATALOGUE if row.optional and row.on} == {
        "Non Subscription Purchase",
        "Expiration",
        "Billing Issue",
        "Product Change",
    }


def _event_name(half: Path) -> str | None:
    event = json.loads(half.read_text(encoding="utf-8")).get("event")
    return event["event_name"] if event else None


@pytest.mark.parametrize("event_type", list(EventType))
def test_every_event_type_has_a_sample_and_what_intercom_must_hear_of_it(event_type: EventType) -> None:
    name = BY_TYPE[event_type].default_name
    samples = [
        sample
        for sample in sample_names()
        if event_type_of(parse(load_sample(sample)["event"], received_at_ms=0), lambda _row: True) is event_type
    ]
    assert samples, (
        f"{event_type} has no sample: add what RevenueCat sends as integration/revenuecat/samples/{event_type}.json"
    )
    halves = [EXPECTED / f"{sample}.json" for sample in samples] + sorted(OPTIONS.glob("type_*.json"))
    told = [
        half
        for half in halves
        if half.is_file() and (json.loads(half.read_text()).get("event") or {}).get("event_name") == name
    ]
    assert told, (
        f"{event_type} has no Intercom half with the event name {name}: write "
        f"tests/fixtures/intercom/{samples[0]}.json by hand, or where it is off by default "
        f"tests/fixtures/options/type_{event_type}.json, as tests/fixtures/README.md says"
    )


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.label)
def test_every_event_type_has_a_row_in_its_document(row: CatalogueRow) -> None:
    rows = [line for line in table_rows(text_of("docs/event-types.md")) if f"`{row.default_name}`" in line]
    assert any(row.label in line for line in rows), (
        f"docs/event-types.md has no table row for {row.label}: add `| {row.label} | `{row.default_name}` | …`"
    )


def test_every_status_of_a_subscription_stands_in_the_document_of_the_event_types() -> None:
    source = (ROOT / "integration" / "subscription_status.py").read_text(encoding="utf-8")
    known = "trial intro active cancelled_trial cancelled grace_period_trial grace_period paused expired"
    statuses = {*known.split(), "expired_promotional", "promotional"}
    assert all(f'"{status}"' in source for status in statuses)
    document = text_of("docs/event-types.md")
    missing = sorted(status for status in statuses if f"`{status}`" not in document)
    assert not missing, f"docs/event-types.md does not name these values of subscription_status: {missing}"


# --- Skip reasons -------------------------------------------------------------------------------------


def test_every_reason_to_skip_has_a_sentence_of_its_own() -> None:
    missing = [reason for reason in SkipReason if reason not in SKIP_SENTENCES]
    assert not missing, f"add a sentence to SKIP_SENTENCES in integration/mapping/planning.py for: {missing}"
    assert len(set(SKIP_SENTENCES.values())) == len(SkipReason)


@pytest.mark.parametrize("reason", list(SkipReason))
def test_every_reason_to_skip_is_tried(reason: SkipReason) -> None:
    by_fixture = any(
        json.loads(path.read_text(encoding="utf-8")).get("skipped") == reason for path in EXPECTED.glob("*.json")
    )
    by_test = f"reason is SkipReason.{reason.name}" in MAPPING_TESTS.read_text(encoding="utf-8")
    assert by_fixture or by_test, (
        f'{reason} is never tried: add a fixture {{"skipped": "{reason}"}} or a test in tests/core/test_mapping.py'
    )


# --- Variables ----------------------------------------------------------------------------------------


def sources() -> list[Path]:
    """Every Python file that runs in production."""
    return [
        ROOT / "manage.py",
        *(path for name in ("rcintercom", "integration") for path in (ROOT / name).rglob("*.py")),
    ]


def variables_read(path: Path) -> Iterator[str]:
    """The environment variables that a file reads: `env.str("X")`, `environ.get("X")`, `environ["X"]`, `getenv`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        arguments: list[ast.expr] = []
        if isinstance(node, ast.Call) and re.fullmatch(
            r"env(\.\w+)?|(os\.)?getenv|(os\.)?environ\.\w+", ast.unparse(node.func)
        ):
            arguments = node.args[:1]
        elif isinstance(node, ast.Subscript) and re.fullmatch(r"(os\.)?environ", ast.unparse(node.value)):
            arguments = [node.slice]
        for argument in arguments:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def all_variables() -> dict[str, str]:
    """Every variable, and a file that reads it."""
    found = {name: str(path.relative_to(ROOT)) for path in sources() for name in variables_read(path)}
    return {name: path for name, path in sorted(found.items()) if name not in NOT_FOR_OPERATORS}


def test_the_search_for_variables_finds_those_that_are_known() -> None:
    assert {"DATABASE_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "INTERCOM_API_URL", "PORT"} <= set(all_variables())


@pytest.mark.parametrize("name", all_variables())
def test_every_variable_is_documented(name: str) -> None:
    documented = re.search(rf"`{name}(=[^`]*)?`", text_of("docs/configuration.md"))
    assert documented, (
        f"docs/configuration.md does not tell of `{name}`, which {all_variables()[name]} reads: add a row"
    )


# --- Commands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(path.stem for path in COMMANDS.glob("[!_]*.py")))
def test_every_command_is_mentioned_where_an_operator_looks(command: str) -> None:
    documents = text_of("docs/operations.md") + text_of("README.md")
    assert re.search(rf"manage\.py {command}\b|`{command}\b", documents), (
        f"neither docs/operations.md nor README.md mentions `manage.py {command}`: say there what it is for"
    )


@pytest.mark.parametrize("command", sorted(path.stem for path in COMMANDS.glob("[!_]*.py")))
def test_every_command_says_what_it_is_for(command: str) -> None:
    tree = ast.parse((COMMANDS / f"{command}.py").read_text(encoding="utf-8"))
    helps = [
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == "help"
    ]
    assert helps, f"integration/management/commands/{command}.py has no `help`"
