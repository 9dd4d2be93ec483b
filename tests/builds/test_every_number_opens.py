"""Every number of the results that a page shows opens to its records, and they are those that were counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.built_pages import Numbers
from trialbook.core.datasets import read_dataset
from trialbook.display.payload import MIME
from trialbook.records_behind import ResultNumber, Studied, records_behind
from trialbook.records_behind.find import RULES, WITHOUT

pytestmark = pytest.mark.build
LAST = "2025-09-30"
# Numbers of a set (N, shares) stay behind their own rows; these are counted from findings, not from a flag of ADSL.
NOT_IN_ADSL = {"DEMOG"}
# A count under another choice of rules, or with what may still come: the records are those of the main analysis.
BY_OTHER_RULES = re.compile("sens:|worst|best")
# Who was last seen too long ago is marked in the listing of the censored.
SHOWN_BESIDE = {("FUP_STALE", "n")}
# What was due by the cut is no variable of a dataset: table T-4a opens to the infusions of each subject.
OF_INFUSIONS = {("EXPOSURE", "DUE"), ("EXPOSURE", "FEWER")}
# Lines of therapy and how steroids failed come from records of medication: they are in no dataset of the analysis.
OF_THERAPY = {("BASELINE", "LINES"), ("BASELINE", "SRPATTERN")}
# Tables whose numbers no record is behind, or whose records are listed beside them; by how their title begins.
NO_RECORDS = {
    "First rows of a dataset": "the first rows of a dataset of this step",
    "Receipt of this step": "what the step has written",
    "Records on the way to the tables": "all records of the dataset, by rule",
    "Subjects [events] at each cut": "what earlier cuts reported; the records are in their builds",
    "Questions raised by the safety review": "each is a line of the query list",
    "Queries by severity": "each is a line of the query list",
    "Contracts": "rules of files",
    "Rules": "rules",
    "Safety stopping rules": "the listing below names the subjects",
    "DLT rate, worst and best case": "the listing of the statuses names the subjects",
    "Pathways to the end of the trial": "probabilities",
    "The rest of the trial": "probabilities",
    "Fewest events that stop": "limits of a rule",
    "How often each rule would stop": "probabilities",
    "Drugs started after the infusion": "counted by class; the profiles name the drugs",
    "Probability that the response rate exceeds": "predicted probabilities",
    "Response rate under other choices": "a difference of two rates, each of which opens",
}
# Cards that say what the rule advises, not how many.
ADVICE = ("Status of the escalation", "Advice by rule", "Dose level now open", "Decision not before")


@pytest.fixture(scope="module")
def build(demo: Path) -> Path:
    return demo / LAST


@pytest.fixture(scope="module")
def studied(build: Path) -> Studied:
    return Studied({path.stem: read_dataset(path) for path in sorted((build / "data").glob("*.parquet"))})


def test_the_records_behind_each_count_are_as_many_as_it_says(build: Path, studied: Studied) -> None:
    ard = read_dataset(build / "results" / "ard.parquet")
    counts = ard[ard["stat_name"].isin(["n", "events", "n.event"]) & ard["stat"].notna()]
    names = ["analysis_id", "group1_level", "variable", "variable_level", "context"]
    wrong, asked = [], 0
    for row in counts[[*names, "stat_name", "stat"]].itertuples(index=False, name=None):
        number, stat, value = ResultNumber(*row[:5]), str(row[5]), row[6]
        beside = (number.analysis_id, stat) in SHOWN_BESIDE or number.analysis_id in {*WITHOUT, *NOT_IN_ADSL}
        beside = beside or number[0:3:2] in OF_INFUSIONS | OF_THERAPY
        if beside or BY_OTHER_RULES.match(number.context):
            continue
        asked += 1
        if _count(number, stat, studied) != value:
            wrong.append((number, stat, value))
    assert asked > 4000
    assert wrong == []


def _count(number: ResultNumber, stat: str, studied: Studied) -> int:
    assert number.analysis_id in RULES, number
    found = records_behind(number, studied)
    if found is None:
        return 0
    counted = studied.frame(found.dataset).iloc[list(found.rows[: found.counted])]
    if stat == "events":
        return len(counted.drop_duplicates(["USUBJID", "EPISODE"]))
    return len(counted) if stat == "n.event" else int(counted["USUBJID"].nunique())


def tables(build: Path, step: str) -> Iterator[dict[str, Any]]:
    notebook = json.loads((build / "notebooks" / f"{step}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            payload = output.get("data", {}).get(MIME, {})
            if payload.get("kind") == "table":
                yield payload


@pytest.mark.parametrize("step", ["02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os"])
def test_every_number_of_a_table_leads_to_a_box_of_the_page_of_records(
    build: Path, studied: Studied, step: str
) -> None:
    expected = 0
    for table in tables(build, step):
        opened = {(row, column) for row, column, _ in table.get("buttons", ())}
        for row, column, _, key in table.get("says", ()):
            number = ResultNumber(*key)
            shown = table["columns"][column]["cells"][row]
            if (row, column) not in opened and shown and records_behind(number, studied):
                opened.add((row, column))
            nothing = not shown or number.analysis_id in WITHOUT or not records_behind(number, studied)
            assert (row, column) in opened or nothing, (table["title"], number)
        expected += len(opened)
    cards = (build / f"{step}.html").read_text(encoding="utf-8").count('<div class="tb-value"><a class="tb-open"')
    pages = [path.read_text(encoding="utf-8") for path in (build / f"{step}.html", build / f"{step}_tables.html")
             if path.is_file()]  # fmt: skip
    links = [
        link for page in pages for link in re.findall(rf'<a class="tb-open" href="{step}_records.html#(r-\d+)"', page)
    ]
    records = (build / f"{step}_records.html").read_text(encoding="utf-8")
    anchors = re.findall(r'<h3 id="(r-\d+)">', records)
    assert len(links) == expected + cards > 10
    assert len(set(links)) >= expected
    assert set(links) <= set(anchors)
    assert len(anchors) == len(set(anchors))


def test_every_number_of_the_pages_opens_but_for_named_reasons(build: Path) -> None:
    steps = ("03_safety", "04_dlt", "05_orr", "06_os")
    pages = [build / "index.html", *(build / f"{step}{kind}.html" for step in steps for kind in ("", "_tables"))]
    numbers = [(page.name, *number) for page in pages if page.is_file() for number in Numbers(page).found]
    closed = [number for number in numbers if not number[-1]]
    reason = {number: next((why for why in NO_RECORDS if number[1].startswith(why)), "") for number in closed}
    unexplained = [
        number for number in closed if not reason[number] and not (number[1] == "" and number[2].startswith(ADVICE))
    ]
    assert unexplained == []
    assert len(numbers) - len(closed) > 900
    # No reason outlives its table, and none of the many tables that open hides behind one.
    assert set(reason.values()) - {""} == set(NO_RECORDS)


def test_the_numbers_of_the_first_page_open(build: Path) -> None:
    page = (build / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'<a class="tb-open" href="(\w+_records\.html)#(r-\d+)">([^<]*)</a>', page)
    steps = {file for file, _, _ in links}
    assert steps == {f"{step}_records.html" for step in ("02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os")}
    for file in steps:
        anchors = set(re.findall(r'<h3 id="(r-\d+)">', (build / file).read_text(encoding="utf-8")))
        assert {anchor for name, anchor, _ in links if name == file} <= anchors
    assert len(links) > 40


def test_no_page_of_the_demo_is_heavy_before_anything_is_opened(build: Path) -> None:
    sizes = {}
    for step in ("02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os"):
        html = (build / f"{step}.html").read_text(encoding="utf-8")
        html = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
        sizes[step] = len(re.findall(r"<[a-z]", html))
    # 8,000 elements with charts drawn; the drawings take up to half of it.
    assert max(sizes.values()) < 5000, sizes


def test_what_opens_says_row_level_and_count(build: Path) -> None:
    records = (build / "03_safety_records.html").read_text(encoding="utf-8")
    titles = re.findall(r'<h3 id="r-\d+">(.*?)</h3>', records)
    assert any(re.fullmatch(r"Serious.*, DL2: \d of 6 subjects, \d+ events?", title) for title in titles)
    dlt = (build / "04_dlt_records.html").read_text(encoding="utf-8")
    assert "Treated, DL1: 4" in dlt
