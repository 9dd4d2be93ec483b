"""What the pages of a build cost a browser: elements, height, time until they are usable, memory.

    .venv/bin/python tests/bench/pages_in_browser.py build/2025-09-30 [03_safety.html ...]

Elements are those before anything is opened, charts drawn. Usable: the page is laid out and its scripts ran (load event
and two frames). Memory: the heap of its scripts, and the memory that the process that draws it shares with no other.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from conftest import ARGUMENTS, DRAWN_AT_ONCE, find_browser

TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"


def measured(browser: Browser, page: Path) -> str:
    """One line of measures of a page."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    began = time.monotonic()
    opened.goto(page.resolve().as_uri(), wait_until="load")
    opened.evaluate(TWO_FRAMES)
    usable = time.monotonic() - began
    end = time.monotonic() + 60
    while not opened.evaluate(DRAWN_AT_ONCE) and time.monotonic() < end:
        opened.wait_for_timeout(50)
    drawn = time.monotonic() - began
    elements = opened.evaluate("document.querySelectorAll('*').length")
    high = opened.evaluate("document.documentElement.scrollHeight")
    heap = opened.evaluate("performance.memory.usedJSHeapSize") / 1e6
    own = max(process.memory_full_info().uss for process in _renderers()) / 1e6
    size = page.stat().st_size / 1e6
    opened.close()
    return (
        f"{page.name:32}{elements:8} elements{high:8} px{size:7.2f} MB{usable:7.2f} s usable{drawn:7.2f} s drawn"
        f"{heap:7.1f} MB heap{own:8.1f} MB of its own"
    )


def _renderers() -> list[psutil.Process]:
    """The processes of this browser that draw pages."""
    below = psutil.Process().children(recursive=True)
    return [process for process in below if "--type=renderer" in process.cmdline()]


def main(folder: str, *names: str) -> None:
    """Prints the measures of the pages of a build."""
    pages = [Path(folder) / name for name in names] or sorted(Path(folder).glob("*.html"))
    with sync_playwright() as started:
        for page in pages:
            browser = started.chromium.launch(
                executable_path=find_browser(), args=[*ARGUMENTS, "--enable-precise-memory-info"]
            )
            print(measured(browser, page), flush=True)
            browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
