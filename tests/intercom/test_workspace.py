"""
Looking whose token it is and what it may do: each permission by its name, and nothing changed in the workspace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integration.intercom.client import IntercomClient
from integration.intercom.rate_limit import RateBudget
from integration.intercom.workspace import PROBES, READ_ADMIN, Found, Verdict, look
from integration.transport import new_session
from tests.fake_intercom import FakeIntercom, faults

TOKEN = "dG9rOnRlc3QtdG9rZW4tMTIzNDU2Nzg5MA=="


def looked(intercom: FakeIntercom, region: str = "us", *, token: str = TOKEN, seconds: float = 5) -> Found:
    """What a look at the stand-in finds."""
    with new_session(1) as session:
        client = IntercomClient(session, base_url=intercom.url, token=token, budget=RateBudget(), seconds=seconds)
        return look(client, region)


def forbid(intercom: FakeIntercom, path: str, method: str | None = None) -> None:
    """Have the token lack the permission for these calls."""
    intercom.inject(faults.error(403, "forbidden"), times=None, path=path, method=method)


def test_a_token_that_fits_is_said_to_with_its_workspace(intercom: FakeIntercom) -> None:
    found = looked(intercom)
    assert found == Found(Verdict.FITS, intercom.name, intercom.id_code, "US")


def test_looking_makes_and_changes_nothing(intercom: FakeIntercom) -> None:
    looked(intercom)
    assert not intercom.contacts and not intercom.events and not intercom.attributes and not intercom.event_names
    assert intercom.violations == []
    assert [call.line for call in intercom.ledger] == [
        "GET /me",
        *(f"{probe.method} {probe.path.partition('?')[0]}" for probe in PROBES),
    ]


@pytest.mark.parametrize(
    ("path", "method", "permission"),
    [
        ("/me", None, READ_ADMIN),
        ("/contacts/search", None, "Read and list users and companies"),
        ("/contacts/find_by_external_id/*", None, "Read one user and one company"),
        ("/contacts/*", "PUT", "Write users and companies"),
        ("/events", None, "Write events"),
        ("/data_attributes", None, "Write data attributes"),
        ("/data_attributes/*", "PUT", "Write data attributes"),
    ],
)
def test_each_permission_that_is_missing_is_named(
    intercom: FakeIntercom, path: str, method: str | None, permission: str
) -> None:
    forbid(intercom, path, method)
    found = looked(intercom)
    assert (found.verdict, found.missing) == (Verdict.LACKS_PERMISSIONS, (permission,))


def test_all_permissions_that_are_missing_are_found_at_once(intercom: FakeIntercom) -> None:
    forbid(intercom, "/events")
    forbid(intercom, "/data_attributes*")
    assert looked(intercom).missing == ("Write events", "Write data attributes")


def test_a_wrong_region_comes_before_missing_permissions_and_both_are_kept(intercom: FakeIntercom) -> None:
    intercom.region = "Europe"
    forbid(intercom, "/events")
    found = looked(intercom)
    assert (found.verdict, found.region, found.missing) == (Verdict.OTHER_REGION, "Europe", ("Write events",))


def _refuses(intercom: FakeIntercom) -> None:
    intercom.accepted_tokens = ["another"]


@pytest.mark.parametrize(
    ("arrange", "verdict"),
    [
        (_refuses, Verdict.REFUSED),
        (lambda it: it.inject(faults.error(403, "token_suspended")), Verdict.REFUSED),
        # The plan is not the token's fault.
        (lambda it: it.inject(faults.error(403, "api_plan_restricted")), Verdict.PLAN),
        (lambda it: it.inject(faults.error(403, "api_plan_restricted"), path="/events"), Verdict.PLAN),
        (lambda it: it.inject(faults.error(402)), Verdict.PLAN),
        (lambda it: it.inject(faults.error(429)), Verdict.BUSY),
        (lambda it: it.inject(faults.error(429), path="/events"), Verdict.BUSY),
        (lambda it: it.inject(faults.error(503)), Verdict.UNREACHABLE),
        (lambda it: it.inject(faults.html(403)), Verdict.UNREACHABLE),
        (lambda it: it.inject(faults.close_unanswered(), times=None), Verdict.UNREACHABLE),
        (lambda it: it.inject(faults.error(404, "not_found")), Verdict.NOT_INTERCOM),
        (lambda it: it.inject(faults.redirect("https://elsewhere.invalid/")), Verdict.NOT_INTERCOM),
    ],
)
def test_what_else_may_happen_is_told_apart(
    intercom: FakeIntercom, arrange: Callable[[FakeIntercom], Any], verdict: Verdict
) -> None:
    arrange(intercom)
    found = looked(intercom)
    assert found.verdict is verdict
    assert TOKEN not in str(found.to_json())


def test_a_token_that_no_header_could_carry_is_refused_without_a_call(intercom: FakeIntercom) -> None:
    assert looked(intercom, token="…4f2a").verdict is Verdict.REFUSED
    assert not intercom.ledger


def test_what_was_found_can_be_kept_and_read_again(intercom: FakeIntercom) -> None:
    forbid(intercom, "/events")
    found = looked(intercom, "eu")
    assert Found.from_json(found.to_json()) == found
    assert Found.from_json(None) is None and Found.from_json({"verdict": "from the future"}) is None
