"""
What goes over the wire: one recorded call, one answer, and the shape of Intercom's errors.

Nothing here knows the state of the workspace or a socket.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

JsonObject: TypeAlias = dict[str, object]

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Refusal(Exception):
    """A request that Intercom answers with an error.list: raised by the rules, turned into an Answer in one place."""

    def __init__(
        self, status: int, code: str, message: str, *, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.headers = headers or {}


@dataclass(slots=True)
class Call:
    """
    One request as the ledger keeps it, from its arrival on; `status` stays None while (or if) nothing is answered.

    Header names are lower case, and `Authorization` keeps only the last four characters; `token` is the whole token,
    for tests in the same process. `repeat`, `dropped_metadata` and `violations` say what the workspace made of it.
    """

    number: int
    request_id: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    token: str
    body: bytes
    json: object
    arrived_at: float
    route: str = ""
    argument: str = ""
    status: int | None = None
    answered_at: float | None = None
    fault: str = ""
    repeat: bool = False
    dropped_metadata: tuple[str, ...] = ()
    violations: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """`POST /events`: method and path, as tests compare them."""
        return f"{self.method} {self.path}"

    @property
    def data(self) -> JsonObject:
        """The body where it is a JSON object; anything else fails the test that asks."""
        if not isinstance(self.json, dict):
            raise AssertionError(f"{self.line} carried no JSON object but {self.body!r}")
        return self.json

    def as_json(self) -> JsonObject:
        """The call for the control endpoint; without the token."""
        return {
            "number": self.number,
            "request_id": self.request_id,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "route": self.route,
            "headers": self.headers,
            "body": self.body.decode("utf-8", "replace"),
            "json": self.json,
            "status": self.status,
            "arrived_at": self.arrived_at,
            "answered_at": self.answered_at,
            "fault": self.fault,
            "repeat": self.repeat,
            "dropped_metadata": list(self.dropped_metadata),
            "violations": self.violations,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; `from_intercom` is False where a load balancer answers, which adds no headers of the API."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    from_intercom: bool = True

    def encoded(self, extra_headers: dict[str, str], *, keep_alive: bool) -> bytes:
        """The whole response in one piece, so that it leaves in one write."""
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}"]
        if self.body:
            lines.append(f"Content-Type: {self.content_type}")
        lines.append(f"Content-Length: {len(self.body)}")
        lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
        lines.extend(f"{name}: {value}" for name, value in (extra_headers | self.headers).items())
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


def json_answer(content: object, status: int = 200) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(content).encode())


def error_answer(refusal: Refusal, request_id: str) -> Answer:
    """Intercom's error.list; the same request id stands in the `X-Request-Id` header."""
    error: JsonObject = {"code": refusal.code, "message": refusal.message}
    if refusal.field is not None:
        error["field"] = refusal.field
    content = {"type": "error.list", "request_id": request_id, "errors": [error]}
    return Answer(refusal.status, json.dumps(content).encode(), headers=refusal.headers)
