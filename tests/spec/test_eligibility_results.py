"""How data, form and waiver become a result, and the limits of measured criteria, as tables (rulebook §1.0 to §1.3)."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.eligibility.criteria import laboratory
from trialbook.eligibility.form import combine
from trialbook.eligibility.parameters import excluded_above, excluded_at_or_below
from trialbook.subjects.qualitative import detection, reading

# data        form    waiver  infused  record  result
COMBINATIONS = """
  PASS        PASS    -       yes      yes     PASS
  PASS        -       -       yes      yes     PASS
  PASS        FAIL    -       yes      yes     CONFLICT
  FAIL        PASS    -       yes      yes     CONFLICT
  FAIL        FAIL    -       yes      yes     FAIL
  FAIL        -       -       no       yes     FAIL
  NE          PASS    -       yes      yes     NE
  NE          PASS    -       yes      no      NE
  NE          FAIL    -       yes      no      ATT-FAIL
  NE          -       -       yes      no      NE
  NE          -       -       no       yes     NE
  NE          -       -       no       no      PENDING
  by-form     PASS    -       yes      no      ATT-PASS
  by-form     FAIL    -       yes      no      ATT-FAIL
  by-form     -       -       yes      no      PENDING
  by-form     -       -       no       no      PENDING
  FAIL        FAIL    EXACT   yes      yes     WAIVED
  FAIL        PASS    EXACT   yes      yes     WAIVED
  by-form     FAIL    EXACT   yes      no      WAIVED
  FAIL        FAIL    PART    yes      yes     WAIVED
  PASS        FAIL    PART    yes      yes     WAIVED
  PASS        PASS    PART    yes      yes     PASS
  by-form     PASS    PART    yes      no      ATT-PASS
"""
ROWS = [tuple(line.split()) for line in COMBINATIONS.strip().splitlines()]


def _combined(row: tuple[str, ...], *, form_delivered: bool = True) -> str:
    data, form, waiver, infused, record = row[:5]
    frame = pd.DataFrame(
        {
            "DATARESULT": ["" if data == "by-form" else data],
            "SATISFIED": [None if form == "-" else form],
            "WAIVER": ["" if waiver == "-" else waiver],
            "TREATED": [infused == "yes"],
            "SRCDOM": ["LB" if record == "yes" else ""],
        }
    )
    return combine(frame, form_delivered=form_delivered).iloc[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row))
def test_data_form_and_waiver_give_the_result(row: tuple[str, ...]) -> None:
    assert _combined(row) == row[5]


@pytest.mark.parametrize("infused", ["yes", "no"])
@pytest.mark.parametrize("data", ["NE", "by-form"])
def test_without_any_form_delivered_nothing_is_pending_and_nothing_passes(data: str, infused: str) -> None:
    assert _combined((data, "-", "-", infused, "no"), form_delivered=False) == "NE"


# value        limit  result
ABOVE = """
  2            2      PASS
  1.9999       2      PASS
  2.0001       2      FAIL
  2.0000000001 2      PASS
  2.00000001   2      FAIL
  <1           2      PASS
  <2           2      PASS
  <2.5         2      NE
  >2           2      FAIL
  >3           2      FAIL
  >1.5         2      NE
  missing      2      NE
"""
AT_OR_BELOW = """
  30           30     FAIL
  30.0000000001 30    FAIL
  30.0001      30     PASS
  29.99        30     FAIL
  >30          30     PASS
  >29          30     NE
  <30          30     FAIL
  <31          30     NE
  missing      30     NE
