"""Files of history are read line by line: every good line is found, every bad one is named, wherever one begins."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.revenuecat.history import (
    LONGEST_LINE,
    MOST_LINES_OF_A_ROW,
    TOO_LONG,
    NoExportError,
    Place,
    Record,
    json_lines,
    transaction_rows,
)
from tests.revenuecat.rows import NOW_MS, ROW, ms

FIXTURES = Path(__file__).parents[1] / "fixtures" / "history"


def rows(text: bytes, start: Place | None = None) -> list[Record]:
    """The records of a CSV."""
    return list(transaction_rows(io.BytesIO(text), start or Place(), NOW_MS))


def lines(text: bytes, start: Place | None = None) -> list[Record]:
    """The records of JSON lines."""
    return list(json_lines(io.BytesIO(text), start or Place(), NOW_MS))


def events(found: list[Record]) -> list[dict[str, Any]]:
    """All events in them."""
    return [json.loads(body)["event"] for record in found for body in record.bodies]


def fixture(name: str) -> bytes:
    """A file of tests/fixtures/history."""
    return (FIXTURES / name).read_bytes()


def test_an_export_tells_the_stories_of_its_customers() -> None:
    told = [
        (event["app_user_id"], event["type"], event["event_timestamp_ms"])
        for event in events(rows(fixture("transactions.csv")))
    ]
    assert told == [
        ("user_10482", "INITIAL_PURCHASE", ms("2026-01-01 08:27:06")),
        ("user_10482", "RENEWAL", ms("2026-01-08 08:27:06")),
        ("user_10482", "RENEWAL", ms("2026-02-08 08:27:06")),
        ("user_10482", "CANCELLATION", ms("2026-02-20 14:17:10")),
        ("user_10482", "EXPIRATION", ms("2026-03-08 08:27:06")),
        ("user_12671", "INITIAL_PURCHASE", ms("2026-02-01 10:00:00")),
        ("user_12671", "CANCELLATION", ms("2026-02-20 05:47:55")),
        ("user_12671", "EXPIRATION", ms("2026-02-20 05:47:55") + 1),
        ("user_10977", "INITIAL_PURCHASE", ms("2026-01-10 12:00:00")),
        ("user_10977", "BILLING_ISSUE", ms("2026-02-10 12:00:09")),
        ("user_10977", "CANCELLATION", ms("2026-02-10 12:00:09")),
        ("user_10977", "EXPIRATION", ms("2026-02-17 12:00:00")),
        ("user_13008", "NON_RENEWING_PURCHASE", ms("2026-03-01 09:01:45")),
        ("user_12390", "NON_RENEWING_PURCHASE", ms("2026-03-01 09:00:00")),
        ("user_12390", "EXPIRATION", ms("2026-04-01 09:00:00")),
        ("tester", "INITIAL_PURCHASE", ms("2026-03-02 09:00:00")),
    ]


def test_the_third_and_the_fifth_version_of_the_export_say_the_same() -> None:
    today = {event["id"]: event for event in events(rows(fixture("transactions.csv")))}
    third = events(rows(fixture("transactions_version_3.csv")))
    assert [today[event["id"]]["type"] for event in third] == [event["type"] for event in third]
    assert [event["app_user_id"] for event in third] == ["user_10482"] * 3 + ["user_12671"] * 3
    assert third[0]["entitlement_ids"] == ["premium"] and third[4]["price"] == -49.99
    fifth = events(rows(fixture("transactions_version_5.csv")))
    assert [event["id"] for event in fifth] == [event["id"] for event in third[:3]]
    assert fifth[0]["entitlement_ids"] == ["premium", "songs"]
    assert fifth[0]["subscriber_attributes"] == today[fifth[0]["id"]]["subscriber_attributes"]
    assert fifth[0]["subscriber_attributes"]["favourite_bird"]["value"] == 'cedar waxwing, the "small" one'


def test_bad_rows_are_named_and_cost_no_other() -> None:
    found = rows(fixture("transactions_bad_rows.csv"))
    assert [(record.line, record.problem) for record in found if record.problem] == [
        (3, "The row has not as many cells as the header, which has 44."),
        (4, "start_time is not a time."),
        (5, "rc_last_seen_app_user_id_alias and rc_original_app_user_id are empty."),
        (6, "The row has not as many cells as the header, which has 44."),
    ]
    assert [record.line for record in found if record.bodies] == [2, 7]


def test_a_csv_of_something_else_is_refused_as_a_whole() -> None:
    for text in (b"", b"\n", b"Project ID,App User ID,Total Spent\n1,2,3\n", b"\xff\xfe"):
        with pytest.raises(NoExportError, match="It lacks: rc_last_seen_app_user_id_alias"):
            rows(text)


def test_a_file_that_would_be_read_as_nothing_is_refused_and_not_imported_as_nothing() -> None:
    with pytest.raises(NoExportError, match="carriage returns alone"):
        rows(a_row().replace(b"\n", b"\r"))
    with pytest.raises(NoExportError, match="not UTF-8; UTF-16, perhaps"):
        rows(a_row().decode().encode("utf-16"))


def test_a_column_that_stands_there_twice_is_refused_where_it_matters() -> None:
    header, row = a_row().splitlines()
    with pytest.raises(NoExportError, match="several columns with one name: store"):
        rows(header + b",store\n" + row + b",stripe\n")
    (record,) = rows(header + b",note,note\n" + row + b",a,b\n")
    assert record.bodies


def a_row(**cells: str) -> bytes:
    """A header, and a row that needs no quotes but those in `cells`."""
    whole = ROW | {"entitlement_identifiers": ""} | cells
    return ",".join(whole).encode() + b"\n" + ",".join(whole.values()).encode() + b"\n"


def test_a_cell_may_hold_a_line_break_and_a_byte_order_mark_may_come_first() -> None:
    text = b"\xef\xbb\xbf" + a_row(product_display_name='"Two\nlines, here"') + b"\r\n"
    (record,) = rows(text)
    assert len(record.bodies) == 1
    assert (record.line, record.end.line) == (2, 3)


def test_a_quote_that_is_never_closed_does_not_swallow_what_follows() -> None:
    good = a_row().splitlines(keepends=True)
    text = good[0] + b'"' + good[1] + good[1] * (MOST_LINES_OF_A_ROW + 5)
    found = rows(text)
    assert [record.line for record in found if record.problem] == [2]
    assert sum(len(record.bodies) for record in found) == MOST_LINES_OF_A_ROW + 5


def test_bytes_that_are_no_utf_8_cost_their_line() -> None:
    good = a_row().splitlines(keepends=True)
    found = rows(good[0] + b"\xff" + good[1] + good[1])
    assert [record.problem for record in found] == ["The line is not valid UTF-8.", ""]


def test_a_line_without_an_end_is_passed_over_and_not_held() -> None:
    long = b"x" * (3 * LONGEST_LINE)
    found = lines(long + b"\n{}\n")
    assert [(record.line, record.problem) for record in found] == [(1, TOO_LONG), (2, "")]
    assert found[-1].end == Place(len(long) + 4, 2)


def test_blank_lines_are_no_records() -> None:
    assert [record.line for record in lines(b"\n{}\n  \r\n{}")] == [2, 4]


def test_a_compressed_file_is_gone_on_with_like_any_other() -> None:
    text = fixture("transactions.csv")
    packed = io.BytesIO(gzip.compress(text))
    whole = rows(text)
    with gzip.GzipFile(fileobj=packed) as stream:
        assert list(transaction_rows(stream, whole[3].end, NOW_MS)) == whole[4:]


READS = [("transactions_bad_rows.csv", rows), ("transactions.csv", rows), ("webhooks_bad_lines.jsonl", lines)]


@given(st.data())
def test_whoever_goes_on_after_any_record_finds_the_rest_and_nothing_else(data: st.DataObject) -> None:
    name, read = data.draw(st.sampled_from(READS))
    text = fixture(name)
    whole = read(text)
    stopped = data.draw(st.integers(min_value=0, max_value=len(whole) - 1))
    assert whole[: stopped + 1] + read(text, whole[stopped].end) == whole


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_stop_the_reading_and_no_good_row_among_them_is_lost(noise: list[bytes]) -> None:
    header, good = a_row().splitlines(keepends=True)
    # A row with an open quote is one with what follows, where the two fit; so no noise ends in an open quote here.
    told = [one.replace(b'"', b"").replace(b"\n", b"").replace(b"\r", b"") + b"\n" for one in noise]
    found = rows(header + good.join([b"", *told, b""]))
    assert Counter(bool(record.bodies) for record in found)[True] == len(noise) + 1


@pytest.mark.parametrize(
    "number", ["1e9999999", "-1e9999999", "1e-9999999", "9" * 400, "NaN", "-Infinity", "1,5", "$5"]
)
def test_a_number_that_is_none_costs_no_row(number: str) -> None:
    text = a_row(
        purchase_price_in_usd=number, price_in_usd="0", renewal_number=number, refunded_at="2026-01-09 08:00:00"
    )
    if "," in number:
        text = text.replace(number.encode(), b'"' + number.encode() + b'"')
    told = events(rows(text))
    assert [event["price"] for event in told if event["type"] == "RENEWAL"] == [0.0]
