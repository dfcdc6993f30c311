"""
What Intercom is told of one event: the tables of the event types and of the statuses, row by row, and what is skipped.

The tables stand here in words of their own and are not read from the code.
"""

from __future__ import annotations

import json

import pytest

from integration.event_types import CATALOGUE, EventType
from integration.mapping import SKIP_SENTENCES, AnonymousRule, EventPolicy, ProjectPolicy, SandboxRule, SkipReason
from integration.revenuecat.events import parse
from tests.core.examples import ENDS_AT_MS, RECEIVED_AT_MS, event, sent, skipped

ENDS_AT = ENDS_AT_MS // 1000
Fields = dict[str, object]


def attributes(webhook_type: str, **fields: object) -> dict[str, object]:
    """The custom attributes that the contact gets from one event alone."""
    return dict(sent(webhook_type, **fields).facts.attributes())


# --- The event types ----------------------------------------------------------------------------------

EVENT_TYPE_ROWS: list[tuple[str, str, Fields, str]] = [
    ("an initial purchase", "INITIAL_PURCHASE", {"period_type": "NORMAL"}, "rc_initial_purchase_event"),
    ("an introductory price", "INITIAL_PURCHASE", {"period_type": "INTRO"}, "rc_initial_purchase_event"),
    ("a prepaid plan", "INITIAL_PURCHASE", {"period_type": "PREPAID"}, "rc_initial_purchase_event"),
    ("a promotional purchase", "INITIAL_PURCHASE", {"period_type": "PROMOTIONAL"}, "rc_initial_purchase_event"),
    ("a purchase of a period unknown today", "INITIAL_PURCHASE", {"period_type": "SOON"}, "rc_initial_purchase_event"),
    ("a purchase without a period", "INITIAL_PURCHASE", {"period_type": ...}, "rc_initial_purchase_event"),
    ("a trial that starts", "INITIAL_PURCHASE", {"period_type": "TRIAL"}, "rc_trial_started_event"),
    ("a trial that converts", "RENEWAL", {"is_trial_conversion": True}, "rc_trial_converted_event"),
    ("a trial cancelled", "CANCELLATION", {"period_type": "TRIAL"}, "rc_trial_cancelled_event"),
    ("a renewal", "RENEWAL", {"is_trial_conversion": False}, "rc_renewal_event"),
    ("a renewal that says nothing of trials", "RENEWAL", {}, "rc_renewal_event"),
    ("a renewal in a trial", "RENEWAL", {"period_type": "TRIAL"}, "rc_renewal_event"),
    ("a conversion only if it is true", "RENEWAL", {"is_trial_conversion": "true"}, "rc_renewal_event"),
    ("a cancellation", "CANCELLATION", {}, "rc_cancellation_event"),
    ("a cancellation of an intro", "CANCELLATION", {"period_type": "INTRO"}, "rc_cancellation_event"),
    ("a refund", "CANCELLATION", {"cancel_reason": "CUSTOMER_SUPPORT", "price": -9.99}, "rc_cancellation_event"),
    ("a failed charge", "CANCELLATION", {"cancel_reason": "BILLING_ERROR"}, "rc_cancellation_event"),
    ("a revoked grant", "CANCELLATION", {"period_type": "PROMOTIONAL"}, "rc_cancellation_event"),
    ("a non-renewing purchase", "NON_RENEWING_PURCHASE", {}, "rc_non_subscription_purchase_event"),
    (
        "a granted entitlement",
        "NON_RENEWING_PURCHASE",
        {"period_type": "PROMOTIONAL", "store": "PROMOTIONAL"},
        "rc_non_subscription_purchase_event",
    ),
    ("an expiration", "EXPIRATION", {}, "rc_expiration_event"),
    ("an expiration of a trial", "EXPIRATION", {"period_type": "TRIAL"}, "rc_expiration_event"),
    ("a billing issue", "BILLING_ISSUE", {}, "rc_billing_issue_event"),
    ("a billing issue in a trial", "BILLING_ISSUE", {"period_type": "TRIAL"}, "rc_billing_issue_event"),
    ("a product change", "PRODUCT_CHANGE", {}, "rc_product_change_event"),
]


