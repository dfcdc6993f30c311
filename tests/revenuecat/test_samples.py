"""
Samples that are sent as a test: about one customer, now, and recognisable.
"""

from __future__ import annotations

import pytest

from integration.envelopes import parse_envelope
from integration.revenuecat.samples import (
    UnknownSampleError,
    for_test,
    happened_ms,
    is_test_id,
    load_sample,
    sample_names,
)
from tests.factories import NEW_YEAR_MS, raw


@pytest.mark.parametrize("name", sample_names())
def test_every_sample_can_be_sent_as_a_test_to_one_customer(name: str) -> None:
    body = for_test(name, "me", now_ms=NEW_YEAR_MS, sandbox=False)
    assert is_test_id(body["event"]["id"]) and happened_ms(body) == NEW_YEAR_MS
    assert parse_envelope(raw(body)).people == ["me"]
    said = body["event"].get("subscriber_attributes") or {}
    assert not {"$email", "$displayName", "$phoneNumber"} & set(said)


def test_what_revenuecat_sends_is_no_test() -> None:
    assert not any(is_test_id(load_sample(name)["event"]["id"]) for name in sample_names())


def test_a_test_can_be_one_of_the_sandbox() -> None:
    assert for_test("renewal", "me", now_ms=0, sandbox=True)["event"]["environment"] == "SANDBOX"


def test_a_file_of_the_servers_is_no_sample() -> None:
    with pytest.raises(UnknownSampleError):
        for_test("no such sample", "me", now_ms=0, sandbox=False)
