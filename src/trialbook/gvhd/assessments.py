"""What was recorded at each acute GVHD assessment: collected stages and raw findings, one value per test and day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date, time_of_day
from trialbook.core.domains import Domains

# Test code of each collected stage (RS, RSCAT MAGIC) and its organ.
COLLECTED = {"SKINSTG": "SKIN", "LIVERSTG": "LIVER", "UGISTG": "UGI", "LGISTG": "LGI"}
RAW_TESTS = (
    "RASHBSA", "ERYTHDRM", "BULLAE", "DESQBSA", "NAUSEA", "UGIBIOP", "STOOLVOL", "STOOLN", "ABDPAIN", "ILEUS",
    "BLDSTOOL",
)  # fmt: skip
PREDOSE = r"pre-?\s?dose|pre-?\s?infusion|baseline|screening|基线|筛选|给药前|输注前|回输前"
RECORD = ["USUBJID", "ADT", "TEST", "TEXT", "NUMBER", "SIGN", "UNIT", "TIMING", "SRCDOM", "SRCSEQ"]


def organ_findings(domains: Domains, subjects: pd.DataFrame, *, lowest: bool = False) -> pd.DataFrame:
    """The record that counts for each subject, date and test of RS (collected stages), FA (raw) and LB (bilirubin).

    `subjects`: USUBJID TRTSDT TRTSDTM CUTDT. Returns USUBJID ADT TEST TEXT NUMBER SIGN ("<", ">" or "") UNIT TIMING
    SRCDOM SRCSEQ, sorted by subject, date and test. TIMING tells for the day of the first infusion whether the record
    is PRE-infusion (earlier time, or a pre-dose visit label), POST, or UNTIMED; it is blank on other days.
    Several records of one test on one day: pre-infusion before untimed before post-infusion, then the last by time,
    else the worst (P16). Records without a result, without a complete date, or after the cut are left out. Bilirubin
    counts only on a day with an assessment in RS or FA, and never after the infusion on its day: a laboratory day
    alone is not an assessment of GVHD. `lowest`: the other reading of records that differ without a time, the best.
    """
    return domains.once(_organ_findings, _used(subjects), lowest)


def differing_records(domains: Domains, subjects: pd.DataFrame) -> pd.DataFrame:
    """Tests with two results of one day of which nothing says which is the later: USUBJID ADT TEST VALUES SRCDOM.

    Arguments as for `organ_findings`; VALUES in words, from the lowest to the highest: `2, 3`.
    """
    records = domains.once(_timed_records, _used(subjects))
    ordered = _ordered(records).drop_duplicates(["USUBJID", "ADT", "TEST", "RANK", "LATE", "TEXT"])
    keys = ["USUBJID", "ADT", "TEST"]
    best = ordered.groupby(keys)[["RANK"]].transform("max")["RANK"]
    ordered = ordered[ordered["RANK"] == best]
    latest = ordered.groupby(keys)["LATE"].transform("max")
    ordered = ordered[(ordered["LATE"] == latest) & ordered["SRCDOM"].isin(["RS", "FA"])]
    again = ordered[ordered.duplicated(keys, keep=False)]
    found = again.groupby(keys, sort=True).agg(VALUES=("TEXT", ", ".join), SRCDOM=("SRCDOM", "first"))
    return found.reset_index().astype({"VALUES": "str", "SRCDOM": "str"})


def _used(subjects: pd.DataFrame) -> pd.DataFrame:
    return subjects[[name for name in ("USUBJID", "TRTSDT", "TRTSDTM", "CUTDT") if name in subjects]]


def _timed_records(domains: Domains, subjects: pd.DataFrame) -> pd.DataFrame:
    rs, fa, lb = domains["RS"], domains["FA"], domains["LB"]
    magic = (rs["RSCAT"].str.upper() == "MAGIC") & rs["RSTESTCD"].isin(COLLECTED)
    acute = fa["FAOBJ"].fillna("GVHD").str.upper().str.contains("GVHD", regex=False) & fa["FATESTCD"].isin(RAW_TESTS)
    bilirubin = lb["LBTESTCD"] == "BILI"
    parts = [_records("RS", rs[magic]), _records("FA", fa[acute]), _records("LB", lb[bilirubin])]
    records = _timed(pd.concat(parts, ignore_index=True), subjects)
    return records[~((records["SRCDOM"] == "LB") & (records["TIMING"] == "POST"))]


def _organ_findings(domains: Domains, subjects: pd.DataFrame, lowest: bool) -> pd.DataFrame:
    records = _one_per_test(domains.once(_timed_records, subjects), lowest)
    day = records.groupby(["USUBJID", "ADT"]).ngroup().to_numpy()
    assessed = np.isin(day, day[(records["SRCDOM"] != "LB").to_numpy()])
    return records[assessed].reset_index(drop=True)


def _records(domain: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The records of one domain with a result, in the shape of `RECORD`."""
    label = pd.Series("", index=rows.index, dtype="str")
    for name in ("VISIT", f"{domain}TPT"):
        if name in rows:
            label = label + " " + rows[name].fillna("")
    unit = rows[f"{domain}ORRESU"].fillna("") if f"{domain}ORRESU" in rows else ""
    sequence = rows[f"{domain}SEQ"].astype("Int64")
    frame = pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "ADT": complete_date(rows[f"{domain}DTC"]),
            "TIME": time_of_day(rows[f"{domain}DTC"]),
            "TEST": rows[f"{domain}TESTCD"],
            "TEXT": rows[f"{domain}ORRES"].str.strip().str.upper(),
            "NUMBER": rows[f"{domain}ORRESN"].astype("float64"),
            "SIGN": rows[f"{domain}ORRESOP"].fillna(""),
            "UNIT": unit,
            "SRCDOM": domain,
            "SRCSEQ": sequence,
            "PREDOSE": label.str.contains(PREDOSE, case=False, regex=True),
        }
    )
    return frame[frame["TEXT"].fillna("") != ""]