@pytest.mark.parametrize(
    ("webhook_type", "fields", "name"), [row[1:] for row in EVENT_TYPE_ROWS], ids=[row[0] for row in EVENT_TYPE_ROWS]
)
def test_each_webhook_becomes_its_data_event(webhook_type: str, fields: Fields, name: str) -> None:
    decided = sent(webhook_type, **fields)
    assert decided.data_event is not None
    assert decided.data_event.event_name == name
    assert f"rc_{decided.event_type}_event" == name
    assert decided.note == ""


@pytest.mark.parametrize(
    "reason",
    ["UNSUBSCRIBE", "BILLING_ERROR", "DEVELOPER_INITIATED", "PRICE_INCREASE", "CUSTOMER_SUPPORT", "UNKNOWN", None],
)
def test_a_trial_that_is_cancelled_is_not_a_cancellation_whatever_the_reason(reason: str | None) -> None:
    decided = sent("CANCELLATION", period_type="TRIAL", cancel_reason=reason)
    assert decided.event_type is EventType.TRIAL_CANCELLED
    assert decided.facts.attributes()["subscription_status"] == "cancelled_trial"


# --- The statuses -------------------------------------------------------------------------------------

GRACE: Fields = {"grace_period_expiration_at_ms": ENDS_AT_MS}
STATUS_ROWS: list[tuple[str, str, Fields, str | None]] = [
    ("a trial", "INITIAL_PURCHASE", {"period_type": "TRIAL"}, "trial"),
    ("an intro", "INITIAL_PURCHASE", {"period_type": "INTRO"}, "intro"),
    ("a purchase", "INITIAL_PURCHASE", {"period_type": "NORMAL"}, "active"),
    ("a prepaid purchase", "INITIAL_PURCHASE", {"period_type": "PREPAID"}, "active"),
    ("a renewal in a trial", "RENEWAL", {"period_type": "TRIAL"}, "trial"),
    ("a renewal in an intro", "RENEWAL", {"period_type": "INTRO"}, "intro"),
    ("a renewal", "RENEWAL", {}, "active"),
    ("a prepaid renewal", "RENEWAL", {"period_type": "PREPAID"}, "active"),
    ("a trial conversion", "RENEWAL", {"is_trial_conversion": True}, "active"),
    ("a trial taken up again", "UNCANCELLATION", {"period_type": "TRIAL"}, "trial"),
    ("an intro taken up again", "UNCANCELLATION", {"period_type": "INTRO"}, "intro"),
    ("a subscription taken up again", "UNCANCELLATION", {}, "active"),
    ("a prepaid one taken up again", "UNCANCELLATION", {"period_type": "PREPAID"}, "active"),
    ("a cancelled trial", "CANCELLATION", {"period_type": "TRIAL"}, "cancelled_trial"),
    (
        "a trial cancelled that says no more",
        "CANCELLATION",
        {"period_type": "TRIAL", "expiration_at_ms": None, "entitlement_ids": None},
        "cancelled_trial",
    ),
    ("a cancelled intro", "CANCELLATION", {"period_type": "INTRO"}, "cancelled"),
    ("a cancelled subscription", "CANCELLATION", {}, "cancelled"),
    ("a cancelled prepaid plan", "CANCELLATION", {"period_type": "PREPAID"}, "cancelled"),
    ("a revoked grant", "CANCELLATION", {"period_type": "PROMOTIONAL"}, "cancelled"),
    ("a refund", "CANCELLATION", {"cancel_reason": "CUSTOMER_SUPPORT"}, "cancelled"),
    ("a refund of access for life", "CANCELLATION", {"expiration_at_ms": None}, "cancelled"),
    ("a charge failed", "CANCELLATION", {"cancel_reason": "BILLING_ERROR"}, "cancelled"),
    (
        "a charge failed in a trial",
        "CANCELLATION",
        {"cancel_reason": "BILLING_ERROR", "period_type": "TRIAL"},
        "cancelled_trial",
    ),
    ("a grace period", "BILLING_ISSUE", GRACE, "grace_period"),
    ("a grace period in an intro", "BILLING_ISSUE", GRACE | {"period_type": "INTRO"}, "grace_period"),
    ("a grace period in a trial", "BILLING_ISSUE", GRACE | {"period_type": "TRIAL"}, "grace_period_trial"),
    ("a pause that begins", "EXPIRATION", {"expiration_reason": "SUBSCRIPTION_PAUSED"}, "paused"),
    ("the end", "EXPIRATION", {"expiration_reason": "UNSUBSCRIBE"}, "expired"),
    ("the end of a trial", "EXPIRATION", {"period_type": "TRIAL"}, "expired"),
    ("the end without a reason", "EXPIRATION", {"expiration_reason": None}, "expired"),
    ("the end of a grant", "EXPIRATION", {"period_type": "PROMOTIONAL"}, "expired_promotional"),
    ("a grant", "NON_RENEWING_PURCHASE", {"period_type": "PROMOTIONAL"}, "promotional"),
    ("any other purchase", "NON_RENEWING_PURCHASE", {}, None),
    ("a refunded pack of tokens", "CANCELLATION", {"expiration_at_ms": None, "entitlement_ids": None}, None),
    ("a billing issue without grace", "BILLING_ISSUE", {"grace_period_expiration_at_ms": None}, None),
    ("a billing issue in a trial without grace", "BILLING_ISSUE", {"period_type": "TRIAL"}, None),
    ("a product change", "PRODUCT_CHANGE", {"new_product_id": "b"}, None),
    ("an extension", "SUBSCRIPTION_EXTENDED", {}, None),
    ("a purchase of a period unknown today", "INITIAL_PURCHASE", {"period_type": "SOON"}, None),
    ("a renewal without a period", "RENEWAL", {"period_type": ...}, None),
    ("a promotional renewal", "RENEWAL", {"period_type": "PROMOTIONAL"}, None),
]


