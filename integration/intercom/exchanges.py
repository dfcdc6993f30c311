"""What the log keeps of an HTTP call: never the token, wherever it may stand, and nothing endless. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from integration.intercom.errors import Answer
from integration.storable import depth, storable

LONGEST_LOGGED_BODY = 16 * 1024
# Intercom's answers are a handful of levels deep; what is deeper is shown as text.
DEEPEST_NESTING = 64
_LOGGED_HEADERS = (
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "intercom-version",
    "retry-after",
)


def _finite(text: str) -> float | str:
    """The number, or its text where no JSON could say it again."""
    value = float(text)
    return value if math.isfinite(value) else text


# Made once: with settings like these `json.loads` makes a reader for every text.
_reader = json.JSONDecoder(parse_constant=str, parse_float=_finite)


@dataclass(slots=True)
class Exchange:
    """One HTTP call as the log shows it. `status` is None where no answer came; then `error` says why."""

    method: str
    path: str
    request: Any
    status: int | None = None
    response: Any = None
    milliseconds: int = 0
    request_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """The exchange as the attempt row keeps it."""
        # By hand: dataclasses.asdict copies every value in depth, for each call of each delivery.
        return {name: getattr(self, name) for name in self.__slots__}

    def note(self, answer: Answer, content: bytes) -> None:
        """Take over what the answer says, in the length that is worth keeping; `content` is its body as it came."""
        self.status = answer.status
        self.response = loggable(answer.body, content)
        # A header can hold a NUL as well as a body can, and one that PostgreSQL refuses would take others with it.
        known = [(name, answer.headers[name]) for name in _LOGGED_HEADERS if name in answer.headers]
        self.headers = {name: storable(value) if "\x00" in value else value for name, value in known}
        # Intercom's own id of the request: what its support asks for.
        in_body = answer.body.get("request_id") if isinstance(answer.body, dict) else None
        request_id = str(in_body or answer.headers.get("x-request-id", ""))[:100]
        self.request_id = storable(request_id) if "\x00" in request_id else request_id


def parsed(content: bytes, token: str) -> Any:
    """The answer's JSON, None where it is empty, or its text where it is something else; never with the token."""
    text = content.decode("utf-8", "replace")
    if not text:
        return None
    try:
        document = _reader.decode(text)
    except (ValueError, RecursionError):
        return storable(without_token(text, token))
    if text.count("{") + text.count("[") >= DEEPEST_NESTING and depth(document) > DEEPEST_NESTING:
        return storable(without_token(text, token))
    if "\\" not in text and "\x00" not in text and token not in text:
        # Nothing in it that could be, or could hide, what may not be kept.
        return document
    # Written anew, because the escapes of the original could hide the token.
    shown = json.dumps(storable(document), ensure_ascii=False)
    return json.loads(without_token(shown, json.dumps(token, ensure_ascii=False)[1:-1]))


def loggable(body: Any, written: str | bytes) -> Any:
    """`body`, or where it is long the beginning of its text; `written` is the JSON that it was or will be."""
    if len(written) <= LONGEST_LOGGED_BODY:
        return body
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return body if len(text) <= LONGEST_LOGGED_BODY else f"{text[:LONGEST_LOGGED_BODY]}… (cut)"


def without_token(text: str, token: str) -> str:
    """`text` with the access token made unreadable, should it stand there."""
    return text.replace(token, "[access token]") if token else text
