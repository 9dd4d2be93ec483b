"""Our data cut against datacutr 0.2.4: the same records leave; where we are stricter, the test says why.

Deliberate differences: one cut date for all subjects, by calendar day (datacutr allows a time and a date per subject);
a value that is no date is read as missing and asked about (datacutr aborts the domain); end dates, outcomes and the
supplemental records of removed parents are cut too (datacutr leaves them in); a subject whose consent is after the cut
but who has a visit, infusion or event by it is kept and asked about, since the consent may be a slip (datacutr knows no
consent: it leaves out who is not on its list).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support.datacutr_cases import AFTER, clean_text, consenting, numbered, read
from trialbook.cleaning import Cut, apply_cut
from trialbook.cleaning.cut import after_cut
from trialbook.cleaning.read_dates import date_reader
from trialbook.core.domains import Domains

pytestmark = pytest.mark.oracle
PILOT_DOMAINS = ("AE", "EX", "DS", "SV", "LB", "VS", "CM", "MH", "SUPPDM")
PILOT_CUTS = {"2013-02-28": "2013-02-28", "2014-07-01": "2014-07-01", "01NOV2014": "2014-11-01"}


@pytest.mark.parametrize("case", ["01", "02", "03", "04"])
def test_date_cut_removes_the_records_that_datacutr_removes(oracles: Path, case: str) -> None:
    folder = oracles / "ii_datacutr" / "testthat"
    parts = ("in_dataset_sdtm", "in_dataset_cut", "expected")
    ae, dcut, expected = (read(folder / f"date_cut_{case}__{part}.csv") for part in parts)
    moment = dcut["DCUTDTM"].iloc[0]
    assert moment.endswith("23:59:59")  # the end of a day: where both cuts mean the same
    dm = consenting(ae["USUBJID"], set(dcut["USUBJID"]))
    domains = Domains({"DM": numbered("DM", dm), "AE": numbered("AE", clean_text(ae))})
    included = set(dcut["USUBJID"])
    kept = of_included(apply_cut(domains, pd.Timestamp(moment[:10])), included)["AE"]["SRCROW"]
    assert kept.tolist() == [k + 2 for k in expected.index[expected["DCUT_TEMP_REMOVE"].isna()]]


def of_included(cut: Cut, included: set[str]) -> dict[str, pd.DataFrame]:
    """The records at the cut of the subjects that datacutr includes; who else is kept must have been asked about."""
    others = set(cut.domains["DM"]["USUBJID"]) - included
    assert others == {query["subject"] for query in cut.queries if query["rule"] == "P26-CONSENT-AFTER-RECORD"}
    return {code: frame[frame["USUBJID"].isin(included)] for code, frame in cut.domains.items()}


def test_special_dm_cut_takes_back_the_deaths_that_datacutr_takes_back(oracles: Path) -> None:
    folder = oracles / "ii_datacutr" / "testthat"
    parts = ("in_dataset_dm", "in_dataset_cut", "expected")
    dm, dcut, expected = (read(folder / f"special_dm_cut_02__{part}.csv") for part in parts)
    included = dm["USUBJID"].isin(dcut["USUBJID"])
    clean = clean_text(dm).assign(RFICDTC=included.map({True: "2000-01-01", False: AFTER}).astype("str"))
    cut = apply_cut(Domains({"DM": numbered("DM", clean)}), pd.Timestamp("2014-10-20"))
    taken_back = set(clean.loc[cut.edits.loc[cut.edits["column"].eq("DTHDTC"), "SRCROW"] - 2, "USUBJID"])
    assert taken_back == set(expected.loc[expected["DCUT_TEMP_DTHCHANGE"].eq("Y"), "USUBJID"])
    assert set(cut.removed["subject"]) == set(expected.loc[expected["DCUT_TEMP_REMOVE"].eq("Y"), "USUBJID"])
    reverted = cut.domains["DM"].set_index("USUBJID").loc[sorted(taken_back), ["DTHFL", "DTHDTC"]]
    assert reverted.isna().all(axis=None)


def test_partial_dates_stay_or_leave_as_in_the_grid(oracles: Path) -> None:
    grid = read(oracles / "ii_datacutr" / "stress" / "partial_date_grid.csv")
    by_day = grid[grid["cut"].str.fullmatch(r"\d{4}-\d{2}-\d{2}") & grid["valid"].eq("Y")]
    assert len(by_day) >= 50
    dtc = grid.loc[by_day.index, ["dtc"]].rename(columns={"dtc": "AESTDTC"})
    clean = clean_text(dtc)["AESTDTC"]
    for day, rows in by_day.groupby("cut"):
        ours = after_cut(clean[rows.index], pd.Timestamp(day))
        theirs = rows["remove"].eq("Y")
        # Of a day without its month we keep the year alone, so at a cut in January it stays where datacutr drops it.
        differ = rows.loc[ours.to_numpy() != theirs.to_numpy(), "dtc"].tolist()
        assert differ == (["2024---15"] if day == "2024-01-01" else []), day


def test_impossible_dates_are_kept_and_asked_about(oracles: Path) -> None:
    dates = read(oracles / "ii_datacutr" / "stress" / "impossible_dates.csv")
    values = dates.iloc[:, 0]
    read_date = date_reader(2025)
    whole_days = [value for value in values if "T" not in value]
    assert whole_days
    assert all(read_date(value).text is None and read_date(value).ask for value in whole_days)
    # datacutr loses the whole date with an impossible time; we keep the day and ask about the time.
    assert all(read_date(value).ask for value in values)


@pytest.fixture(scope="module")
def pilot(oracles: Path) -> dict[str, pd.DataFrame]:
    """The pilot's domains as clean text."""
    folder = oracles / "i_cdisc_pilot" / "sdtm"
    files = {path.stem.upper().removesuffix("_TRIM"): path for path in folder.glob("*.csv")}
    return {
        code: clean_text(pd.read_csv(files[code], dtype="str", keep_default_na=False))
        for code in ("DM", *PILOT_DOMAINS)
    }