@pytest.mark.parametrize(
    ("webhook_type", "fields", "status"), [row[1:] for row in STATUS_ROWS], ids=[row[0] for row in STATUS_ROWS]
)
def test_each_webhook_leaves_its_status_or_leaves_it_alone(
    webhook_type: str, fields: Fields, status: str | None
) -> None:
    found = attributes(webhook_type, **fields)
    assert found.get("subscription_status") == status
    assert ("subscription_status" in found) == (status is not None), "unchanged is left out, not null"


def test_only_attributes_that_can_be_made_in_intercom_are_ever_written() -> None:
    written = {name for _, webhook_type, fields, _ in STATUS_ROWS for name in attributes(webhook_type, **fields)}
    types = ProjectPolicy().attribute_types()
    assert written == set(types)
    assert types["expires_at"] == "date"
    assert {types[name] for name in written - {"expires_at"}} == {"string"}


# --- The contact --------------------------------------------------------------------------------------


def test_the_contact_gets_store_entitlement_end_and_status() -> None:
    assert attributes("INITIAL_PURCHASE") == {
        "latest_store": "APP_STORE",
        "latest_entitlement": "premium",
        "expires_at": ENDS_AT,
        "subscription_status": "active",
    }


def test_the_first_of_several_entitlements_is_the_latest() -> None:
    found = attributes("RENEWAL", entitlement_ids=["gold", "silver"], entitlement_id="old")
    assert found["latest_entitlement"] == "gold"


@pytest.mark.parametrize("ids", [None, [], ..., "gold", [None, 3, " ", ""]], ids=repr)
def test_the_deprecated_entitlement_counts_only_where_there_is_no_list(ids: object) -> None:
    assert attributes("RENEWAL", entitlement_ids=ids, entitlement_id="pro")["latest_entitlement"] == "pro"


def test_what_an_event_does_not_know_is_left_out_and_never_null() -> None:
    found = attributes(
        "NON_RENEWING_PURCHASE", entitlement_ids=None, entitlement_id=None, expiration_at_ms=None, store=None
    )
    assert found == {}


def test_a_pack_of_tokens_does_not_wipe_a_subscription() -> None:
    tokens = sent("NON_RENEWING_PURCHASE", entitlement_ids=None, expiration_at_ms=None, store="STRIPE")
    before = sent("INITIAL_PURCHASE", event_timestamp_ms=1).facts
    assert before.merge(tokens.facts).attributes() == before.attributes() | {"latest_store": "STRIPE"}


