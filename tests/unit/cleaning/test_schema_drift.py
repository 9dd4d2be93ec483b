"""An export that has changed its shape since the previous cut says how, and one that only grew says nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.cleaning.schema_drift import drift_sentence, export_drift
from trialbook.protocol.load import find_cut_file, load_trial
from trialbook.snapshot import read_snapshot


def lb(**columns: list[str | None]) -> pd.DataFrame:
    base: dict[str, list[str | None]] = {
        "USUBJID": ["S1", "S1", "S2", "S2"],
        "LBTESTCD": ["ALT", "BILI", "ALT", "BILI"],
        "LBORRES": ["20", "12.5", "<5", "0.8"],
        "LBORRESU": ["U/L", "umol/L", "U/L", "umol/L"],
        "LBDTC": ["2025-01-02", "2025-01-02", "2025-02", "2025-02-04T08:00"],
    }
    return pd.DataFrame({**base, **columns}, dtype="str")


def changes(old: pd.DataFrame, new: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    found = export_drift({"LB": old}, {"LB": new})
    return list(found[["column", "change", "before", "now"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (lb(), []),
        (pd.concat([lb(), lb(USUBJID=["S3"] * 4)], ignore_index=True), []),
        (lb(LBSPID=["1", "2", "3", "4"]), [("LBSPID", "new column", "", "LBSPID")]),
        (lb().drop(columns="LBDTC"), [("LBDTC", "lost column", "LBDTC", "")]),
        (lb(LBDTC=[None] * 4), [("LBDTC", "lost column", "LBDTC", "")]),
        (lb().rename(columns={"LBDTC": "SAMPLEDT"}), [("LBDTC", "renamed column", "LBDTC", "SAMPLEDT")]),
        (lb(LBDTC=["02/01/2025"] * 4), [("LBDTC", "other kind of values", "dates", "text")]),
        (lb(LBORRES=["high", "low", "low", "high"]), [("LBORRES", "other kind of values", "numbers", "text")]),
        (lb(LBTESTCD=["ALT", "BILI", "ALT", "GGT"]), [("LBTESTCD", "new code", "ALT, BILI", "GGT")]),
        (lb(LBORRESU=["U/L", "mg/dL", "U/L", "umol/L"]),
         [("LBORRESU", "new unit", "BILI: umol/L", "BILI: mg/dL")]),
    ],
)  # fmt: skip
def test_each_change_of_shape_is_named(new: pd.DataFrame, expected: list[tuple[str, str, str, str]]) -> None:
    assert changes(lb(), new) == expected


def test_a_domain_that_came_or_went_is_one_line() -> None:
    found = export_drift({"LB": lb(), "VS": lb()}, {"LB": lb(), "CM": lb()})
    assert found[["domain", "change"]].to_numpy().tolist() == [["CM", "new domain"], ["VS", "lost domain"]]


def test_free_text_is_never_shown() -> None:
    old, new = lb(LBCOM=["a", "b", "c", "d"]), lb(LBCOM=["secret", "words", "of", "people"])
    assert changes(old, new) == []


def test_the_demo_exports_keep_their_shape(root) -> None:  # type: ignore[no-untyped-def]
    first, second = (read_snapshot(load_trial(find_cut_file(cut, root), root)) for cut in ("2025-06-30", "2025-09-30"))
    found = export_drift(*({code: table.frame for code, table in s.tables.items()} for s in (first, second)))
    assert set(found["change"]) <= {"new code"}
    assert "2025-06-30" in drift_sentence(found, "2025-06-30", known=True)


def test_without_a_previous_export_the_sentence_says_so() -> None:
    nothing = export_drift({}, {})
    assert "no previous export" in drift_sentence(nothing, None, known=False)
    assert "same columns" in drift_sentence(nothing, "2025-06-30", known=True)
