"""What a row of RevenueCat's transaction export becomes: which webhooks, of which times, and always the same ids."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from integration.revenuecat.cells import UnusableRowError
from integration.revenuecat.transactions import IDS, REQUIRED, missing_columns, webhooks_of
from tests.revenuecat.rows import NOW_MS, ROW, ms


def events(at_ms: int | None = None, /, **cells: str) -> list[dict[str, Any]]:
    """The events of the row above with other cells."""
    return [body["event"] for body in webhooks_of(ROW | cells, now_ms=at_ms or NOW_MS)]


def story(**cells: str) -> list[tuple[str, int, Any]]:
    """Type, time and reason of each of them."""
    return [
        (event["type"], event["event_timestamp_ms"], event.get("cancel_reason") or event.get("expiration_reason"))
        for event in events(**cells)
    ]


def test_a_period_that_was_renewed_is_a_renewal_and_nothing_more() -> None:
    (event,) = events()
    assert (event["type"], event["period_type"], event["is_trial_conversion"]) == ("RENEWAL", "NORMAL", False)
    assert event["event_timestamp_ms"] == event["purchased_at_ms"] == ms("2026-01-01 08:00:00")
    assert event["expiration_at_ms"] == ms("2026-02-01 08:00:00")
    assert (event["store"], event["environment"], event["entitlement_ids"]) == ("APP_STORE", "PRODUCTION", ["premium"])
    assert (event["price"], event["currency"], event["price_in_purchased_currency"]) == (9.99, "GBP", 7.99)
    assert (event["transaction_id"], event["original_transaction_id"]) == ("1002", "1001")


@pytest.mark.parametrize(
    ("cells", "kind", "period"),
    [
        ({"renewal_number": "1"}, "INITIAL_PURCHASE", "NORMAL"),
        ({"renewal_number": "1", "is_trial_period": "t"}, "INITIAL_PURCHASE", "TRIAL"),
        ({"renewal_number": "1", "is_in_intro_offer_period": "TRUE"}, "INITIAL_PURCHASE", "INTRO"),
        ({"renewal_number": "", "store_transaction_id": "1001"}, "INITIAL_PURCHASE", "NORMAL"),
        ({"renewal_number": ""}, "RENEWAL", "NORMAL"),
        ({"is_trial_conversion": "true"}, "RENEWAL", "NORMAL"),
        ({"is_auto_renewable": "false", "end_time": ""}, "NON_RENEWING_PURCHASE", "NORMAL"),
        (
            {"store": "promotional", "is_auto_renewable": "false", "end_time": ""},
            "NON_RENEWING_PURCHASE",
            "PROMOTIONAL",
        ),
    ],
)
def test_the_columns_say_what_kind_of_purchase_it_was(cells: dict[str, str], kind: str, period: str) -> None:
    event = events(**cells)[0]
    assert (event["type"], event["period_type"]) == (kind, period)


def test_whoever_turned_renewal_off_cancels_then_and_expires_at_the_end() -> None:
    assert story(unsubscribe_detected_at="2026-01-20 10:00:00") == [
        ("RENEWAL", ms("2026-01-01 08:00:00"), None),
        ("CANCELLATION", ms("2026-01-20 10:00:00"), "UNSUBSCRIBE"),
        ("EXPIRATION", ms("2026-02-01 08:00:00"), "UNSUBSCRIBE"),
    ]


def test_an_end_that_has_not_come_yet_is_not_told() -> None:
    told = events(ms("2026-01-25 00:00:00"), unsubscribe_detected_at="2026-01-20 10:00:00")
    assert [event["type"] for event in told] == ["RENEWAL", "CANCELLATION"]


def test_an_end_that_was_noticed_only_when_it_came_is_no_cancellation() -> None:
    assert [kind for kind, *_ in story(unsubscribe_detected_at="2026-02-01 09:00:00")] == ["RENEWAL", "EXPIRATION"]


@pytest.mark.parametrize("moment", ["2025-12-20 10:00:00", "2026-02-20 10:00:00"])
def test_what_happened_to_another_period_of_the_subscription_is_not_told_of_this_one(moment: str) -> None:
    assert len(events(unsubscribe_detected_at=moment)) == 1
    assert len(events(billing_issues_detected_at=moment)) == 1


def test_a_refund_gives_back_what_is_gone_and_ends_access_last() -> None:
    cells = {"refunded_at": "2026-01-10 05:00:00", "effective_end_time": "2026-01-10 04:59:00", "price_in_usd": "2.50"}
    bought, refund, ended = events(**cells)
    assert bought["price"] == 9.99
    assert (refund["type"], refund["cancel_reason"], refund["price"]) == ("CANCELLATION", "CUSTOMER_SUPPORT", -7.49)
    assert refund["price_in_purchased_currency"] is None, "nothing of it is gone in this currency"
    assert refund["expiration_at_ms"] == ended["expiration_at_ms"] == ms("2026-01-10 04:59:00")
    assert ended["event_timestamp_ms"] == refund["event_timestamp_ms"] + 1
    assert ended["expiration_reason"] == "CUSTOMER_SUPPORT"


def test_a_refund_of_a_period_that_was_over_says_nothing_of_the_subscription() -> None:
    _, refund = events(refunded_at="2026-03-10 05:00:00", price_in_usd="0")
    assert refund["price"] == -9.99
    assert refund["entitlement_ids"] is None and "expiration_at_ms" not in refund


def test_a_late_refund_does_not_move_the_end() -> None:
    told = story(refunded_at="2026-03-10 05:00:00", unsubscribe_detected_at="2026-01-20 10:00:00")
    assert told[2:] == [
        ("EXPIRATION", ms("2026-02-01 08:00:00"), "UNSUBSCRIBE"),
        ("CANCELLATION", ms("2026-03-10 05:00:00"), "CUSTOMER_SUPPORT"),
    ]


def test_a_refunded_pack_of_tokens_ends_no_subscription() -> None:
    cells = {"is_auto_renewable": "false", "end_time": "", "entitlement_identifiers": "", "renewal_number": "1"}
    bought, refund = events(refunded_at="2026-01-10 05:00:00", effective_end_time="2026-01-10 05:00:00", **cells)
    assert (bought["type"], refund["type"]) == ("NON_RENEWING_PURCHASE", "CANCELLATION")
    assert refund["expiration_at_ms"] is None and refund["entitlement_ids"] is None


def test_before_version_4_the_only_price_is_what_was_paid() -> None:
    old = {column: cell for column, cell in ROW.items() if not column.startswith("purchase_price")}
    bodies = webhooks_of(old | {"refunded_at": "2026-01-10 05:00:00"}, now_ms=NOW_MS)
    assert [body["event"].get("price") for body in bodies][:2] == [9.99, -9.99]


def test_a_billing_issue_comes_with_its_cancellation_and_its_grace_period() -> None:
    grace = {"grace_period_end_time": "2026-02-17 08:00:00", "effective_end_time": "2026-02-17 08:00:00"}
    _, issue, cancelled, ended = events(billing_issues_detected_at="2026-02-01 08:00:09", **grace)
    assert issue["type"] == "BILLING_ISSUE" and issue["grace_period_expiration_at_ms"] == ms("2026-02-17 08:00:00")
    assert (cancelled["type"], cancelled["cancel_reason"]) == ("CANCELLATION", "BILLING_ERROR")
    assert issue["event_timestamp_ms"] == cancelled["event_timestamp_ms"] == ms("2026-02-01 08:00:09")
    assert (ended["event_timestamp_ms"], ended["expiration_reason"]) == (ms("2026-02-17 08:00:00"), "BILLING_ERROR")


def test_a_pause_is_an_end_that_says_so() -> None:
    assert story(auto_resume_time="2026-03-01 08:00:00")[-1] == (
        "EXPIRATION",
        ms("2026-02-01 08:00:00"),
        "SUBSCRIPTION_PAUSED",
    )


def test_a_transaction_that_google_took_back_is_nothing() -> None:
    assert events(end_time="2026-01-01 07:59:59") == []


def test_what_the_family_has_paid_for_is_no_revenue() -> None:
    event = events(ownership_type="FAMILY_SHARED")[0]
    assert event["price"] is None and event["is_family_share"] is True


def test_an_id_of_the_app_goes_before_one_that_was_made_up() -> None:
    ids = {"rc_last_seen_app_user_id_alias": "$RCAnonymousID:2", "rc_original_app_user_id": "ada"}
    event = events(**ids)[0]
    assert event["app_user_id"] == "ada" and event["aliases"] == ["$RCAnonymousID:2", "ada"]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("['a', 'b']", ["a", "b"]),
        ("{a,b}", ["a", "b"]),
        ('"[\\"a\\"]"', ["a"]),
        ("null", None),
        ("[]", None),
    ],
)
def test_entitlements_are_read_in_every_version(cell: str, names: list[str] | None) -> None:
    assert events(entitlement_identifiers=cell)[0]["entitlement_ids"] == names


def test_subscriber_attributes_are_those_of_both_columns_and_broken_ones_cost_nothing_else() -> None:
    reserved, own = '{"$email": {"value": "ada@example.com"}}', '"{\\"bird\\": {\\"value\\": \\"wren\\"}}"'
    found = events(reserved_subscriber_attributes=reserved, custom_subscriber_attributes=own)[0]
    assert found["subscriber_attributes"] == {"$email": {"value": "ada@example.com"}, "bird": {"value": "wren"}}
    assert events(custom_subscriber_attributes="{broken")[0]["subscriber_attributes"] == {}


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"start_time": ""}, "start_time is empty."),
        ({"start_time": "yesterday"}, "start_time is not a time."),
        ({"refunded_at": "soon"}, "refunded_at is not a time."),
        ({"start_time": "1969-12-31 00:00:00"}, "start_time lies before 1970."),
        ({"store_transaction_id": " "}, "store_transaction_id is empty."),
        ({"is_sandbox": ""}, "is_sandbox is empty."),
        ({"is_sandbox": "maybe"}, "is_sandbox is neither true nor false."),
        ({IDS[0]: "", IDS[1]: "NULL"}, f"{IDS[0]} and {IDS[1]} are empty."),
    ],
)
def test_a_row_that_cannot_be_read_says_which_cell(cells: dict[str, str], why: str) -> None:
    with pytest.raises(UnusableRowError) as caught:
        events(**cells)
    assert str(caught.value) == why


def test_the_hour_of_a_spreadsheet_and_a_zone_are_read() -> None:
    for cell in (
        "2026-01-01 8:00:00",
        "2026-01-01T08:00:00Z",
        "2026-01-01 08:00:00.000 UTC",
        "2026-01-01 10:00:00+02:00",
    ):
        assert events(start_time=cell)[0]["event_timestamp_ms"] == ms("2026-01-01 08:00:00")


def test_a_later_export_of_the_same_transaction_only_adds_what_has_happened_since() -> None:
    first = [event["id"] for event in events()]
    later = events(
        unsubscribe_detected_at="2026-01-20 10:00:00",
        refunded_at="2026-01-25 10:00:00",
        price_in_usd="0",
        updated_at="2026-01-25 10:00:00",
    )
    ids = [event["id"] for event in later]
    assert ids[:1] == first and len(set(ids)) == len(ids) == 4


def test_one_cancellation_is_one_event_whichever_period_tells_of_it() -> None:
    cells = {"unsubscribe_detected_at": "2026-02-01 07:00:00"}
    early = {"store_transaction_id": "1003", "renewal_number": "3", "start_time": "2026-01-31 09:00:00"}
    told = Counter(
        event["id"] for event in (*events(**cells), *events(**cells, **early)) if event["type"] == "CANCELLATION"
    )
    assert list(told.values()) == [2]


def test_two_stores_may_use_the_same_transaction_id() -> None:
    assert events()[0]["id"] != events(store="stripe")[0]["id"]


def test_a_file_that_lacks_columns_is_no_export() -> None:
    assert missing_columns(ROW) == []
    assert missing_columns([column for column in ROW if column not in (*IDS, "is_sandbox")]) == [IDS[0], "is_sandbox"]
    assert set(missing_columns([])) == {IDS[0], *REQUIRED}