@pytest.mark.parametrize(
    "webhook_type", ["INITIAL_PURCHASE", "RENEWAL", "UNCANCELLATION", "NON_RENEWING_PURCHASE", "SUBSCRIPTION_EXTENDED"]
)
def test_access_for_life_clears_the_end(webhook_type: str) -> None:
    found = attributes(webhook_type, expiration_at_ms=None)
    assert "expires_at" in found
    assert found["expires_at"] is None


@pytest.mark.parametrize("webhook_type", ["CANCELLATION", "EXPIRATION", "BILLING_ISSUE", "PRODUCT_CHANGE"])
def test_an_end_that_is_not_told_clears_nothing_where_no_access_is_given(webhook_type: str) -> None:
    assert "expires_at" not in attributes(webhook_type, expiration_at_ms=None)


@pytest.mark.parametrize("end", [..., "soon", -1, True, 10**40], ids=repr)
def test_only_a_null_means_for_life(end: object) -> None:
    assert "expires_at" not in attributes("NON_RENEWING_PURCHASE", expiration_at_ms=end)


def test_no_end_and_no_entitlement_is_no_access_for_life() -> None:
    assert "expires_at" not in attributes("NON_RENEWING_PURCHASE", expiration_at_ms=None, entitlement_ids=None)


def test_an_extension_moves_the_end_and_sends_no_data_event() -> None:
    decided = sent("SUBSCRIPTION_EXTENDED")
    assert (decided.data_event, decided.event_type) == (None, EventType.SUBSCRIPTION_EXTENDED)
    assert decided.facts.attributes()["expires_at"] == ENDS_AT
    assert "SUBSCRIPTION_EXTENDED" in decided.note


def test_an_uncancellation_updates_the_contact_and_sends_no_data_event() -> None:
    decided = sent("UNCANCELLATION")
    assert (decided.data_event, decided.event_type) == (None, EventType.UNCANCELLATION)
    assert decided.facts.attributes()["subscription_status"] == "active"
    assert "UNCANCELLATION" in decided.note


def test_long_texts_are_cut_visibly_to_what_intercom_keeps() -> None:
    decided = sent("RENEWAL", entitlement_ids=["e" * 256], store="s" * 300, product_id="p" * 255)
    assert decided.data_event is not None
    assert decided.facts.attributes()["latest_entitlement"] == "e" * 254 + "…"
    assert decided.data_event.metadata["store"] == "S" * 254 + "…"
    assert decided.data_event.metadata["product_identifier"] == "p" * 255


# --- The data event -----------------------------------------------------------------------------------


def test_the_published_example_comes_out_byte_for_byte() -> None:
    decided = sent("CANCELLATION", period_type="TRIAL", cancel_reason="UNSUBSCRIBE", app_user_id="…")
    assert decided.data_event is not None
    assert json.dumps(decided.data_event.body(), ensure_ascii=False) == (
        '{"event_name": "rc_trial_cancelled_event", "user_id": "…", "created_at": 1662993211, "metadata": '
        '{"product_identifier": "premium_sub", "entitlement": "premium", "store": "APP_STORE", '
        '"expires_at": 1663252169, "environment": "production", "app_id": "app1234567890", '
        '"cancellation_reason": "UNSUBSCRIBE"}}'
    )


COMMON_KEYS = ["product_identifier", "entitlement", "store", "expires_at", "environment", "app_id"]
OWN_KEYS: list[tuple[str, str | None]] = [
    ("CANCELLATION", "cancellation_reason"),
    ("EXPIRATION", "expiration_reason"),
    ("PRODUCT_CHANGE", "new_product_identifier"),
    ("INITIAL_PURCHASE", None),
    ("RENEWAL", None),
    ("NON_RENEWING_PURCHASE", None),
    ("BILLING_ISSUE", None),
]