def _timed(records: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Records of these subjects to the cut, with TIMING against the first infusion."""
    infusion = pd.DataFrame({"USUBJID": subjects["USUBJID"], "TRTSDT": subjects["TRTSDT"], "CUTDT": subjects["CUTDT"]})
    infusion["START"] = time_of_day(subjects["TRTSDTM"]) if "TRTSDTM" in subjects else float("nan")
    frame = records.merge(infusion, on="USUBJID", how="inner", validate="many_to_one")
    frame = frame[frame["ADT"].notna() & (frame["ADT"] <= frame["CUTDT"])]
    same_day = frame["ADT"] == frame["TRTSDT"]
    both = frame["TIME"].notna() & frame["START"].notna()
    pre = frame["PREDOSE"].astype("bool") | (both & (frame["TIME"] < frame["START"]))
    timing = pd.Series("UNTIMED", index=frame.index, dtype="str").mask(both, "POST").mask(pre, "PRE")
    return frame.assign(TIMING=timing.where(same_day, ""))


def _one_per_test(records: pd.DataFrame, lowest: bool) -> pd.DataFrame:
    keys = ["USUBJID", "ADT", "TEST"]
    return _ordered(records, lowest).drop_duplicates(keys, keep="last")[RECORD].reset_index(drop=True)


def _ordered(records: pd.DataFrame, lowest: bool = False) -> pd.DataFrame:
    """The records of each test and day, the one that counts last; of several at one time the worst, or the lowest."""
    rank = records["TIMING"].map({"POST": 0, "UNTIMED": 1, "PRE": 2, "": 2})
    by = ["USUBJID", "ADT", "TEST", "RANK", "LATE", "NUMBER", "TEXT", "SRCSEQ"]
    rising = [name not in ("NUMBER", "TEXT") or not lowest for name in by]
    return records.assign(RANK=rank, LATE=records["TIME"].fillna(-1)).sort_values(
        by, ascending=rising, kind="stable", na_position="first"
    )
