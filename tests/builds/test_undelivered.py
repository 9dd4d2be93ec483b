"""A domain that was not delivered: "not evaluable" with its bounds in every place where the response would be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from support.built_pages import Tables, no_programming_words, words
from support.demo_workbook import Workbook
from trialbook.commands.check import whole_look, write_query_list
from trialbook.core.datasets import read_dataset
from trialbook.protocol.load import load_trial

pytestmark = pytest.mark.build
WITHOUT = {"organ stages": ("rs", "fa"), "medication": ("cm",), "disposition": ("ds",)}
WHY = {
    "organ stages": "organ stages and findings (RS, FA) were not delivered",
    "medication": "medication records (CM) were not delivered",
    "disposition": "disposition records (DS) were not delivered",
}
# Of 11 mature subjects five respond and one has no assessment of day 28; one is no response only by its new therapy.
BOUNDS = {"medication": "0 to 7 of 11", "disposition": "0 to 6 of 11"}


@dataclass(frozen=True)
class Built:
    """A build without some domain."""

    name: str
    folder: Path
    ard: pd.DataFrame
    book: Workbook

    def stat(
        self, analysis_id: str, stat: str, level: str = "Total", context: str = "clopper_pearson", of: str = ""
    ) -> pd.Series:  # fmt: skip
        own = self.ard[(self.ard["analysis_id"] == analysis_id) & (self.ard["context"] == context)]
        own = own[own["variable"] == of] if of else own
        return own[(own["stat_name"] == stat) & (own["group1_level"] == level)].iloc[0]

    @property
    def range(self) -> str:
        """The bounds as they are printed, from the results."""
        low, high, size = (
            int(self.stat("BOUNDS", stat, context=case, of="ORR_D28")["stat"])
            for case, stat in (("worst", "n"), ("best", "n"), ("best", "N"))
        )
        return f"{low} to {high} of {size}"


@pytest.fixture(
    scope="module",
    # Every day: test_small_trials.py (all at once), unit/efficacy/test_day28.py, properties/test_response_bounds.py.
    params=[pytest.param(name, marks=pytest.mark.soak) for name in WITHOUT],
)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, root: Path) -> Built:
    book = Workbook(tmp_path_factory.mktemp("undelivered"), root)
    for code in WITHOUT[request.param]:
        (book.snapshot / f"{code}.csv").unlink()
    folder = book.build()
    return Built(request.param, folder, read_dataset(folder / "results" / "ard.parquet"), book)


def test_the_results_are_null_and_say_ne(built: Built) -> None:
    own = built.ard[built.ard["analysis_id"].isin(["ORR_D28", "CR_D28"]) & (built.ard["group1_level"] == "Total")]
    asked = own[own["stat_name"].isin(["n", "estimate", "conf.low", "conf.high", "prob_gt_orr0"])]
    assert asked["stat"].isna().all()
    assert set(asked["stat_text"]) == {"NE"}
    assert built.stat("ORR_D28", "N")["stat"] == 11
    assert built.stat("ORR_D28", "pending")["stat"] == 1
    for analysis_id in ("BOR_RATE", "ORR_D56"):
        assert built.stat(analysis_id, "n")["stat_text"] == "NE"
    assert built.stat("TTR", "n", context="")["stat_text"] == "NE"
    assert not (built.ard["analysis_id"] == "DOR_MEDIAN").any()
    assert built.range == BOUNDS.get(built.name, built.range)
    assert built.range.startswith("0 to ")
    assert not built.range.startswith("0 to 0")


def test_the_pages_say_not_evaluable_with_bounds_in_the_place_of_the_number(built: Built) -> None:
    told = f"not evaluable ({built.range})"
    index, page = words(built.folder / "index.html"), words(built.folder / "05_orr.html")
    assert f"Response at day 28 {told}" in index
    assert f"Responders (CR or PR) {told}" in page
    assert "Response rate at day 28 not evaluable" in page
    assert f"The response at day 28 is {told}: {WHY[built.name]}" in page
    tables = Tables(built.folder / "05_orr.html")
    assert tables.cell("Overall response rate at day 28", "Exact (Clopper-Pearson)", "Total") == told
    assert tables.cell("Complete response rate at day 28", "Exact (Clopper-Pearson)", "Total").startswith(
        "not evaluable (0 to "
    )
    assert tables.cell("Other response endpoints", "Best response", "Total").startswith("not evaluable (0 to ")
    assert tables.cell("Other response endpoints", "Durable", "Total").startswith("not evaluable (0 to ")
    assert tables.cell("Response rate under other choices", "Primary analysis", "Total") == "not evaluable, N=11"
    first = Tables(built.folder / "index.html")
    assert first.cell("Headline numbers by dose level", "Response at day 28", "Total") == told
    assert "Not evaluable: " + WHY[built.name] in words(built.folder / "06_os.html")


def test_no_page_shows_a_response_of_zero(built: Built) -> None:
    assert not re.search(r"\b0 of 11\b", words(built.folder / "index.html"))
    page = words(built.folder / "05_orr.html")
    assert "0 of 11 mature" not in page
    tables = Tables(built.folder / "05_orr.html")
    for title in ("Overall response rate at day 28", "Complete response rate at day 28"):
        for method in ("Exact (Clopper-Pearson)", "Wilson", "Beta posterior"):
            assert tables.cell(title, method, "Total").startswith("not evaluable (0 to ")
            # The one mature subject of this level is a non-responder by the organ stages, whatever else was delivered.
            known = ("not evaluable (0 to 1 of 1)",) if built.name == "organ stages" else ("0.000", "0.333")
            assert tables.cell(title, method, "DL3").startswith(known)
    no_programming_words(built.folder)


def test_profiles_and_the_subject_table_say_who_is_open(built: Built) -> None:
    adrs = read_dataset(built.folder / "data" / "adrs.parquet")
    open_ = adrs[(adrs["PARAMCD"] == "RSP28") & (adrs["REASON"] == "UNDELIVERED")]
    assert len(open_) >= 5
    assert set(open_["AVALC"]) == {"NE"}
    subject = open_["USUBJID"].iloc[0].rsplit("-", 1)[1]
    profile = words(built.folder / "profiles" / f"{subject}.html")
    assert "Response at day 28 not evaluable (NR to " in profile
    assert "not delivered" in profile
    assert "not evaluable (NR to " in words(built.folder / "index.html")


def test_certain_non_responses_stay(built: Built) -> None:
    adrs = read_dataset(built.folder / "data" / "adrs.parquet")
    known = adrs[(adrs["PARAMCD"] == "RSP28") & (adrs["RSPHI"] == "NR")]
    assert "DEATH" in set(known["REASON"])
    assert set(known["AVALC"]) <= {"NR", "PD", "MR"}


def test_the_true_cause_stands_in_the_reasons_and_is_asked_once(built: Built) -> None:
    tables = Tables(built.folder / "05_orr.html")
    title = "Intercurrent events by day 28"
    assert not tables.cell(title, "Left open by a domain", "Total").startswith("0")
    if built.name == "medication":
        assert tables.cell(title, "New systemic therapy", "Total").startswith("not evaluable")
        assert tables.cell(title, "Left open: an organ", "Total") == "0 (0.0%)"
    asked = pd.read_csv(built.folder / "queries.csv", dtype="str", keep_default_na=False)
    code = WITHOUT[built.name][0].upper()
    lines = asked[asked["rule"].isin(["P34-DOMAIN-MISSING", f"P34-{code}-NOT-DELIVERED"]) & asked["domain"].eq(code)]
    assert len(lines) == 1
    assert "was not delivered" in lines["message_en"].iloc[0]
    if built.name == "organ stages":
        assert not asked["rule"].str.startswith("P29-RS").any()


def test_check_raises_the_queries_of_the_build(built: Built, root: Path, tmp_path: Path) -> None:
    trial = load_trial(built.book.cut_file(), root)
    found = whole_look(trial, root, built.book.out)
    assert found.listed is not None
    write_query_list(found.listed, tmp_path / "queries.csv", trial.cut.cut_date)
    assert (tmp_path / "queries.csv").read_bytes() == (built.folder / "queries.csv").read_bytes()
