"""ADSL core: dose level by what was infused, first infusion, age, screening and enrolment."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.protocol.models import DoseLevel, Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import CORE, derive_subjects
from trialbook.subjects.ages import age_bounds, age_group, completed_years, derive_ages
from trialbook.subjects.dosing import infusion_levels
from trialbook.subjects.queries import subject_queries
from trialbook.subjects.weights import weights

CUT = as_date("2025-06-30")


def adsl(book: TrialBuilder, protocol: Protocol, analysis, cut: pd.Timestamp = CUT) -> pd.DataFrame:
    return derive_subjects(StudyData(book.domains(), protocol, analysis, cut)).set_index("SUBJID")


def rules(book: TrialBuilder, protocol: Protocol, analysis) -> list[str]:
    domains = book.domains()
    core = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    return [query["rule"] for query in subject_queries(core, domains, protocol, analysis)]


def test_one_row_per_subject_in_order_with_blank_flags(protocol, analysis) -> None:
    found = adsl(trial().subject("S02").infused(0).subject("S01", level="SCRNFAIL"), protocol, analysis)
    assert list(found.index) == ["S01", "S02"]
    assert list(found.reset_index()[CORE].columns) == CORE
    assert found.loc["S01", ["SCRFL", "ENRFL", "SAFFL", "TRT01P", "TRT01A"]].tolist() == ["Y", "", "", "", ""]
    assert found.loc["S02", ["SCRFL", "ENRFL", "SAFFL", "TRT01P", "TRT01A"]].tolist() == ["Y", "Y", "Y", "DL1", "DL1"]
    assert "BRTHDTC" not in found.columns


def test_the_level_is_the_one_received_at_the_first_infusion(protocol, analysis) -> None:
    book = trial().subject("S01", level="DL1", actual="DL1").infused(0, dose=2.0).infused(7, dose=1.0)
    found = adsl(book, protocol, analysis).loc["S01"]
    assert (found["TRT01P"], found["TRT01A"], found["TRT01AN"], found["NINF"]) == ("DL1", "DL2", 2, 2)
    assert rules(book, protocol, analysis) == ["P10-DM-ACTARM-DOSE", "P10-EX-LEVEL-CHANGED"]


@pytest.mark.parametrize(
    ("dose", "level"),
    [(1.0, "DL1"), (1.1, "DL1"), (0.9, "DL1"), (1.11, ""), (0.89, ""), (2.2, "DL2"), (3.6, "DL3"), (4.4, "DL3")],
)
def test_a_dose_within_a_tenth_of_a_level_is_that_level(dose: float, level: str, protocol, analysis) -> None:
    domains = trial().subject("S01").infused(0, dose=dose).domains()
    assert infusion_levels(StudyData(domains, protocol, analysis, CUT))["LEVEL"].tolist() == [level]


def test_a_dose_that_fits_no_level_falls_back_to_the_arm_and_is_asked_about(protocol, analysis) -> None:
    book = trial().subject("S01", level="DL1", actual="DL2").infused(0, dose=7)
    assert adsl(book, protocol, analysis).loc["S01", "TRT01A"] == "DL2"
    assert rules(book, protocol, analysis) == ["P12-EX-DOSE-NO-LEVEL"]
    bare = trial().subject("S01", level="DL1", ACTARMCD=None).infused(0, dose=7)
    assert adsl(bare, protocol, analysis).loc["S01", "TRT01A"] == "DL1"


@pytest.mark.parametrize(
    ("unit", "dose", "level"),
    [
        ("10^6 cells", 120.0, "DL2"), ("x10^6 cells", 120.0, "DL2"), ("10^8 cells", 1.2, "DL2"),
        ("cells/kg", 2e6, "DL2"), ("10^6 CELLS / KG", 2.0, "DL2"), ("mg", 2.0, ""),
    ],
)  # fmt: skip
def test_total_cells_are_divided_by_the_weight_and_powers_are_read(unit, dose, level, protocol, analysis) -> None:
    book = trial().subject("S01").infused(0, dose=dose, EXDOSU=unit)
    book.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(-3))
    assert infusion_levels(StudyData(book.domains(), protocol, analysis, CUT))["LEVEL"].tolist() == [level]


@pytest.mark.parametrize(("day", "level"), [(-7, "DL2"), (0, "DL2"), (-8, ""), (1, "")])
def test_a_weight_is_used_for_a_dose_for_7_days(day: int, level: str, protocol, analysis) -> None:
    book = trial().subject("S01").infused(0, dose=120, EXDOSU="10^6 cells")
    book.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(day))
    assert infusion_levels(StudyData(book.domains(), protocol, analysis, CUT))["LEVEL"].tolist() == [level]


def test_weights_come_in_jin_and_pounds_and_never_without_a_unit() -> None:
    book = trial().subject("S01")
    for value, unit in ((120, "斤"), (132.2774, "lb"), (60, "kg"), (60, None), (-60, "kg")):
        book.add("VS", VSTESTCD="WEIGHT", VSORRES=value, VSORRESU=unit, VSDTC=book.date(-3))
    assert weights(book.domains())["VALUE"].tolist() == pytest.approx([60, 60, 60], abs=1e-4)


def test_a_dose_of_0_is_none_and_a_placebo_is_one(protocol, analysis) -> None:
    book = trial().subject("S01").infused(0, dose=0).infused(3).infused(7)
    found = adsl(book, protocol, analysis).loc["S01"]
    assert (found["TRTSDT"].strftime("%m-%d"), found["NINF"]) == ("01-13", 2)
    placebo = trial().subject("S01").infused(0, dose=0, EXTRT="Placebo")
    assert adsl(placebo, protocol, analysis).loc["S01", "SAFFL"] == "Y"


def test_the_first_infusion_is_the_earliest_by_date_and_time(protocol, analysis) -> None:
    book = trial().subject("S01").infused("2025-01-10T15:00").infused("2025-01-10T09:30").infused("2025-01-17")
    found = adsl(book, protocol, analysis).loc["S01"]
    assert (found["TRTSDTM"], found["TRTEDT"].strftime("%Y-%m-%d")) == ("2025-01-10T09:30", "2025-01-17")


def test_an_infusion_after_the_cut_has_not_happened(protocol, analysis) -> None:
    found = adsl(trial().subject("S01").infused(0), protocol, analysis, as_date("2025-01-09")).loc["S01"]
    assert (found["SAFFL"], found["ENRFL"], found["TRT01A"]) == ("", "Y", "")
    assert adsl(trial().subject("S01").infused(0), protocol, analysis, as_date("2025-01-10")).loc["S01", "SAFFL"] == "Y"


def test_an_actual_arm_without_a_dated_infusion_is_asked_about(protocol, analysis) -> None:
    book = trial().subject("S01", level="DL1").infused("2025-01")
    assert adsl(book, protocol, analysis).loc["S01", "SAFFL"] == ""
    assert rules(book, protocol, analysis) == ["P11-DM-ACTARM-NO-EX"]


def test_arms_without_doses_are_taken_from_dm(protocol, analysis) -> None:
    arms = protocol.model_copy(update={"dose_levels": [DoseLevel(id=name, label=name) for name in ("Pbo", "Hi", "Lo")]})
    book = trial().subject("S01", level="Hi", actual="Lo").infused(0, dose=54, EXDOSU="mg")
    assert adsl(book, arms, analysis).loc["S01", "TRT01A"] == "Lo"
    assigned = analysis.model_copy(update={"treatment_arm": "assigned"})
    assert adsl(book, arms, assigned).loc["S01", "TRT01A"] == "Hi"
    assert rules(book, arms, analysis) == []


def test_a_screen_failure_is_not_enrolled_even_with_a_planned_level(protocol, analysis) -> None:
    book = trial().subject("S01", level="DL1", actual="NOTTRT")
    book.add("DS", DSDECOD="SCREEN FAILURE", DSSTDTC=book.date(-1))
    book.subject("S02", level="SCRNFAIL").subject("S03", level="NOTASSGN")
    found = adsl(book, protocol, analysis)
    assert found["ENRFL"].tolist() == ["", "", ""]
    assert found["DCSREAS"].tolist() == ["SCREEN FAILURE", "SCREEN FAILURE", ""]


def test_the_end_of_study_comes_from_ds(protocol, analysis) -> None:
    book = trial()
    for name, term in (
        ("S01", "COMPLETED"),
        ("S02", "LOST TO FOLLOW-UP"),
        ("S03", "WITHDRAWAL BY SUBJECT"),
        ("S04", ""),
    ):
        book.subject(name).infused(0)
        if term:
            book.add("DS", DSDECOD=term, DSSTDTC=book.date(60))
    found = adsl(book, protocol, analysis)
    assert found["EOSSTT"].tolist() == ["COMPLETED", "DISCONTINUED", "DISCONTINUED", "ONGOING"]
    assert found["DCSREAS"].tolist() == ["", "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT", ""]


def test_a_second_screening_names_the_first(protocol, analysis) -> None:
    book = trial().subject("S01", level="SCRNFAIL").subject("S02").infused(0)
    book.add("SUPPDM", RDOMAIN="DM", QNAM="RESCREEN_OF", QVAL="iMSC-2001-S01")
    assert adsl(book, protocol, analysis)["RESCREEN_OF"].tolist() == ["", "iMSC-2001-S01"]


@pytest.mark.parametrize(
    ("birth", "day", "years"),
    [
        ("2000-02-29", "2018-02-28", 17), ("2000-02-29", "2018-03-01", 18), ("2000-05-10", "2018-05-09", 17),
        ("2000-05-10", "2018-05-10", 18), ("2020-05-10", "2018-05-10", -2),
    ],
)  # fmt: skip
def test_age_in_completed_years(birth: str, day: str, years: int) -> None:
    both = pd.to_datetime(pd.Series([birth])), pd.to_datetime(pd.Series([day]))
    assert completed_years(*both).tolist() == [years]


def test_a_partial_birth_date_leaves_bounds() -> None:
    births = pd.Series(["1990", "1990-06", "1990-06-15", None], dtype="str")
    bounds = age_bounds(births, pd.Series([as_date("2020-06-15")] * 4))
    assert bounds["AGELO"].tolist()[:3] == [29, 29, 30]
    assert bounds["AGEHI"].tolist()[:3] == [30, 30, 30]
    assert bounds.iloc[3].isna().all()


def test_the_computed_age_wins_and_the_difference_is_asked_about(protocol, analysis) -> None:
    book = trial().subject("S01", age=40, AGE=41.0)
    assert adsl(book.infused(0), protocol, analysis).loc["S01", "AGE"] == 40
    assert rules(book, protocol, analysis) == ["P06-DM-AGE-DIFFERS"]


def test_a_partial_birth_date_takes_the_collected_age_where_it_fits(protocol, analysis) -> None:
    ages = {"1984": 40.0, "1985": 39.0, None: 55.0}
    book = trial()
    for k, (birth, age) in enumerate(ages.items()):
        book.subject(f"S{k}", BRTHDTC=birth, AGE=age).infused(0)
    assert adsl(book, protocol, analysis)["AGE"].tolist() == [40, 39, 55]
    wrong = trial().subject("S01", BRTHDTC="1984", AGE=60.0).infused(0)
    assert adsl(wrong, protocol, analysis)["AGE"].isna().all()


def test_no_row_of_the_ages_has_its_bounds_the_wrong_way_round(protocol) -> None:
    book = trial()
    for k, birth in enumerate(["1984", "1984-06", "1984-06-15", None]):
        book.subject(f"S{k}", BRTHDTC=birth).infused(0)
    ages = derive_ages(book.domains(), protocol, CUT)
    assert ages["LOW"].le(ages["HIGH"]).fillna(True).all()
    known = ages[ages["WHEN"].eq("BIRTH")]
    assert list(zip(known["LOW"], known["HIGH"], strict=True)) == [(0, 1), (0, 1), (1, 1), (0, 0)]


def test_age_groups_name_those_outside_the_trials_ages() -> None:
    ages = pd.Series([3, 4, 11, 12, 17, 18, 70, 71, None], dtype="Int64")
    groups = age_group(ages, [[4, 11], [12, 17], [18, 70]])
    assert groups.tolist() == ["<4", "4-11", "4-11", "12-17", "12-17", "18-70", "18-70", ">70", ""]


def test_consent_is_never_imputed_and_a_partial_date_is_asked_about(protocol, analysis) -> None:
    book = trial().subject("S01", RFICDTC="2025-01").infused(0).subject("S02").infused(0)
    found = adsl(book, protocol, analysis)
    assert found["RFICDT"].isna().tolist() == [True, False]
    assert rules(book, protocol, analysis) == ["P05-DM-CONSENT-DATE"]


def test_consent_in_ds_serves_where_dm_has_none(protocol, analysis) -> None:
    found = adsl(trial().subject("S01", RFICDTC=None).infused(0), protocol, analysis)
    assert found["RFICDT"].tolist() == [as_date("2025-01-03")]


def test_a_trial_without_subjects_has_an_empty_adsl_of_the_same_types(protocol, analysis) -> None:
    nobody = derive_subjects(StudyData(trial().domains(), protocol, analysis, CUT))
    someone = derive_subjects(StudyData(trial().subject("S01").infused(0).domains(), protocol, analysis, CUT))
    assert nobody.empty
    assert nobody.dtypes.to_dict() == someone.dtypes.to_dict()
    assert subject_queries(nobody, trial().domains(), protocol, analysis) == []
