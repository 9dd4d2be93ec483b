"""JupyterLab as `make lab` starts it: nothing leaves the machine, git sees no change, charts can be read in the dark.

`make soak` does the same with all six notebooks.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import docx
import pypdf
import pytest
from playwright.sync_api import Browser
from python_calamine import CalamineWorkbook

from support.jupyterlab_desk import CUT, ELSEWHERE, Desk, Lab, cloned_desk, desk_of, git, running_lab
from support.paths import ROOT
from support.published_build import outputs_otherwise, results_otherwise, unreported
from trialbook.display.figures import CHART_MIME
from trialbook.workbook.step_metadata import read_graph

pytestmark = [pytest.mark.browser, pytest.mark.build]
NOTEBOOK = "90_desk.ipynb"
FILTER_NOTEBOOK = "91_filter.ipynb"
ACTIONS = ["Save as SVG", "Save as PNG", "View Source"]
SOAK = bool(os.environ.get("TRIALBOOK_SOAK"))
# Fewer numbers than this in the outputs of a notebook would mean that nothing was compared.
MOST_TRIVIAL = 100
STEPS = read_graph(ROOT).names


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, root: Path, demo: Path, browser: Browser) -> Iterator[Lab]:
    cuts = (CUT, "2025-06-30") if SOAK else (CUT,)
    with running_lab(cloned_desk(tmp_path_factory.mktemp("desk"), root, demo, *cuts)) as running:
        yield running


@pytest.fixture(scope="module")
def desk(lab: Lab, browser: Browser) -> Iterator[Desk]:
    """The small notebook after Run All."""
    with desk_of(browser, lab) as opened:
        opened.open(NOTEBOOK)
        opened.run_all("the end of the desk", 90)
        yield opened


def test_run_all_shows_house_tables_and_charts_with_a_menu_that_stays_on_the_machine(desk: Desk) -> None:
    assert desk.chart_menus(2) == [ACTIONS, ACTIONS]
    assert desk.page.locator(".tb .gt_table").count() == 4
    assert desk.page.locator(".jp-OutputArea-output strong").get_by_text("Bold").count() == 1
    assert desk.page.locator(".Toastify__toast").count() == 0
    assert desk.page.locator(".jp-RenderedText[data-mime-type$=stderr]").count() == 0
    assert [line for line in desk.said if "Vega" in line or line.startswith("error")] == []


def test_after_saving_git_sees_no_change_and_the_outputs_are_there(desk: Desk) -> None:
    place = desk.lab.folder / "notebooks" / NOTEBOOK
    desk.save()
    assert in_time(lambda: '"execution_count": 8' in place.read_text(encoding="utf-8"))
    assert in_time(lambda: git(desk.lab.folder, "status", "--short") == "")
    assert git(desk.lab.folder, "diff") == ""


def test_the_export_of_jupyterlab_holds_the_charts(desk: Desk) -> None:
    html = desk.lab.get(f"nbconvert/html/notebooks/{NOTEBOOK}").decode("utf-8")
    assert len(re.findall(r'<img alt="Chart[^"]*" src="data:image/svg', html)) == 2
    assert re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="https?:', html) == []


def test_a_profile_opens_from_a_table_and_the_project_can_be_read(desk: Desk) -> None:
    opened_profile(desk)
    listed = json.loads(desk.lab.get("api/contents/"))["content"]
    assert {"notebooks", "params", "data", "build"} <= {entry["name"] for entry in listed}
    assert json.loads(desk.lab.get("api/contents/params/protocol.yaml"))["writable"]


def test_cells_follow_the_filter_of_subjects_and_what_they_show_is_saved(lab: Lab, browser: Browser) -> None:
    saved = lab.folder / "notebooks" / "saved"
    with desk_of(browser, lab) as filtered:
        filtered.open(FILTER_NOTEBOOK)
        filtered.run_all("the end of the filter", 120)
        filtered.page.get_by_text("DL3 (2)", exact=True).click()
        shown = filtered.page.locator(".jp-OutputArea-output")
        for text in ("14 of 16 subjects: not the published set", 'cut.where(TRT01A=["DL1", "DL2", ""])'):
            shown.get_by_text(text).first.wait_for(timeout=90_000)
        for title in ("Overall survival, S(t)", "F2 Overall survival (N=10)", "Older subjects"):
            titled = shown.get_by_text(re.compile(re.escape(title) + r".*\(not the published set; 14 of 16 subjects\)"))
            titled.first.wait_for(timeout=90_000)
        assert in_time(lambda: b"14 of 16" in (saved / "f2.svg").read_bytes(), 60)
        assert in_time(lambda: "14 of 16" in docx.Document(saved / "t605.docx").paragraphs[0].text, 60)
        filtered.save()
        assert [line for line in filtered.said if line.startswith("error")] == []
        assert filtered.outside == []
    assert (saved / "f2.png").read_bytes().startswith(b"\x89PNG")
    drawing = " ".join(pypdf.PdfReader(saved / "f2.pdf").pages[0].extract_text().split())
    assert "(not the published set; 14 of 16 subjects)" in drawing
    rows = CalamineWorkbook.from_path(saved / "t605.xlsx").get_sheet_by_name("T-605").to_python()
    assert rows[0][0].endswith("(not the published set; 14 of 16 subjects)")
    assert [row[-1] for row in rows if row[0] == "Day 28"] == ["0.900 (0.473 to 0.985)"]
    assert in_time(lambda: git(lab.folder, "status", "--short") == "")


def test_charts_and_what_belongs_to_them_can_be_read_in_the_dark(lab: Lab, browser: Browser, desk: Desk) -> None:
    lab.set_theme("JupyterLab Dark")
    with desk_of(browser, lab) as dark:
        dark.open(NOTEBOOK)
        chart = dark.page.locator(".vega-embed canvas").first
        chart.wait_for(timeout=30_000)
        assert "invert" in chart.evaluate("chart => getComputedStyle(chart).filter")
        summary = dark.page.locator("details.tb > summary").first
        letters = summary.evaluate("text => getComputedStyle(text).color")
        ground = dark.page.locator(".jp-NotebookPanel-notebook").first.evaluate(GROUND)
        assert contrast(rgb(letters), rgb(ground)) > 4.5
        assert dark.outside == []


def test_nothing_but_the_loopback_was_asked_for(desk: Desk) -> None:
    """Last in this file: what the windows and the server did while the tests above ran."""
    assert any("/api/kernels" in address for address in desk.requests), "the log holds what was asked for"
    assert desk.outside == []
    assert desk.lab.outside() == []


@pytest.mark.skipif(not SOAK, reason="`make soak` runs it: six notebooks take minutes")
@pytest.mark.parametrize("step", STEPS)
def test_every_notebook_shows_what_is_published_and_asks_nobody_outside(lab: Lab, browser: Browser, step: str) -> None:
    with desk_of(browser, lab) as opened:
        opened.open(f"{step}.ipynb")
        opened.run_all("Receipt of this step", 300)
        menus = opened.chart_menus()
        opened.save()
        assert menus == [ACTIONS] * charts_in(lab.folder / "notebooks" / f"{step}.ipynb")
        assert in_time(lambda: git(lab.folder, "status", "--short") == "", 60)
        assert git(lab.folder, "diff") == ""
        assert [line for line in opened.said if "Vega-Lite" in line] == []
        assert opened.outside == []
        assert lab.outside() == []
    name = f"notebooks/{step}.ipynb"
    differing, numbers = outputs_otherwise(lab.folder / name, lab.folder / "build" / CUT / name)
    assert differing == []
    assert numbers > MOST_TRIVIAL
    assert results_otherwise(lab.folder, CUT, step) == []


@pytest.mark.skipif(not SOAK, reason="`make soak` runs it, every day the notebook beside the others does")
def test_a_profile_opens_from_a_notebook_in_another_folder(lab: Lab, browser: Browser) -> None:
    with desk_of(browser, lab) as opened:
        opened.open(ELSEWHERE.removeprefix("notebooks/"))
        opened.run_all("the end of the desk", 90)
        opened_profile(opened)


@pytest.mark.skipif(not SOAK, reason="`make soak` runs it: six notebooks take minutes")
def test_the_six_notebooks_together_report_every_published_number(lab: Lab) -> None:
    """After the six runs above."""
    assert unreported(lab.folder, CUT, STEPS) == []


def opened_profile(desk: Desk) -> None:
    """Clicks the first subject, and waits for the profile that JupyterLab opens."""
    desk.page.locator("a.tb-subject").first.click()
    profile = desk.page.frame_locator(".jp-HTMLViewer iframe")
    profile.get_by_role("heading", name="Subject 001").wait_for(timeout=20_000)


def charts_in(notebook: Path) -> int:
    """How many charts a notebook holds once it is saved with the outputs of its last cell."""

    def saved() -> list[dict[str, object]]:
        try:
            cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        except ValueError:
            return []  # JupyterLab is writing it
        return [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]

    assert in_time(lambda: any("Receipt of this step" in json.dumps(data) for data in saved()))
    return sum(CHART_MIME in data for data in saved())


GROUND = "node => getComputedStyle(document.body).getPropertyValue('--jp-layout-color0')"


def in_time(true: object, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def rgb(colour: str) -> tuple[float, ...]:
    """The parts of a colour as a browser writes it, from 0 to 1."""
    colour = colour.strip()
    if colour.startswith("#"):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        return tuple(int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4))
    return tuple(float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3])


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The contrast of two colours as WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(parts: tuple[float, ...]) -> float:
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
