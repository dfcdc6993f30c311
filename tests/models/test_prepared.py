"""
The door's statement is planned once for a connection, or not at all where a pooler would lose it.
"""

from __future__ import annotations

import pytest
from django.db import DataError, connection

from integration.models.prepared import fetch_prepared

STATEMENT = "SELECT %(number)s::int + 1"
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::int + 1%'"


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute(PREPARED)
        return int(cursor.fetchone()[0])


def test_a_statement_is_prepared_once_it_has_come_a_few_times(db: None) -> None:
    assert [fetch_prepared(STATEMENT, {"number": number}) for number in range(9)] == [
        (number + 1,) for number in range(9)
    ]
    assert prepared() == 1


def test_nothing_is_prepared_where_that_is_off(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    before = prepared()
    for _ in range(9):
        assert fetch_prepared("SELECT %(number)s::int + 1 AS other", {"number": 1}) == (2,)
    assert prepared() == before


def test_errors_are_those_of_django(transactional_db: None) -> None:
    with pytest.raises(DataError):
        fetch_prepared(STATEMENT, {"number": "no number"})