@pytest.mark.parametrize(("webhook_type", "own_key"), OWN_KEYS)
def test_metadata_comes_in_order_and_each_reason_only_where_it_belongs(webhook_type: str, own_key: str | None) -> None:
    everything = {"cancel_reason": "UNSUBSCRIBE", "expiration_reason": "BILLING_ERROR", "new_product_id": "yearly"}
    event_sent = sent(webhook_type, **everything).data_event
    assert event_sent is not None
    assert list(event_sent.metadata) == COMMON_KEYS + ([own_key] if own_key else [])


def test_own_metadata_has_the_webhooks_own_value() -> None:
    def last(webhook_type: str, **fields: object) -> object:
        event_sent = sent(webhook_type, **fields).data_event
        assert event_sent is not None
        return list(event_sent.metadata.items())[-1]

    assert last("CANCELLATION", cancel_reason="PRICE_INCREASE") == ("cancellation_reason", "PRICE_INCREASE")
    assert last("EXPIRATION", expiration_reason="UNSUBSCRIBE") == ("expiration_reason", "UNSUBSCRIBE")
    assert last("PRODUCT_CHANGE", new_product_id="yearly") == ("new_product_identifier", "yearly")


def test_nulls_are_left_out_of_the_metadata() -> None:
    nothing = dict.fromkeys(
        ["product_id", "entitlement_ids", "store", "expiration_at_ms", "environment", "app_id", "cancel_reason"]
    )
    event_sent = sent("CANCELLATION", **nothing).data_event
    assert event_sent is not None
    assert event_sent.metadata == {}


def test_the_environment_is_told_in_lower_case() -> None:
    event_sent = sent("RENEWAL", ProjectPolicy(sandbox=SandboxRule.SEND), environment="SANDBOX").data_event
    assert event_sent is not None
    assert event_sent.metadata["environment"] == "sandbox"


def test_the_time_is_the_events_own_in_whole_seconds() -> None:
    event_sent = sent("RENEWAL", event_timestamp_ms=1_662_993_211_999).data_event
    assert event_sent is not None
    assert event_sent.created_at == 1_662_993_211


@pytest.mark.parametrize("time", [..., None, "1662993211000", -1, True, 1e300, 1.5], ids=repr)
def test_an_event_without_a_usable_time_takes_the_time_it_was_received(time: object) -> None:
    event_sent = sent("RENEWAL", event_timestamp_ms=time).data_event
    assert event_sent is not None
    assert event_sent.created_at == RECEIVED_AT_MS // 1000


def test_a_whole_time_that_is_written_with_a_point_is_a_time() -> None:
    assert event("RENEWAL", event_timestamp_ms=1_662_993_211_000.0).event_timestamp_ms == 1_662_993_211_000


# --- What the operator decided ------------------------------------------------------------------------

OPTIONAL = {
    EventType.NON_SUBSCRIPTION_PURCHASE: "NON_RENEWING_PURCHASE",
    EventType.EXPIRATION: "EXPIRATION",
    EventType.BILLING_ISSUE: "BILLING_ISSUE",
    EventType.PRODUCT_CHANGE: "PRODUCT_CHANGE",
}
ALWAYS: dict[EventType, tuple[str, Fields]] = {
    EventType.INITIAL_PURCHASE: ("INITIAL_PURCHASE", {}),
    EventType.TRIAL_STARTED: ("INITIAL_PURCHASE", {"period_type": "TRIAL"}),
    EventType.TRIAL_CONVERTED: ("RENEWAL", {"is_trial_conversion": True}),
    EventType.TRIAL_CANCELLED: ("CANCELLATION", {"period_type": "TRIAL"}),
    EventType.RENEWAL: ("RENEWAL", {}),
    EventType.CANCELLATION: ("CANCELLATION", {}),
}
ALL_OFF = ProjectPolicy(events={event_type: EventPolicy(enabled=False) for event_type in EventType})


@pytest.mark.parametrize(("event_type", "webhook_type"), OPTIONAL.items())
def test_an_optional_type_that_is_off_still_updates_the_contact_and_says_so(
    event_type: EventType, webhook_type: str
) -> None:
    decided = sent(webhook_type, ALL_OFF)
    assert decided.data_event is None
    assert decided.event_type is event_type
    assert decided.facts == sent(webhook_type).facts
    assert "switched off in this project's settings" in decided.note


