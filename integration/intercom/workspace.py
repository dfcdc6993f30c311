"""Finds out whose token it is and what it may do, by calls that make nothing and change nothing.

What this app writes it tries on a contact that does not exist: a token that may write is answered 404, and one that
may not 403. Which permissions there are:
https://developers.intercom.com/docs/build-an-integration/learn-more/authentication/oauth-scopes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from integration.intercom.client import IntercomClient
from integration.intercom.errors import (
    Answer,
    CredentialsError,
    IntercomError,
    RateLimitedError,
    RejectedError,
)
from integration.storable import storable

# What `app.region` of GET /me says, and what the region is called here; Europe is not called EU there.
REGION_OF_ANSWER: Mapping[str, str] = {"us": "us", "europe": "eu", "eu": "eu", "au": "au", "australia": "au"}
PLAN_CODE = "api_plan_restricted"
NOBODY = "rcintercom-connection-check"
# An id of Intercom's own that no contact has.
NO_CONTACT = "0" * 24
READ_ADMIN = "Read one admin"
LONGEST_NAME = 200


class Verdict(StrEnum):
    """How a check ended."""

    FITS = "fits"
    OTHER_REGION = "other_region"
    UNKNOWN_REGION = "unknown_region"
    LACKS_PERMISSIONS = "lacks_permissions"
    PLAN = "plan"
    REFUSED = "refused"
    # The token was not judged: the workspace's calls are used up, or nobody answered.
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    # Somebody answered who is not Intercom.
    NOT_INTERCOM = "not_intercom"


@dataclass(frozen=True, slots=True)
class Probe:
    """A harmless call, and what the permission for it is called in Intercom's Developer Hub."""

    permission: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None


PROBES = (
    Probe(
        "Read and list users and companies",
        "POST",
        "/contacts/search",
        {
            "query": {"field": "external_id", "operator": "=", "value": NOBODY},
            "pagination": {"per_page": 1},
        },
    ),
    Probe("Read one user and one company", "GET", f"/contacts/find_by_external_id/{NOBODY}"),
    Probe("Write users and companies", "PUT", f"/contacts/{NO_CONTACT}", {}),
    # A fixed time in the past; the contact does not exist, so that nothing is stored.
    Probe(
        "Write events",
        "POST",
        "/events",
        {"event_name": "rcintercom_connection_check", "created_at": 1_600_000_000, "id": NO_CONTACT},
    ),
    Probe("Write data attributes", "GET", "/data_attributes?model=contact"),
    Probe("Write data attributes", "PUT", "/data_attributes/0", {}),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a check has found. `missing` are permissions, `region` is Intercom's own word, `said` is for people."""

    verdict: Verdict
    workspace: str = ""
    workspace_id: str = ""
    region: str = ""
    missing: tuple[str, ...] = ()
    said: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a row can keep it; holds no secret."""
        return {name: storable(getattr(self, name)) for name in self.__slots__ if name != "missing"} | {
            "missing": list(self.missing)
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> Found | None:
        """What was kept; None where nothing was, or a later version of this app kept it."""
        if not kept or kept.get("verdict") not in set(Verdict):
            return None
        texts = {name: str(kept.get(name) or "") for name in ("workspace", "workspace_id", "region", "said")}
        return cls(Verdict(kept["verdict"]), missing=tuple(map(str, kept.get("missing") or ())), **texts)


def look(client: IntercomClient, region: str) -> Found:
    """Whose token it is, and whether it may do what this app does; `region` is where the workspace should be.

    Never raises for anything that Intercom or the network may do.
    """
    missing: list[str] = []
    app: dict[str, Any] = {}
    try:
        app = _app(client.me())
    except IntercomError as error:
        verdict = _verdict(error, client)
        if verdict is not Verdict.LACKS_PERMISSIONS:
            return Found(verdict, said=error.message)
        missing.append(READ_ADMIN)
    else:
        if not app:
            return Found(Verdict.NOT_INTERCOM, said="The answer names no workspace.")
    for probe in PROBES:
        try:
            client.try_out(probe.method, probe.path, probe.body)
        except IntercomError as error:
            verdict = _verdict(error, client)
            if verdict is not Verdict.LACKS_PERMISSIONS:
                return _found(verdict, app, missing, error.message)
            missing.append(probe.permission)
    return _found(_of_region(app, region, missing), app, missing)


def _app(me: Mapping[str, Any]) -> dict[str, Any]:
    app = me.get("app")
    return app if isinstance(app, dict) else {}


def _found(verdict: Verdict, app: Mapping[str, Any], missing: list[str], said: str = "") -> Found:
    name, code, region = (str(app.get(key) or "")[:LONGEST_NAME] for key in ("name", "id_code", "region"))
    return Found(verdict, name, code, region, tuple(dict.fromkeys(missing)), said)


def _of_region(app: Mapping[str, Any], region: str, missing: list[str]) -> Verdict:
    """The verdict on a token that Intercom knows. Where its workspace is comes first: nothing arrives elsewhere."""
    answered = REGION_OF_ANSWER.get(str(app.get("region") or "").lower())
    if app and answered is None:
        return Verdict.UNKNOWN_REGION
    if app and answered != region:
        return Verdict.OTHER_REGION
    return Verdict.LACKS_PERMISSIONS if missing else Verdict.FITS


def _verdict(error: IntercomError, client: IntercomClient) -> Verdict:
    """What an error says of the token. A plan that does not allow the call is no refusal of the token."""
    last = client.exchanges[-1] if client.exchanges else None
    answer = Answer(status=(last.status or 0) if last else 0, body=last.response if last else None)
    if isinstance(error, CredentialsError):
        if answer.status == 402 or answer.code == PLAN_CODE:
            return Verdict.PLAN
        if 300 <= answer.status < 400:
            return Verdict.NOT_INTERCOM
        is_known = answer.status == 403 and not answer.code.startswith("token_") and answer.code != "unauthorized"
        return Verdict.LACKS_PERMISSIONS if is_known else Verdict.REFUSED
    if isinstance(error, RateLimitedError):
        return Verdict.BUSY
    return Verdict.NOT_INTERCOM if isinstance(error, RejectedError) else Verdict.UNREACHABLE
