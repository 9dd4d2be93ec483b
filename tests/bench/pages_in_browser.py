"""What the pages of a build cost a browser: elements, time until they are usable, memory.

    .venv/bin/python tests/bench/pages_in_browser.py build/2025-09-30 [03_safety.html ...] [--write NAME]

Elements are those before anything is opened, charts drawn. Usable: the page is laid out and its scripts ran (load event
and two frames), the quickest of three visits; beside it the processor time of the process that draws it, which a busy
machine does not lengthen. Memory: what this process shares with no other. With `--write` the table of the answer pages
goes into docs/performance.md, between the lines of that name.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Playwright, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from bench.tables import machine, write_between
from conftest import ARGUMENTS, DRAWN_AT_ONCE, find_browser

TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
VISITS = 3
PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


@dataclass(frozen=True)
class Cost:
    """What one page costs."""

    name: str
    elements: int
    megabytes: float
    usable: float
    processor: float
    drawn: float
    memory: float

    def __str__(self) -> str:
        return (
            f"{self.name:32}{self.elements:8} elements{self.megabytes:7.2f} MB{self.usable:7.2f} s usable"
            f"{self.processor:7.2f} s of a core{self.drawn:7.2f} s drawn{self.memory:8.1f} MB of memory"
        )


def measured(started: Playwright, page: Path) -> Cost:
    """A page in a browser of its own."""
    browser = started.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    before = _processor()
    began = time.monotonic()
    opened.goto(page.resolve().as_uri(), wait_until="load")
    opened.evaluate(TWO_FRAMES)
    usable, processor = time.monotonic() - began, _processor() - before
    end = time.monotonic() + 60
    while not opened.evaluate(DRAWN_AT_ONCE) and time.monotonic() < end:
        opened.wait_for_timeout(50)
    drawn = time.monotonic() - began
    elements = int(opened.evaluate("document.querySelectorAll('*').length"))
    own = max(process.memory_full_info().uss for process in _renderers()) / 1e6
    browser.close()
    return Cost(page.name, elements, page.stat().st_size / 1e6, usable, processor, drawn, own)


def _renderers() -> list[psutil.Process]:
    """The processes of this browser that draw pages."""
    below = psutil.Process().children(recursive=True)
    return [process for process in below if "--type=renderer" in process.cmdline()]


def _processor() -> float:
    """Seconds of a core that these processes have taken."""
    return sum(sum(process.cpu_times()[:2]) for process in _renderers())


def table(costs: list[Cost]) -> str:
    """The measures as a table of docs/performance.md."""
    lines = ["| page | elements | MB | usable, s | of a core, s | memory, MB |", "|---|---:|---:|---:|---:|---:|"]
    lines += [
        f"| {cost.name} | {cost.elements:,} | {cost.megabytes:.2f} | {cost.usable:.2f} | {cost.processor:.2f} "
        f"| {cost.memory:.0f} |"
        for cost in costs
    ]  # fmt: skip
    return "\n".join([*lines, "", f"{machine()} `tests/bench/pages_in_browser.py` measures again."])


def main() -> None:
    """Prints the measures of the pages of a build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--write", default="", help="the lines of docs/performance.md between which the table goes")
    asked = parser.parse_args()
    pages = [asked.folder / name for name in asked.pages] or sorted(asked.folder.glob("*.html"))
    costs = []
    with sync_playwright() as started:
        for page in pages:
            found = [measured(started, page) for _ in range(VISITS)]
            costs.append(min(found, key=lambda cost: cost.usable))
            print(costs[-1], flush=True)
    if asked.write:
        write_between(PAGE, asked.write, table(costs))


if __name__ == "__main__":
    main()
