"""
Asking RevenueCat's API over real HTTP: what is read, page by page, and what each refusal says to the operator.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from integration.revenuecat.api import RevenueCatApi
from integration.revenuecat.errors import (
    OperatorError,
    RateLimitedError,
    RefusedError,
    RevenueCatError,
    UnavailableError,
    UnusableError,
)
from integration.revenuecat.subscriptions import ActiveEntitlement, Named
from integration.transport import new_session
from tests.fake_revenuecat import KEY, FakeRevenueCat, subscription
from tests.fake_revenuecat.objects import DAY_MS, NEW_YEAR_MS, error

Ask = Callable[..., RevenueCatApi]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A session as the app makes it."""
    with new_session(1) as made:
        yield made


@pytest.fixture
def ask(session: requests.Session, revenuecat: FakeRevenueCat) -> Ask:
    """Makes a client for the stand-in."""

    def made(**options: Any) -> RevenueCatApi:
        defaults: dict[str, Any] = {"key": KEY, "project_id": "1ab2c3d4", "base_url": revenuecat.url, "seconds": 5.0}
        return RevenueCatApi(session, **(defaults | options))

    return made


# --- What is read ---------------------------------------------------------------------------------------------


def test_products_and_entitlements_are_named_by_what_webhooks_carry(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    revenuecat.add_product("premium:monthly", "Premium  Monthly\n")
    revenuecat.add_product("nameless", None)
    revenuecat.add_entitlement("premium", "Premium")
    api = ask()
    assert api.products() == [Named("premium:monthly", "Premium Monthly")]
    assert api.entitlements() == [Named("premium", "Premium")]
    assert revenuecat.paths() == ["/v2/projects/proj1ab2c3d4/products", "/v2/projects/proj1ab2c3d4/entitlements"]
    assert revenuecat.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_list_of_several_pages_is_read_to_its_end(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    revenuecat.page_size = 2
    for number in range(5):
        revenuecat.add_product(f"product_{number}", f"Product {number}")
    assert [one.key for one in ask().products()] == [f"product_{number}" for number in range(5)]
    assert len(revenuecat.asked) == 3


def test_the_next_page_is_asked_of_the_same_host_whatever_the_answer_names(
    ask: Ask, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.fail(200, {"items": [], "next_page": "https://elsewhere.invalid/v2/x?starting_after=prod7"})
    assert ask().products() == []
    assert [one.path for one in revenuecat.asked] == ["/v2/projects/proj1ab2c3d4/products"] * 2
    assert revenuecat.asked[1].query == {"starting_after": "prod7"}


@pytest.mark.parametrize("next_page", [None, 7, "", "https://[", "/v2/x?starting_after="])
def test_a_next_page_that_names_nothing_is_the_end(ask: Ask, revenuecat: FakeRevenueCat, next_page: object) -> None:
    revenuecat.fail(200, {"items": [], "next_page": next_page})
    assert ask().products() == [] and len(revenuecat.asked) == 1


def test_pages_that_do_not_end_are_given_up(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    for number in range(201):
        revenuecat.fail(200, {"items": [], "next_page": f"/x?starting_after=a{number}"})
    with pytest.raises(UnusableError, match="more than 200 pages"):
        ask(seconds=600.0, sleep=lambda _seconds: None).products()


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["\ud800"], ["x" * 501], ["a b"], ["a%0d%0aX: y"]])
def test_pages_that_go_round_in_a_circle_or_nowhere_are_given_up_at_once(
    ask: Ask, revenuecat: FakeRevenueCat, cursors: list[str]
) -> None:
    for cursor in cursors:
        revenuecat.fail(200, {"items": [], "next_page": f"/x?starting_after={cursor}"})
    with pytest.raises(UnusableError, match="does not go on where it says"):
        ask().products()
    assert len(revenuecat.asked) == len(cursors)


def test_a_rate_limit_without_a_header_is_waited_for_as_its_body_says(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    for said, seconds in ((4000, 4.0), (10**12, 60.0), ("soon", 15.0), (True, 15.0), (-5, 1.0)):
        revenuecat.fail(429, error("rate_limit_error", "Rate limit exceeded", backoff_ms=said))
        with pytest.raises(RateLimitedError) as limited:
            ask().subscriptions("user-1")
        assert limited.value.seconds == seconds
    revenuecat.fail(429, "<html>Slow down</html>")
    with pytest.raises(RateLimitedError) as limited:
        ask().subscriptions("user-1")
    assert limited.value.seconds == 15.0


def test_the_subscriptions_of_a_customer_are_read(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    sandbox = subscription(environment="sandbox")
    revenuecat.add_customer("$RCAnonymousID:a/b?c", subscription(status="trialing", store="PLAY_STORE"), sandbox)
    api = ask()
    found = api.subscriptions("$RCAnonymousID:a/b?c", environment="production")
    assert found is not None and len(found) == 1
    assert (found[0].status, found[0].store, found[0].gives_access) == ("trialing", "play_store", True)
    assert (found[0].ends_at, found[0].auto_renewal_status) == (NEW_YEAR_MS + 30 * DAY_MS, "will_renew")
    both = api.subscriptions("$RCAnonymousID:a/b?c")
    assert both is not None and len(both) == 2
    assert revenuecat.paths()[0].endswith("/customers/%24RCAnonymousID%3Aa%2Fb%3Fc/subscriptions")


def test_what_a_subscription_does_not_say_usably_is_not_said(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    odd = subscription(ends_at=None, gives_access="yes", auto_renewal_status=None, store=7)
    revenuecat.add_customer("user-1", odd, subscription(status=None), subscription(status="new_word"))
    found = ask().subscriptions("user-1")
    assert found is not None and [one.status for one in found] == ["active", "new_word"]
    assert (found[0].ends_at, found[0].gives_access, found[0].store) == (None, False, None)


def test_active_entitlements_are_read(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    revenuecat.add_customer("user-1", subscription(), subscription(status="expired"))
    assert ask().active_entitlements("user-1") == [ActiveEntitlement("entl0", NEW_YEAR_MS + 30 * DAY_MS)]


@pytest.mark.parametrize("customer", ["nobody", ".", ".."])
def test_a_customer_whom_revenuecat_does_not_know_is_none_and_not_an_error(ask: Ask, customer: str) -> None:
    assert ask().subscriptions(customer) is None
    assert ask().active_entitlements(customer) is None


# --- What goes wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, None, OperatorError, "does not know the API key. Make a secret key of version V2"),
        (403, None, OperatorError, "needs the permission project_configuration:products:read"),
        (404, error("resource_missing", "x"), OperatorError, "knows no project with this id"),
        (400, error("parameter_error", "id is too long"), RefusedError, r"answered 400 \(parameter_error\)\."),
        (302, None, OperatorError, "Redirects are never followed"),
        (408, None, UnavailableError, "answered 408"),
        (423, error("resource_locked_error", "x"), UnavailableError, "answered 423"),
        (500, None, UnavailableError, "https://status.revenuecat.com"),
        (503, "<html>Away</html>", UnavailableError, "answered 503"),
        (403, "<html>Not you</html>", UnavailableError, "answered 403"),
        (404, "<html>Nothing</html>", UnavailableError, "answered 404"),
        (200, "<html>Welcome</html>", UnavailableError, "something that is no list"),
        (200, {"items": 7}, UnavailableError, "something that is no list"),
    ],
)
def test_each_answer_says_who_must_act(
    ask: Ask, revenuecat: FakeRevenueCat, status: int, body: Any, kind: type[RevenueCatError], said: str
) -> None:
    revenuecat.fail(status, body)
    with pytest.raises(kind, match=said):
        ask().products()
    assert len(revenuecat.asked) == 1


def test_a_key_of_another_project_is_told_from_one_that_is_wrong(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    with pytest.raises(OperatorError, match="must belong to the project"):
        ask(project_id="proj99999999").products()
    with pytest.raises(OperatorError, match="does not know the API key"):
        ask(key="sk_wrong").products()
    revenuecat.permissions = {"project_configuration:products:read"}
    with pytest.raises(OperatorError, match="customer_information:subscriptions:read"):
        ask().subscriptions("user-1")


@pytest.mark.parametrize("key", ["", "sk_…4f2a", "sk_a\nb", "sk a"])
def test_a_key_that_no_header_could_carry_is_refused_before_anything_is_said(
    ask: Ask, revenuecat: FakeRevenueCat, key: str
) -> None:
    with pytest.raises(OperatorError, match="characters that no key has"):
        ask(key=key).products()
    assert revenuecat.asked == []


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 1.0), ("86400", 60.0), ("soon", 15.0), (None, 15.0), ("-1", 15.0)]
)
def test_a_rate_limit_says_how_long_to_wait(
    ask: Ask, revenuecat: FakeRevenueCat, header: str | None, seconds: float
) -> None:
    said: dict[str, Any] = {} if header is None else {"Retry_After": header}
    revenuecat.fail(429, error("rate_limit_error", "Rate limit exceeded"), **said)
    with pytest.raises(RateLimitedError, match="used up") as limited:
        ask().subscriptions("user-1")
    assert limited.value.seconds == seconds


def test_calls_become_slower_where_others_use_up_the_limit(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    revenuecat.limit, revenuecat.used = 480, 440
    slept: list[float] = []
    api = ask(sleep=slept.append)
    api.subscriptions("user-1")
    assert slept == []
    api.subscriptions("user-1")
    assert slept and slept[0] > 1


def test_calls_about_customers_stay_below_the_documented_limit(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    now, waits = [0.0], [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        waits.append(seconds)

    # The stand-in answers at once, and time passes only by waiting.
    api = ask(seconds=1e6, monotonic=lambda: now[0], sleep=sleep)
    for _ in range(200):
        api.subscriptions("user-1")
    assert 200 / (now[0] / 60) < 480


# --- Time, size and secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("slow", ["hang", "drip"])
def test_a_slow_answer_is_given_up_in_time(ask: Ask, revenuecat: FakeRevenueCat, slow: str) -> None:
    getattr(revenuecat, slow)(20)
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="took too long"):
        ask(seconds=0.5).products()
    assert time.monotonic() - started < 3


def test_an_answer_without_end_is_given_up(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    revenuecat.fail(200, {"items": ["x" * 3_000_000]})
    with pytest.raises(UnavailableError, match="could not be read"):
        ask().products()


def test_a_service_that_is_down_is_said(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    api = ask()
    revenuecat.refuse_connections()
    with pytest.raises(UnavailableError, match=r"^No answer from RevenueCat: the connection was refused"):
        api.products()


def test_time_that_is_up_before_the_next_call_is_said(ask: Ask, revenuecat: FakeRevenueCat) -> None:
    with pytest.raises(UnavailableError, match="not everything was read"):
        ask(seconds=0.0).products()
    assert revenuecat.asked == []


def test_the_key_and_revenuecats_words_are_in_no_error_and_no_line_of_the_log(
    ask: Ask, revenuecat: FakeRevenueCat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for status in (302, 400, 401, 403, 404, 429, 500):
        revenuecat.fail(status, error(f"type {KEY}", f"Bearer {KEY}"), Location=f"https://elsewhere.invalid/{KEY}")
        with pytest.raises(RevenueCatError) as raised:
            ask().products()
        said.append(f"{raised.value!r} {raised.value.message}")
    revenuecat.refuse_connections()
    with pytest.raises(RevenueCatError) as raised:
        ask().products()
    said.append(repr(raised.value) + repr(raised.value.__cause__))
    assert KEY not in "".join(said) and KEY not in caplog.text
