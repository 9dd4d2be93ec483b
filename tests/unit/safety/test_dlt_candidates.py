"""Which adverse events are candidate DLTs by the definition §4.1 (A-70), one row of the definition at a time."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from support.trial_builder import trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.dlt_candidates import dlt_candidates
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-06-30")


def judged(
    protocol: Protocol,
    analysis: Analysis,
    term: str,
    day: int | str,
    grade: object,
    *,
    labs: dict[str, float] | None = None,
    **event: Any,
) -> tuple[str, str]:
    """DLTCAND and ONSETWIN of one related event of a subject who was infused on day 0 and 7."""
    builder = trial().subject("S01").infused(0).infused(7).seen(28)
    for test, value in (labs or {}).items():
        builder.lab(test, value, -1, unit="10^9/L")
    builder.event(term, day, grade, **{"related": "RELATED", **event})  # type: ignore[arg-type]
    domains = builder.domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    row = dlt_candidates(domains["AE"], adsl, domains, protocol, analysis).iloc[0]
    return row["DLTCAND"], row["ONSETWIN"]


@pytest.mark.parametrize(
    ("term", "grade", "event", "expected"),
    [
        ("Headache", 3, {}, "Y"),
        ("Headache", 2, {}, ""),
        ("Headache", 3, {"related": "NOT RELATED"}, ""),
        ("Headache", 3, {"related": "可能无关"}, ""),
        ("Headache", 3, {"related": ""}, "Y"),
        ("Headache", 3, {"related": "无法判定"}, "Y"),
        ("Infusion related reaction", 3, {"end": 1}, "Y"),
        ("Acute graft versus host disease in liver", 4, {}, ""),
        ("Acute graft versus host disease in liver", 5, {"related": ""}, ""),
        ("Acute graft versus host disease in liver", 5, {"related": "POSSIBLE"}, "Y"),
        ("aGVHD progression", 3, {}, ""),
        ("Leukaemia recurrent", 4, {}, ""),
        ("Nausea", 3, {"end": 3}, ""),
        ("Nausea", 3, {"end": 4}, "Y"),
        ("Nausea", 3, {}, "Y"),
        ("Vomiting", 4, {"end": 2}, "Y"),
        ("恶心", 3, {"end": 2}, ""),
        ("Ectopic tissue formation", 1, {}, "Y"),
        ("Teratoma", 1, {}, "Y"),
        ("Pulmonary embolism", 3, {}, "Y"),
        ("Deep vein thrombosis", 2, {}, ""),
        ("Anaemia", 4, {}, ""),
        ("Neutropenia", 4, {"end": 12}, "Y"),
        ("Neutropenia", 4, {"end": 6}, ""),
        ("Neutropenia", 3, {"end": 20}, ""),
        ("Febrile neutropenia", 3, {}, "Y"),
        ("Sepsis", 5, {}, "Y"),
        ("Headache", 2, {"AEOUT": "FATAL"}, "Y"),
    ],
)
def test_the_definition_row_by_row(
    term: str, grade: int, event: dict[str, Any], expected: str, protocol: Protocol, analysis: Analysis
) -> None:
    assert judged(protocol, analysis, term, 1, grade, **event)[0] == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (-1, ("", "OUT")), (0, ("Y", "IN")), (28, ("Y", "IN")), (29, ("", "OUT")),
        ("2025-01-10T09:59", ("", "OUT")), ("2025-01-10T10:00", ("Y", "IN")),
        ("2025-01", ("Y", "UNRESOLVED")), ("2025-02", ("Y", "UNRESOLVED")), ("2024-12", ("", "OUT")),
        ("2025-03", ("", "OUT")), ("2025", ("Y", "UNRESOLVED")), ("", ("Y", "UNRESOLVED")),
    ],
)  # fmt: skip
def test_the_window_by_what_the_onset_may_mean(
    day: int | str, expected: tuple[str, str], protocol: Protocol, analysis: Analysis
) -> None:
    """Day 0 is 2025-01-10, infusion at 10:00; day 28 is 2025-02-07."""
    assert judged(protocol, analysis, "Headache", day, 3) == expected


def test_the_end_of_an_event_bounds_its_unknown_start(protocol: Protocol, analysis: Analysis) -> None:
    assert judged(protocol, analysis, "Headache", "2025-02", 3, end="2025-02-05") == ("Y", "IN")
    assert judged(protocol, analysis, "Headache", "", 3, end=-1) == ("", "OUT")


def test_a_cytopenia_of_grade_4_at_baseline_is_no_candidate(protocol: Protocol, analysis: Analysis) -> None:
    long = {"end": 20}
    assert judged(protocol, analysis, "Neutropenia", 1, 4, labs={"NEUT": 0.4}, **long)[0] == ""
    assert judged(protocol, analysis, "Neutropenia", 1, 4, labs={"NEUT": 0.6}, **long)[0] == "Y"
    assert judged(protocol, analysis, "Thrombocytopenia", 1, 4, labs={"NEUT": 0.4}, **long)[0] == "Y"


def test_a_short_infusion_reaction_of_grade_3_is_exempt_only_by_its_key(protocol: Protocol, analysis: Analysis) -> None:
    exempt = analysis.model_copy(update={"irr_g3_exempt": True})
    name = "Infusion related reaction"
    assert judged(protocol, exempt, name, "2025-01-10T11:00", 3, end="2025-01-11T10:30")[0] == ""
    assert judged(protocol, exempt, name, "2025-01-10T11:00", 3, end="2025-01-11T12:30")[0] == "Y"
    assert judged(protocol, exempt, name, "2025-01-10T11:00", 4, end="2025-01-10T12:00")[0] == "Y"
    assert judged(protocol, exempt, name, "2025-01-10T11:00", 3)[0] == "Y"


def test_the_sensitivity_window_0_to_27(protocol: Protocol, analysis: Analysis) -> None:
    shorter = analysis.model_copy(update={"dlt_window": [0, 27]})
    assert judged(protocol, shorter, "Headache", 28, 3) == ("", "OUT")
