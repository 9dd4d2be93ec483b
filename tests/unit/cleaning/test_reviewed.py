"""Marks of reviewed records: kept once, and what changed since, without the values of then."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.cleaning.reviewed import mark_of_record, reviewed_records
from trialbook.core.errors import UsageError
from trialbook.queries.marks import Mark, keep_marks, marks_file, read_marks


def domains(*events: tuple[int, str, str | None]) -> dict[str, pd.DataFrame]:
    ae = pd.DataFrame(list(events), columns=["AESEQ", "AETERM", "AEENDTC"]).assign(USUBJID="S01", SRCROW=5)
    return {"AE": ae.astype({"AESEQ": "Int64", "AETERM": "str", "AEENDTC": "str"})}


def marked(number: int, at: dict[str, pd.DataFrame], cut: str = "2025-03-31", by: str = "DM") -> Mark:
    values = mark_of_record(at, "AE", "S01", f"AESEQ={number}")
    assert values is not None
    return Mark("AE", "S01", f"AESEQ={number}", "2025-04-02", by, "2025-04-02T08:00:00+00:00", cut, values)


FIRST = domains((1, "Rash", None), (2, "Fever", "2025-03-02"))


@pytest.mark.parametrize(
    ("now", "since", "columns"),
    [
        (FIRST, "unchanged", ""),
        (domains((1, "Rash", "2025-04-09")), "changed", "AEENDTC"),
        (domains((1, "Rash, itching", "2025-04-09")), "changed", "AETERM AEENDTC"),
        (domains((2, "Fever", None)), "gone", ""),
        ({}, "gone", ""),
    ],
)
def test_what_changed_since_the_mark(now: dict[str, pd.DataFrame], since: str, columns: str) -> None:
    found = reviewed_records(now, [marked(1, FIRST)]).iloc[0]
    assert (found["since"], set(found["columns"].split())) == (since, set(columns.split()))


def test_a_column_without_a_value_may_come_or_go() -> None:
    wider = {"AE": FIRST["AE"].assign(AESPID=pd.Series(pd.NA, index=FIRST["AE"].index, dtype="str"))}
    assert reviewed_records(wider, [marked(1, FIRST)])["since"].tolist() == ["unchanged"]
    assert reviewed_records(FIRST, [marked(1, wider)])["since"].tolist() == ["unchanged"]


def test_a_later_mark_takes_the_place_of_an_earlier_one() -> None:
    now = domains((1, "Rash", "2025-04-09"))
    found = reviewed_records(now, [marked(1, FIRST), marked(1, now, "2025-06-30")])
    assert found[["since", "cut_date"]].to_numpy().tolist() == [["unchanged", "2025-06-30"]]


def test_marks_are_kept_once_beside_the_answers_and_hold_no_value(tmp_path: Path) -> None:
    file = marks_file(tmp_path / "answers" / "2025-03-31.csv")
    assert file == tmp_path / "reviewed" / "2025-03-31.csv"
    one = marked(1, FIRST)
    assert keep_marks(file, [one]) == [one]
    assert keep_marks(file, [one, marked(2, FIRST)]) == [marked(2, FIRST)]
    assert read_marks(file) == [one, marked(2, FIRST)]
    assert "Rash" not in file.read_text(encoding="utf-8-sig")


def test_a_record_that_is_not_there_has_no_mark_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert mark_of_record(FIRST, "AE", "S01", "AESEQ=9") is None
    file = tmp_path / "reviewed.csv"
    keep_marks(file, [marked(1, FIRST)])
    file.write_text(file.read_text(encoding="utf-8-sig").replace("{", "["), encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        read_marks(file)
