"""
Who must act on an answer that is no success: time, the payload, the operator, or another call of ours.

Row by row from https://developers.intercom.com/docs/references/rest-api/errors and what was observed beside it.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.intercom.classify import error_of
from integration.intercom.errors import (
    LONGEST_MESSAGE,
    Answer,
    ConflictError,
    CredentialsError,
    HoldingError,
    IntercomError,
    MergedError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnknownAttributeError,
)


def answer(status: int, code: object = "client_error", message: object = "Said.", **headers: str) -> Answer:
    """One of Intercom's error lists."""
    body = {"type": "error.list", "request_id": "r1", "errors": [{"code": code, "message": message}]}
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


ROWS: list[tuple[type[IntercomError], int, str]] = [
    *((TransientError, status, "client_error") for status in (408, 425, 500, 502, 503, 504, 599)),
    *(
        (TransientError, 400, code)
        for code in (
            "server_error",
            "service_unavailable",
            "server_timeout",
            "too_many_requests",
            "request_timeout",
            "retry_after",
        )
    ),
    (TransientError, 408, "Request Timeout"),
    (RateLimitedError, 429, "rate_limit_exceeded"),
    (RateLimitedError, 429, "client_error"),
    (RateLimitedError, 400, "rate_limit_exceeded"),
    (CredentialsError, 401, "unauthorized"),
    (CredentialsError, 402, "client_error"),
    (CredentialsError, 403, "forbidden"),
    (CredentialsError, 403, "api_plan_restricted"),
    *(
        (CredentialsError, 400, code)
        for code in (
            "token_revoked",
            "token_blocked",
            "token_not_found",
            "token_unauthorized",
            "token_expired",
            "token_suspended",
            "missing_authorization",
            "unauthorized",
            "forbidden",
            "action_forbidden",
            "api_plan_restricted",
            "intercom_version_invalid",
        )
    ),
    (NotFoundError, 404, "not_found"),
    (MergedError, 410, "contact_merged"),
    (ConflictError, 409, "conflict"),
    *((RejectedError, status, "client_error") for status in (400, 405, 406, 413, 415, 418, 422, 423)),
    (RejectedError, 400, "not_restorable"),
    (RejectedError, 400, "parameter_invalid"),
    *((CredentialsError, status, "") for status in (301, 302, 303, 307, 308)),
]


@pytest.mark.parametrize(
    ("kind", "status", "code"), ROWS, ids=[f"{status} {code} is {kind.__name__}" for kind, status, code in ROWS]
)
def test_each_answer_says_who_must_act(kind: type[IntercomError], status: int, code: str) -> None:
    assert type(error_of(answer(status, code))) is kind


def test_a_refusal_of_the_load_balancer_passes_by_itself() -> None:
    assert type(error_of(Answer(403, "<html>403</html>"))) is TransientError
    assert type(error_of(Answer(403, None))) is TransientError


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialsError), (404, NotFoundError), (429, RateLimitedError)])
def test_other_statuses_mean_the_same_without_json(status: int, kind: type[IntercomError]) -> None:
    assert type(error_of(Answer(status, None))) is kind


def test_the_message_says_what_intercom_answered_and_said() -> None:
    assert error_of(answer(400, message="Bad thing")).message == "Intercom answered 400: Bad thing."
    assert error_of(answer(400, "some_code", None)).message == "Intercom answered 400: some_code."
    assert error_of(answer(403, message="Active subscription needed.")).message.count("..") == 0
    assert error_of(Answer(503, None)).message == "Intercom answered 503."


def test_a_long_message_is_cut() -> None:
    assert len(error_of(answer(400, message="x" * 10_000)).message) < LONGEST_MESSAGE + 50


def test_a_refused_token_tells_the_operator_what_to_do() -> None:
    message = error_of(answer(401, "unauthorized", "Access Token Invalid")).message
    assert message.startswith("Intercom answered 401: Access Token Invalid.")
    assert "access token" in message
    assert "resume the project" in message


@pytest.mark.parametrize(("status", "code"), [(401, "token_revoked"), (403, "forbidden"), (429, "rate_limit_exceeded")])
def test_why_a_project_is_held_is_said_without_intercoms_words(status: int, code: str) -> None:
    error = error_of(answer(status, code, "User jane@example.com may not"))
    assert isinstance(error, HoldingError)
    assert "jane@example.com" in error.message
    assert error.reason.startswith(f"Intercom answered {status} ({code}). ")
    assert "jane" not in error.reason and error.reason.endswith(".")


