"""A browser that is already on the machine, and pages opened in it under watch; nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
DRAWN = "document.querySelectorAll('.chart .live').length === document.querySelectorAll('.chart.drawn').length"


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
        """Waits until a JavaScript condition holds. Asked anew each time: a page lets no script evaluate text."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, f"did not come true in {seconds} s: {condition}"
            self.page.wait_for_timeout(50)

    def overflow(self, width: int) -> int:
        """Pixels by which the page is wider than a window of this width."""
        self.page.set_viewport_size({"width": width, "height": 900})
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium or Chrome; without one the test is skipped, in CI it fails."""
    path = find_browser()
    if path is None:
        reason = f"none of {', '.join(BROWSERS)} is on the PATH"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Opens a page (its HTML, or the path of a built one) and watches it; `scripts=False` turns scripts off."""
    yield from _opener(browser, tmp_path)


@pytest.fixture(scope="module")
def open_once(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Watched]]:
    """As `open_page`, for what several tests of a file look at."""
    yield from _opener(browser, tmp_path_factory.mktemp("pages"))


def _opener(browser: Browser, folder: Path) -> Iterator[Callable[..., Watched]]:
    contexts = []

    def opened(source: str | Path, *, width: int = 1280, scripts: bool = True) -> Watched:
        path = source if isinstance(source, Path) else folder / f"page-{len(contexts)}.html"
        if isinstance(source, str):
            path.write_text(source, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
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
