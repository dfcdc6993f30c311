"""Turns an HTTP answer that is no success into the one IntercomError that says who must act. Pure."""

from __future__ import annotations

import re

from integration.intercom.errors import (
    Answer,
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

# Intercom names the existing contact nowhere but in this text.
_CONFLICTING_ID = re.compile(r"\bid=(\w{1,100})\b")
_UNKNOWN_ATTRIBUTE = re.compile(r"Custom attribute '(.+)' does not exist")
_CANONICAL = re.compile(r'<[^>]*/contacts/(\w{1,100})>\s*;\s*rel="?canonical"?')

_TRANSIENT_CODES = frozenset(
    {
        "server_error",
        "service_unavailable",
        "server_timeout",
        "too_many_requests",
        "request_timeout",
        "retry_after",
    }
)
_CREDENTIALS_CODES = frozenset(
    {
        "unauthorized",
        "forbidden",
        "action_forbidden",
        "api_plan_restricted",
        "intercom_version_invalid",
        "missing_authorization",
    }
)
_RATE_LIMIT_CODE = "rate_limit_exceeded"
# A word of Intercom's own; what else may stand in its place is not repeated.
_PLAIN_CODE = re.compile(r"[a-z][a-z_]{0,49}")
_REDIRECTED = (
    "a redirect. Redirects are never followed, so that the token stays with Intercom. Check "
    "INTERCOM_API_URL on this server, or the proxy in between, then resume the project."
)
_REFUSED = "Check the access token and its permissions, then resume the project."
_PLAN = (
    "The access token is not at fault: the workspace's plan or subscription does not allow the call. Settle that in "
    "Intercom, then resume the project."
)


def error_of(answer: Answer) -> IntercomError:
    """The error that `answer` stands for. Only for answers that are no success."""
    said = f"Intercom answered {answer.status}" + (f": {answer.said.rstrip('.')}" if answer.said else "")
    if answer.status == 429 or answer.code == _RATE_LIMIT_CODE:
        goes_on = "Sending goes on when the limit is reset."
        return RateLimitedError(f"{said}. {goes_on}", reset_at=_reset_at(answer), reason=f"{_coded(answer)}. {goes_on}")
    if 300 <= answer.status < 400:
        return CredentialsError(f"{said}, {_REDIRECTED}", reason=f"{_coded(answer)}, {_REDIRECTED}")
    if _is_credentials(answer):
        remedy = _PLAN if answer.status == 402 or answer.code == "api_plan_restricted" else _REFUSED
        return CredentialsError(f"{said}. {remedy}", reason=f"{_coded(answer)}. {remedy}")
    if _is_transient(answer):
        return TransientError(f"{said}.")
    return _rejection(answer, said)


def _coded(answer: Answer) -> str:
    """What was answered, without a word that could be about a person."""
    code = f" ({answer.code})" if _PLAIN_CODE.fullmatch(answer.code) else ""
    return f"Intercom answered {answer.status}{code}"


def _is_transient(answer: Answer) -> bool:
    # A 403 in HTML comes from the load balancer in front of Intercom and passes by itself.
    from_balancer = answer.status == 403 and not answer.is_json
    return answer.status in (408, 425) or answer.status >= 500 or answer.code in _TRANSIENT_CODES or from_balancer


def _is_credentials(answer: Answer) -> bool:
    by_status = answer.status in (401, 402) or (answer.status == 403 and answer.is_json)
    return by_status or answer.code in _CREDENTIALS_CODES or answer.code.startswith("token_")


def _rejection(answer: Answer, said: str) -> RejectedError:
    if answer.status == 404:
        return NotFoundError(f"{said}.")
    if answer.status == 410:
        canonical = _CANONICAL.search(answer.headers.get("link", ""))
        return MergedError(f"{said}.", canonical_id=canonical.group(1) if canonical else None)
    if answer.status == 409:
        existing = _CONFLICTING_ID.search(answer.said)
        return ConflictError(
            f"{said}.",
            contact_id=existing.group(1) if existing else None,
            archived="archived" in answer.said.lower(),
        )
    unknown = _UNKNOWN_ATTRIBUTE.search(answer.said)
    if unknown:
        return UnknownAttributeError(f"{said}.", name=unknown.group(1))
    if "active event names" in answer.said:
        return RejectedError(f"{said}. Archive event names in Intercom (Settings, Data, Events), then redeliver.")
    return RejectedError(f"{said}.")


def _reset_at(answer: Answer) -> float | None:
    """`X-RateLimit-Reset`, unix seconds; Intercom sends no Retry-After."""
    try:
        return float(answer.headers.get("x-ratelimit-reset", ""))
    except ValueError:
        return None
