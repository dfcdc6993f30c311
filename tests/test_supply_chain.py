"""
`make audit` says what is known of the pinned packages, or loudly that it could not find out; `make sbom` lists them.

The source of vulnerabilities is a small server here: pip-audit itself is the real one, and asks no network.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


class Source(BaseHTTPRequestHandler):
    """Answers as OSV does (https://google.github.io/osv.dev/post-v1-query/)."""

    vulnerable: ClassVar[str] = ""

    def do_POST(self) -> None:
        """One package and its version."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found: dict[str, Any] = {}
        if asked["package"]["name"] == self.vulnerable:
            package = {"name": self.vulnerable, "ecosystem": "PyPI"}
            events = [{"introduced": "0"}, {"fixed": "999"}]
            affected = [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
            found = {"vulns": [{"id": "PYSEC-2026-1", "summary": "Bad.", "details": "", "affected": affected}]}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def source() -> Iterator[str]:
    """The address of such a server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Source) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def make(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A target of the Makefile. The packages are installed already, whatever the files' times say."""
    command = ["make", "--silent", "--old-file=.venv/installed-dev", *arguments]
    environ = os.environ | env
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=110, check=False)


def audit(log: Path, source: str) -> subprocess.CompletedProcess[str]:
    """`make audit` with the data of that source, and a log of its own."""
    return make("audit", f"ARGS=-s osv --osv-url {source}", f"AUDIT_LOG={log / 'audit.log'}")


def test_an_audit_without_findings_succeeds(source: str, tmp_path: Path) -> None:
    done = audit(tmp_path, source)
    assert done.returncode == 0, done.stderr
    assert "No known vulnerabilities found" in done.stderr and "NOT AUDITED" not in done.stderr


def test_a_known_vulnerability_is_named_and_fails(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Source, "vulnerable", "sqlparse")
    done = audit(tmp_path, source)
    assert done.returncode != 0
    assert "sqlparse" in done.stdout and "PYSEC-2026-1" in done.stdout
    assert "Found 1 known vulnerability in 1 package" in done.stderr and "NOT AUDITED" not in done.stderr


def test_an_audit_that_gets_no_data_says_so_loudly_and_fails(tmp_path: Path) -> None:
    done = audit(tmp_path, "http://127.0.0.1:9/v1/query")
    assert done.returncode != 0
    assert "NOT AUDITED: the data could not be had" in done.stderr


def test_the_bill_of_materials_lists_every_pinned_package_with_its_hashes() -> None:
    assert make("sbom").stdout.strip() == "var/sbom.json"
    bill = json.loads((ROOT / "var" / "sbom.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    pinned = PINNED.findall((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert sorted((part["name"], part["version"]) for part in bill["components"]) == sorted(pinned)
    assert all(part["externalReferences"][0]["hashes"] for part in bill["components"])


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_with_hashes_and_no_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=[a-z0-9])", text.partition("\n")[2] if text.startswith("#") else text):
        if PINNED.match(entry):
            assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert PINNED.search(text) and "index-url" not in text and "find-links" not in text and "://" not in text