@pytest.mark.parametrize("code", ["token_of jane@example.com", "jane@example.com", "token_" + "x" * 99, 7, None])
def test_a_code_that_is_no_plain_word_is_not_repeated(code: object) -> None:
    error = error_of(answer(401, code))
    assert isinstance(error, HoldingError)
    assert error.reason.startswith("Intercom answered 401. Check the access token")


def test_the_limit_of_120_event_names_tells_the_operator_what_to_do() -> None:
    error = error_of(answer(422, "422", "Cannot have more than 120 active event names"))
    assert type(error) is RejectedError
    assert "Cannot have more than 120 active event names." in error.message
    assert "Archive event names in Intercom" in error.message
    assert "then redeliver" in error.message


def test_a_redirect_says_why_it_is_not_followed() -> None:
    assert "Redirects are never followed" in error_of(Answer(302, None)).message


@pytest.mark.parametrize("archived", [False, True])
def test_a_conflict_names_the_contact_that_is_in_the_way(archived: bool) -> None:
    article = "An archived" if archived else "A"
    message = f"{article} contact matching those details already exists with id=6762f0dd1bb69f9f2193bb83"
    error = error_of(answer(409, "conflict", message))
    assert isinstance(error, ConflictError)
    assert (error.contact_id, error.archived) == ("6762f0dd1bb69f9f2193bb83", archived)


@pytest.mark.parametrize(
    "message", ["Multiple existing users match this email address", "external_id=5 is taken", None]
)
def test_a_conflict_that_names_no_contact_names_none(message: str | None) -> None:
    error = error_of(answer(409, "conflict", message))
    assert isinstance(error, ConflictError)
    assert error.contact_id is None


def test_a_merged_contact_points_to_the_one_it_became() -> None:
    error = error_of(answer(410, "contact_merged", link='</contacts/6762f0dd>; rel="canonical"'))
    assert isinstance(error, MergedError)
    assert error.canonical_id == "6762f0dd"


def test_the_canonical_link_is_found_among_others() -> None:
    link = '</contacts/1>; rel="next", <https://api.intercom.io/contacts/6762f0dd>; rel=canonical'
    error = error_of(answer(410, link=link))
    assert isinstance(error, MergedError)
    assert error.canonical_id == "6762f0dd"


@pytest.mark.parametrize("link", ["", "</companies/5>; rel=canonical", "</contacts/5>; rel=next", "canonical"])
def test_a_merge_without_a_canonical_link_points_nowhere(link: str) -> None:
    error = error_of(answer(410, link=link))
    assert isinstance(error, MergedError)
    assert error.canonical_id is None


def test_an_unknown_attribute_is_named() -> None:
    error = error_of(answer(400, "parameter_invalid", "Custom attribute 'latest_store' does not exist"))
    assert isinstance(error, UnknownAttributeError)
    assert error.name == "latest_store"


@pytest.mark.parametrize(
    ("header", "reset_at"),
    [("1700000010", 1_700_000_010.0), ("1700000010.5", 1_700_000_010.5), ("", None), ("soon", None), ("0", 0.0)],
)
def test_the_reset_time_comes_from_the_header(header: str, reset_at: float | None) -> None:
    error = error_of(answer(429, "rate_limit_exceeded", x_ratelimit_reset=header))
    assert isinstance(error, RateLimitedError)
    assert error.reset_at == reset_at


def test_without_the_header_nothing_is_known_of_the_reset() -> None:
    error = error_of(answer(429, "rate_limit_exceeded"))
    assert isinstance(error, RateLimitedError)
    assert error.reset_at is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
error_lists = st.fixed_dictionaries(
    {"errors": st.lists(st.fixed_dictionaries({}, optional={"code": anything, "message": anything}) | anything)}
)


@given(st.integers(300, 599), anything | error_lists, st.dictionaries(st.sampled_from(["link"]), st.text()))
def test_every_answer_stands_for_exactly_one_error_with_a_sentence(
    status: int, body: object, headers: dict[str, str]
) -> None:
    error = error_of(Answer(status, body, headers))
    assert error.message.startswith(f"Intercom answered {status}")
    assert error.message.endswith(".")
