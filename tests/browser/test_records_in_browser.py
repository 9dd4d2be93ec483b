"""A number opens the records behind it: in place with script, on the page of records without, by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from support.page_samples import frame, notebook
from trialbook import display
from trialbook.display.page import pages_of
from trialbook.display.page_content import page_content
from trialbook.protocol.models import Protocol

pytestmark = pytest.mark.browser
EVENTS = pd.DataFrame({"SUBJID": ["S01", "S02"], "AEDECOD": ["Pyrexia", "<b>Sepsis</b>"]})
COUNTS = pd.DataFrame({"measure": ["Any", "Serious"], "DL1": [2, 1]})
BOX = ".tb-opened"
Pages = Callable[..., Path]


@pytest.fixture
def pages(protocol: Protocol, tmp_path: Path) -> Pages:
    """Writes the pages of a notebook with one table; returns the page itself."""

    def write(*, scripted: bool = True) -> Path:
        opened = display.Lines(EVENTS, {"AEDECOD": "Term"}).openings({(0, "DL1"): (0, 1), (1, "DL1"): (1,)})
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
    assert page.locator(f"{BOX} .tb-title").inner_text() == "Any, DL1: 2"
    assert page.locator(f"{BOX} tbody tr").count() == 2
    assert "<b>Sepsis</b>" in page.locator(BOX).inner_text()
    page.keyboard.press("Escape")
    assert not page.locator(BOX).is_visible()
    assert page.evaluate("document.activeElement.matches('a.tb-open')")
    page.keyboard.press("Enter")
    assert page.locator(BOX).is_visible()
    page.locator(f"{BOX} .tb-close").click()
    assert not page.locator(BOX).is_visible()
    assert page.url == seen.address
    assert (seen.outside_requests, seen.problems) == ([], [])


@pytest.mark.parametrize("scripts", [True, False])
def test_without_script_a_number_leads_to_its_records(open_page, pages: Pages, scripts: bool):
    page = open_page(pages(scripted=False), scripts=scripts).page
    page.locator("a.tb-open").nth(1).click()
    page.wait_for_url("**/03_safety_records.html#r-2")
    assert page.locator("h3:target").inner_text() == "Serious, DL1: 1"
    assert page.locator(".tb-record:has(h3:target) tbody tr").count() == 1
