"""
`make screenshots`: starts the demo on a port and in a directory of its own, signs in, and takes every picture.

Replaces what is in docs/images. Takes about a minute; needs Chromium (`tests/browser/chromium.py` says where from).
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import NO_BROWSER, find_chromium, launch
from tests.screenshots.pictures import PATIENCE_MS, PICTURES, Picture

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
THEMES = {"light": "", "dark": "-dark"}
# What the demo prints when its story is told.
SIGN_IN = re.compile(r"Password, shown this once: (\S+)")
READY = "Stop with Ctrl-C."
STOP_SECONDS = 60


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_demo() -> Iterator[tuple[str, str]]:
    """The demo with nothing in it but its own story: its address, and the password of `admin`."""
    with TemporaryDirectory(prefix="rcintercom-screenshots-", ignore_cleanup_errors=True) as var_dir:
        port = free_port()
        # The embedded PostgreSQL runs as a user of its own, who has to get in there.
        Path(var_dir).chmod(0o755)
        env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PUBLIC_URL")}
        env |= {"VAR_DIR": var_dir, "PORT": str(port), "TIME_ZONE": "UTC", "PYTHONUNBUFFERED": "1"}
        demo = subprocess.Popen(
            [sys.executable, "manage.py", "demo"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
        )
        with demo:
            try:
                yield f"http://127.0.0.1:{port}", password_of(demo)
            finally:
                demo.send_signal(signal.SIGINT)
                demo.communicate(timeout=STOP_SECONDS)


def password_of(demo: subprocess.Popen[str]) -> str:
    """Read what it says until it is ready. Raises SystemExit where it ends before."""
    said = []
    assert demo.stdout is not None
    for line in demo.stdout:
        said.append(line)
        if READY in line:
            found = SIGN_IN.search("".join(said))
            assert found is not None, "the demo told no password"
            return found[1]
    raise SystemExit("The demo has ended before it was ready:\n" + "".join(said))


def sign_in(page: Page, password: str) -> None:
    """As the demo's admin."""
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def take(page: Page, picture: Picture, folder: Path) -> None:
    """Take it in light and in dark."""
    page.set_viewport_size({"width": picture.window[0], "height": picture.window[1]})
    for theme, suffix in THEMES.items():
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        page.goto(picture.path)
        picture.arrive(page)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        file = folder / f"{picture.name}{suffix}.png"
        page.screenshot(path=file, full_page=picture.whole, animations="disabled", caret="hide")
        sys.stdout.write(f"{file}\n")


def take_all(browser: Browser, home: str, password: str, folder: Path) -> None:
    """Sign in, and take every picture."""
    context = browser.new_context(base_url=home, timezone_id="UTC", locale="en-US")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    sign_in(page, password)
    for picture in PICTURES:
        take(page, picture, folder)
    context.close()


def main() -> None:
    """Raises SystemExit where there is no browser, or the demo does not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=IMAGES, help="where the pictures go")
    folder = parser.parse_args().folder
    executable = find_chromium()
    if executable is None:
        raise SystemExit(NO_BROWSER)
    folder.mkdir(parents=True, exist_ok=True)
    with running_demo() as (home, password), sync_playwright() as playwright:
        browser = launch(playwright, executable)
        take_all(browser, home, password, folder)
        browser.close()


if __name__ == "__main__":
    main()
