"""
Our HTTP client against the stand-in: what it sends, how each answer is judged, when it gives up, what the log keeps.

Clocks are told where a test is about waiting; where a real wait is what is tested, it is a fraction of a second.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator

import pytest

from integration.intercom.client import LARGEST_ANSWER, REGION_URLS, IntercomClient
from integration.intercom.errors import (
    ConflictError,
    CredentialsError,
    IntercomError,
    MergedError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnknownAttributeError,
)
from integration.intercom.exchanges import LONGEST_LOGGED_BODY
from integration.intercom.messages import DataEvent
from integration.intercom.rate_limit import RateBudget
from integration.intercom.request import API_VERSION
from tests.fake_intercom import FakeIntercom, faults
from tests.fake_intercom.faults import Fault
from tests.fake_intercom.messages import Answer
from tests.intercom.conftest import TOKEN, MakeClient

EVENT = DataEvent("rc_renewal_event", "user-1", 1_662_993_211, {"store": "APP_STORE"})


@pytest.fixture
def elsewhere() -> Iterator[FakeIntercom]:
    """Another host that would gladly take our token."""
    with FakeIntercom() as running:
        yield running


def answering(status: int, body: bytes, **headers: str) -> Fault:
    """An answer of exactly these bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(f"raw {status}", answer=Answer(status, body, headers=named))


def log_of(client: IntercomClient) -> str:
    """Everything that the attempt's row would keep, as text; what no database can hold fails here."""
    text = json.dumps([exchange.to_json() for exchange in client.exchanges], ensure_ascii=False, allow_nan=False)
    text.encode()
    assert "\\u0000" not in text
    return text


# --- What is sent -------------------------------------------------------------------------------------


