"""All recorded cases of datacutr 0.2.4: each is run here or beside it, or it is said why it has no counterpart."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from support.datacutr_cases import clean_text, consenting, numbered, read
from trialbook.cleaning import Cut, apply_cut
from trialbook.cleaning.read_dates import date_reader
from trialbook.core.dates import earliest_date
from trialbook.core.domains import Domains
from trialbook.core.errors import UsageError
from trialbook.protocol.load import make_trial

pytestmark = pytest.mark.oracle
# Cases that test_datacutr_cut.py runs.
BESIDE = {*(f"date_cut_0{k}" for k in range(1, 5)), "special_dm_cut_02"}
SUBJECTS = [f"pt_cut_0{k}" for k in range(1, 6)]
REFUSED_CUT_DATES = [f"impute_dcutdtc_0{k}" for k in range(3, 8)]
SDTM_DATES = [f"impute_sdtm_0{k}" for k in range(1, 6)]
WHOLE = ["process_cut_01", "process_cut_06"]
EMPTY = ["date_cut_06", "special_dm_cut_01"]
TEMPORARY = "there are no temporary variables: what is removed is in the change log"
MARKED = "marking and removing is one step here; its result is compared as a whole"
UNNAMED = "every delivered domain is cut by its own variable, none has to be named"
PARTS = ("in_dataset_sdtm", "in_dataset_cut", "expected")
NO_CUT = "every cut has a complete cut date: a trial without one is not a data cut"
BY_FILE = "who is in is decided by consent in DM or DS, not by a filter of the call"
WITHOUT_COUNTERPART = {
    **{f"drop_temp_vars_0{k}": TEMPORARY for k in range(1, 7)},
    **{f"apply_cut_0{k}": MARKED for k in range(1, 8)},
    **{f"create_dcut_0{k}": BY_FILE for k in range(1, 7)},
    **{f"process_cut_0{k}": UNNAMED for k in range(2, 6)},
    "date_cut_05": NO_CUT, "special_dm_cut_04": NO_CUT,
    "impute_dcutdtc_01": "the cut date is a calendar day, to its end", "impute_dcutdtc_02": "likewise",
    "special_dm_cut_03": "the cut date is typed when the cut file is read",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(oracles: Path) -> Path:
    return oracles / "ii_datacutr" / "testthat"


def test_every_case_is_run_or_has_no_counterpart(folder: Path) -> None:
    with (folder / "cases.csv").open(encoding="utf-8") as file:
        cases = [row["case_id"] for row in csv.DictReader(file)]
    run = [*BESIDE, *SUBJECTS, *REFUSED_CUT_DATES, *SDTM_DATES, *WHOLE, *EMPTY]
    assert len(cases) == 52
    assert sorted(cases) == sorted([*run, *WITHOUT_COUNTERPART])


def cut_of(frames: dict[str, pd.DataFrame], included: set[str], day: str) -> Cut:
    """The cut of clean frames in which the included subjects consented long before it."""
    subjects = pd.concat([frame["USUBJID"] for frame in frames.values()])
    dm = consenting(subjects.dropna(), included)
    dm = dm.merge(frames["DM"], on="USUBJID", how="inner") if "DM" in frames else dm
    return apply_cut(
        Domains({code: numbered(code, frame) for code, frame in {**frames, "DM": dm}.items()}), pd.Timestamp(day)
    )


@pytest.mark.parametrize("case", SUBJECTS)
def test_subjects_who_entered_after_the_cut_leave_domains_without_a_date(folder: Path, case: str) -> None:
    records, dcut, expected = (read(folder / f"{case}__{part}.csv") for part in PARTS)
    undated = clean_text(records).drop(columns="AESTDTC")
    cut = cut_of({"SC": undated}, set(dcut["USUBJID"]), "2020-10-11")
    kept = cut.domains["SC"]["SRCROW"].tolist()
    assert kept == [k + 2 for k in expected.index[~_marked(expected)]]
    assert len(cut.removed[cut.removed["domain"].eq("SC")]) == len(records) - len(kept)


def _marked(expected: pd.DataFrame) -> pd.Series:
    """Which records datacutr marks to be removed; an empty domain has no mark."""
    return expected.get("DCUT_TEMP_REMOVE", pd.Series(dtype="str")).eq("Y")


@pytest.mark.parametrize("case", REFUSED_CUT_DATES)
def test_a_cut_date_that_is_no_complete_date_is_refused(folder: Path, root: Path, case: str) -> None:
    values = read(folder / f"{case}__in_dsin.csv")["DCUTDTC"].dropna()
    wrong = [value for value in values if value and not _is_day(value)]
    assert wrong
    content = {"cut_id": "c", "snapshot": "data/demo/2025-09-30", "protocol": "params/protocol.yaml"}
    for value in wrong:
        with pytest.raises(UsageError, match="cut_date"):
            make_trial({**content, "cut_date": value}, "cut.yaml", root)


def _is_day(value: str) -> bool:
    return len(value) == 10 and value[4] == value[7] == "-" and value.replace("-", "").isdigit()


@pytest.mark.parametrize("case", SDTM_DATES)
def test_a_date_counts_by_its_earliest_reading_and_what_is_none_is_asked_about(folder: Path, case: str) -> None:
    values = read(folder / f"{case}__in_dsin.csv")["EXSTDTC"].dropna()
    known = folder / f"{case}__expected.csv"
    if not known.exists():  # datacutr ends the run at a value that is no date; here it is asked about, or rewritten
        reader = date_reader(2025)
        odd = [reader(value) for value in values if value]
        assert any(reading.ask or reading.fix for reading in odd)
        return
    expected = read(known)
    ours = earliest_date(clean_text(expected[["EXSTDTC"]])["EXSTDTC"]).dt.strftime("%Y-%m-%d")
    theirs = expected["DCUT_TEMP_EXSTDTC"].str[:10]
    # Of a day without its month we keep the year alone, as the notebook says.
    same = ~expected["EXSTDTC"].fillna("").str.contains("---", regex=False)
    assert ours[same].fillna("").tolist() == theirs[same].fillna("").tolist()


@pytest.mark.parametrize("case", WHOLE)
def test_all_domains_cut_together_keep_the_same_records(folder: Path, case: str) -> None:
    dcut = read(folder / f"{case}__in_dataset_cut.csv")
    codes = [code for code in ("dm", "ae", "lb", "ds", "sc") if (folder / f"{case}__expected_{code}.csv").exists()]
    frames = {code.upper(): clean_text(read(folder / f"{case}__in_source_sdtm_data_{code}.csv")) for code in codes}
    cut = cut_of(frames, set(dcut["USUBJID"]), dcut["DCUTDTC"].iloc[0][:10])
    for code in codes:
        expected = clean_text(read(folder / f"{case}__expected_{code}.csv"))
        kept = cut.domains[code.upper()][list(expected.columns)].astype("str")
        pd.testing.assert_frame_equal(kept, expected, obj=code)


@pytest.mark.parametrize("case", EMPTY)
def test_a_domain_without_records_stays_without(folder: Path, case: str) -> None:
    source = next(folder.glob(f"{case}__in_dataset_[sd]*.csv"))
    records = clean_text(read(source))
    assert records.empty
    code = "DM" if case.startswith("special") else "AE"
    frames = {code: records, "EX": pd.DataFrame({"USUBJID": ["S1"], "EXSTDTC": ["2020-01-01"]}, dtype="str")}
    cut = cut_of(frames, {"S1"}, "2020-10-11")
    assert cut.domains[code].empty
    assert cut.counts.set_index("domain").loc[code, ["read", "removed", "kept"]].tolist() == [0, 0, 0]


def test_the_pilot_removes_the_same_records_by_their_keys(oracles: Path) -> None:
    removed = read(oracles / "ii_datacutr" / "stress" / "pilot_cut_removed_records_of_included_subjects.csv")
    wanted = removed[removed["cut_date"].eq("2014-07-01") & removed["domain"].isin(["AE", "CM", "LB"])]
    sdtm = oracles / "i_cdisc_pilot" / "sdtm"
    files = {path.stem.upper().removesuffix("_TRIM"): path for path in sdtm.glob("*.csv")}
    frames = {
        code: clean_text(pd.read_csv(files[code], dtype="str", keep_default_na=False)) for code in ("AE", "CM", "LB")
    }
    subjects = {subject for frame in frames.values() for subject in frame["USUBJID"]}
    cut = cut_of(frames, subjects, "2014-07-01")
    inside = set(
        read(oracles / "ii_datacutr" / "stress" / "pilot_cut_subjects.csv").query("cut_date == '2014-07-01'")["USUBJID"]
    )
    ours = cut.removed[cut.removed["domain"].isin(frames) & cut.removed["subject"].isin(inside)]
    keys = set(zip(ours["domain"], ours["subject"], ours["record"].str.partition("=")[2], strict=True))
    assert len(wanted) > 100
    assert keys == set(zip(wanted["domain"], wanted["USUBJID"], wanted["key"], strict=True))
