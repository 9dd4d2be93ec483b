"""The page of the eligibility audit: cells open to their evidence, and its tables agree with the data."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from support.built_pages import Boxes, Tables, with_reference_page
from trialbook.core.datasets import read_dataset
from trialbook.eligibility.audit_results import RESULT_WORDS
from trialbook.eligibility.tables import LETTERS

pytestmark = pytest.mark.build
CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")
MATRIX = "Eligibility audit, expandable"


class Openings(HTMLParser):
    """What each cell of one table opens to: (row, column) -> texts of its box; rows count from 0 below the heads."""

    def __init__(self, page: Path, title: str) -> None:
        super().__init__()
        self._title, self._inside, self._row, self._column = title, False, -2, -1
        self._is_title = False
        self._targets: dict[tuple[int, int], str] = {}
        self._boxes = Boxes(page).texts
        self.feed(with_reference_page(page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._is_title = self._is_title or tag == "caption"
        if self._inside and tag == "tr":
            self._row, self._column = self._row + 1, -1
        if self._inside and tag in ("td", "th"):
            self._column += 1
        if self._inside and tag == "a" and found.get("class") == "tb-open":
            self._targets[self._row, self._column] = str(found["href"]).partition("#")[2]

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self._is_title = False
        if tag == "table":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._is_title and self._title in data:
            self._inside = True

    @property
    def behind(self) -> dict[tuple[int, int], list[str]]:
        return {cell: self._boxes[target] for cell, target in self._targets.items()}


@pytest.fixture(scope="module", params=CUTS)
def build(request: pytest.FixtureRequest, demo: Path) -> Path:
    return demo / str(request.param)


@pytest.fixture(scope="module")
def page(build: Path) -> Tables:
    """The tables of the page, read once for each cut."""
    return Tables(build / "02_eligibility.html")


def audit_of(build: Path) -> tuple[pd.DataFrame, pd.Series]:
    """The audit with the subject's number, and the order of its columns."""
    adsl = read_dataset(build / "data" / "adsl.parquet").set_index("USUBJID")
    adie = read_dataset(build / "data" / "adie.parquet")
    return adie.assign(SUBJID=adie["USUBJID"].map(adsl["SUBJID"])), adsl["SUBJID"]


def test_every_cell_of_the_matrix_opens_to_what_decided_it(build: Path, page: Tables) -> None:
    """Behind each letter: its subject, criterion and result, the evidence in words, the rule, the assumption."""
    adie, subjects = audit_of(build)
    table = next(rows for title, rows in page.found.items() if title.startswith(MATRIX))
    heads, behind = table[0], Openings(build / "02_eligibility.html", MATRIX).behind
    assert len(behind) == len(adie) == 26 * len(subjects)
    rows = adie.set_index(["SUBJID", "CRITCD"])
    for (row, column), said in behind.items():
        subject, criterion = table[row + 1][0], heads[column]
        one = rows.loc[(subject, criterion)]
        assert table[row + 1][column] == LETTERS[one["RESULT"]]
        assert said[0] == f"{subject}, {criterion}: {one['RESULT']}"
        text = " ".join(said)
        assert one["EVIDENCE"] in text
        assert f"Rule: {one['RULE']}" in text
        assert one["ASSUMPTION"] in text
        if one["SRCDOM"]:
            number = "" if pd.isna(one["SRCSEQ"]) else f" {one['SRCSEQ']}"
            assert f"{one['SRCDOM']}{number}" in said, (subject, criterion)


def test_what_is_no_pass_is_listed_with_its_query(build: Path, page: Tables) -> None:
    adie, _ = audit_of(build)
    listed = next(rows for title, rows in page.found.items() if title.startswith("Violations, contradictions"))
    wanted = adie[~adie["RESULT"].isin(["PASS", "ATT-PASS"])]
    expected = wanted[["SUBJID", "CRITCD"]].assign(RESULT=wanted["RESULT"].map(RESULT_WORDS)).to_numpy().tolist()
    assert [row[:3] for row in listed[1:]] == expected
    queries = pd.read_csv(build / "queries.csv", dtype="str", keep_default_na=False)
    asked = {rule for row in listed[1:] for rule in [row[5].split(":")[0]] if rule}
    assert asked <= set(queries["rule"])
    for row in listed[1:]:
        assert (row[2] != "CONFLICT") or row[5].startswith("P33-IE-CONFLICT"), row


def test_the_flow_in_the_figure_is_the_one_in_the_results(build: Path, page: Tables) -> None:
    ard = pd.DataFrame(json.loads((build / "results" / "ard.json").read_text(encoding="utf-8")))
    total = ard[ard["analysis_id"].eq("DISPOSITION") & ard["group1_level"].eq("Total")]
    stations = total[total["variable_level"].eq("")].set_index("variable")["stat"]
    for name, station in (("Screened", "SCREENED"), ("Screen failures", "SCRNFAIL"), ("Infused", "TREATED")):
        assert page.cell("F22 Flow of subjects", name, "Subjects") == str(int(stations[station]))
    reasons = total[total["variable_level"].ne("")]
    # Reasons are in words, each with its number of subjects.
    said = page.cell("F22 Flow of subjects", "Screen failures", "Of these").split("; ")
    assert [part.partition(":")[0] for part in said] == [str(int(n)) for n in reasons["stat"]]
    assert len(said) > 0


def test_the_heads_of_t_2_and_t_3_hold_the_numbers_of_subjects(build: Path, page: Tables) -> None:
    adsl = read_dataset(build / "data" / "adsl.parquet")
    treated = adsl[adsl["SAFFL"].eq("Y")]["TRT01A"]
    heads = [
        f"{level} (N={int((treated == level).sum())}){dose} x 10^6/kg"
        for level, dose in (("DL1", 1), ("DL2", 2), ("DL3", 4))
    ]
    for title in ("T-2 Age, weight and times", "T-2b Demography", "T-3 The disease"):
        head = next(rows[0] for name, rows in page.found.items() if name.startswith(title))
        assert head[1:] == [*heads, f"Total (N={len(treated)})"]