def test_every_call_says_who_asks_in_which_version_and_what_it_takes(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    client.me()
    (call,) = intercom.ledger
    assert call.token == TOKEN
    assert call.headers["intercom-version"] == API_VERSION == "2.16"
    assert call.headers["accept"] == "application/json"
    assert call.headers["user-agent"] == "rcintercom"
    assert "content-type" not in call.headers
    assert call.body == b""


def test_me_answers_with_the_workspace(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.name, intercom.region = "Acme", "Europe"
    app = client.me()["app"]
    assert (app["name"], app["region"]) == ("Acme", "Europe")


def test_each_region_has_its_host() -> None:
    assert REGION_URLS == {
        "us": "https://api.intercom.io",
        "eu": "https://api.eu.intercom.io",
        "au": "https://api.au.intercom.io",
    }


def test_an_event_is_sent_as_utf_8_json_in_the_order_of_its_keys(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    intercom.add_contact("käufer")
    client.send_event(DataEvent("rc_renewal_event", "käufer", 5, {"z": "ü", "a": 1}))
    (call,) = intercom.ledger
    assert call.headers["content-type"] == "application/json"
    assert call.body.decode() == (
        '{"event_name": "rc_renewal_event", "user_id": "käufer", "created_at": 5, "metadata": {"z": "ü", "a": 1}}'
    )
    assert call.status == 202
    assert intercom.violations == []


def test_an_event_can_name_the_contact_by_intercoms_own_id(intercom: FakeIntercom, client: IntercomClient) -> None:
    contact = intercom.add_contact(None, role="lead")
    client.send_event(EVENT, contact_id=contact.id)
    assert intercom.ledger[0].data["id"] == contact.id
    assert "user_id" not in intercom.ledger[0].data


def test_a_contact_is_created_with_what_is_known_and_without_nulls(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    intercom.add_attribute("latest_store")
    client.create_contact("user-1", {"latest_store": "STRIPE", "expires_at": None})
    assert intercom.ledger[0].data == {
        "role": "user",
        "external_id": "user-1",
        "custom_attributes": {"latest_store": "STRIPE"},
    }


def test_a_null_in_an_update_clears_the_attribute(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.add_attribute("expires_at", "date")
    contact = intercom.add_contact("user-1", custom_attributes={"expires_at": 5})
    client.update_contact(contact.id, {"expires_at": None})
    assert intercom.ledger[0].body == b'{"custom_attributes": {"expires_at": null}}'
    assert contact.custom_attributes == {"expires_at": None}


AWKWARD_IDS = [
    "$RCAnonymousID:6b1f0d8e4c2a47d39a5e7f10c3b28d64",
    "a/b",
    "../events",
    "../../me",
    "a?b=c#d",
    "100%25 %2F",
    "käufer 東京 🎈",
    "a b+c&d=e;f",
    "user@example.com",
    "back\\slash",
    "...",
]


@pytest.mark.parametrize("external_id", AWKWARD_IDS)
def test_an_id_of_any_shape_finds_its_own_contact(
    intercom: FakeIntercom, client: IntercomClient, external_id: str
) -> None:
    contact = intercom.add_contact(external_id)
    assert client.find_contact(external_id)["id"] == contact.id
    (call,) = intercom.ledger
    assert (call.route, call.argument) == ("GET /contacts/find_by_external_id/{external_id}", external_id)


@pytest.mark.parametrize("external_id", [".", ".."])
def test_an_id_that_cannot_stand_in_a_path_asks_for_nothing_else(
    intercom: FakeIntercom, client: IntercomClient, external_id: str
) -> None:
    """HTTP libraries resolve such a path, so that it would ask for another page; creating it tells who has it."""
    intercom.add_contact(external_id)
    with pytest.raises(NotFoundError):
        client.find_contact(external_id)
    assert intercom.ledger == []


def test_names_of_attributes_are_those_that_can_be_written(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.add_attribute("plan")
    intercom.add_attribute("gone", archived=True)
    intercom.add_attribute("seats", model="company")
    assert client.contact_attribute_names() == {"plan"}


# --- How each answer is judged ------------------------------------------------------------------------

FAULTS: list[tuple[Fault, type[IntercomError]]] = [
    *((faults.error(status), TransientError) for status in (408, 500, 502, 503, 504)),
    (faults.error(408, "Request Timeout"), TransientError),
    *(
        (faults.error(400, code), TransientError)
        for code in ("server_error", "service_unavailable", "server_timeout", "too_many_requests", "retry_after")
    ),
    (faults.html(502), TransientError),
    (faults.html(503), TransientError),
    (faults.html(403), TransientError),
    (faults.empty(403), TransientError),
    (faults.html(200), TransientError),
    (faults.close_unanswered(), TransientError),
    (faults.close_unanswered(reset=True), TransientError),
    (faults.lose_answer(), TransientError),
    (faults.lose_answer(reset=True), TransientError),
    (answering(200, b"[1, 2"), TransientError),
    (answering(202, b'"ok"'), TransientError),
    (answering(200, b"\xff\xfe", Content_Encoding="gzip"), TransientError),
    (faults.error(429), RateLimitedError),
    *((faults.error(status), CredentialsError) for status in (401, 402, 403)),
    (faults.error(400, "intercom_version_invalid"), CredentialsError),
    (faults.error(400, "token_revoked"), CredentialsError),
    (faults.error(404), NotFoundError),
    (faults.error(409, "conflict", "Multiple existing users match this email address"), ConflictError),
    (faults.error(410, "contact_merged"), MergedError),
    (faults.error(400, "parameter_invalid", "Custom attribute 'x' does not exist"), UnknownAttributeError),
    *((faults.error(status, "parameter_invalid"), RejectedError) for status in (400, 406, 415, 422)),
    (faults.error(400, "not_restorable", "This user was blocked and cannot be recreated"), RejectedError),
    (faults.html(400), RejectedError),
    *((faults.redirect("http://127.0.0.1:9/", status), CredentialsError) for status in (301, 302, 303, 307, 308)),
]


@pytest.mark.parametrize(
    ("fault", "kind"),
    FAULTS,
    ids=[f"{number} {fault.name} is {kind.__name__}" for number, (fault, kind) in enumerate(FAULTS)],
)
def test_an_event_that_goes_wrong_says_who_must_act(
    intercom: FakeIntercom, client: IntercomClient, fault: Fault, kind: type[IntercomError]
) -> None:
    intercom.add_contact("user-1")
    intercom.inject(fault)
    with pytest.raises(IntercomError) as caught:
        client.send_event(EVENT)
    assert type(caught.value) is kind
    assert caught.value.message.endswith(".")
    assert len(intercom.ledger) == 1, "the schedule tries again, never the client"


@pytest.mark.parametrize("fault", [faults.html(200), faults.empty(200), answering(200, b"[]")], ids=lambda f: f.name)
def test_an_answer_without_the_json_that_was_asked_for_is_broken(
    intercom: FakeIntercom, client: IntercomClient, fault: Fault
) -> None:
    intercom.inject(fault)
    with pytest.raises(TransientError, match="not JSON"):
        client.me()


def test_the_120_event_names_are_explained(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.add_contact("user-1")
    intercom.add_event_names(120)
    with pytest.raises(RejectedError, match=r"120 active event names\. Archive event names in Intercom"):
        client.send_event(EVENT)


def test_a_redirect_is_never_followed_and_the_token_stays(
    intercom: FakeIntercom, client: IntercomClient, elsewhere: FakeIntercom
) -> None:
    for status in (301, 302, 303, 307, 308):
        intercom.inject(faults.redirect(f"{elsewhere.url}/events", status))
        with pytest.raises(CredentialsError, match="Redirects are never followed"):
            client.send_event(EVENT)
    assert elsewhere.ledger == []
    assert len(intercom.ledger) == 5


@pytest.mark.parametrize(
    "token", ["…4f2a", "abc\ndef", "abc\r\nX-Other: 1", "tok en", "ключ", "a\x00b", "a\tb", ""], ids=repr
)
def test_a_token_that_cannot_be_one_is_the_operators_to_mend(
    intercom: FakeIntercom, make_client: MakeClient, token: str
) -> None:
    client = make_client(token=token)
    with pytest.raises(CredentialsError) as caught:
        client.me()
    assert not token or token not in caught.value.message
    assert "access token" in caught.value.message
    assert intercom.ledger == []
    assert client.exchanges == []


# --- When it gives up ---------------------------------------------------------------------------------


def test_an_answer_that_does_not_come_ends_by_the_deadline(intercom: FakeIntercom, make_client: MakeClient) -> None:
    gate = threading.Event()
    intercom.inject(faults.hold(gate))
    client = make_client(seconds=0.3)
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"No answer from Intercom: the answer took too long\."):
        client.me()
    assert time.monotonic() - started < 1.5
    gate.set()


@pytest.mark.parametrize("size", [0, 4000], ids=["while its head comes", "while its body comes"])
def test_an_answer_that_drips_ends_by_the_deadline(intercom: FakeIntercom, make_client: MakeClient, size: int) -> None:
    body = json.dumps({"name": "x" * size}).encode()
    intercom.inject(Fault("drip", answer=Answer(200, body), drip_seconds=20))
    client = make_client(seconds=0.7)
    started = time.monotonic()
    with pytest.raises(TransientError, match="the answer took too long"):
        client.me()
    assert time.monotonic() - started < 2


def test_an_answer_that_drips_but_ends_in_time_is_taken(intercom: FakeIntercom, make_client: MakeClient) -> None:
    intercom.inject(faults.drip(0.4))
    assert make_client(seconds=10).me()["type"] == "admin"


def test_after_a_dripping_answer_the_next_call_of_the_session_has_its_own_time(
    intercom: FakeIntercom, make_client: MakeClient
) -> None:
    intercom.inject(faults.drip(0.4))
    make_client(seconds=0.6).me()
    intercom.inject(faults.hang(0.4))
    assert make_client(seconds=10).me()["type"] == "admin"


def test_all_calls_of_an_attempt_share_one_deadline(intercom: FakeIntercom, make_client: MakeClient) -> None:
    clock = [100.0]
    client = make_client(seconds=30, monotonic=lambda: clock[0])
    client.me()
    clock[0] += 29.9
    client.me()
    clock[0] += 0.1
    with pytest.raises(TransientError, match="took too long"):
        client.me()
    assert len(intercom.ledger) == 2, "nothing is asked when there is no time for the answer"


def test_an_endless_answer_is_refused(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.inject(answering(200, b'{"a": "' + b"x" * (LARGEST_ANSWER + 1) + b'"}'))
    with pytest.raises(TransientError, match=f"larger than {LARGEST_ANSWER} bytes"):
        client.me()
    assert client.me()["type"] == "admin"


def test_a_small_answer_that_unpacks_into_an_endless_one_is_refused(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    intercom.inject(answering(200, gzip.compress(b" " * 20 * LARGEST_ANSWER), Content_Encoding="gzip"))
    with pytest.raises(TransientError, match=f"larger than {LARGEST_ANSWER} bytes"):
        client.me()


def test_a_packed_answer_is_read(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.inject(answering(200, gzip.compress(b'{"type": "admin"}'), Content_Encoding="gzip"))
    assert client.me() == {"type": "admin"}


def test_a_refused_connection_is_told_without_addresses(intercom: FakeIntercom, client: IntercomClient) -> None:
    with intercom.refusing_connections(), pytest.raises(TransientError) as caught:
        client.me()
    assert caught.value.message == "No answer from Intercom: the connection was refused or broke off."
    assert client.me()["type"] == "admin"


def test_an_answer_that_is_lost_may_have_been_acted_upon_and_a_repeat_is_dropped(
    intercom: FakeIntercom, client: IntercomClient
) -> None:
    intercom.add_contact("user-1")
    intercom.inject(faults.lose_answer())
    with pytest.raises(TransientError, match="broke off"):
        client.send_event(EVENT)
    client.send_event(EVENT)
    assert len(intercom.events) == 1
    assert len(intercom.repeats) == 1


# --- The rate limit -----------------------------------------------------------------------------------


def test_a_429_carries_the_reset_time_of_its_headers(intercom: FakeIntercom, make_client: MakeClient) -> None:
    intercom.rate_limit(1, window_seconds=60)
    make_client().me()
    with pytest.raises(RateLimitedError) as caught:
        make_client().me()
    assert caught.value.reset_at is not None
    assert 0 < caught.value.reset_at - time.time() <= 61
    assert "Exceeded rate limit of 1" in caught.value.message


def test_when_the_window_is_used_up_it_waits_for_the_reset_and_goes_on(
    intercom: FakeIntercom, make_client: MakeClient
) -> None:
    now, waits = [time.time()], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds
        intercom.next_window()

    intercom.rate_limit(2, window_seconds=10)
    client = make_client(now=lambda: now[0], sleep=sleep)
    for _ in range(3):
        client.me()
    assert [call.status for call in intercom.ledger] == [200, 200, 200]
    assert sum(waits) == pytest.approx(10, abs=1.5)


def test_a_reset_beyond_the_deadline_is_left_to_the_schedule(intercom: FakeIntercom, make_client: MakeClient) -> None:
    intercom.rate_limit(1, window_seconds=60)
    now = time.time()
    client = make_client(seconds=30, now=lambda: now)
    client.me()
    with pytest.raises(RateLimitedError) as caught:
        client.me()
    assert caught.value.reset_at == pytest.approx(now + 60, abs=1.5)
    assert len(intercom.ledger) == 1
    assert len(client.exchanges) == 1, "what was never sent is no exchange"


def test_clients_of_one_drain_share_what_is_left(intercom: FakeIntercom, make_client: MakeClient) -> None:
    intercom.rate_limit(3, window_seconds=60)
    budget = RateBudget()
    for _ in range(3):
        make_client(budget=budget).me()
    with pytest.raises(RateLimitedError, match="used up"):
        make_client(budget=budget).me()
    assert len(intercom.ledger) == 3


# --- What the log keeps -------------------------------------------------------------------------------


def test_an_exchange_is_kept_with_all_that_support_asks_for(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.rate_limit(100)
    contact = intercom.add_contact("user-1")
    client.send_event(EVENT)
    intercom.inject(faults.error(422, headers={"Intercom-Version": "2.14"}))
    with pytest.raises(RejectedError):
        client.update_contact(contact.id, {"latest_store": "STRIPE"})
    sent, updated = client.exchanges
    assert (sent.method, sent.path, sent.status, sent.response) == ("POST", "/events", 202, None)
    assert sent.request == EVENT.body()
    assert sent.request_id == intercom.ledger[0].request_id
    assert sent.headers["x-ratelimit-limit"] == "100"
    assert sent.error == ""
    assert (updated.method, updated.path, updated.status) == ("PUT", f"/contacts/{contact.id}", 422)
    assert updated.request == {"custom_attributes": {"latest_store": "STRIPE"}}
    assert updated.response["errors"][0]["code"] == "unprocessable_entity"
    assert updated.request_id == intercom.ledger[1].request_id
    assert updated.headers["intercom-version"] == "2.14"
    log_of(client)


def test_an_exchange_says_how_long_it_took(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.inject(faults.hang(0.1))
    client.me()
    assert 100 <= client.exchanges[0].milliseconds < 5_000


def test_an_exchange_without_an_answer_says_why(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.inject(faults.close_unanswered())
    with pytest.raises(TransientError):
        client.me()
    (exchange,) = client.exchanges
    assert (exchange.status, exchange.response, exchange.request_id) == (None, None, "")
    assert exchange.error == "the connection was refused or broke off."


def test_a_page_of_the_load_balancer_is_kept_as_text(intercom: FakeIntercom, client: IntercomClient) -> None:
    intercom.inject(faults.html(403))
    with pytest.raises(TransientError):
        client.me()
    assert client.exchanges[0].response.startswith("<html>")


@pytest.mark.parametrize("body", [b"x" * 100_000, b'{"a": "' + b"x" * 100_000 + b'"}'], ids=["text", "json"])
def test_a_long_answer_is_kept_in_part(intercom: FakeIntercom, client: IntercomClient, body: bytes) -> None:
    intercom.inject(answering(422, body))
    with pytest.raises(RejectedError):
        client.me()
    assert client.exchanges[0].response.endswith("… (cut)")
    assert len(log_of(client)) < LONGEST_LOGGED_BODY + 1000


ESCAPED = TOKEN.replace("=", "\\u003d").replace("_", "\\u005f")
ECHOES = {
    "in an error message": answering(400, f'{{"errors": [{{"code": "x", "message": "Bad {TOKEN}!"}}]}}'.encode()),
    "escaped in an error message": answering(
        400, f'{{"errors": [{{"code": "x", "message": "Bad {ESCAPED}!"}}]}}'.encode()
    ),
    "in an error code": answering(400, f'{{"errors": [{{"code": "{TOKEN}"}}]}}'.encode()),
    "in a key": answering(400, f'{{"{TOKEN}": 1}}'.encode()),
    "in the request id": answering(400, f'{{"request_id": "{ESCAPED}"}}'.encode()),
    "on a page": answering(400, f"<html>Bearer {TOKEN}</html>".encode()),
    "in a header": answering(400, b"{}", X_Request_Id=TOKEN, Intercom_Version=TOKEN),
    "where the log is cut": answering(400, b"x" * (LONGEST_LOGGED_BODY - 9) + TOKEN.encode()),
    "in an unknown attribute": answering(
        400, f'{{"errors": [{{"message": "Custom attribute \'{TOKEN}\' does not exist"}}]}}'.encode()
    ),
    "in a good answer": answering(200, f'{{"id": "{ESCAPED}", "token": "{TOKEN}"}}'.encode()),
}


@pytest.mark.parametrize("where", ECHOES)
def test_a_token_that_intercom_echoes_is_never_kept_or_shown(
    intercom: FakeIntercom, client: IntercomClient, where: str
) -> None:
    intercom.inject(ECHOES[where])
    message = ""
    try:
        client.me()
    except IntercomError as error:
        message = error.message + repr(vars(error))
    assert intercom.ledger[0].token == TOKEN
    for secret in (TOKEN, ESCAPED, TOKEN[:8]):
        assert secret not in message
        assert secret not in log_of(client)


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors": [{"code": "x", "message": "a\\u0000b"}]}',
        b'{"errors": [{"code": "x", "message": "a\\ud800b"}]}',
        b'{"a\\u0000b": ["\\udfff"]}',
        b'{"errors": [{"code": "x", "message": "' + b"\\ud83c" * 300 + b'"}]}',
        b'{"a": NaN, "b": -Infinity, "c": 1e999}',
        b"<html>\x00\xff\xfe</html>",
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 5000 + b"]" * 5000,
        b"[" * 200 + b"]" * 200,
    ],
    ids=lambda body: repr(body)[:25],
)
def test_an_answer_that_no_database_can_hold_is_kept_visibly_and_harms_nothing(
    intercom: FakeIntercom, client: IntercomClient, body: bytes
) -> None:
    intercom.inject(answering(422, body))
    with pytest.raises(RejectedError) as caught:
        client.me()
    assert log_of(client)
    caught.value.message.encode()
    assert "\x00" not in caught.value.message
