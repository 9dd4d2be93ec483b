"""Every page as people with and without sight read it: axe-core, the accessibility tree, a phone, lists that sort."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.page_samples import frame, notebook
from trialbook import display
from trialbook.display.page import render_page
from trialbook.protocol.models import Protocol

pytestmark = pytest.mark.browser
CUT = "2025-09-30"
AXE = "axe-core@4.11.0"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# No selector is made for what is right: on a long page that takes most of the time.
VIOLATIONS = """async (only) =>
  (await axe.run(document, { ...only, resultTypes: ["violations"], selectors: false })).violations
  .map(found => `${found.id}: ${found.nodes.slice(0, 3).map(node => node.html.slice(0, 120)).join(" | ")}`)"""
# Numbered tables and figures that the side list does not lead to, on a page that has one.
UNREACHED = """() => document.querySelector("nav.contents ol ul") === null ? [] :
  [...document.querySelectorAll("main [id]")].map(part => part.id).filter(id => /^[TFL]-/.test(id)
    && !document.querySelector(`nav.contents a[href="#${id}"]`))"""
NAMELESS = """() => [...document.querySelectorAll("main .tb-table table")].filter(table =>
  !table.caption || !table.caption.textContent.trim()
  || [...table.tBodies[0].rows].some(row => !row.querySelector('th[scope]')))
  .map(table => table.innerText.slice(0, 60))"""
# Stops of the keyboard up to the last section that the side list leads to.
STOPS = """() => {
  const stops = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
    .filter(part => part.checkVisibility() && part.tabIndex >= 0 && !part.disabled);
  const last = [...document.querySelectorAll("nav.contents ol > li > a")].pop();
  return last ? stops.indexOf(last) + 1 : 0;
}"""
# Rows and sections beyond these are made as those before them; axe-core would take minutes for all of them.
SHORTEN = """() => document.querySelectorAll(
  "tbody tr:nth-child(n + 13), section.findable:nth-of-type(n + 5), section.tb-record:nth-of-type(n + 13)"
).forEach(part => part.remove())"""
NARROW = """() => ({
  wide: [...document.querySelectorAll("main .tb-cards-on-phone")]
    .filter(box => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
    .map(box => box.innerText.slice(0, 60)),
  number: Math.min(...[...document.querySelectorAll(".tb-value")].map(part => part.getBoundingClientRect().bottom)),
})"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core of npm, which is no part of the project; without npm, or without a way to its registry, skipped."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on the PATH, so that axe-core cannot be installed for this test")
    folder = tmp_path_factory.mktemp("axe")
    asked = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), AXE]
    try:
        subprocess.run(asked, capture_output=True, check=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        pytest.skip(f"axe-core cannot be installed: {problem}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.build
def test_every_page_is_accessible_on_light_and_dark_screens_and_on_a_phone(
    demo: Path, open_page: Callable[..., Any], axe: str
) -> None:
    """One visit to each page; what is wrong is reported for all of them at once."""
    folder = demo / CUT
    profiles = sorted((folder / "profiles").glob("*.html"), key=lambda path: (path.stat().st_size, path.name))
    wrong: list[str] = []
    for path in [*pages_made_differently(folder), profiles[0], profiles[-1], demo / "index.html"]:
        seen = open_page(path, bypass_csp=True, reduced_motion="reduce")
        page = seen.page
        seen.wait_for_charts()
        found = [f"not in the side list: {name}" for name in page.evaluate(UNREACHED)]
        found += [f"no caption or row head: {text}" for text in page.evaluate(NAMELESS)]
        stops = page.evaluate(STOPS)
        found += [f"{stops} stops of the keyboard before the last section"] if stops >= 60 else []
        nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        roles = [str(node.get("role", {}).get("value", "")) for node in nodes if not node.get("ignored")]
        found += [f"graphics are read mark by mark: {roles.count('graphics-symbol')}"] * ("graphics-symbol" in roles)
        page.set_viewport_size({"width": 390, "height": 844})
        narrow = page.evaluate(NARROW)
        found += [f"wider than a phone: {text}" for text in narrow["wide"]]
        if path.name[:2].isdigit() and path.stem.count("_") == 1 and narrow["number"] is not None:
            found += [f"first number on a phone at {narrow['number']:.0f}"] if narrow["number"] > 844 else []
        page.set_viewport_size({"width": 1280, "height": 900})
        page.evaluate(SHORTEN)
        page.evaluate(axe)
        found += page.evaluate(VIOLATIONS, {"runOnly": {"type": "tag", "values": TAGS}})
        page.emulate_media(color_scheme="dark")
        contrast = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
        found += [f"dark: {said}" for said in page.evaluate(VIOLATIONS, contrast)]
        wrong += [f"{path.relative_to(demo)}: {said}" for said in found]
        page.close()
    assert not wrong, "\n".join(wrong)


def pages_made_differently(folder: Path) -> list[Path]:
    """The pages of a cut: of those with the records behind numbers, which are long and alike, the shortest; in Chinese
    the first page and the one of response.
    """
    records = sorted(folder.glob("*_records.html"), key=lambda path: path.stat().st_size)
    pages = [path for path in sorted(folder.glob("*.html")) if path not in records]
    return [*pages, records[0], folder / "zh" / "index.html", folder / "zh" / "05_orr.html"]


EVENTS = pd.DataFrame(
    {
        "SUBJID": [f"{k:03d}" for k in range(1, 31)],
        "TERM": ["Sepsis", "Rash", "Fièvre"] * 10,
        "VALUE": [f"{(k * 7) % 30 + 0.5} x ULN" for k in range(30)],
        "GRADE": ["2", "", "3"] * 10,
    }
)
ROWS = """[...document.querySelectorAll('#L-1 tbody tr')].filter(row => row.checkVisibility())
  .map(row => row.cells[{n}].innerText)"""


@pytest.fixture
def listing(protocol: Protocol) -> str:
    """A page with one list that is longer than a screen."""
    labels = {"SUBJID": "Subject", "TERM": "Event", "VALUE": "ALT", "GRADE": "Grade"}
    block = display.table(EVENTS, "L-1 Events", labels=labels, subject="SUBJID")
    shown = frame(protocol)
    return render_page(
        notebook("# Events", block), title="Sample", frame=type(shown)(**{**vars(shown), "scripted": True}),
        current="03_safety.html",
    )  # fmt: skip


def test_a_long_list_is_sorted_and_searched_and_the_address_says_so(
    open_page: Callable[..., Any], listing: str
) -> None:
    seen = open_page(listing)
    rows = lambda column: seen.page.evaluate(ROWS.format(n=column))  # noqa: E731
    subjects = rows(0)
    assert len(subjects) == 30
    head = seen.page.get_by_role("button", name="ALT")
    # By the keyboard: numbers as numbers, up, then down, then as it was.
    head.focus()
    for key, order in (("Enter", "ascending"), ("Space", "descending")):
        seen.page.keyboard.press(key)
        values = [float(text.split()[0]) for text in rows(3)]
        assert values == sorted(values, reverse=order == "descending")
        assert seen.page.locator("th[aria-sort]").get_attribute("aria-sort") == order
    assert "sorted by ALT, downwards" in seen.page.get_by_role("status").inner_text()
    assert "L-1.sort=-4" in seen.page.url
    head.click()
    assert (rows(0), seen.page.locator("th[aria-sort]").count()) == (subjects, 0)
    # Accents do not matter, and the choice of a column goes with the search.
    seen.page.get_by_label("Find in this list").fill("fievre")
    assert set(rows(1)) == {"Fièvre"}
    assert "10 of 30 rows" in seen.page.get_by_role("status").inner_text()
    seen.page.get_by_label("Find in this list").fill("00")
    seen.page.get_by_label("Event", exact=True).select_option("Rash")
    assert rows(0) == ["002", "005", "008"]
    # The address opens the same again, and the list can be made whole.
    seen.page.goto(seen.page.url)
    assert rows(0) == ["002", "005", "008"]
    seen.page.get_by_role("button", name="Show all").click()
    assert rows(0) == subjects
    assert "L-1" not in seen.page.url
    assert seen.problems == []


def test_blank_cells_stay_at_the_end_whichever_way_a_list_is_sorted(
    open_page: Callable[..., Any], listing: str
) -> None:
    seen = open_page(listing)
    for _ in range(2):
        seen.page.get_by_role("button", name="Grade").click()
        grades = seen.page.evaluate(ROWS.format(n=2))
        assert grades[-10:] == [""] * 10
        assert grades[0] != ""


def test_without_script_the_list_is_complete_and_has_no_tools(open_page: Callable[..., Any], listing: str) -> None:
    seen = open_page(listing, scripts=False)
    assert seen.page.locator("#L-1 tbody tr:visible").count() == 30
    assert not seen.page.locator(".tb-tools, .tb-sort").count()
