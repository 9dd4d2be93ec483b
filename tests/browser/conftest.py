"""A browser that is already on the machine, and pages opened in it under watch; nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, ViewportSize, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
# Every family that a page asks for is this one.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include>/etc/fonts/fonts.conf</include>
<match target="pattern"><edit name="family" mode="assign_replace" binding="strong"><string>{family}</string></edit>
</match>
</fontconfig>"""
DRAWN = "document.querySelectorAll('.chart .live').length === document.querySelectorAll('.chart.drawn').length"
# Those of a large trial that are large are drawn as a reader comes near.
DRAWN_AT_ONCE = DRAWN.replace(".chart .live", ".chart:not(.late) .live")


def find_browser() -> str | None:
    """Path of the first Chromium or Chrome on the PATH."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@dataclass
class Watched:
    """An open page and everything it did: addresses asked for, errors, words on the console."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def hear(self, said: ConsoleMessage) -> None:
        """Keeps what the console says; Vega-Lite's advice to the author of a chart comes as warnings."""
        (self.warnings if said.type == "warning" else self.problems).append(f"{said.type}: {said.text}")

    @property
    def outside_requests(self) -> list[str]:
        """Addresses asked for, but the page itself."""
        return [address for address in self.requests if address != self.address]

    def wait_for_charts(self) -> int:
        """Waits until every chart of the page is drawn; returns how many there are."""
        self.wait_until(DRAWN, 20)
        return int(self.page.evaluate("document.querySelectorAll('.chart.drawn').length"))

    def wait_until(self, condition: str, seconds: float = 10) -> None:
        """Waits until a JavaScript condition holds. Asked again each time: a page lets no script evaluate text."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, f"did not come true in {seconds} s: {condition}"
            self.page.wait_for_timeout(50)

    def overflow(self, width: int) -> int:
        """Pixels by which the page is wider than a window of this width."""
        self.page.set_viewport_size({"width": width, "height": 900})
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Starts browsers."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium or Chrome; without one the test is skipped, in CI it fails."""
    opened = _launched(playwright)
    yield opened
    opened.close()


def _launched(playwright: Playwright, **environment: str) -> Browser:
    path = find_browser()
    if path is None:
        _give_up(f"none of {', '.join(BROWSERS)} is on the PATH")
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS, env={**os.environ, **environment})


def _give_up(reason: str) -> None:
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def open_with_font(playwright: Playwright, tmp_path: Path) -> Iterator[Callable[[str], Callable[..., Watched]]]:
    """Opens pages on a machine that has this one font family and no other."""
    opened: list[Browser] = []

    def with_font(family: str) -> Callable[..., Watched]:
        listed = subprocess.run(["fc-list", family], capture_output=True, text=True, check=False).stdout
        if not listed.strip():
            _give_up(f"the font {family} is not installed")
        file = tmp_path / "fonts.conf"
        file.write_text(FONTS.format(family=family), encoding="utf-8")
        opened.append(_launched(playwright, FONTCONFIG_FILE=str(file)))
        return next(_opener(opened[-1], tmp_path))

    yield with_font
    for browser in opened:
        browser.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Opens a page (its HTML, or the path of a built one) and watches it; `scripts=False` turns scripts off.

    Other options are those of a context of Playwright.
    """
    yield from _opener(browser, tmp_path)


@pytest.fixture(scope="module")
def open_once(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Watched]]:
    """As `open_page`, for what several tests of a file look at."""
    yield from _opener(browser, tmp_path_factory.mktemp("pages"))


def _opener(browser: Browser, folder: Path) -> Iterator[Callable[..., Watched]]:
    contexts = []

    def opened(source: str | Path, *, width: int = 1280, scripts: bool = True, **options: Any) -> Watched:
        path = source if isinstance(source, Path) else folder / f"page-{len(contexts)}.html"
        if isinstance(source, str):
            path.write_text(source, encoding="utf-8")
        viewport = ViewportSize(width=width, height=900)
        context = browser.new_context(viewport=viewport, java_script_enabled=scripts, **options)
        contexts.append(context)
        watched = Watched(context.new_page(), path.resolve().as_uri())
        watched.page.on("request", lambda request: watched.requests.append(request.url))
        watched.page.on("pageerror", lambda error: watched.problems.append(f"error: {error}"))
        watched.page.on("console", watched.hear)
        watched.page.goto(watched.address)
        return watched

    yield opened
    for context in contexts:
        context.close()
