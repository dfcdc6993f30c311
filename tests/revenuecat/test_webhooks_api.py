"""
The webhooks of a project over real HTTP: listing, making and changing them, and what each refusal says.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from integration.revenuecat.api import RevenueCatApi
from integration.revenuecat.errors import OperatorError, RateLimitedError, RevenueCatError, UnavailableError
from integration.revenuecat.webhooks import Webhook, WebhookWishes, webhook
from integration.transport import new_session
from tests.fake_revenuecat import KEY, FakeRevenueCat
from tests.fake_revenuecat.objects import error

URL = "https://hooks.example.com/webhooks/revenuecat/7d9c/"
VALUE = "Bearer a-value-of-the-tests-0123456789"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A session as the app makes it."""
    with new_session(1) as made:
        yield made


@pytest.fixture
def api(session: requests.Session, revenuecat: FakeRevenueCat) -> RevenueCatApi:
    """A client for the stand-in."""
    return RevenueCatApi(session, key=KEY, project_id="1ab2c3d4", base_url=revenuecat.url, seconds=5.0)


def everything() -> WebhookWishes:
    """A webhook as it is registered."""
    return WebhookWishes(
        name="Intercom: Larkfield", url=URL, authorization=VALUE, both_environments=True, all_event_types=True
    )


def test_a_webhook_is_made_listed_and_changed(api: RevenueCatApi, revenuecat: FakeRevenueCat) -> None:
    made = api.create_webhook(everything())
    assert made == Webhook(id=made.id, name="Intercom: Larkfield", url=URL)
    assert api.webhooks() == [made]
    assert revenuecat.webhooks.authorizations == {made.id: VALUE}
    changed = api.update_webhook(made.id, WebhookWishes(authorization="Bearer b"))
    assert changed == made and revenuecat.webhooks.authorizations == {made.id: "Bearer b"}
    asked = revenuecat.asked
    assert [(one.method, one.path.removeprefix("/v2/projects/proj1ab2c3d4")) for one in asked] == [
        ("POST", "/integrations/webhooks"),
        ("GET", "/integrations/webhooks"),
        ("POST", f"/integrations/webhooks/{made.id}"),
    ]
    assert json.loads(asked[2].body) == {"authorization_header": "Bearer b"}
    assert asked[0].headers["content-type"] == "application/json"


def test_filters_and_what_is_not_documented_are_read_where_they_are_said() -> None:
    item = {"id": "wh_1", "url": URL, "name": " A ", "environment": "SANDBOX", "event_types": ["Renewal", 7, "renewal"]}
    read = webhook({**item, "app_id": "app1", "enabled": False, "signing_secret": "whsec_1"})
    assert read is not None and read.is_off and read.signing_secret == "whsec_1" and "whsec_1" not in repr(read)
    assert (read.name, read.environment, read.event_types, read.app_id) == ("A", "sandbox", ("renewal",), "app1")
    plain = webhook({"id": "wh_1", "url": URL, "event_types": [], "environment": None})
    assert plain == Webhook(id="wh_1", name="", url=URL)


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"id": "wh_1"},
        {"url": URL},
        {"id": 7, "url": URL},
        {"id": "../../customers", "url": URL},
        {"id": "a b", "url": URL},
        {"id": "wh_1", "url": ["x"]},
        {"id": "\ud800", "url": URL},
    ],
)
def test_what_cannot_be_told_from_others_or_has_no_address_is_passed_over(item: dict[str, Any]) -> None:
    assert webhook(item) is None


def test_texts_that_no_page_could_show_are_made_showable() -> None:
    read = webhook({"id": "wh_1", "url": f"{URL}\x00", "name": "\ud800" + "x" * 9000})
    assert read is not None and len(read.name) == 2000
    (read.name + read.url).encode()
    assert "\x00" not in read.url


@pytest.mark.parametrize(
    ("param", "said"),
    [
        ("url", "Set PUBLIC_URL on this server"),
        ("authorization_header", "Rotate authorization"),
        ("app_id", "knows no app with this id"),
        ("name", "Set it up by hand in RevenueCat"),
        (["x"], "Set it up by hand in RevenueCat"),
    ],
)
@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_webhook_that_is_not_taken_says_why(
    api: RevenueCatApi, revenuecat: FakeRevenueCat, status: int, param: Any, said: str
) -> None:
    revenuecat.fail(status, error("parameter_error", f"{VALUE} is not valid", param=param))
    with pytest.raises(OperatorError, match=said) as refused:
        api.create_webhook(everything())
    assert VALUE not in refused.value.message and f"answered {status} (parameter_error)" in refused.value.message


def test_an_address_that_revenuecat_cannot_reach_is_refused(api: RevenueCatApi) -> None:
    with pytest.raises(OperatorError, match="PUBLIC_URL"):
        api.create_webhook(WebhookWishes(name="x", url="http://localhost:8000/", authorization=VALUE))


def test_one_that_is_gone_is_said(api: RevenueCatApi) -> None:
    with pytest.raises(OperatorError, match="knows no such webhook"):
        api.update_webhook("wh_gone", WebhookWishes(authorization=VALUE))


def test_missing_permissions_are_named(api: RevenueCatApi, revenuecat: FakeRevenueCat) -> None:
    revenuecat.permissions -= {"project_configuration:integrations:read_write"}
    assert api.webhooks() == []
    with pytest.raises(OperatorError, match="the permission project_configuration:integrations:read_write"):
        api.create_webhook(everything())
    revenuecat.permissions.clear()
    with pytest.raises(OperatorError, match="the permission project_configuration:integrations:read,"):
        api.webhooks()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, None, OperatorError),
        (302, None, OperatorError),
        (404, "<html>Nothing</html>", UnavailableError),
        (429, None, RateLimitedError),
        (500, None, UnavailableError),
        (422, "<html>No</html>", UnavailableError),
        (201, "<html>Welcome</html>", UnavailableError),
        (200, {"object": "something"}, UnavailableError),
    ],
)
def test_other_answers_to_writing_say_who_must_act(
    api: RevenueCatApi, revenuecat: FakeRevenueCat, status: int, body: Any, kind: type[RevenueCatError]
) -> None:
    revenuecat.fail(status, body)
    with pytest.raises(kind):
        api.create_webhook(everything())
    # Nobody knows whether it was made, so it is not said twice.
    assert len(revenuecat.asked) == 1


def test_a_webhook_is_never_written_twice_where_the_answer_does_not_come(
    session: requests.Session, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.hang(20)
    api = RevenueCatApi(session, key=KEY, project_id="1ab2c3d4", base_url=revenuecat.url, seconds=0.5)
    with pytest.raises(UnavailableError, match="took too long"):
        api.create_webhook(everything())
    assert len(revenuecat.asked) == 1


def test_neither_the_key_nor_the_value_is_in_an_error_or_a_line_of_the_log(
    api: RevenueCatApi, revenuecat: FakeRevenueCat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = [repr(everything())]
    for status in (302, 400, 401, 403, 404, 422, 429, 500):
        revenuecat.fail(status, error(f"type {VALUE}", f"Bearer {KEY} {VALUE}", param=VALUE))
        with pytest.raises(RevenueCatError) as raised:
            api.create_webhook(everything())
        said.append(f"{raised.value!r} {raised.value.message}")
    assert KEY not in "".join(said) + caplog.text and VALUE not in "".join(said) + caplog.text
