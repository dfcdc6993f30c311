"""What the log keeps of an HTTP call: never the token, wherever it may stand, and nothing endless. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from integration.intercom.errors import Answer

LONGEST_LOGGED_BODY = 16 * 1024
_LOGGED_HEADERS = (
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "intercom-version",
    "retry-after",
)


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
        return asdict(self)

    def note(self, answer: Answer) -> None:
        """Take over what the answer says, in the length that is worth keeping."""
        self.status = answer.status
        self.response = loggable(answer.body)
        self.headers = {name: answer.headers[name] for name in _LOGGED_HEADERS if name in answer.headers}
        # Intercom's own id of the request: what its support asks for.
        in_body = answer.body.get("request_id") if isinstance(answer.body, dict) else None
        self.request_id = str(in_body or answer.headers.get("x-request-id", ""))[:100]


def loggable(body: Any) -> Any:
    """`body`, or where it is long the beginning of its text."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return body if len(text) <= LONGEST_LOGGED_BODY else f"{text[:LONGEST_LOGGED_BODY]}… (cut)"


def without_token(text: str, token: str) -> str:
    """`text` with the access token made unreadable, should it stand there."""
    return text.replace(token, "[access token]") if token else text
