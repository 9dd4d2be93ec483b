"""ADLB: results in SI units, baseline, timing, shift, and the hepatic screen on small trials."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.units import si_factor, si_unit
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.safety import lab_tables
from trialbook.safety.adlb import KEYS, derive_adlb, unknown_units
from trialbook.safety.lab_tables import hepatic_points, hepatic_screen, shift_frame, shift_rows, worst_grades
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")


def adlb_of(built: TrialBuilder, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    domains = built.domains()
    return derive_adlb(
        derive_subjects(StudyData(domains, protocol, analysis, CUT)), StudyData(domains, protocol, analysis, CUT)
    )


@pytest.mark.parametrize(
    ("test", "unit", "factor"),
    [
        ("BILI", "mg/dL", 17.1),
        ("CREAT", "mg/dL", 88.4),
        ("BUN", "mg/dL", 0.357),
        ("UREA", "mg/dL", 0.1665),
        ("HGB", "g/dL", 10.0),
        ("PLAT", "10^3/uL", 1.0),
        ("PLAT", "×10⁹/L", 1.0),
        ("PLAT", "x10*9 / L", 1.0),
        ("NEUT", "/mm3", 0.001),
        ("ALT", "ukat/L", 60.0),
        ("ALT", "μkat/L", 60.0),
        ("K", "mEq/L", 1.0),
        ("INR", "", 1.0),
    ],
)
def test_units_convert_by_the_table_of_the_rulebook(test: str, unit: str, factor: float) -> None:
    assert si_factor(pd.Series([test]), pd.Series([unit], dtype="str"))[0] == factor


def test_an_unknown_unit_or_test_has_no_factor() -> None:
    tests, units = pd.Series(["ALT", "MCV"]), pd.Series(["furlong", "fL"])
    assert si_factor(tests, units).isna().all()
    assert si_unit(tests).tolist()[0] == "U/L"


def test_value_and_limits_are_converted_together(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).lab("BILI", 2.0, 3, unit="mg/dL", low=0.2, high=1.2)
    row = adlb_of(built, protocol, analysis).iloc[0]
    assert (row["AVAL"], row["AVALU"], row["ANRIND"]) == (pytest.approx(34.2), "umol/L", "HIGH")
    assert (row["ANRLO"], row["ANRHI"]) == pytest.approx((3.42, 20.52))
    assert row["ATOXGRH"] == 2  # 1.67 x ULN


def test_a_result_in_an_unknown_unit_is_kept_but_not_graded(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).lab("ALT", 500, 3, unit="furlong", high=40)
    adlb = adlb_of(built, protocol, analysis)
    assert (adlb["AVAL"][0], adlb["AVALU"][0]) == (500, "furlong")
    assert adlb["ATOXGRH"].isna().all()
    assert len(unknown_units(adlb)) == 1


# Date of a sample, visit, baseline?, after the infusion? First infusion 2025-01-10T10:00.
SAMPLES = [
    ("2025-01-09", "DAY -1", "before"),
    ("2025-01-10T09:59", "DAY 0", "before"),
    ("2025-01-10T10:00", "DAY 0", "before"),
    ("2025-01-10T10:01", "DAY 0", "after"),
    ("2025-01-10", "DAY 0", "unknown"),
    ("2025-01-10", "BASELINE", "before"),
    ("2025-01-10", "DAY 0 PRE-DOSE", "before"),
    ("2025-01-11", "DAY 1", "after"),
    ("2025-07-09", "DAY 180", "after"),
    ("2025-07-10", "DAY 181", "unknown"),  # past the safety window
    ("2025-01", "DAY 1", "unknown"),
]


def test_baseline_and_later_results_are_told_apart_by_time_never_by_guess(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial()
    for case, (date, visit, _) in enumerate(SAMPLES):
        built.subject(f"S{case:02}").infused(0, time="T10:00").lab("ALT", 20, date, high=40, VISIT=visit)
    adlb = adlb_of(built, protocol, analysis)
    found = adlb["ABLFL"].map({"Y": "before", "": ""}) + adlb["APOBLFL"].map({"Y": "after", "": ""})
    assert found.replace({"": "unknown"}).tolist() == [row[2] for row in SAMPLES]


def test_the_baseline_is_the_last_result_before_the_infusion(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).lab("ALT", 30, -5, high=40).lab("ALT", 100, -1, high=40)
    built.lab("ALT", 140, 3, high=40).lab("ALT", 301, 9, high=40)
    adlb = adlb_of(built, protocol, analysis)
    assert adlb["ABLFL"].tolist() == ["", "Y", "", ""]
    assert set(adlb["BASE"]) == {100.0}
    # Graded by multiples of the baseline, which was above normal.
    assert adlb["ATOXGRH"].tolist()[2:] == [0, 2]
    assert adlb["ADY"].tolist() == [-5, -1, 4, 10]


def test_rows_are_unique_and_sorted_by_their_key(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S02").infused(0).lab("K", 4.0, 3, unit="mmol/L").lab("ALT", 30, 3, high=40)
    built.subject("S01").infused(0).lab("ALT", 30, 5, high=40).lab("ALT", 30, 1, high=40)
    adlb = adlb_of(built, protocol, analysis)
    assert not adlb.duplicated(KEYS).any()
    assert adlb[KEYS].equals(adlb[KEYS].sort_values(KEYS, ignore_index=True))


def shift_trial() -> TrialBuilder:
    built = trial().subject("S01").infused(0, dose=1.0)
    built.lab("PLAT", 80, -1, unit="10^9/L", low=100).lab("PLAT", 20, 3, unit="10^9/L", low=100)
    built.lab("PLAT", 60, 9, unit="10^9/L", low=100).lab("PLAT", 10, 200, unit="10^9/L", low=100)
    built.subject("S02").infused(0, dose=2.0).lab("PLAT", 150, 3, unit="10^9/L", low=100)
    built.lab("K", 2.4, -1, unit="mmol/L", low=3.5, high=5.3).lab("K", 6.5, 2, unit="mmol/L", low=3.5, high=5.3)
    return built.subject("S03", level="SCRNFAIL").lab("PLAT", 5, 1, unit="10^9/L", low=100)


def test_the_shift_table_counts_each_subject_under_its_worst_grade_in_the_window(
    protocol: Protocol, analysis: Analysis
) -> None:
    adlb = adlb_of(shift_trial(), protocol, analysis)
    ard = to_ard(shift_rows(worst_grades(adlb), protocol))
    counted = ard[(ard["group1_level"] == "Total") & (ard["stat"] > 0)]
    assert counted[["variable", "context", "variable_level"]].values.tolist() == [
        ["PLAT", "1", "4"],
        ["PLAT", "missing", "0"],
        ["K_HIGH", "0", "3"],
        ["K_LOW", "4", "0"],
    ]
    by_level = ard[ard["variable"].eq("PLAT") & ard["context"].eq("1")].set_index("group1_level")["stat"]
    assert by_level.to_dict() == {"DL1": 1.0, "DL2": 0.0, "DL3": 0.0, "Total": 1.0}
    assert shift_frame(ard)["test"].tolist() == ["PLAT", "PLAT", "K_HIGH", "K_LOW"]


@pytest.mark.parametrize(("bilirubin_day", "met"), [(4, ["Y"]), (18, ["Y"]), (19, [""]), (3, [""])])
def test_the_hepatic_criteria_need_bilirubin_within_14_days_after_the_transaminase(
    bilirubin_day: int, met: list[str], protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0).lab("ALT", 120, 4, high=40)
    built.lab("BILI", 42, bilirubin_day, unit="umol/L", high=21)
    found = hepatic_screen(adlb_of(built, protocol, analysis), analysis)
    names = pd.DataFrame({"USUBJID": ["iMSC-2001-S01"], "SUBJID": ["S01"]})
    assert found["MET"].tolist() == met
    assert found[["TA_PEAK", "BILI_PEAK"]].values.tolist() == [[3.0, 2.0]]
    assert hepatic_points(found, names, "ULN")[["X", "Y", "X0", "Y0"]].values.tolist() == [[3.0, 2.0, 3.0, 2.0]]
    assert hepatic_points(found, names, "baseline").empty


# INR at baseline and after, whether an anticoagulant covers the sample, the published grade, the driver, the flag.
INR = [
    (0.98, 0.99, "N", 0, "", ""),  # row 8: no signal of a normal value
    (0.98, 1.2, "N", 0, "", ""),
    (0.98, 1.21, "N", 1, "ABS", ""),
    (0.98, 1.51, "N", 2, "ABS", ""),
    (0.98, 2.51, "N", 3, "ABS", ""),
    (2.0, 2.4, "N", 2, "ABS", ""),
    (2.0, 2.4, "Y", 1, "BASE", ""),
    (2.0, 3.1, "Y", 2, "BASE", ""),
    (2.0, 5.1, "Y", 3, "BASE", ""),
    (2.0, 2.0, "Y", 0, "", ""),
    (0.98, 0.99, "", 1, "BASE", "Y"),  # not known: the worse of both, flagged
    (2.0, 2.4, "", 2, "ABS", ""),
]


@pytest.mark.parametrize(("base", "after", "state", "grade", "driver", "flag"), INR)
def test_inr_is_graded_as_ctcae_publishes_it(
    base: float, after: float, state: str, grade: int, driver: str, flag: str, protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0).lab("INR", base, -1, unit="", high=1.2).lab("INR", after, 9, unit="")
    if state == "Y":
        built.drug("Enoxaparin", 5, end=20)
    if state == "N":
        built.drug("Warfarin", -30, end=8).drug("Aciclovir", 0)
    found = adlb_of(built, protocol, analysis).iloc[-1]
    assert found[["ANTICOFL", "ATOXGRH", "ATOXDRV", "CLINFL"]].tolist() == [state, grade, driver, flag]
    admiral = analysis.model_copy(update={"inr_grading": "admiral"})
    worst = adlb_of(built, protocol, admiral).iloc[-1]
    assert worst["ANTICOFL"] == ""
    assert worst["ATOXGRH"] >= grade


# Start and end of an anticoagulant, ongoing or not; the state of samples of day 9.
COVERED = [
    (5, 20, None, "Y"), (5, 9, None, "Y"), (9, 20, None, "Y"), (10, 20, None, "N"), (1, 8, None, "N"),
    (5, None, "ONGOING", "Y"), (5, None, None, ""), ("2025-01", 25, None, ""), (None, 25, None, ""),
    (1, "2025-01", None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("start", "end", "mark", "state"), COVERED)
def test_an_anticoagulant_covers_a_sample_by_its_dates_alone(
    start: int | str | None, end: int | str | None, mark: str | None, state: str, protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0).lab("INR", 1.0, 9, unit="")
    built.add("CM", CMTRT="肝素钠注射液", CMSTDTC=None if start is None else built.date(start),
              CMENDTC=None if end is None else built.date(end), CMENRTPT=mark)  # fmt: skip
    assert adlb_of(built, protocol, analysis)["ANTICOFL"].tolist() == [state]
    none = analysis.model_copy(update={"anticoagulants": []})
    assert adlb_of(built, protocol, none)["ANTICOFL"].tolist() == [""]


def test_counts_without_lb_are_not_evaluable_and_never_zero(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).subject("S02").infused(0, dose=2.0)
    subjects = derive_subjects(StudyData(built.domains(), protocol, analysis, CUT))
    adlb = derive_adlb(subjects, StudyData(built.domains(), protocol, analysis, CUT))
    worst = lab_tables.worst_grades(adlb)
    ard = to_ard(lab_tables.worst_grade_rows(worst, subjects, protocol, delivered=False))
    assert ard["stat"].isna().all()
    said = ard.groupby("group1_level")["stat_text"].unique().map(list).to_dict()
    assert said == {
        "DL1": ["not evaluable (0 to 1 of 1)"], "DL2": ["not evaluable (0 to 1 of 1)"], "DL3": ["not evaluable"],
        "Total": ["not evaluable (0 to 2 of 2)"],
    }  # fmt: skip
    sentence = lab_tables.hepatic_sentence(
        lab_tables.hepatic_screen(adlb, analysis), subjects, analysis, delivered=False
    )
    assert "not evaluable (0 to 2 of 2)" in sentence
    assert lab_tables.no_labs_words(subjects, False).startswith("Not evaluable (0 to 2 of 2)")


def test_who_lacks_a_liver_test_is_not_called_free_of_the_criteria(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).lab("ALT", 30, 3, high=40).lab("BILI", 9, 3, unit="umol/L", high=21)
    built.subject("S02").infused(0).lab("ALT", 30, 3, high=40)
    subjects = derive_subjects(StudyData(built.domains(), protocol, analysis, CUT))
    found = lab_tables.hepatic_screen(
        derive_adlb(subjects, StudyData(built.domains(), protocol, analysis, CUT)), analysis
    )
    assert "1 of 2 treated subjects lack one of these tests: not evaluable." in lab_tables.hepatic_sentence(
        found, subjects, analysis
    )


def test_adlb_of_an_undelivered_domain_is_empty_with_every_column(protocol: Protocol, analysis: Analysis) -> None:
    full = adlb_of(shift_trial(), protocol, analysis)
    empty = adlb_of(trial().subject("S01").infused(0), protocol, analysis)
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert shift_rows(worst_grades(empty), protocol) == []
