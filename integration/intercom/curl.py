"""One logged call as a command for a terminal, to be tried again by hand. Pure.

The access token is never in it: the shell puts in its variable INTERCOM_TOKEN.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from integration.intercom.request import API_VERSION

# In double quotes, so that the shell puts the variable in; there is nothing else in it that a shell would read.
_AUTHORIZATION = '"Authorization: Bearer $INTERCOM_TOKEN"'


def as_curl(base_url: str, method: str, path: str, body: Any) -> str | None:
    """The call as one line for a POSIX shell; `base_url` has no trailing slash, `body` is JSON or None.

    None where the log holds only the beginning of the body, which is a text then.
    """
    if isinstance(body, str):
        return None
    # --globoff, because curl would read brackets in an address as a pattern.
    words = [
        "curl",
        "--globoff",
        "--request",
        shlex.quote(method),
        shlex.quote(base_url + path),
        "--header",
        _AUTHORIZATION,
    ]
    for header in ("Accept: application/json", f"Intercom-Version: {API_VERSION}"):
        words += ["--header", shlex.quote(header)]
    if body is not None:
        # Not --data, which reads a file where the text begins with "@".
        text = json.dumps(body, ensure_ascii=False)
        words += ["--header", shlex.quote("Content-Type: application/json"), "--data-raw", shlex.quote(text)]
    return " ".join(words)