"""


def _table(text: str) -> list[tuple[str, float, str]]:
    return [
        (value, float(limit), result) for value, limit, result in (row.split() for row in text.strip().splitlines())
    ]


def _value(text: str) -> tuple[pd.Series, pd.Series]:
    sign = text[0] if text[0] in "<>" else ""
    return pd.Series([pd.to_numeric(text.removeprefix(sign), errors="coerce")]), pd.Series([sign])


@pytest.mark.parametrize(("text", "limit", "result"), _table(ABOVE))
def test_a_value_equal_to_the_limit_is_not_above_it(text: str, limit: float, result: str) -> None:
    assert excluded_above(*_value(text), limit).iloc[0] == result


@pytest.mark.parametrize(("text", "limit", "result"), _table(AT_OR_BELOW))
def test_a_value_equal_to_the_limit_is_at_it(text: str, limit: float, result: str) -> None:
    assert excluded_at_or_below(*_value(text), limit).iloc[0] == result


def test_cockcroft_gault_gives_the_published_clearances() -> None:
    assert laboratory.cockcroft_gault(55, 90, 1.09, "M") == pytest.approx(97.477, abs=5e-4)
    assert laboratory.cockcroft_gault_umol(65, 60, 85, "F") == pytest.approx(55.059, abs=5e-4)
    assert laboratory.cockcroft_gault(65, 60, 85 / laboratory.UMOL_PER_MG_DL, "F") == pytest.approx(55.263, abs=5e-4)


def test_bedside_schwartz_gives_the_published_rates() -> None:
    assert laboratory.bedside_schwartz(5, 110, 0.5) == pytest.approx(90.86, abs=5e-3)
    assert laboratory.bedside_schwartz_umol(5, 110, 44.2) == pytest.approx(90.84, abs=5e-3)


def test_de_indexing_uses_the_body_surface_of_mosteller() -> None:
    # 180 cm and 80 kg are exactly 2 m2.
    assert laboratory.deindexed(86.5, 180, 80) == pytest.approx(100.0)


@pytest.mark.parametrize("formula", [laboratory.cockcroft_gault, laboratory.cockcroft_gault_umol])
def test_cockcroft_gault_refuses_a_child(formula) -> None:
    with pytest.raises(ValueError, match="below 18"):
        formula([40, 17], [60, 60], [1, 1], ["M", "M"])


@pytest.mark.parametrize("formula", [laboratory.bedside_schwartz, laboratory.bedside_schwartz_umol])
def test_schwartz_refuses_an_adult(formula) -> None:
    with pytest.raises(ValueError, match="18 or more"):
        formula([17, 18], [150, 150], [1, 1])


def test_a_missing_sex_gives_no_clearance() -> None:
    assert pd.isna(laboratory.cockcroft_gault([40], [60], [1], [None])[0])


# result       sign  value  limit  read as
READINGS = [
    ("POSITIVE", "", None, None, "POSITIVE"), ("阳性", "", None, None, "POSITIVE"), ("(+)", "", None, None, "POSITIVE"),
    ("NEGATIVE", "", None, None, "NEGATIVE"), ("阴性", "", None, None, "NEGATIVE"),
    ("（-）", "", None, None, "NEGATIVE"),
    ("NON-REACTIVE", "", None, None, "NEGATIVE"), ("弱阳性", "", None, None, "UNCLEAR"),
    ("INDETERMINATE", "", None, None, "UNCLEAR"), ("±", "", None, None, "UNCLEAR"),
    ("见备注", "", None, None, "UNCLEAR"),
    ("0.12", "", 0.12, 1.0, "NEGATIVE"), ("1.0", "", 1.0, 1.0, "POSITIVE"), ("12.3", "", 12.3, None, "UNCLEAR"),
]  # fmt: skip
DETECTIONS = [
    ("<20", "<", 20.0, "NEGATIVE"), ("<1.0E+02", "<", 100.0, "NEGATIVE"), ("TND", "", None, "NEGATIVE"),
    ("未检出", "", None, "NEGATIVE"), ("NOT DETECTED", "", None, "NEGATIVE"), ("0", "", 0.0, "NEGATIVE"),
    ("20", "", 20.0, "POSITIVE"), ("35000", "", 35000.0, "POSITIVE"), (">170000000", ">", 1.7e8, "POSITIVE"),
    ("DETECTED", "", None, "POSITIVE"), ("HAEMOLYSED", "", None, "UNCLEAR"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sign", "value", "limit", "read"), READINGS)
def test_antibodies_and_antigens_are_read(text, sign, value, limit, read, protocol) -> None:
    number, bound = pd.Series([value], dtype="float64"), pd.Series([limit], dtype="float64")
    assert reading(pd.Series([text]), number, pd.Series([sign]), bound, protocol.code_lists).iloc[0] == read


@pytest.mark.parametrize(("text", "sign", "value", "read"), DETECTIONS)
def test_nucleic_acid_below_quantification_is_not_detected(text, sign, value, read, protocol) -> None:
    number, words = pd.Series([value], dtype="float64"), protocol.code_lists
    assert detection(pd.Series([text]), number, pd.Series([sign]), words).iloc[0] == read
