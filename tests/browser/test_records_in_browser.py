"""A number opens the records behind it: in place with script, on the page of records without, by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from support.page_samples import frame, notebook
from trialbook import display
from trialbook.display.page import pages_of
from trialbook.display.page_content import page_content
from trialbook.protocol.models import Protocol

pytestmark = pytest.mark.browser
# Many wide records behind the first number, one behind the second.
EVENTS = pd.DataFrame(
    {
        "SUBJID": ["S01", *["S02"] * 40],
        "AEDECOD": ["Pyrexia", "<b>Sepsis</b>", *["a long term " * 9] * 39],
        "MORE": ["y" * 30] * 41,
    }
)
COUNTS = pd.DataFrame({"measure": ["Any", "Serious"], "DL1": [41, 1]})
BOX = ".tb-opened"
Pages = Callable[..., Path]


@pytest.fixture
def pages(protocol: Protocol, tmp_path: Path) -> Pages:
    """Writes the pages of a notebook with one table; returns the page itself."""

    def write(*, scripted: bool = True) -> Path:
        opened = display.Lines(EVENTS, {"AEDECOD": "Term"}).openings({(0, "DL1"): tuple(range(41)), (1, "DL1"): (1,)})
        cells = notebook(display.table(COUNTS, "T-5 Overview", details=opened))
        content = page_content(cells, "live", page="03_safety.html")
        around = replace(frame(protocol), scripted=scripted)
        made = pages_of(content, title="Safety", frame=around, current="03_safety.html")
        for name, html in made.items():
            (tmp_path / name).write_text(html, encoding="utf-8")
        return tmp_path / "03_safety.html"

    return write


def test_with_script_a_number_opens_in_place_and_closes_again(open_page, pages: Pages):
    seen = open_page(pages())
    page = seen.page
    assert page.locator(BOX).count() == 0
    page.locator("a.tb-open").first.click()
    assert page.locator(BOX).is_visible()
    assert page.locator(f"{BOX} .tb-title").inner_text() == "Any, DL1: 41"
    assert page.locator(f"{BOX} tbody tr").count() == 41
    assert "<b>Sepsis</b>" in page.locator(BOX).inner_text()
    page.keyboard.press("Escape")
    assert not page.locator(BOX).is_visible()
    assert page.evaluate("document.activeElement.matches('a.tb-open')")
    page.keyboard.press("Enter")
    assert page.locator(BOX).is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.tb-opened') !== null")
    page.locator(f"{BOX} .tb-close").click()
    assert not page.locator(BOX).is_visible()
    assert page.evaluate("document.activeElement.matches('a.tb-open')")
    assert page.url == seen.address
    assert (seen.outside_requests, seen.problems) == ([], [])


def test_what_is_open_fits_the_window_and_is_not_printed(open_page, pages: Pages):
    seen = open_page(pages())
    page = seen.page
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator("a.tb-open").first.click()
        box = page.locator(BOX).bounding_box()
        assert min(box["x"], box["y"]) >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 900
        assert seen.overflow(width) == 0
        page.keyboard.press("Escape")
    page.locator("a.tb-open").first.click()
    page.emulate_media(media="print")
    assert not page.locator(BOX).is_visible()
    assert page.locator("a.tb-open").first.is_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_without_script_a_number_leads_to_its_records(open_page, pages: Pages, scripts: bool):
    page = open_page(pages(scripted=False), scripts=scripts).page
    page.locator("a.tb-open").nth(1).click()
    page.wait_for_url("**/03_safety_records.html#r-2")
    # Also below what the browser has not laid out yet.
    expect(page.locator("h3:target")).to_be_in_viewport()
    assert page.locator("h3:target").text_content() == "Serious, DL1: 1"
    assert page.locator(".tb-record:has(h3:target) tbody tr").count() == 1
