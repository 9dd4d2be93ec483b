"""The first cut before the first consent: it builds, says so on every page, and no number looks like a result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from support.built_pages import no_programming_words, rates, words
from support.demo_workbook import Workbook
from trialbook.commands.check import whole_look
from trialbook.core.datasets import read_dataset
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial
from trialbook.provenance.verify import verify_build
from trialbook.subjects.flow import NOBODY
from trialbook.workbook.step_metadata import read_graph

pytestmark = pytest.mark.build
# The domains that are delivered, each without a record.
DELIVERED = {"all of them": None, "the required ones": ("dm", "ex", "ae")}


@dataclass(frozen=True)
class First:
    """A built first cut."""

    book: Workbook
    trial: Trial
    folder: Path


def emptied(book: Workbook, delivered: tuple[str, ...] | None) -> Workbook:
    """A snapshot of files with a header and no records."""
    for path in sorted(book.snapshot.glob("*.csv")):
        if delivered is None or path.stem in delivered:
            book.write(path.stem, [])
        else:
            path.unlink()
    return book


@pytest.fixture(
    scope="module",
    # All domains without a record: every day by the cut before the first consent, whose records all come later.
    params=[pytest.param("all of them", marks=pytest.mark.soak), "the required ones"],
)
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, root: Path) -> First:
    book = emptied(Workbook(tmp_path_factory.mktemp("first"), root, "2025-03-31"), DELIVERED[request.param])
    folder = book.build()
    return First(book, load_trial(book.cut_file(), root), folder)


def test_every_page_says_that_nobody_has_consented_yet(first: First, root: Path) -> None:
    pages = sorted(first.folder.glob("*.html"))
    beside = {f"{name}_tables" for name in read_graph(root).names}
    own = {"index", "changes", "deviations", "queries", "data_dictionary", *read_graph(root).names}
    assert {page.stem for page in pages} - beside == own
    for page in pages:
        assert NOBODY in words(page), page.name
    assert "Nobody has consented yet" in NOBODY
    no_programming_words(first.folder)


def test_no_number_looks_like_a_result(first: First) -> None:
    assert rates(first.folder) <= {"-", "NE"}
    ard = read_dataset(first.folder / "results" / "ard.parquet")
    asked = ard["stat_name"].isin(["p", "rate", "estimate", "conf.low", "conf.high"])
    # What a design promises under assumed rates, or by its prior, needs no subject.
    results = ~ard["analysis_id"].isin(["BOUNDS", "DLT_OC", "DLT_PATHWAY", "ORR_PREDICTIVE"])
    assert ard.loc[asked & results, "stat"].isna().all()
    for page in first.folder.rglob("*.html"):
        assert not re.search(r"\b0(\.0+)? ?%", words(page)), page.name


def test_contracts_profiles_and_queries_are_those_of_nobody(first: First) -> None:
    verdicts = [json.loads(path.read_text("utf-8")) for path in sorted((first.folder / "contracts").glob("*.json"))]
    assert len(verdicts) > 10
    for name in ("adsl", "adie", "adae", "addlt", "adrs", "adtte"):
        assert read_dataset(first.folder / "data" / f"{name}.parquet").empty, name
    assert not (first.folder / "profiles").exists()
    asked = pd.read_csv(first.folder / "queries.csv", dtype="str", keep_default_na=False)
    assert set(asked["subject"]) <= {""}
    assert set(asked["rule"]) <= {"P34-DOMAIN-MISSING"} | {rule for rule in asked["rule"] if "NOT-DELIVERED" in rule}


def test_check_and_verify_agree_with_the_build(first: First, root: Path) -> None:
    found = whole_look(first.trial, root, first.book.out)
    assert found.stop is None
    assert not any(verdict.failures for verdict in found.verdicts)
    assert verify_build(first.trial, root, first.book.out, quick=True).differences == []


@pytest.mark.soak  # two whole builds
def test_a_later_cut_counts_its_subjects_as_new(root: Path, make_workbook: Callable[[str], Workbook]) -> None:
    """A first cut before the first consent is a previous cut like any other; who consented after the cut waits."""
    book = make_workbook("2025-03-31")
    consents = sorted(row["RFICDTC"] for row in book.read("dm") if row["RFICDTC"])
    day_before = (pd.Timestamp(consents[0][:10]) - pd.Timedelta(days=1)).strftime("%Y-%m-%d")
    folder = book.build(cut_date=day_before)
    assert NOBODY in words(folder / "index.html")
    assert read_dataset(folder / "data" / "adsl.parquet").empty
    later = book.build(cut_id="later", previous_cut="case")
    assert NOBODY not in words(later / "index.html")
    assert len(read_dataset(later / "data" / "adsl.parquet"))
