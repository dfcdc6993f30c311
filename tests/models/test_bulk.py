"""
Many rows are written in one statement: those that are still there and still what they were, and to the microsecond.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.models import Delivery, DeliveryAttempt
from integration.models.bulk import as_document, insert_rows, update_rows
from tests.factories import make_project, receive, refreshed

LEASE = datetime(2026, 3, 4, 5, 6, 7, 123_457, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def three(db: None) -> list[Delivery]:
    """Leased deliveries, of which the test's copies are about to say something else."""
    project = make_project()
    rows = [receive(project, app_user_id=f"user-{number}") for number in range(3)]
    Delivery.objects.update(due_at=LEASE)
    for row in rows:
        row.tries = 7
    return rows


def tries(rows: list[Delivery]) -> list[int]:
    """What is stored."""
    return [refreshed(row).tries for row in rows]


def keys(rows: list[Delivery]) -> set[int]:
    """Their keys."""
    return {row.pk for row in rows}


def leased(rows: list[Delivery]) -> tuple[str, dict[int, datetime]]:
    """That each still has its lease."""
    return "due_at", {row.pk: LEASE for row in rows}


def test_all_are_written_in_one_statement_and_their_keys_returned(
    three: list[Delivery], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert update_rows(three, ["tries"], unchanged=leased(three)) == keys(three)
    assert tries(three) == [7, 7, 7]


def test_only_the_named_fields_are_written(three: list[Delivery]) -> None:
    three[0].explanation = "Not to be saved."
    update_rows(three, ["tries"])
    assert refreshed(three[0]).explanation == ""


@pytest.mark.parametrize("now", [LEASE + MICROSECOND, LEASE - MICROSECOND, LEASE + timedelta(days=1), None])
def test_a_row_that_has_changed_is_passed_over_and_the_others_are_written(
    three: list[Delivery], now: datetime | None
) -> None:
    Delivery.objects.filter(pk=three[1].pk).update(due_at=now)
    assert update_rows(three, ["tries", "due_at"], unchanged=leased(three)) == keys([three[0], three[2]])
    assert tries(three) == [7, 0, 7]
    assert refreshed(three[1]).due_at == now


def test_each_row_is_compared_with_what_is_expected_of_it_and_not_of_another(three: list[Delivery]) -> None:
    expected = {row.pk: LEASE + number * MICROSECOND for number, row in enumerate(three)}
    for row in three[1:]:
        Delivery.objects.filter(pk=row.pk).update(due_at=expected[three[1].pk])
    assert update_rows(three, ["tries"], unchanged=("due_at", expected)) == keys(three[:2])


def test_without_a_condition_a_row_that_has_changed_is_written_too(three: list[Delivery]) -> None:
    Delivery.objects.filter(pk=three[1].pk).update(due_at=None)
    assert update_rows(three, ["tries"]) == keys(three)


@pytest.mark.parametrize("conditional", [True, False])
def test_a_row_that_is_gone_is_passed_over_and_not_made_anew(three: list[Delivery], conditional: bool) -> None:
    Delivery.objects.filter(pk=three[0].pk).delete()
    unchanged = leased(three) if conditional else None
    assert update_rows(three, ["tries"], unchanged=unchanged) == keys(three[1:])
    assert Delivery.objects.count() == 2


def test_nothing_is_asked_for_no_rows(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert update_rows([], ["tries"], unchanged=("due_at", {})) == set()


def test_microseconds_nulls_and_any_text_survive(three: list[Delivery]) -> None:
    finished = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    for row, explanation in zip(three, ["“grüße” \\ \"'", "%s\n;--", "🦔"], strict=True):
        row.finished_at, row.due_at, row.explanation = finished, None, explanation
    assert update_rows(three, ["finished_at", "due_at", "explanation"], unchanged=leased(three)) == keys(three)
    for row in three:
        stored = refreshed(row)
        assert (stored.finished_at, stored.due_at, stored.explanation) == (finished, None, row.explanation)


def test_a_time_of_another_zone_is_the_same_instant(three: list[Delivery]) -> None:
    expected = {row.pk: LEASE.astimezone(timezone(timedelta(hours=-3, minutes=-30))) for row in three}
    assert update_rows(three, ["tries"], unchanged=("due_at", expected)) == keys(three)


def test_new_rows_are_written_in_one_statement_and_know_their_keys(
    three: list[Delivery], django_assert_num_queries: Any
) -> None:
    attempts = [
        DeliveryAttempt(delivery=row, started_at=LEASE, error=f"“{row.app_user_id}”", exchanges=[{"status": row.pk}])
        for row in reversed(three)
    ]
    with django_assert_num_queries(1):
        insert_rows(attempts, by="delivery")
    for attempt in attempts:
        stored = DeliveryAttempt.objects.get(pk=attempt.pk)
        assert (stored.delivery_id, stored.started_at, stored.finished_at) == (attempt.delivery_id, LEASE, None)
        assert (stored.error, stored.exchanges) == (attempt.error, attempt.exchanges)


def test_what_was_written_so_can_be_saved_again(three: list[Delivery]) -> None:
    attempt = DeliveryAttempt(delivery=three[0], started_at=LEASE)
    insert_rows([attempt], by="delivery")
    attempt.error = "changed"
    attempt.save(update_fields=["error"])
    assert DeliveryAttempt.objects.get().error == "changed"


def test_no_new_rows_ask_for_nothing(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        insert_rows([], by="delivery")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    | st.datetimes(timezones=st.just(UTC)) | st.uuids() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def as_json(value: Any) -> Any:
    """The value as it has to be read again."""
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=3))
def test_what_a_document_holds_is_read_again_as_it_was(rows: list[dict[str, Any]]) -> None:
    assert json.loads(as_document(rows)) == as_json(rows)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, 10**400, "\ud83d"])
def test_a_document_holds_also_what_is_longer_than_64_bits_or_half_a_character(value: object) -> None:
    assert json.loads(as_document([{"it": value}])) == [{"it": value}]


def test_a_document_does_not_hold_what_json_has_no_word_for() -> None:
    with pytest.raises(TypeError, match="object cannot be written down"):
        as_document([{"it": object()}])
