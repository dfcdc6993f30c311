"""Writes many rows in one statement: new ones whole, others in the fields that are named.

Django's `bulk_update` builds a CASE for every row and field; it took four fifths of a drain's time. The rows
travel as one JSON document, which costs less than an array for each column.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, models


def update_rows(
    rows: Sequence[models.Model], fields: Sequence[str], *, unchanged: tuple[str, Mapping[int, datetime]] | None = None
) -> set[int]:
    """Save `fields` of `rows`, all of one model and saved before; returns the keys of those that were written.

    Rows that are gone are passed over, and so are those whose field does not hold the value that `unchanged` names
    for them: `("due_at", {7: lease})`. Locks in the order of the keys.
    """
    if not rows:
        return set()
    meta = rows[0]._meta
    key = meta.pk
    columns = [field for field in (meta.get_field(name) for name in fields) if isinstance(field, models.Field)]
    quote = connection.ops.quote_name
    names = [(str(field.column), field.attname) for field in (key, *columns)]
    document = [{column: getattr(row, attribute) for column, attribute in names} for row in rows]
    typed = ", ".join(f"{quote(str(field.column))} {field.rel_db_type(connection)}" for field in (key, *columns))
    assignments = ", ".join(f"{quote(str(field.column))} = new.{quote(str(field.column))}" for field in columns)
    condition = ""
    if unchanged is not None:
        name, values = unchanged
        for row in document:
            row["expected"] = values[row[str(key.column)]]
        typed += ", expected timestamp with time zone"
        condition = f" AND old.{quote(name)} = new.expected"
    id_ = quote(str(key.column))
    # Only names of our own models are pasted into the statement; the values are parameters.
    statement = (
        f"WITH locked AS (SELECT {id_} FROM {quote(meta.db_table)} WHERE {id_} = ANY(%s) ORDER BY {id_} FOR UPDATE) "  # noqa: S608
        f"UPDATE {quote(meta.db_table)} AS old SET {assignments} "
        f"FROM locked JOIN jsonb_to_recordset(%s::jsonb) AS new({typed}) USING ({id_}) "
        f"WHERE old.{id_} = locked.{id_}{condition} RETURNING old.{id_}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [[row.pk for row in rows], as_document(document)])
        return {found for (found,) in cursor.fetchall()}


def insert_rows(rows: Sequence[models.Model], *, by: str) -> None:
    """Save new rows of one model, all fields; `by` is a field in which no two of them are the same.

    Django's `bulk_create` prepares every value by itself, which took a twelfth of a drain's time.
    """
    if not rows:
        return
    meta = rows[0]._meta
    quote = connection.ops.quote_name
    attributes = {str(field.column): field.attname for field in meta.concrete_fields if not field.primary_key}
    types = {str(field.column): field.rel_db_type(connection) for field in meta.concrete_fields}
    columns = ", ".join(map(quote, attributes))
    typed = ", ".join(f"{quote(column)} {types[column]}" for column in attributes)
    document = [{column: getattr(row, attribute) for column, attribute in attributes.items()} for row in rows]
    known_by = next(str(field.column) for field in meta.concrete_fields if field.name == by)
    # Only names of our own models are pasted into the statement; the values are parameters.
    statement = (
        f"INSERT INTO {quote(meta.db_table)} ({columns}) "  # noqa: S608
        f"SELECT {columns} FROM jsonb_to_recordset(%s::jsonb) AS new({typed}) "
        f"RETURNING {quote(known_by)}, {quote(str(meta.pk.column))}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_document(document)])
        keys = dict(cursor.fetchall())
    for row in rows:
        row.pk = keys[getattr(row, attributes[known_by])]
        row._state.adding, row._state.db = False, connection.alias


def as_document(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as the JSON that `jsonb_to_recordset` reads; times with their microseconds.

    Raises TypeError where a value is none of JSON's, nor a time, a Decimal or a UUID. NaN becomes null.
    """
    try:
        return orjson.dumps(rows, default=_as_text).decode()
    except orjson.JSONEncodeError:
        # An integer of more than 64 bits, or half a surrogate pair: PostgreSQL holds the one and refuses the other.
        return json.dumps(rows, ensure_ascii=False, default=_as_text)


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written down as JSON.")
