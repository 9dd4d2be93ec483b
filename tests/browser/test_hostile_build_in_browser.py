"""A whole build of data that attack: every text is shown as text on every page, in charts, tooltips and files; nothing
of it is executed, and no chart is lost. One build serves all tests of this file.
"""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from support.chart_specifications import specifications, values_of
from support.demo_workbook import Workbook
from support.hostile_texts import CORPUS
from support.page_samples import FIRED
from trialbook.core.characters import plain_text
from trialbook.core.datasets import read_dataset
from trialbook.display.cell_words import OUR_WORDS
from trialbook.display.text import visible
from trialbook.profiles.subjects import profile_file

pytestmark = [pytest.mark.browser, pytest.mark.build]
CUT = "2025-09-30"
# Text that a site types, or that may carry any text: everything but keys, dates, codes and numbers.
FREE_TEXT = {
    "dm": ["RACE", "ARM", "ACTARM"], "ae": ["AETERM", "AEDECOD", "AEBODSYS", "AEACN", "AEOUT"],
    "cm": ["CMTRT", "CMDECOD", "CMCAT", "CMROUTE"], "mh": ["MHTERM", "MHDECOD", "MHCAT"],
    "ce": ["CECAT"], "pr": ["PRTRT", "PRDECOD", "PRCAT"], "dv": ["DVTERM", "DVCAT"], "ds": ["DSTERM", "DSCAT"],
    "ex": ["VISIT"], "sv": ["VISIT"], "lb": ["VISIT"], "rs": ["VISIT"], "ie": ["IECAT"],
}  # fmt: skip
SUBJECT = '<b>003</b>/../"x"'
# A unit that nobody knows: the value cannot be graded, and the question about it shows what was entered.
UNIT = '=HYPERLINK("https://example.invalid")<script>1</script>{{x}}'
CHINESE = {"zh/index.html", "zh/01_cleaning.html", "zh/03_safety.html", "zh/05_orr.html"}
HOVER = """() => {
  const said = new Set();
  for (const mark of document.querySelectorAll('.live .role-mark [aria-label], .live .role-mark path, .live .role-mark text')) {
    const box = mark.getBoundingClientRect();
    const place = { bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
    for (const kind of ['pointerover', 'mouseover', 'pointermove', 'mousemove']) {
      mark.dispatchEvent(new (kind.startsWith('p') ? PointerEvent : MouseEvent)(kind, place));
    }
    const tip = document.getElementById('vg-tooltip-element');
    if (tip && tip.classList.contains('visible')) said.add(tip.textContent);
  }
  return [...said];
}"""  # noqa: E501


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= 60
    assert len(set(CORPUS.values())) == len(CORPUS)
    assert sum(map(len, FREE_TEXT.values())) >= 20


