"""
The stand-in as a program. The first line on standard output is its address; SIGTERM and Ctrl-C stop it.

Everything it is to know it is told over HTTP, see `tests/fake_revenuecat/control.py`.
"""

from __future__ import annotations

import argparse
import signal
import threading

from tests.fake_revenuecat.server import FakeRevenueCat


def main() -> None:
    """Runs until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_revenuecat", description="A stand-in for RevenueCat.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    options = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with FakeRevenueCat(host=options.host, port=options.port) as revenuecat:
        # The demo's own server speaks plain HTTP.
        revenuecat.webhooks.https_only = False
        print(revenuecat.url, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
