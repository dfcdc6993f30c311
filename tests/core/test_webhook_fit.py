"""
Whether RevenueCat's webhook fits a project: what is found, and what would be written to mend it.
"""

from __future__ import annotations

from typing import Any

import pytest

from integration.event_types import CATALOGUE, EventType
from integration.mapping import ProjectPolicy
from integration.mapping.planning import ALWAYS_UPDATE_CONTACT
from integration.revenuecat.webhooks import FILTERABLE, Webhook
from integration.webhook_fit import (
    Expected,
    Misfit,
    changes,
    findings,
    missing_types,
    ours,
    paywall_types,
    wanted_types,
    wishes_for,
)
from tests.factories import webhook as webhook_body

URL = "https://hooks.example.com/webhooks/revenuecat/7d9c/"


def hook(**fields: Any) -> Webhook:
    """A webhook that fits."""
    return Webhook(**({"id": "whintgr1", "name": "Ours", "url": URL} | fields))


def expected(**fields: Any) -> Expected:
    """What a project wants that says nothing of its own."""
    return Expected(**({"url": URL, "mark": "/7d9c/", "event_types": wanted_types((), names_matter=False)} | fields))


def kinds(*hooks: Webhook, **fields: Any) -> list[Misfit]:
    """What does not fit."""
    return [one.kind for one in findings(hooks, expected(**fields))]


def test_a_webhook_that_sends_everything_here_fits() -> None:
    assert kinds(hook()) == [] == kinds(hook(environment="production"))
    assert kinds(hook(event_types=tuple(FILTERABLE)), wants_sandbox=True) == []


@pytest.mark.parametrize(
    ("fields", "wants", "kind"),
    [
        ({"url": "https://old.example.com/webhooks/revenuecat/7d9c/"}, {}, Misfit.WEBHOOK_URL),
        ({"environment": "sandbox"}, {}, Misfit.WEBHOOK_ENVIRONMENT),
        ({"environment": "production"}, {"wants_sandbox": True}, Misfit.WEBHOOK_ENVIRONMENT),
        ({"event_types": ("renewal", "expiration")}, {}, Misfit.WEBHOOK_EVENTS),
        ({"is_off": True}, {}, Misfit.WEBHOOK_OFF),
    ],
)
def test_each_thing_that_does_not_fit_is_said(fields: dict[str, Any], wants: dict[str, Any], kind: Misfit) -> None:
    (found,) = findings([hook(**fields)], expected(**wants))
    assert found.kind is kind and "Ours" in found.sentence


def test_others_are_not_taken_for_ours_and_two_of_ours_are_said() -> None:
    other = hook(id="other", url="https://elsewhere.example.com/")
    assert kinds() == kinds(other) == [Misfit.WEBHOOK_MISSING]
    assert kinds(hook(), hook(id="whintgr2"), other) == [Misfit.WEBHOOK_TWICE]


def test_the_one_with_the_url_goes_before_one_that_was_made_here_and_points_elsewhere_now() -> None:
    moved = hook(id="known", url="https://elsewhere.example.com/")
    assert [one.id for one in ours([moved, hook()], expected(known_id="known"))] == ["whintgr1", "known"]
    assert kinds(moved, known_id="known") == [Misfit.WEBHOOK_URL]


def test_a_webhook_that_is_made_wants_everything_and_one_that_is_there_only_what_does_not_fit() -> None:
    new = wishes_for(None, expected(), name="Intercom: Larkfield", authorization="Bearer x")
    assert new.body() == {
        "name": "Intercom: Larkfield",
        "url": URL,
        "authorization_header": "Bearer x",
        "environment": None,
        "event_types": None,
    }
    fitting = wishes_for(hook(app_id="app1"), expected(), name="Intercom: Larkfield", authorization="Bearer x")
    assert fitting.body() == {"authorization_header": "Bearer x"}
    odd = hook(url="https://old.example.com/7d9c/", environment="sandbox", event_types=("renewal",))
    mended = wishes_for(odd, expected(), name="Intercom: Larkfield", authorization="Bearer x").body()
    assert set(mended) == {"url", "authorization_header", "environment", "event_types"}


def test_what_would_be_written_is_said_without_the_value() -> None:
    wishes = wishes_for(hook(environment="sandbox"), expected(), name="x", authorization="Bearer secret")
    said = changes(hook(environment="sandbox"), wishes, authorization_hint="…4f2a")
    assert [(one.what, one.before, one.after) for one in said] == [
        ("Authorization header", "RevenueCat does not say", "…4f2a"),
        ("Environment", "sandbox", "production and sandbox"),
    ]
    assert "secret" not in repr(said) + repr(wishes)


def test_a_filter_must_leave_what_the_project_sends_and_what_its_contacts_follow() -> None:
    always = wanted_types((), names_matter=False)
    assert {"initial_purchase", "expiration", "uncancellation"} <= always and "transfer" not in always
    assert "transfer" in wanted_types((), names_matter=True)
    sent = {EventType.REFUND, EventType.TRIAL_STARTED, EventType.TRANSFER, EventType.PAYWALL_CLOSE}
    assert wanted_types(sent, names_matter=False) == always | {"transfer"}
    wide = hook(event_types=tuple(always))
    assert missing_types(wide, expected()) == []
    assert missing_types(wide, expected(event_types=wanted_types(sent, names_matter=False))) == ["transfer"]
    assert paywall_types(sent) == ["Paywall Close"]


def test_every_type_that_revenuecat_can_filter_by_is_wanted_exactly_where_it_is_sent() -> None:
    """So that an event type that is added to the catalogue is thought of here."""
    policy = ProjectPolicy()
    follow = {row.event_type for row in CATALOGUE if policy.sends(row) or row.event_type in ALWAYS_UPDATE_CONTACT}
    assert wanted_types(follow, names_matter=False) == wanted_types((), names_matter=False)
    everything = wanted_types({row.event_type for row in CATALOGUE}, names_matter=False)
    assert everything == FILTERABLE
    assert webhook_body()["event"]["type"].lower() in everything
