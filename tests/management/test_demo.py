"""The demo as a newcomer runs it: one command, real processes, nothing left behind."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from integration.revenuecat.samples import sample_names
from tests.processes import PROJECT_ROOT, a_place


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def demo(var_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end."""
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PUBLIC_URL")}
    return subprocess.run(
        [sys.executable, "manage.py", "demo", "--once"],
        cwd=PROJECT_ROOT,
        env={**env, "VAR_DIR": str(var_dir), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def speaking_of(text: str) -> list[psutil.Process]:
    """The processes whose command line or directory names `text`."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if any(text in part for part in [*(process.info["cmdline"] or []), process.info["cwd"] or ""])
    ]


@pytest.mark.timeout(240)
def test_the_demo_delivers_or_skips_every_sample_and_shows_trouble_twice_over_and_leaves_nothing_running() -> None:
    with a_place() as place:
        first = demo(place)
        assert first.returncode == 0, first.stdout + first.stderr
        assert f"{len(sample_names()) + 2} webhooks: " in first.stdout
        assert re.search(r"\nrenewal of demo_refused +failed +- +Intercom answered 422: ", first.stdout)
        assert re.search(r"\nrenewal of demo_busy +pending +- +Intercom answered 503: .* Next try at ", first.stdout)
        assert "Password, shown this once: " in first.stdout
        for name in sample_names():
            assert f"\n{name} " in first.stdout

        second = demo(place)
        assert second.returncode == 0, second.stdout + second.stderr
        assert "The password was shown at the first run; set another with:" in second.stdout
        assert "manage.py changepassword admin" in second.stdout
        counts = [line for run in (first, second) for line in run.stdout.splitlines() if " webhooks: " in line]
        assert len(counts) == 4 and counts[:2] == counts[2:]
        assert "“Demo, everything on”" in counts[1]
        assert "rc_transfer_event" in first.stdout and "rc_refund_event" in first.stdout
        for run in (first, second):
            assert re.search(
                r"The stand-in for RevenueCat knows the customers .* subscription of \S+ has ended", run.stdout
            )
        assert speaking_of(str(place)) == []
