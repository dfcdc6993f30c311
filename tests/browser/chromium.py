"""
Chromium on a thread of its own. Playwright's synchronous calls run an event loop where they are made, and Django
refuses its database to a thread that runs one; so the browser has its thread, and the test keeps the database.

Nothing of Django is known here: `tests/screenshots` uses it too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Browser, Playwright, sync_playwright

T = TypeVar("T")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Where macOS keeps what is not on the path.
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
NO_BROWSER = (
    "NO BROWSER, SO NOTHING WAS TESTED IN ONE. Install Chromium (on Debian and Ubuntu: apt-get install chromium), or "
    "name it: CHROMIUM=/path/to/chromium make test"
)
# It looks for nothing on its own: no updates, no lists of bad sites, no account.
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    # Whatever it would want to look up: nothing but this machine has an address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--no-first-run",
)


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome of this machine; None where there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or next((place for place in PLACES if Path(place).exists()), None)


def launch(playwright: Playwright, executable: str) -> Browser:
    """A headless one. Its sandbox needs what containers do not give, and root may not have; the pages are our own."""
    return playwright.chromium.launch(
        executable_path=executable, headless=True, chromium_sandbox=False, args=[*ARGUMENTS]
    )


class BrowserThread:
    """Runs work on the one thread on which the browser may be touched."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="browser")

    def run(self, work: Callable[[], T]) -> T:
        """Run `work` there, and wait for what it returns or raises."""
        return self._threads.submit(work).result()

    def end(self) -> None:
        """No more work."""
        self._threads.shutdown()


@contextmanager
def running_chromium(executable: str) -> Iterator[tuple[BrowserThread, Browser]]:
    """A browser and its thread, until the end of the block."""
    thread = BrowserThread()
    try:
        playwright = thread.run(lambda: sync_playwright().start())
        try:
            browser = thread.run(lambda: launch(playwright, executable))
            yield thread, browser
            thread.run(browser.close)
        finally:
            thread.run(playwright.stop)
    finally:
        thread.end()
