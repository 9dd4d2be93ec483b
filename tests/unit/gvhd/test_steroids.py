"""The daily steroid dose: equivalents, units, names in two languages, routes, ongoing records, unknown doses (§1.4)."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.gvhd.steroids import daily_steroid_dose
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.weights import weights


@pytest.fixture
def doses(protocol, analysis):
    def derive(built: TrialBuilder, cut: str = "2025-03-31") -> pd.Series:
        domains = built.domains()
        subjects = derive_subjects(StudyData(domains, protocol, analysis, as_date(cut)))
        daily = daily_steroid_dose(domains["CM"], weights(domains), subjects, analysis.drugs, analysis.local_routes)
        return daily.set_index("ADT")["MPEQ"]

    return derive


def adult(kilograms: float = 60) -> TrialBuilder:
    return trial().subject("S01").infused(0).add(
        "VS", VSTESTCD="WEIGHT", VSORRES=kilograms, VSORRESU="kg", VSDTC="2025-01-08"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "milligrams"),
    [
        ("methylprednisolone", 4), ("Methylprednisolone sodium succinate", 4), ("甲泼尼龙", 4), ("甲强龙", 4),
        ("prednisone", 5), ("prednisolone", 5), ("泼尼松", 5), ("醋酸泼尼松片", 5), ("hydrocortisone", 20),
        ("氢化可的松", 20), ("dexamethasone", 0.75), ("地塞米松", 0.75),
    ],
)  # fmt: skip
def test_equivalent_doses_give_the_same_methylprednisolone_dose(doses, name, milligrams) -> None:
    daily = doses(adult().drug(name, 0, end=0, dose=15 * milligrams, unit="mg/day"))
    assert daily.tolist() == pytest.approx([60 / 60])


@pytest.mark.parametrize(
    ("dose", "unit", "frequency", "expected"),
    [
        (120, "mg", None, 2), (120, "mg/day", None, 2), (2, "mg/kg", None, 2), (2, "mg/kg/day", None, 2),
        (0.12, "g", None, 2), (60, "mg", "BID", 2), (1, "mg/kg", "BID", 2), (2, "mg/kg/day", "BID", 2),
        (40, "mg", "Q8H", 2),
    ],
)  # fmt: skip
def test_doses_by_unit_and_frequency(doses, dose, unit, frequency, expected) -> None:
    extra = {} if frequency is None else {"CMDOSFRQ": frequency}
    daily = doses(adult().drug("methylprednisolone", 0, end=0, dose=dose, unit=unit, **extra))
    assert daily.tolist() == pytest.approx([expected])


@pytest.mark.parametrize(
    ("drug", "route"), [("prednisone", "TOPICAL"), ("dexamethasone", "OPHTHALMIC"), ("budesonide", "ORAL"),
                        ("beclomethasone", "ORAL"), ("ruxolitinib", "ORAL")],
)  # fmt: skip
def test_local_routes_and_other_drugs_are_no_systemic_steroid(doses, drug, route) -> None:
    assert doses(adult().drug(drug, 0, end=3, dose=9, CMROUTE=route)).empty


def test_a_record_without_an_end_runs_to_the_cut_and_not_beyond_the_death(doses) -> None:
    assert doses(adult().drug("prednisone", 0, dose=75), cut="2025-01-20").index.max() == as_date("2025-01-20")
    dead = adult().drug("prednisone", 0, dose=75).died(4)
    assert doses(dead, cut="2025-01-20").index.max() == as_date("2025-01-14")


def test_drugs_of_one_day_add_up_and_days_without_a_record_have_no_row(doses) -> None:
    built = adult().drug("prednisone", 0, end=1, dose=75).drug("hydrocortisone", 1, end=1, dose=150)
    built.drug("prednisone", 5, end=5, dose=37.5)
    assert doses(built).round(6).to_dict() == {
        as_date("2025-01-10"): 1.0, as_date("2025-01-11"): 1.5, as_date("2025-01-15"): 0.5,
    }  # fmt: skip


def test_an_unknown_dose_makes_the_day_unknown_and_not_smaller(doses) -> None:
    built = adult().drug("prednisone", 0, end=0, dose=75).drug("hydrocortisone", 0, end=0, dose=None)
    assert doses(built).isna().tolist() == [True]


def test_a_dose_in_mg_without_a_weight_is_unknown(doses) -> None:
    built = trial().subject("S01").infused(0).drug("prednisone", 0, end=0, dose=75)
    assert doses(built).isna().tolist() == [True]


def test_a_changing_weight_does_not_look_like_a_change_of_dose(doses) -> None:
    built = adult(60).add("VS", VSTESTCD="WEIGHT", VSORRES=50, VSORRESU="kg", VSDTC="2025-01-15")
    assert set(doses(built.drug("prednisone", 0, end=10, dose=75))) == {1.0}
