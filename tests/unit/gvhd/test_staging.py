"""Stages of an assessment: collected against derived, censored, missing and impossible values, times and children."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.gvhd.queries import stage_queries
from trialbook.gvhd.staging import derive_stages
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")


@pytest.fixture
def staged(protocol, analysis):
    def derive(built: TrialBuilder, **keys) -> pd.DataFrame:
        domains = built.domains()
        changed = analysis.model_copy(update=keys)
        return derive_stages(domains, derive_subjects(StudyData(domains, protocol, changed, CUT)), changed)

    return derive


@pytest.fixture
def rules(protocol, analysis):
    def ask(built: TrialBuilder) -> list[str]:
        domains = built.domains()
        return [
            q["rule"]
            for q in stage_queries(domains, derive_subjects(StudyData(domains, protocol, analysis, CUT)), analysis)
        ]

    return ask


def adult() -> TrialBuilder:
    return trial().subject("S01").infused(0)


def test_a_stage_derived_from_findings_comes_before_the_collected_one_which_is_kept_and_questioned(
    staged, rules
) -> None:
    built = adult().stages(28, 1, 0, 0, 0).finding("RASHBSA", 60, 28)
    row = staged(built).iloc[0]
    assert (row["SKIN"], row["SKINDRV"], row["SKINCOL"], row["SKINSRC"]) == (3, 3, 1, "DERIVED")
    assert rules(built) == ["P28-RS-STAGE-DIFFERS"]


def test_a_collected_stage_is_used_where_no_finding_decides(staged) -> None:
    row = staged(adult().stages(28, 2, 1, 1, 0)).iloc[0]
    assert [row["SKIN"], row["LIVER"], row["UGI"], row["LGI"]] == [2, 1, 1, 0]
    assert row["SKINSRC"] == "COLLECTED"


def test_an_organ_that_was_not_recorded_is_missing_and_never_0(staged) -> None:
    row = staged(adult().stages(28, 2, None, 0, 0)).iloc[0]
    assert np.isnan(row["LIVER"])
    assert (row["LIVERLO"], row["LIVERHI"], row["LIVERSRC"]) == (0, 4, "")


@pytest.mark.parametrize(("organ", "stage"), [("ugi", 2), ("ugi", 4), ("skin", 5), ("lgi", 1.5)])
def test_a_value_that_is_no_stage_is_missing_and_questioned(staged, rules, organ, stage) -> None:
    stages = {"skin": 1, "liver": 0, "ugi": 0, "lgi": 0} | {organ: stage}
    built = adult().stages(28, **stages)
    assert np.isnan(staged(built).iloc[0][organ.upper()])
    assert rules(built) == ["P27-RS-STAGE-RANGE"]


@pytest.mark.parametrize(
    ("text", "stage"), [("<5", 0), ("<34.2", 0), ("<40", None), (">256.5", 4), (">300", 4), (">100", None)]
)
def test_a_censored_bilirubin_decides_only_where_its_bound_does(staged, text, stage) -> None:
    built = adult().finding("NAUSEA", "NONE", 28).lab(
        "BILI", text, 28, unit="umol/L", LBORRESOP=text[0], LBORRESN=float(text[1:])
    )  # fmt: skip
    value = staged(built).iloc[0]["LIVER"]
    assert np.isnan(value) if stage is None else value == stage


def test_a_censored_bilirubin_narrows_the_range_and_a_collected_stage_within_it_is_used(staged) -> None:
    built = adult().stages(28, 0, 3, 0, 0).lab("BILI", ">100", 28, unit="umol/L", LBORRESOP=">", LBORRESN=100.0)
    row = staged(built).iloc[0]
    assert (row["LIVER"], row["LIVERSRC"]) == (3, "COLLECTED")
    outside = adult().stages(28, 0, 1, 0, 0).lab("BILI", ">100", 28, unit="umol/L", LBORRESOP=">", LBORRESN=100.0)
    row = staged(outside).iloc[0]
    assert (row["LIVERLO"], row["LIVERHI"]) == (2, 4)
    assert np.isnan(row["LIVER"])


def test_an_implausible_bilirubin_or_unit_is_questioned_and_not_used(staged, rules) -> None:
    for value, unit in ((5000, "umol/L"), (3, "furlongs")):
        built = adult().stages(28, 0, 2, 0, 0).lab("BILI", value, 28, unit=unit)
        assert staged(built).iloc[0]["LIVER"] == 2
        assert rules(built) == ["P13-LB-BILIRUBIN"]


def test_liver_limits_are_a_parameter(staged) -> None:
    built = adult().finding("NAUSEA", "NONE", 28).lab("BILI", 34.1, 28, unit="umol/L")
    assert staged(built).iloc[0]["LIVER"] == 0
    assert staged(built, bili_cut_umol=[34, 51, 102, 255]).iloc[0]["LIVER"] == 1


def test_a_laboratory_day_alone_is_no_assessment(staged) -> None:
    assert staged(adult().stages(27, 1, 0, 0, 0).lab("BILI", 20, 28, unit="umol/L"))["ADT"].tolist() == [
        as_date("2025-02-06")
    ]


def test_body_surface_above_100_percent_is_missing_and_questioned(staged, rules) -> None:
    built = adult().finding("RASHBSA", 150, 28, unit="%")
    assert np.isnan(staged(built).iloc[0]["SKIN"])
    assert rules(built) == ["P27-FA-PERCENT"]


def test_an_unreadable_sign_of_stage_4_leaves_both_stages_open(staged) -> None:
    built = adult().finding("RASHBSA", 80, 28).finding("ERYTHDRM", "Y", 28).finding("DESQBSA", 10, 28)
    row = staged(built.finding("BULLAE", "UNK", 28)).iloc[0]
    assert (row["SKINLO"], row["SKINHI"]) == (3, 4)


def test_litres_are_converted_and_litres_entered_as_millilitres_are_questioned(staged, rules) -> None:
    assert staged(adult().finding("STOOLVOL", 1.2, 28, unit="L/day")).iloc[0]["LGI"] == 2
    wrong = adult().finding("STOOLVOL", 1.2, 28, unit="mL/day")
    assert np.isnan(staged(wrong).iloc[0]["LGI"])
    assert rules(wrong) == ["P27-FA-STOOL-VOLUME"]


def test_volume_wins_over_episodes_unless_the_parameter_says_otherwise(staged, rules) -> None:
    built = adult().finding("STOOLVOL", 600, 28, unit="mL/day").finding("STOOLN", 8, 28)
    assert staged(built).iloc[0]["LGI"] == 1
    assert staged(built, lgi_conflict="episodes_first").iloc[0]["LGI"] == 3
    assert staged(built, lgi_conflict="worst").iloc[0]["LGI"] == 3
    assert rules(built) == ["P27-FA-STOOL-CONFLICT"]


@pytest.mark.parametrize(
    ("age", "kilograms", "rule", "stage"),
    [
        (16, 40, "age<18 and weight<=50", 1), (16, 40, "age<=14", 0), (16, 40, "age<18", 1),
        (16, 60, "age<18 and weight<=50", 0), (12, 30, "age<=14", 1), (18, 40, "age<18", 0),
    ],
)  # fmt: skip
def test_who_is_a_child_is_a_parameter(staged, age, kilograms, rule, stage) -> None:
    built = trial().subject("S01", age=age).infused(0).add(
        "VS", VSTESTCD="WEIGHT", VSORRES=kilograms, VSORRESU="kg", VSDTC="2025-01-09"
    )  # fmt: skip
    assert staged(built.finding("STOOLVOL", 450, 28, unit="mL/day"), child_rule=rule).iloc[0]["LGI"] == stage


def test_without_a_weight_a_minor_is_staged_only_where_both_columns_agree(staged) -> None:
    minor = trial().subject("S01", age=10).infused(0)
    assert np.isnan(staged(minor.finding("STOOLVOL", 600, 28, unit="mL/day")).iloc[0]["LGI"])
    minor = trial().subject("S01", age=10).infused(0)
    assert staged(minor.finding("STOOLN", 1, 28)).iloc[0]["LGI"] == 0


def test_of_two_records_of_one_day_the_later_counts_and_without_times_the_worse(staged) -> None:
    timed = adult().finding("RASHBSA", 60, "2025-02-07T09:00").finding("RASHBSA", 10, "2025-02-07T15:00")
    assert staged(timed).iloc[0]["SKIN"] == 1
    untimed = adult().finding("RASHBSA", 60, 28).finding("RASHBSA", 10, 28)
    assert staged(untimed).iloc[0]["SKIN"] == 3


@pytest.mark.parametrize(
    ("when", "visit", "timing"),
    [
        ("2025-01-10T08:00", "", "PRE"), ("2025-01-10T18:00", "", "POST"), ("2025-01-10", "", "UNTIMED"),
        ("2025-01-10", "BASELINE", "PRE"), ("2025-01-10", "DAY 0 PRE-DOSE", "PRE"), ("2025-01-09", "", ""),
    ],
)  # fmt: skip
def test_on_the_day_of_infusion_an_assessment_is_before_or_after_it(staged, when, visit, timing) -> None:
    built = adult().add("RS", RSCAT="MAGIC", RSTESTCD="SKINSTG", RSORRES=2, RSDTC=when, VISIT=visit)
    assert staged(built)["TIMING"].tolist() == [timing]


def test_a_recorded_grade_that_the_stages_contradict_is_questioned(rules) -> None:
    wrong = adult().stages(28, 2, 0, 0, 0).add(
        "RS", RSCAT="MAGIC", RSTESTCD="AGVHGRD", RSORRES="III", RSDTC="2025-02-07"
    )  # fmt: skip
    assert rules(wrong) == ["P28-RS-GRADE-DIFFERS"]
    right = adult().stages(28, 2, 0, 0, 0).add(
        "RS", RSCAT="MAGIC", RSTESTCD="AGVHGRD", RSORRES="I", RSDTC="2025-02-07"
    )  # fmt: skip
    assert rules(right) == []


def test_no_records_give_an_empty_frame_with_its_columns(staged) -> None:
    empty = staged(adult())
    assert len(empty) == 0
    assert {"USUBJID", "ADT", "SKIN", "SKINLO", "LGISRC"} <= set(empty.columns)
