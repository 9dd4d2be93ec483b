"""MAGIC organ stages: the table of rulebook §2.1 as examples, limits and gaps included."""

from __future__ import annotations

import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.gvhd.staging import derive_stages
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

SKIN = [
    # % of body surface, stage
    (0, 0), (1, 1), (24.9, 1), (25, 2), (50, 2), (50.1, 3), (100, 3),
]  # fmt: skip
LIVER = [
    # total bilirubin, unit, stage
    (34.1, "umol/L", 0), (34.2, "umol/L", 1), (51.3, "umol/L", 1), (51.4, "umol/L", 2), (102.6, "umol/L", 2),
    (102.7, "umol/L", 3), (256.5, "umol/L", 3), (256.6, "umol/L", 4),
    (1.99, "mg/dL", 0), (2, "mg/dL", 1), (3, "mg/dL", 1), (3.05, "mg/dL", 2), (6, "mg/dL", 2), (6.05, "mg/dL", 3),
    (15, "mg/dL", 3), (15.1, "mg/dL", 4),
]  # fmt: skip
UPPER_GI = [("NONE", 0), ("INTERMITTENT", 0), ("PERSISTENT", 1)]
STOOL_ADULT = [
    # mL/day, stage
    (0, 0), (499, 0), (500, 1), (999.5, 1), (1000, 2), (1500, 2), (1501, 3),
]  # fmt: skip
STOOLS_ADULT = [(2, 0), (3, 1), (4, 1), (5, 2), (7, 2), (8, 3)]
STOOL_CHILD = [
    # mL/day of a child of 20 kg, stage
    (199, 0), (200, 1), (399, 1), (400, 2), (600, 2), (601, 3),
]  # fmt: skip
STOOLS_CHILD = [(3, 0), (4, 1), (6, 1), (7, 2), (10, 2), (11, 3)]
SKIN_4 = [
    # % BSA, erythroderma, bullae, desquamation %, rule, stage
    (80, "Y", "Y", 6, "and", 4),
    (80, "Y", "Y", 5, "and", 3),
    (80, "Y", "N", 6, "and", 3),
    (80, "N", "Y", 6, "and", 3),
    (40, "Y", "Y", 6, "and", 2),
    (80, "Y", "N", 6, "or", 4),
    (80, "Y", "Y", 0, "or", 4),
    (80, "Y", "N", 5, "or", 3),
]


def adult() -> TrialBuilder:
    return trial().subject("S01", age=40).infused(0)


def child() -> TrialBuilder:
    return trial().subject("S01", age=7).infused(0).add(
        "VS", VSTESTCD="WEIGHT", VSORRES=20, VSORRESU="kg", VSDTC="2025-01-09"
    )  # fmt: skip


def stage(built: TrialBuilder, organ: str, analysis: Analysis, protocol: Protocol) -> float:
    domains = built.domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, as_date("2025-09-30")))
    (value,) = derive_stages(domains, subjects, analysis)[organ]
    return value


@pytest.mark.parametrize(("percent", "expected"), SKIN)
def test_skin_is_staged_by_body_surface(percent, expected, analysis, protocol) -> None:
    assert stage(adult().finding("RASHBSA", percent, 28, unit="%"), "SKIN", analysis, protocol) == expected


@pytest.mark.parametrize(("percent", "erythroderma", "bullae", "desquamation", "rule", "expected"), SKIN_4)
def test_skin_stage_4_is_a_conjunction(
    percent, erythroderma, bullae, desquamation, rule, expected, analysis, protocol
) -> None:
    built = adult().finding("RASHBSA", percent, 28).finding("ERYTHDRM", erythroderma, 28)
    built.finding("BULLAE", bullae, 28).finding("DESQBSA", desquamation, 28)
    assert stage(built, "SKIN", analysis.model_copy(update={"skin4_rule": rule}), protocol) == expected


@pytest.mark.parametrize(("value", "unit", "expected"), LIVER)
def test_liver_is_staged_by_total_bilirubin_in_its_own_unit(value, unit, expected, analysis, protocol) -> None:
    built = adult().finding("NAUSEA", "NONE", 28).lab("BILI", value, 28, unit=unit)
    assert stage(built, "LIVER", analysis, protocol) == expected


@pytest.mark.parametrize(("nausea", "expected"), UPPER_GI)
def test_upper_gi_has_two_states(nausea, expected, analysis, protocol) -> None:
    assert stage(adult().finding("NAUSEA", nausea, 28), "UGI", analysis, protocol) == expected


@pytest.mark.parametrize(("volume", "expected"), STOOL_ADULT)
def test_lower_gi_of_an_adult_is_staged_by_volume(volume, expected, analysis, protocol) -> None:
    assert stage(adult().finding("STOOLVOL", volume, 28, unit="mL/day"), "LGI", analysis, protocol) == expected


@pytest.mark.parametrize(("stools", "expected"), STOOLS_ADULT)
def test_episodes_stage_lower_gi_of_an_adult_without_a_volume(stools, expected, analysis, protocol) -> None:
    assert stage(adult().finding("STOOLN", stools, 28), "LGI", analysis, protocol) == expected


@pytest.mark.parametrize(("volume", "expected"), STOOL_CHILD)
def test_lower_gi_of_a_child_is_staged_by_volume_per_kg(volume, expected, analysis, protocol) -> None:
    assert stage(child().finding("STOOLVOL", volume, 28, unit="mL/day"), "LGI", analysis, protocol) == expected


@pytest.mark.parametrize(("stools", "expected"), STOOLS_CHILD)
def test_episodes_stage_lower_gi_of_a_child_without_a_volume(stools, expected, analysis, protocol) -> None:
    assert stage(child().finding("STOOLN", stools, 28), "LGI", analysis, protocol) == expected


@pytest.mark.parametrize("sign", ["ABDPAIN", "BLDSTOOL"])
def test_severe_pain_or_gross_blood_is_stage_4_whatever_the_volume(sign, analysis, protocol) -> None:
    built = adult().finding("STOOLVOL", 100, 28, unit="mL/day").finding(sign, "Y", 28)
    assert stage(built, "LGI", analysis, protocol) == 4


def test_ileus_alone_is_not_stage_4(analysis, protocol) -> None:
    built = adult().finding("STOOLVOL", 600, 28, unit="mL/day").finding("ILEUS", "Y", 28)
    assert stage(built, "LGI", analysis, protocol) == 1