@pytest.mark.parametrize(("event_type", "webhook"), ALWAYS.items())
def test_the_six_that_are_always_on_cannot_be_switched_off(event_type: EventType, webhook: tuple[str, Fields]) -> None:
    webhook_type, fields = webhook
    decided = sent(webhook_type, ALL_OFF, **fields)
    assert decided.data_event is not None
    assert decided.event_type is event_type


def test_the_two_tables_above_name_every_event_type() -> None:
    assert set(OPTIONAL) | set(ALWAYS) == {row.event_type for row in CATALOGUE if row.on}


def test_a_custom_name_replaces_the_default_for_its_own_type_only() -> None:
    policy = ProjectPolicy(events={EventType.RENEWAL: EventPolicy(custom_name="Renewed")})
    renewal, conversion = sent("RENEWAL", policy), sent("RENEWAL", policy, is_trial_conversion=True)
    assert renewal.data_event is not None
    assert conversion.data_event is not None
    assert renewal.data_event.event_name == "Renewed"
    assert conversion.data_event.event_name == "rc_trial_converted_event"


@pytest.mark.parametrize("blank", ["", "  "], ids=repr)
def test_a_blank_custom_name_means_the_default(blank: str) -> None:
    policy = ProjectPolicy(events={EventType.RENEWAL: EventPolicy(custom_name=blank)})
    event_sent = sent("RENEWAL", policy).data_event
    assert event_sent is not None
    assert event_sent.event_name == "rc_renewal_event"


# --- What is skipped ----------------------------------------------------------------------------------

NOT_EVENT_TYPES = ["SUBSCRIBER_ALIAS", "something new", "renewal", "RENEWAL ", "Transfer"]
# What RevenueCat's own integration does not send, and what does not change the contact either.
OFF_UNTIL_SWITCHED_ON = [
    "TRANSFER", "SUBSCRIPTION_PAUSED", "TEMPORARY_ENTITLEMENT_GRANT", "REFUND_REVERSED", "INVOICE_ISSUANCE",
    "VIRTUAL_CURRENCY_TRANSACTION", "EXPERIMENT_ENROLLMENT", "PURCHASE_REDEEMED", "PRICE_INCREASE_CONSENT_REQUIRED",
    "PRICE_INCREASE_CONSENT_APPROVED", "PAYWALL_IMPRESSION", "PAYWALL_CLOSE", "PAYWALL_CANCEL", "PAYWALL_EXIT_OFFER",
    "PAYWALL_COMPONENT_INTERACTED",
]  # fmt: skip


@pytest.mark.parametrize("webhook_type", NOT_EVENT_TYPES)
def test_every_other_webhook_type_is_skipped_as_no_event_type(webhook_type: str) -> None:
    decided = skipped(webhook_type)
    assert decided.reason is SkipReason.NOT_AN_EVENT_TYPE
    assert decided.event_type is None


@pytest.mark.parametrize("webhook_type", OFF_UNTIL_SWITCHED_ON)
def test_what_revenuecat_does_not_send_is_skipped_until_it_is_switched_on(webhook_type: str) -> None:
    decided = skipped(webhook_type)
    assert decided.reason is SkipReason.EVENT_TYPE_OFF
    assert decided.event_type is EventType(webhook_type.lower())
    switched_on = ProjectPolicy(events={decided.event_type: EventPolicy(enabled=True, custom_name="named")})
    event_sent = sent(webhook_type, switched_on).data_event
    assert event_sent is not None
    assert event_sent.event_name == "named"


def test_revenuecats_test_event_is_skipped_even_where_sandbox_is_sent() -> None:
    decided = skipped("TEST", ProjectPolicy(sandbox=SandboxRule.SEND), environment="SANDBOX")
    assert decided.reason is SkipReason.TEST_EVENT


@pytest.mark.parametrize("webhook_type", ["RENEWAL", "UNCANCELLATION", "SUBSCRIPTION_EXTENDED", "EXPIRATION"])
@pytest.mark.parametrize("environment", ["SANDBOX", "sandbox", " Sandbox "])
def test_sandbox_is_skipped_unless_the_project_sends_it(webhook_type: str, environment: str) -> None:
    assert skipped(webhook_type, environment=environment).reason is SkipReason.SANDBOX
    assert sent(webhook_type, ProjectPolicy(sandbox=SandboxRule.SEND), environment=environment)


