"""One build of the worst export: everything planted is in the log or the query list once, and nothing is invented."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.demo_workbook import Workbook
from support.export_problems import p01_to_p20, p21_to_p40
from support.export_problems.worst_export import SITE, WorstExport, worst_export
from trialbook.cleaning import replayed_domains
from trialbook.core.datasets import read_dataset
from trialbook.core.domains import Domains
from trialbook.protocol.load import load_trial
from trialbook.queries.files import read_csv_list
from trialbook.snapshot import read_snapshot

CUT, BEFORE = "2025-09-30", "2025-06-30"
CHANGED = "NCT06321198-01-001"
# What a planted fault makes other checks ask about the same subject: rightly, since the data contradict there too.
CONSEQUENCES: dict[str, tuple[str, ...]] = {
    "P06": (
        "ELIG-GUARDIAN-OR-ASSENT",
        "P33-IE-CONFLICT",
        "adsl.AGE.range",
    ),  # by the birth date after consent, a child of age 0
    "P11": ("P05-DM-CONSENT-DATE", "P33-IE-CONFLICT"),  # consent is not proved before the infusion
    "P12": ("A74-DLT-WINDOW-NOT-DOCUMENTED",),  # a dose without a readable unit leaves the DLT status open
    "P13": ("LB-GRADE3-NO-AE",),  # 9.5 under the unit of g/L is a grade 4
    "P19": ("P22-DEATH-SOURCE-MISSING", "P25-RECORD-AFTER-DEATH", "adae.AENDT.ordered"),  # the death is in DM alone
    "P22": ("ae.AEOUT.fatal_in_dm", "ds.DSSTDTC.death_as_in_dm"),  # the contracts see the same from AE and DS
    "P31": ("cm.CMDECOD.given",),  # the contract asks about every drug without a standard name
    "P40": ("P31-CM-STEROID-DOSE",),  # a dose that is no number is missing
}


@dataclass(frozen=True)
class Built:
    """The build, what was planted, and the trial."""

    folder: Path
    planted: WorstExport
    trial: Any

    def table(self, name: str) -> pd.DataFrame:
        return read_csv_list(self.folder / name)


@pytest.fixture(scope="session")
def worst(demo: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The worst export, built against the demo cut before it."""
    book = Workbook(tmp_path_factory.mktemp("worst"), root, CUT)
    rows = {path.stem: book.read(path.stem) for path in sorted(book.snapshot.glob("*.csv"))}
    planted = worst_export(rows, {**p01_to_p20.PLANTS, **p21_to_p40.PLANTS}, CUT)
    # P36: a grade that the cut before had reported.
    event = next(row for row in planted.files["ae"] if row["USUBJID"] == CHANGED)
    event["AETOXGR"] = "2" if event["AETOXGR"] == "1" else "1"
    planted.asks.append(("P36-RESTATED", CHANGED, "AE", f"AESEQ={event['AESEQ']}"))
    planted.write(book.snapshot)
    book.out.mkdir()
    shutil.copytree(demo / BEFORE, book.out / BEFORE)
    folder = book.build(previous_cut=BEFORE)
    return Built(folder, planted, load_trial(book.folder / "params" / "cuts" / "case.yaml", root))


def keys(frame: pd.DataFrame, *names: str) -> Counter[tuple[str, ...]]:
    return Counter(frame[list(names)].itertuples(index=False, name=None))


def test_every_planted_fix_is_one_row_of_the_change_log(worst: Built) -> None:
    found = keys(worst.table("changelog.csv"), "file", "row", "column", "raw", "new", "rule")
    for file, row, *rest in worst.planted.fixes:
        assert found[(file, str(row), *rest)] == 1, (file, row, *rest)


def test_no_fix_is_invented(worst: Built, demo: Path) -> None:
    found = worst.table("changelog.csv")
    before = read_csv_list(demo / CUT / "changelog.csv")
    names = ["file", "row", "column", "raw", "new", "rule"]
    planted = Counter((file, str(row), *rest) for file, row, *rest in worst.planted.fixes)
    assert keys(found, *names) == keys(before, *names) + planted


def test_every_planted_question_is_one_line_of_the_query_list(worst: Built) -> None:
    listed = worst.table("queries.csv")
    found = keys(listed, "rule", "subject", "domain", "record")
    for asked in worst.planted.asks:
        assert found[asked] == 1, asked
    assert listed["query_id"].is_unique


def test_no_question_is_invented(worst: Built, demo: Path) -> None:
    """Beside what was planted and what the demo asks there is only what a planted contradiction entails."""
    names = ["rule", "subject", "domain", "record"]
    listed = worst.table("queries.csv")
    before = read_csv_list(demo / CUT / "queries.csv")
    known = set(keys(before, *names)) | set(worst.planted.asks)
    more = listed[[key not in known for key in listed[names].itertuples(index=False, name=None)]]
    unexplained = [
        (worst.planted.problem_of.get(line.subject), line.rule, line.subject, line.record, line.observed)
        for line in more.itertuples()
        if line.rule not in CONSEQUENCES.get(worst.planted.problem_of.get(line.subject, ""), ())
    ]
    assert unexplained == []


def test_all_problems_but_the_stops_are_in_it(worst: Built) -> None:
    rules = {rule for *_, rule in worst.planted.fixes} | {rule for rule, *_ in worst.planted.asks}
    problems = {rule[:3] for rule in rules} | {worst.planted.problem_of[s] for _, s, *_ in worst.planted.asks
                                               if s in worst.planted.problem_of}  # fmt: skip
    assert {f"P{k:02d}" for k in range(1, 41)} - problems == {"P35"}


@pytest.mark.parametrize("name", ["adsl", "adae", "adtte", "adrs"])
def test_the_results_of_the_other_subjects_are_those_of_the_demo(worst: Built, demo: Path, name: str) -> None:
    def others(folder: Path) -> pd.DataFrame:
        frame = read_dataset(folder / "data" / f"{name}.parquet")
        own = frame["USUBJID"].str.startswith(SITE) | frame["USUBJID"].eq(CHANGED)
        return frame[~own].drop(columns="SRCROW", errors="ignore").reset_index(drop=True)

    shared = [column for column in others(demo / CUT).columns if column in others(worst.folder)]
    pd.testing.assert_frame_equal(others(worst.folder)[shared], others(demo / CUT)[shared])


def test_raw_data_and_change_log_give_the_built_domains(worst: Built) -> None:
    snapshot = read_snapshot(worst.trial)
    replayed = replayed_domains(snapshot, worst.table("changelog.csv"))
    built = Domains(
        {path.stem.upper(): read_dataset(path) for path in (worst.folder / "data" / "clean").glob("*.parquet")}
    )
    for code in snapshot.tables:
        expected = built[code]
        pd.testing.assert_frame_equal(replayed[code][list(expected.columns)], expected, check_index_type=False)
