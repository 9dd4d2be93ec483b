"""What databases write for a blank is missing, is a row of the change log, and is asked of the mapper once a column."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support import raw_export as raw
from trialbook.cleaning import Cleaned, clean_snapshot
from trialbook.cleaning.null_markers import RULE
from trialbook.snapshot import read_snapshot


def clean(folder: Path) -> Cleaned:
    trial = raw.trial_of(folder)
    return clean_snapshot(read_snapshot(trial), trial)


def asked(cleaned: Cleaned) -> list[tuple[str, str]]:
    return [(q["rule"], q["field"]) for q in cleaned.queries if q["rule"] != "P34-DOMAIN-MISSING"]


MARKERS = (
    "NULL", "null", "N/A", "NA", "#N/A", "\\N", "(null)", "<NULL>", "nil", "None", ".", "NaN", "ＮＵＬＬ", " n/a ",
)  # fmt: skip


@pytest.mark.parametrize("marker", MARKERS)
def test_a_marker_in_dates_numbers_and_codes_is_missing_and_asked_once_a_column(tmp_path: Path, marker: str) -> None:
    said = {"AEENDTC": marker, "AESDTH": marker, "AETOXGR": marker, "AEENRTPT": marker}
    ae = raw.rows(raw.AE, *({"AESEQ": str(k), "AETERM": f"Event {k}", **said} for k in (1, 2, 3)))
    cleaned = clean(raw.export(tmp_path / "s", ae=ae, lb=raw.rows(raw.LB, {"LBORNRHI": marker, "LBSEQ": marker})))
    assert cleaned.domains["AE"][list(said)].isna().all(axis=None)
    assert cleaned.domains["LB"][["LBORNRHI", "LBSEQ"]].isna().all(axis=None)
    logged = cleaned.changes[cleaned.changes["rule"].eq(RULE)]
    assert len(logged) == 14
    assert set(zip(logged["raw"], logged["new"], strict=True)) == {(marker, "")}
    found = [q for q in cleaned.queries if q["rule"] == RULE]
    assert sorted(q["field"] for q in found) == ["AEENDTC", "AEENRTPT", "AESDTH", "AETOXGR", "LBORNRHI", "LBSEQ"]
    assert {q["recipient"] for q in found} == {"mapper"}
    assert {q["observed"] for q in found if q["domain"] == "AE" and q["field"] == "AEENDTC"} == {
        f"ae.csv, column AEENDTC: {marker} (rows 2, 3, 4)"
    }
    assert not {rule for rule, field in asked(cleaned) if field in said} - {RULE}


@pytest.mark.parametrize(
    ("domain", "column", "value"),
    [
        ("AE", "AEACN", "NA"), ("AE", "AEREL", "NONE"), ("AE", "AETERM", "NA"), ("AE", "AETERM", "Nil reported"),
        ("LB", "LBTESTCD", "NA"), ("LB", "LBORRES", "NIL"), ("LB", "LBORRES", "NONE"), ("LB", "VISIT", "."),
    ],
)  # fmt: skip
def test_a_word_that_a_person_may_have_meant_stays(tmp_path: Path, domain: str, column: str, value: str) -> None:
    base = {"AE": raw.AE, "LB": raw.LB}[domain]
    cleaned = clean(raw.export(tmp_path / "s", **{domain.lower(): raw.rows(base, {column: value})}))
    assert RULE not in set(cleaned.changes["rule"])
    assert not cleaned.domains[domain][column].isna().any()


@pytest.mark.parametrize(("column", "value"), [("AEDECOD", "NULL"), ("AESPID", "\\N"), ("AESPID", "NA")])
def test_a_marker_that_is_no_word_is_missing_in_texts_and_numbers_of_records(
    tmp_path: Path, column: str, value: str
) -> None:
    cleaned = clean(raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {column: value})))
    assert cleaned.domains["AE"][column].isna().all()
    assert (RULE, column) in asked(cleaned)


def test_each_file_of_a_split_domain_is_asked_about(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    for part, number in (("lbch", "1"), ("lbhe", "2")):
        raw.write_csv(folder / f"{part}.csv", raw.rows(raw.LB, {"LBSEQ": number, "LBDTC": "NULL"}))
    found = [q for q in clean(folder).queries if q["rule"] == RULE]
    assert [q["record"] for q in found] == ["lbch.csv", "lbhe.csv"]
    assert [q["observed"] for q in found] == [f"{p}.csv, column LBDTC: NULL (row 2)" for p in ("lbch", "lbhe")]


def test_a_birth_date_is_not_shown(tmp_path: Path) -> None:
    cleaned = clean(raw.export(tmp_path / "s", dm=raw.rows(raw.DM, {"BRTHDTC": "NULL"})))
    assert pd.isna(cleaned.domains["DM"]["BRTHDTC"].iloc[0])
    assert (RULE, "BRTHDTC") in asked(cleaned)