def entry_dates(pilot: dict[str, pd.DataFrame]) -> pd.Series:
    """When each subject was randomised, in the order of DM; after any cut for who was not."""
    ds = pilot["DS"]
    randomised = ds[ds["DSDECOD"].eq("RANDOMIZED")].drop_duplicates("USUBJID").set_index("USUBJID")["DSSTDTC"]
    return pilot["DM"]["USUBJID"].map(randomised).astype("str").fillna(AFTER)


def entered_by(pilot: dict[str, pd.DataFrame], day: str) -> set[str]:
    return set(pilot["DM"].loc[entry_dates(pilot) <= day, "USUBJID"])


def pilot_cut(pilot: dict[str, pd.DataFrame], day: str) -> Cut:
    """The pilot cut as the oracle did: a subject is in from the randomisation on, which is taken for consent here."""
    entered = entry_dates(pilot)
    frames = {**pilot, "DM": pilot["DM"].assign(RFICDTC=entered)}
    return apply_cut(Domains({code: numbered(code, frame) for code, frame in frames.items()}), pd.Timestamp(day))


@pytest.mark.parametrize("name", PILOT_CUTS)
def test_the_pilot_keeps_the_records_that_datacutr_keeps(
    oracles: Path, pilot: dict[str, pd.DataFrame], name: str
) -> None:
    cut = pilot_cut(pilot, PILOT_CUTS[name])
    counts = read(oracles / "ii_datacutr" / "stress" / "pilot_cut_counts.csv")
    expected = counts[counts["cut_date"].eq(name) & counts["domain"].isin(["DM", *PILOT_DOMAINS])]
    assert len(expected) == 1 + len(PILOT_DOMAINS)
    ours = of_included(cut, entered_by(pilot, PILOT_CUTS[name]))
    read_of = cut.counts.set_index("domain")["read"]
    for row in expected.itertuples():
        assert (read_of[row.domain], len(ours[row.domain])) == (int(row.n_source), int(row.n_kept)), row.domain


@pytest.mark.parametrize("name", PILOT_CUTS)
def test_the_pilot_takes_back_the_same_deaths(oracles: Path, pilot: dict[str, pd.DataFrame], name: str) -> None:
    changes = read(oracles / "ii_datacutr" / "stress" / "pilot_cut_death_changes.csv")
    expected = set(changes.loc[changes["cut_date"].eq(name) & changes["in_dcut"].eq("TRUE"), "USUBJID"])
    edits = pilot_cut(pilot, PILOT_CUTS[name]).edits
    rows = edits.loc[edits["domain"].eq("DM") & edits["column"].eq("DTHDTC"), "SRCROW"]
    assert set(pilot["DM"].loc[rows - 2, "USUBJID"]) == expected


def test_the_pilot_has_no_date_after_the_cut_where_datacutr_leaves_them(pilot: dict[str, pd.DataFrame]) -> None:
    day = pd.Timestamp("2014-07-01")
    left = {
        code
        for code, frame in pilot_cut(pilot, "2014-07-01").domains.items()
        for name in frame.columns
        if name.endswith("DTC") and after_cut(frame[name], day).any()
    }
    assert left == set()
    late_ends = pilot["AE"][after_cut(pilot["AE"]["AEENDTC"], day) & ~after_cut(pilot["AE"]["AESTDTC"], day)]
    assert len(late_ends)  # what datacutr would have left in
