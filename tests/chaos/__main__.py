"""
`python -m tests.chaos`: every scenario, a table, and a code other than 0 when a promise was broken.

`--only NAME --events N --seed N` repeats one of them with the same events in the same order.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from pathlib import Path

from tests.chaos.lanes import Lanes
from tests.chaos.programs import ROOT
from tests.chaos.result import table

NAMES = (
    "worker_killed",
    "worker_killed_before_commit",
    "two_workers",
    "postgres_stopped",
    "intercom_hangs",
    "intercom_rate_limit",
    "intercom_errors",
    "intercom_refuses",
    "token_refused",
    "web_killed",
    "clock_backwards",
)
INTERRUPTED = 130


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults, and whether anything is lost.")
    parser.add_argument("--only", action="append", choices=NAMES, help="one scenario; may be given several times")
    parser.add_argument("--events", type=int, default=2_000, help="events of each scenario (2000)")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="the same events in the same order")
    parser.add_argument("--together", type=int, default=3, help="how many scenarios run at the same time (3)")
    parser.add_argument("--everything", action="store_true", help="projects with every option on")
    parser.add_argument("--keep", action="store_true", help="keep logs and databases of scenarios that went well")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    var_dir = Path(os.environ.get("VAR_DIR") or ROOT / "var" / "chaos").resolve()
    began = time.monotonic()
    say(f"seed {options.seed}, {options.events:,} events a scenario, data in {var_dir}")
    try:
        with Lanes(
            var_dir,
            events=options.events,
            seed=options.seed,
            together=options.together,
            keep=options.keep,
            everything=options.everything,
            say=say,
        ) as lanes:
            results = lanes.run(options.only or NAMES)
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return INTERRUPTED
    say("")
    for line in table(results):
        say(line)
    broken = sum(bool(result.broken) for result in results)
    verdict = f"{broken} scenarios broke a promise" if broken else "every promise was kept"
    say(f"\nseed {options.seed}: {verdict}, in {time.monotonic() - began:.0f} s")
    return int(broken > 0)


def say(line: str) -> None:
    """To the terminal, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
