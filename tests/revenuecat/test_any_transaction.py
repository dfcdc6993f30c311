"""Whatever the cells of a transaction export hold, what is made of them is something that the door takes."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from integration.envelopes import parse_envelope
from integration.revenuecat.cells import UnusableRowError
from integration.revenuecat.transactions import IDS, webhooks_of
from tests.factories import raw
from tests.revenuecat.rows import NOW_MS, ROW

TIMES = st.one_of(
    st.sampled_from(["", "null", "2026-01-01 08:00:00", "2026-02-01 08:00:00", "2026-02-01 08:00:01", "9999-12-31"]),
    st.datetimes(min_value=datetime(1960, 1, 1)).map(lambda moment: moment.isoformat(sep=" ")),  # noqa: DTZ001
    st.text(max_size=12),
)
SOME_TIMES = (
    "grace_period_end_time", "refunded_at", "unsubscribe_detected_at", "billing_issues_detected_at", "auto_resume_time",
)  # fmt: skip
FLAGS = ("is_sandbox", "is_trial_period", "is_auto_renewable")
TEXTS = (*IDS, "store", "store_transaction_id", "renewal_number", "price_in_usd", "entitlement_identifiers")
CELLS = st.fixed_dictionaries(
    dict.fromkeys(("start_time", "end_time", "effective_end_time"), TIMES),
    optional={
        **dict.fromkeys(SOME_TIMES, TIMES),
        **dict.fromkeys(FLAGS, st.sampled_from(["true", "f", "x", ""])),
        **dict.fromkeys(
            TEXTS, st.text(max_size=8) | st.sampled_from(["promotional", "1", "-1", "NaN", "1e999", '["a"]'])
        ),
        "custom_subscriber_attributes": st.text(max_size=12) | st.just('{"a": 1}'),
    },
)


@given(CELLS)
def test_whatever_the_cells_hold_the_door_takes_what_is_made_of_them_and_time_goes_on(cells: dict[str, str]) -> None:
    try:
        bodies = webhooks_of(ROW | cells, now_ms=NOW_MS)
    except UnusableRowError:
        return
    assert bodies == webhooks_of(ROW | cells, now_ms=NOW_MS)
    envelopes = [parse_envelope(raw(body)) for body in bodies]
    assert len({envelope.event_id for envelope in envelopes}) == len(envelopes)
    times = [body["event"]["event_timestamp_ms"] for body in bodies]
    assert times == sorted(times)
    assert [body["event"]["type"] for body in bodies].count("EXPIRATION") <= 1
