"""
The stand-in as a program. The first line on standard output is its address; SIGTERM and Ctrl-C stop it.

Everything it can be told later is told over HTTP, see `tests/fake_intercom/__init__.py`.
"""

from __future__ import annotations

import argparse
import signal
import threading

from tests.fake_intercom.server import FakeIntercom


def main() -> None:
    """Runs until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_intercom", description="A stand-in for Intercom.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every answer")
    parser.add_argument("--region", default="US", choices=("US", "Europe", "AU"))
    parser.add_argument("--name", default="Demo Workspace")
    parser.add_argument("--ledger-limit", type=int, default=None, help="keep only the newest calls")
    parser.add_argument("--verbose", action="store_true", help="print every call to standard error")
    options = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    intercom = FakeIntercom(
        host=options.host,
        port=options.port,
        latency=options.latency,
        region=options.region,
        name=options.name,
        ledger_limit=options.ledger_limit,
        verbose=options.verbose,
    )
    with intercom:
        print(intercom.url, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
