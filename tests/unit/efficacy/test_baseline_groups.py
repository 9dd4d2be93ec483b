"""Response at day 14, within two days of day 28, and by grade, organs and risk at baseline (§16.6): by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.baseline_groups import group_rows
from trialbook.efficacy.day28 import day28_response
from trialbook.efficacy.rates import secondary_rows
from trialbook.efficacy.sensitivity import sensitivities, sensitivity_responses
from trialbook.gvhd.risk import minnesota_risk, minnesota_risks
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.records_behind import ResultNumber, Studied, records_behind
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")


class Made:
    """The responses of a small trial."""

    def __init__(self, built: TrialBuilder, protocol: Protocol, analysis: Analysis) -> None:
        study = StudyData(built.domains(), protocol, analysis, CUT)
        self.adsl, self.study = derive_subjects(study), study
        self.day28 = day28_response(self.adsl, study)
        self.adrs = derive_adrs(self.adsl, study)
        rows = [*group_rows(self.day28, protocol, analysis), *secondary_rows(self.adrs, protocol, analysis)]
        self.ard = to_ard(rows)

    def number(self, analysis_id: str, variable: str, level: str = "") -> dict[str, float | None]:
        own = self.ard[self.ard["analysis_id"].eq(analysis_id) & self.ard["variable"].eq(variable)]
        own = own[own["variable_level"].eq(level) & own["group1_level"].eq("Total")]
        known = {
            name: None if pd.isna(value) else value for name, value in zip(own["stat_name"], own["stat"], strict=True)
        }
        return {name: value for name, value in known.items() if not name.startswith(("conf", "estimate"))}


def cohort() -> TrialBuilder:
    """S01 gut 3 (III), CR; S02 skin 3 and upper GI (II), NR; S03 the same, dead on day 10; S04 skin 4 (IV), PR;
    S05 skin 2, liver not known (I to IV), CR; S06 gut 3, pending."""
    built = trial().subject("S01").infused(0).stages(-1, 0, 0, 0, 3).stages(14, 0, 0, 0, 1).stages(28, 0, 0, 0, 0)
    built.subject("S02").infused(0).stages(-1, 3, 0, 1, 0).stages(14, 0, 0, 0, 0).stages(28, 3, 0, 1, 0)
    built.subject("S03").infused(0).stages(-1, 3, 0, 1, 0).died(10)
    built.subject("S04").infused(0).stages(-1, 4, 0, 0, 0).stages(28, 1, 0, 0, 0)
    built.subject("S05").infused(0).stages(-1, 2, None, 0, 0).stages(28, 0, 0, 0, 0)
    built.subject("S06", start="2025-09-15").infused(0).stages(-1, 0, 0, 0, 3)
    return built.delivers("CM", "CE")


@pytest.fixture
def made(protocol: Protocol, analysis: Analysis) -> Made:
    return Made(cohort(), protocol, analysis)


@pytest.mark.parametrize(
    ("variable", "level", "n", "total", "pending"),
    [
        ("BASEGR", "III", 1, 1, 1),
        ("BASEGR", "II", 0, 2, 0),
        ("BASEGR", "IV", 1, 1, 0),
        ("BASEGR", "NE", 1, 1, 0),
        ("BASEORG", "SKIN", 2, 4, 0),
        ("BASEORG", "UGI", 0, 2, 0),
        ("BASEORG", "LGI", 1, 1, 1),
        ("NORGAN", "1", 2, 2, 1),
        ("NORGAN", "2", 0, 2, 0),
        ("NORGAN", "NE", 1, 1, 0),
        ("MNRISK", "HIGH", 2, 2, 1),  # gut 3 alone, skin 4
        ("MNRISK", "STANDARD", 1, 3, 0),  # skin 3 and GI 1; skin 2 whatever the liver
    ],
)
def test_each_group_at_baseline_has_its_rate(
    made: Made, variable: str, level: str, n: int, total: int, pending: int
) -> None:
    assert made.number("ORR_GROUP", variable, level) == {"n": n, "N": total, "pending": pending}
    found = records_behind(ResultNumber("ORR_GROUP", "Total", variable, level), Studied({"adrsp28": made.day28}))
    assert found is not None
    assert (found.counted, len(found.rows)) == (n, total)


def test_a_level_where_nobody_is_has_no_rows_and_the_organ_of_nobody_neither(made: Made) -> None:
    assert made.number("ORR_GROUP", "BASEGR", "I") == {}
    assert made.number("ORR_GROUP", "BASEORG", "LIVER") == {}


def test_what_was_not_delivered_leaves_a_group_open(protocol: Protocol, analysis: Analysis) -> None:
    without = Made(trial().subject("S01").infused(0).stages(-1, 0, 0, 0, 3).stages(28, 0, 0, 0, 0), protocol, analysis)
    assert without.number("ORR_GROUP", "BASEGR", "III") == {"n": None, "N": 1, "pending": 0, "n.low": 0, "n.high": 1}


def test_the_response_at_day_14_counts_deaths_missing_visits_and_who_is_pending(made: Made) -> None:
    own = made.adrs[made.adrs["PARAMCD"].eq("RSP14")]
    assert own["AVALC"].tolist() == ["PR", "CR", "NR", "NR", "NR", "PENDING"]
    assert own["REASON"].tolist() == ["", "", "DEATH", "MISSING", "MISSING", ""]
    assert own["AVISIT"].unique().tolist() == ["Day 14"]
    assert made.number("ORR_D14", "RSP14") == {"n": 2, "N": 5, "pending": 1}
    found = records_behind(ResultNumber("ORR_D14", "Total", "RSP14"), Studied({"adrs": made.adrs}))
    assert found is not None
    assert (found.counted, len(found.rows)) == (2, 5)


def test_a_trial_without_day_14_has_no_such_response(protocol: Protocol, analysis: Analysis) -> None:
    plain = protocol.model_copy(update={"outcomes": type(protocol.outcomes)()})
    without = Made(cohort(), plain, analysis)
    assert "RSP14" not in set(without.adrs["PARAMCD"])
    assert without.number("ORR_D14", "RSP14") == {}
    assert without.number("ORR_GROUP", "MNRISK", "HIGH") == {}


@pytest.mark.parametrize(("day", "counts"), [(25, False), (26, True), (30, True), (31, False)])
def test_within_two_days_of_day_28(protocol: Protocol, analysis: Analysis, day: int, counts: bool) -> None:
    built = trial().subject("S01").infused(0).stages(-1, 0, 0, 0, 3).stages(day, 0, 0, 0, 0).delivers("CM")
    study = StudyData(built.domains(), protocol, analysis, CUT)
    found = sensitivity_responses(derive_subjects(study), study).set_index("SENS")["AVALC"]
    assert found["primary"] == "CR"
    assert found["sens: window +/-2"] == ("CR" if counts else "NR")


def test_the_narrow_window_in_force_is_no_sensitivity_analysis(analysis: Analysis) -> None:
    changed = analysis.model_copy(update={"d28_window": [26, 30], "d28_window_narrow": [26, 30]})
    names = [choice.name for choice in sensitivities(changed)]
    assert "sens: window +/-2" not in names
    assert len(names) == len(set(names))


def test_minnesota_risk_is_the_published_table() -> None:
    standard = {
        (skin, liver, ugi, lgi)
        for skin in range(5) for liver in range(5) for ugi in range(2) for lgi in range(5)
        if minnesota_risk(skin, liver, ugi, lgi) == "STANDARD"
    }  # fmt: skip
    alone = {(skin, 0, 0, 0) for skin in (1, 2, 3)} | {
        (0, 0, 1, 0),
        (0, 0, 0, 1),
        (0, 0, 1, 1),
        (0, 0, 0, 2),
        (0, 0, 1, 2),
    }
    with_gut = {(skin, 0, *gut) for skin in (1, 2, 3) for gut in ((1, 0), (0, 1), (1, 1))}
    with_liver = {(skin, liver, 0, 0) for skin in (1, 2, 3) for liver in (1, 2, 3, 4)}
    assert standard == alone | with_gut | with_liver
    assert minnesota_risk(0, 0, 0, 0) == "NONE"


def test_a_missing_organ_leaves_the_risk_open_only_where_it_decides() -> None:
    nan = float("nan")
    stages = pd.DataFrame(
        [(0, 1, 0, nan), (nan, 1, 0, 0), (nan, nan, nan, nan)], columns=["SKIN", "LIVER", "UGI", "LGI"], dtype="float64"
    )
    # Liver without a rash is high risk whatever the gut; a rash beside it would make it standard.
    assert minnesota_risks(stages).tolist() == ["HIGH", "NE", "NE"]
