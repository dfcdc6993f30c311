"""
Somebody in front of the browser: what they do and see, in words, and what went wrong unseen while they did.

A story fails where the page logs an error, breaks its Content-Security-Policy, throws, asks for something that is not
there, or asks anybody but this machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, Response, expect

from tests.browser.chromium import BrowserThread

T = TypeVar("T")

# Far more than a page takes, so that a busy machine fails no test.
PATIENCE_MS = 20_000
# More than any page has to offer before what a story is about.
MOST_TABS = 100
HERE = {"127.0.0.1", "localhost"}
WIDE, PHONE = (1280, 900), (375, 800)
# Chromium's own line for an answer of 4xx or 5xx; which of them are problems is judged by the answer.
FAILED_TO_LOAD = "Failed to load resource: the server responded with a status of"


class Person:
    """A browser window of one's own, with its cookies. Every verb waits until what it names is there."""

    def __init__(self, thread: BrowserThread, browser: Browser, home: str, **options: Any) -> None:
        self.home = home
        self.problems: list[str] = []
        self._thread = thread
        options = {"viewport": _size(WIDE), "locale": "en-US", "color_scheme": "light"} | options
        self._page = thread.run(lambda: self._new_page(browser, options))

    def _new_page(self, browser: Browser, options: dict[str, Any]) -> Page:
        context = browser.new_context(base_url=self.home, **options)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", self._break)
        page.on("request", self._note)
        page.on("response", self._judge)
        return page

    # What they do.

    def on_page(self, work: Callable[[Page], T]) -> T:
        """Do anything that Playwright can do with the page."""
        return self._thread.run(lambda: work(self._page))

    def opens(self, path: str) -> int:
        """Open a page by its address; the status of the answer."""
        answer = self.on_page(lambda page: page.goto(path))
        assert answer is not None, path
        return self._thread.run(lambda: answer.status)

    def follows(self, name: str) -> None:
        """Click a link."""
        self.on_page(lambda page: page.get_by_role("link", name=_called(name)).first.click())

    def presses(self, name: str) -> None:
        """Click a button, or a link that looks like one."""
        self.on_page(lambda page: _named(page, name).first.click())

    def confirms(self) -> None:
        """Press the button of the dialog that is open."""
        self.on_page(lambda page: page.locator("#dialog button[type=submit]").click())

    def fills(self, label: str, text: str) -> None:
        """Type into a field."""
        self.on_page(lambda page: _labelled(page, label).fill(text))

    def chooses(self, label: str, option: str) -> None:
        """Choose from a list."""
        self.on_page(lambda page: _labelled(page, label).select_option(label=option))

    def types(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.on_page(lambda page, key=key: page.keyboard.press(key))  # type: ignore[misc]

    def reaches(self, name: str) -> None:
        """Press the Tab key until the focus is on what is called so."""

        def tab(page: Page) -> bool:
            for _ in range(MOST_TABS):
                page.keyboard.press("Tab")
                if name in page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent"):
                    return True
            return False

        assert self.on_page(tab), f"the Tab key does not reach {name!r}"

    # What they see.

    def sees(self, text: str) -> None:
        """Wait until the text stands on the page."""
        self.on_page(lambda page: expect(_text(page, text)).to_be_visible(timeout=PATIENCE_MS))

    def does_not_see(self, text: str) -> None:
        """The page is there, and this text is not on it."""
        self.on_page(lambda page: expect(_text(page, text)).not_to_be_visible())

    def may_not_press(self, name: str) -> None:
        """There is no such button."""
        self.on_page(lambda page: expect(_named(page, name)).to_have_count(0))

    def is_at(self, path: str) -> None:
        """Wait until the address is this one; a star stands for anything."""
        pattern = re.compile(re.escape(self.home + path).replace(r"\*", ".*") + "$")
        self.on_page(lambda page: expect(page).to_have_url(pattern, timeout=PATIENCE_MS))

    def reads(self, selector: str) -> str:
        """The text of what a CSS selector finds."""
        return self.on_page(lambda page: page.locator(selector).first.inner_text())

    def measures(self, script: str) -> Any:
        """What a script says of the page."""
        return self.on_page(lambda page: page.evaluate(script))

    def resizes(self, size: tuple[int, int]) -> None:
        """Look through a window of another size."""
        self.on_page(lambda page: page.set_viewport_size(_size(size)))  # type: ignore[arg-type]

    def leaves(self) -> None:
        """Close the window."""
        self._thread.run(self._page.context.close)

    # What went wrong unseen.

    def _note(self, request: Request) -> None:
        # The browser could not have reached it; see ARGUMENTS in chromium.py.
        if urlsplit(request.url).hostname not in HERE and not request.url.startswith(("data:", "blob:")):
            self.problems.append(f"asked another machine: {request.url}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(FAILED_TO_LOAD):
            self.problems.append(f"console: {message.text}")

    def _break(self, error: Error) -> None:
        self.problems.append(f"script: {error.message}")

    def _judge(self, response: Response) -> None:
        # The story looks at the page itself, and may well be about one that is refused.
        refusal = response.request.is_navigation_request() and response.status < 500
        if response.status >= 400 and not refusal:
            self.problems.append(f"answered {response.status}: {response.url}")


def _size(size: tuple[int, int]) -> dict[str, int]:
    return {"width": size[0], "height": size[1]}


def _labelled(page: Page, label: str) -> Locator:
    # A field that is needed has a star behind its label.
    return page.get_by_label(re.compile(rf"^\s*{re.escape(label)}[\s*:]*$"))


def _called(name: str) -> re.Pattern[str]:
    # unfold's icons are words in a font of pictures, and stand before or behind: “tune Projects”.
    return re.compile(rf"^(?:[a-z0-9_]+\s+)?{re.escape(name)}(?:\s+[a-z0-9_]+)?$")


def _named(page: Page, name: str) -> Locator:
    called = _called(name)
    return page.get_by_role("button", name=called).or_(page.get_by_role("link", name=called))


def _text(page: Page, text: str) -> Locator:
    return page.get_by_text(text).filter(visible=True).first