@pytest.fixture(scope="module")
def hostile(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build whose every free text ends in a payload; one subject has a hostile number, one unit is a formula."""
    workbook = Workbook(tmp_path_factory.mktemp("hostile"), root, CUT)
    payloads = cycle(CORPUS.values())
    for domain, columns in FREE_TEXT.items():
        rows = workbook.read(domain)
        present = [column for column in columns if rows and column in rows[0]]
        assert present, domain
        # What a value means must survive, or the build would stop for another reason.
        workbook.write(domain, [{**row, **{c: f"{row[c]} {next(payloads)}" for c in present}} for row in rows])
    number = {"003": SUBJECT}
    workbook.write("dm", [{**row, "SUBJID": number.get(row["SUBJID"], row["SUBJID"])} for row in workbook.read("dm")])
    units = {"K": UNIT}
    labs = workbook.read("lb")
    workbook.write("lb", [{**row, "LBORRESU": units.get(row["LBTESTCD"], row["LBORRESU"])} for row in labs])
    return workbook.build()


@dataclass(frozen=True)
class Visit:
    """What came of opening a page, pointing at everything on it and opening all its records."""

    path: Path
    text: str
    charts: int
    tooltips: str
    executed: str | None
    misbehaved: list[str]
    too_wide: int


@pytest.fixture(scope="module")
def visits(hostile: Path, open_once: Callable[..., Any]) -> dict[str, Visit]:
    """Every page of the build, and of the Chinese ones some, visited once, by its path in the build."""
    names = (path.relative_to(hostile).as_posix() for path in sorted(hostile.rglob("*.html")))
    return {name: visit(hostile / name, open_once(hostile / name)) for name in names if is_visited(name)}


def is_visited(name: str) -> bool:
    """Whether a page is opened here: a Chinese page holds the same data, put in by the same code, as its twin."""
    return not name.startswith("zh/") or name in CHINESE


# Opens every number in place, as a reader does; a link that no box of the page answers is left alone.
OPEN_ALL = """() => {
  const source = document.getElementById("opened");
  const boxes = source ? JSON.parse(source.textContent).boxes : {};
  for (const link of document.querySelectorAll("a.tb-open")) if (link.hash.slice(1) in boxes) link.click();
}"""


def visit(path: Path, seen: Any) -> Visit:
    """Does with a page what a reader may do, and closes it."""
    charts = seen.wait_for_charts()
    tooltips = seen.page.evaluate(HOVER) if charts else []
    seen.page.evaluate("document.querySelectorAll('main *').forEach(e => e.dispatchEvent(new Event('mouseover')))")
    seen.page.evaluate(OPEN_ALL)
    moved = [] if seen.page.url == seen.address else [f"moved to {seen.page.url}"]
    found = Visit(
        path,
        words(seen.page.evaluate("document.querySelector('main').textContent")),
        charts,
        words(" ".join(tooltips)),
        seen.page.evaluate(f"document.documentElement.getAttribute({FIRED!r})"),
        [*seen.outside_requests, *seen.problems, *moved],
        seen.overflow(390),
    )
    seen.page.close()
    return found


def words(text: str) -> str:
    """A text as a reader compares it: hidden characters written out, one space between words."""
    return " ".join(visible(text).split())


def texts_with_tooltips(page: Path) -> list[str]:
    """The texts in the data of a page's charts that a tooltip shows."""
    found = []
    for spec in specifications(page):
        shown = {entry["field"] for entry in values_of("tooltip", spec) if "field" in entry}
        rows = [row for rows in spec["datasets"].values() for row in rows]
        found += [str(row[name]) for row in rows for name in shown & set(row)]
    return found


def test_nothing_is_executed_or_asked_of_the_network(visits: dict[str, Visit]) -> None:
    assert len(visits) >= 20
    assert {name: visit.executed for name, visit in visits.items() if visit.executed} == {}
    assert {name: visit.misbehaved for name, visit in visits.items() if visit.misbehaved} == {}


def test_no_page_is_pushed_out_of_a_narrow_window(visits: dict[str, Visit]) -> None:
    assert {name: visit.too_wide for name, visit in visits.items() if visit.too_wide} == {}


def test_no_chart_and_no_page_is_lost(hostile: Path, visits: dict[str, Visit], demo: Path) -> None:
    """A table that the hostile texts make longer may go to a page beside its own: each step shows what it shows."""
    listed = json.loads((hostile / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    assert sorted(visits) == sorted(name for name in listed if name.endswith(".html") and is_visited(name))
    every = {path.relative_to(demo / CUT).as_posix(): path for path in (demo / CUT).rglob("*.html")}
    harmless = {name: path for name, path in every.items() if is_visited(name)}
    assert {step(name) for name in visits} == {step(name) for name in harmless}
    drawn = charts_by_step({name: visit.charts for name, visit in visits.items()})
    expected = charts_by_step({name: len(specifications(path)) for name, path in harmless.items()})
    # The hostile data have no earlier cut: there is no figure of what has changed since.
    since = {name: number - (step(name).endswith("03_safety.html")) for name, number in expected.items()}
    assert drawn == since
    profiles = [visit.path for name, visit in visits.items() if "profiles/" in name]
    assert len(profiles) == sum("profiles/" in name for name in harmless)
    for profile in profiles:
        assert profile.read_text(encoding="utf-8").count('<svg class="drawing"') == 4, profile.name


def step(name: str) -> str:
    """The page of a step, whichever of its pages this is; all profiles are one."""
    return re.sub(r"profiles/.*|_(?:tables|records)(?=\.html$)", "", name)


def charts_by_step(charts: Mapping[str, int]) -> dict[str, int]:
    """How many charts the pages of each step show together."""
    together: dict[str, int] = {}
    for name, number in charts.items():
        together[step(name)] = together.get(step(name), 0) + number
    return together


def test_tooltips_show_text(visits: dict[str, Visit]) -> None:
    hovered = " ".join(visit.tooltips for visit in visits.values())
    drawn = words(" ".join(text for visit in visits.values() for text in texts_with_tooltips(visit.path)))
    expected = {name for name, text in CORPUS.items() if words(text)[:40] in drawn}
    assert len(expected) >= 20
    # A tooltip cuts what is very long.
    assert {name for name in expected if words(CORPUS[name])[:40] not in hovered} == set()


def test_every_text_of_the_corpus_can_be_read(visits: dict[str, Visit]) -> None:
    everything = "\n".join(visit.text for visit in visits.values())
    # Cleaning takes out, and logs, marks that nobody can see.
    shown = {name: {words(text), words(plain_text(text))} for name, text in CORPUS.items()}
    assert [name for name, forms in shown.items() if not any(form in everything for form in forms)] == []


def test_the_tables_of_a_subject_show_its_events_and_drugs_word_for_word(
    hostile: Path, visits: dict[str, Visit]
) -> None:
    adsl = read_dataset(hostile / "data" / "adsl.parquet")
    treated = adsl[adsl["SAFFL"] == "Y"].set_index("USUBJID")["SUBJID"]
    assert SUBJECT in set(treated)
    columns = {"clean/ae": ["AETERM", "AEDECOD", "AEOUT"], "clean/cm": ["CMTRT", "CMCAT", "CMROUTE"]}
    compared = 0
    for name, shown in columns.items():
        records = read_dataset(hostile / "data" / f"{name}.parquet")
        for record in records[records["USUBJID"].isin(treated.index)].to_dict("records"):
            page = visits[f"profiles/{profile_file(treated[record['USUBJID']])}"].text
            for column in shown:
                # A coded outcome is one of our words; any other text is shown as it was delivered.
                coded = column == "AEOUT" and str(record[column]).lower() in OUR_WORDS
                text = str(record[column]).lower() if coded else record[column]
                assert words(text) in page, f"{record['USUBJID']} {column}"
                compared += 1
    assert compared > 300


def test_terms_stand_in_the_tables_and_charts_of_safety_as_they_are(hostile: Path, visits: dict[str, Visit]) -> None:
    adae = read_dataset(hostile / "data" / "adae.parquet")
    terms = adae.loc[(adae["TRTEMFL"] == "Y") & (adae["SAFFL"] == "Y"), "AEDECOD"].unique()
    assert len(terms) > 30
    tables = visits["03_safety.html"].text + visits["03_safety_tables.html"].text
    assert [term for term in terms if words(term) not in tables] == []


def test_a_hostile_number_of_a_subject_leads_to_its_page(hostile: Path, open_page: Callable[..., Any]) -> None:
    seen = open_page(hostile / "index.html")
    seen.page.get_by_role("link", name=SUBJECT, exact=True).first.click()
    assert seen.page.locator("h1").text_content() == f"Subject {SUBJECT}"
    assert seen.page.url.endswith(f"/profiles/{profile_file(SUBJECT)}")


def test_the_query_files_hold_text_and_no_formula(hostile: Path) -> None:
    with (hostile / "queries.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    observed = [row["observed"] for row in rows if UNIT in row["observed"]]
    assert observed
    assert not [text for text in observed if text.lstrip().startswith("=")]
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if re.match(r"\s*[=+@]", cell)]
    with zipfile.ZipFile(hostile / "queries.xlsx") as book:
        names = book.namelist()
        sheets = [book.read(name).decode("utf-8") for name in names if name.startswith("xl/worksheets/sheet")]
        strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 - of our own build
    assert not [name for name in names if "externalLink" in name or "vba" in name.lower()]
    assert not [sheet for sheet in sheets if re.search(r"<f[ >]|<hyperlink", sheet)]
    assert UNIT in "\n".join(strings.itertext())


def test_results_and_datasets_hold_the_texts_unchanged(hostile: Path) -> None:
    ard = read_dataset(hostile / "results" / "ard.parquet")
    adae = read_dataset(hostile / "data" / "adae.parquet")
    kept = set(ard["variable_level"]) & set(adae["AEDECOD"])
    assert len([term for term in kept if any(term.endswith(text) for text in CORPUS.values())]) > 20
    assert isinstance(ard, pd.DataFrame)
