"""
Copy as curl: the command says exactly what the call said, to whichever shell, and never the access token.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.intercom.curl import as_curl

BASE = "https://api.intercom.io"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
# Odd for a shell: quotes, variables, commands, line ends, patterns, an option, a file for curl's --data.
NASTY = [
    "'",
    '"',
    "$HOME `id` $(id) \\",
    "two\nlines",
    "!!",
    "~ * ? [a-z] {b,c}",
    "-o /tmp/x",
    "@/etc/passwd",
    "grüße 💐",
    "",
]


def words(command: str) -> dict[str, list[str]]:
    """The options of a command, each with its values; the address under "url"."""
    found: dict[str, list[str]] = {}
    rest = iter(shlex.split(command)[1:])
    for word in rest:
        if word == "--globoff":
            continue
        name = word if word.startswith("--") and word != "--" else "url"
        found.setdefault(name, []).append(next(rest) if name != "url" else word)
    return found


@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    tail=st.text(),
    body=st.none() | st.dictionaries(st.text(), JSON_VALUES),
)
def test_a_shell_reads_exactly_what_was_sent(method: str, tail: str, body: Any) -> None:
    command = as_curl(BASE, method, f"/contacts/{tail}", body)
    assert command is not None and command.startswith("curl ")
    found = words(command)
    assert found["--request"] == [method] and found["url"] == [f"{BASE}/contacts/{tail}"]
    assert "Authorization: Bearer $INTERCOM_TOKEN" in found["--header"]
    if body is None:
        assert "--data-raw" not in found
    else:
        (text,) = found["--data-raw"]
        assert json.loads(text) == body and "Content-Type: application/json" in found["--header"]


@pytest.mark.parametrize("text", NASTY)
def test_a_real_shell_reads_it_too_and_puts_the_token_in(text: str) -> None:
    command = as_curl(BASE, "POST", f"/contacts/{text}", {text: text})
    assert command is not None
    script = "curl() { printf '%s\\0' \"$@\"; }\n" + command
    env = {**os.environ, "INTERCOM_TOKEN": "the token"}
    ran = subprocess.run(["sh", "-c", script], env=env, capture_output=True, check=True, timeout=30)
    arguments = ran.stdout.decode().split("\0")[:-1]
    assert "Authorization: Bearer the token" in arguments
    assert f"{BASE}/contacts/{text}" in arguments
    assert json.loads(arguments[arguments.index("--data-raw") + 1]) == {text: text}


def test_a_body_that_was_cut_makes_no_command() -> None:
    assert as_curl(BASE, "POST", "/contacts", '{"name": "a very long one… (cut)') is None