def test_a_skipped_sandbox_event_still_says_which_event_type_it_is() -> None:
    assert skipped("RENEWAL", environment="SANDBOX").event_type is EventType.RENEWAL


@pytest.mark.parametrize("environment", ["PRODUCTION", None, "STAGING"])
def test_what_is_not_sandbox_is_sent(environment: str | None) -> None:
    assert sent("RENEWAL", environment=environment)


def test_an_anonymous_customer_is_sent_as_any_other_by_default() -> None:
    decided = sent("RENEWAL", app_user_id="$RCAnonymousID:6b1f0d8e4c2a47d39a5e7f10c3b28d64")
    assert decided.external_id == "$RCAnonymousID:6b1f0d8e4c2a47d39a5e7f10c3b28d64"
    assert decided.data_event is not None
    assert decided.data_event.user_id == decided.external_id


def test_an_anonymous_customer_is_skipped_where_the_project_says_so() -> None:
    policy = ProjectPolicy(anonymous=AnonymousRule.SKIP)
    assert skipped("RENEWAL", policy, app_user_id="$RCAnonymousID:6b1f").reason is SkipReason.ANONYMOUS
    assert skipped("UNCANCELLATION", policy, app_user_id="$RCAnonymousID:6b1f").reason is SkipReason.ANONYMOUS
    assert sent("RENEWAL", policy, app_user_id="user-$RCAnonymousID:6b1f")


@pytest.mark.parametrize("app_user_id", [..., None, "", "  ", 17, ["a"], "x" * 256], ids=lambda value: repr(value)[:12])
def test_an_event_that_names_no_usable_customer_is_skipped(app_user_id: object) -> None:
    decided = skipped("RENEWAL", app_user_id=app_user_id)
    assert decided.reason is SkipReason.NO_CUSTOMER
    assert decided.event_type is EventType.RENEWAL


def test_the_customers_id_is_used_exactly_as_it_was_sent() -> None:
    assert sent("RENEWAL", app_user_id=" Ünï/x ").external_id == " Ünï/x "
    assert sent("RENEWAL", app_user_id="x" * 255).external_id == "x" * 255


@pytest.mark.parametrize("reason", list(SkipReason))
def test_every_reason_to_skip_is_a_sentence_for_an_operator(reason: SkipReason) -> None:
    if reason is SkipReason.SANDBOX_LOGGED:
        # The drain says so, after it has logged what would be sent: tests/drain/test_sandbox_logged.py.
        assert SKIP_SENTENCES[reason].endswith(".")
        return
    from_reason = {
        SkipReason.TEST_EVENT: skipped("TEST"),
        SkipReason.NOT_AN_EVENT_TYPE: skipped("SUBSCRIBER_ALIAS"),
        SkipReason.EVENT_TYPE_OFF: skipped("TRANSFER"),
        SkipReason.SANDBOX: skipped("RENEWAL", environment="SANDBOX"),
        SkipReason.NO_CUSTOMER: skipped("RENEWAL", app_user_id=None),
        SkipReason.ANONYMOUS: skipped(
            "RENEWAL", ProjectPolicy(anonymous=AnonymousRule.SKIP), app_user_id="$RCAnonymousID:1"
        ),
    }
    sentence = from_reason[reason].sentence
    assert sentence.endswith(".")
    assert len(sentence.split()) >= 5


# --- Parsing ------------------------------------------------------------------------------------------


def test_virtual_currency_names_its_environment_differently() -> None:
    assert parse({"purchase_environment": "SANDBOX"}, received_at_ms=0).is_sandbox


def test_the_reserved_attribute_email_is_read() -> None:
    attribute = {"$email": {"value": "ada@example.com", "updated_at_ms": 1}}
    assert event("RENEWAL", subscriber_attributes=attribute).email == "ada@example.com"


def test_aliases_that_are_no_texts_are_left_out() -> None:
    assert event("RENEWAL", aliases=["a", None, 3, "", "b"]).aliases == ("a", "b")
