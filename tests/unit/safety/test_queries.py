"""Questions to the site about events and results: each problem is asked once, clean data not at all."""

from __future__ import annotations

import pandas as pd

from support.trial_builder import TrialBuilder, trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.safety.adlb import derive_adlb
from trialbook.safety.queries import adverse_event_queries, laboratory_queries
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")


def asked(built: TrialBuilder, protocol: Protocol, analysis: Analysis) -> list[tuple[str, str]]:
    """Rule and record of each question, in order."""
    domains = built.domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    adae = derive_adae(subjects, StudyData(domains, protocol, analysis, CUT))
    adlb = derive_adlb(subjects, StudyData(domains, protocol, analysis, CUT))
    queries = [*adverse_event_queries(adae, domains), *laboratory_queries(adlb, adae, analysis)]
    assert all(q["message_en"] and q["message_zh"] for q in queries)
    return [(q["rule"], q["record"]) for q in queries]


def test_clean_events_and_results_raise_no_question(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Rash", 3, 2).event("Sepsis", 5, 4, serious="Y", AESLIFE="Y")
    built.lab("ALT", 30, -1, high=40).lab("ALT", 35, 3, high=40)
    assert asked(built, protocol, analysis) == []


def test_each_doubt_about_an_event_is_one_question(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    built.event("A", 1, 2, serious="Y")  # no criterion, while the form has them
    built.event("B", 1, 2, serious="N", AESHOSP="Y")
    built.event("C", 1, 5, serious="N")
    built.event("D", 1, 4, serious="N")
    built.event("E", 1, 2, related="see narrative")
    built.add("AE", AETERM="red skin", AETOXGR="1", AESER="N", AEREL="NOT RELATED", AESTDTC=built.date(2))
    built.event("F", 1, 2).add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="7", QNAM="AETRTEM", QVAL="N")
    built.event("G", "2025-01-20", 2, end="2025-01-15").event("H", "2025-01-20", 2, end="2024-12")
    built.add("AE", AETERM="I", AEDECOD="I", AEBODSYS="X", AESER="N", AEREL="NONE", AESTDTC=built.date(2))
    assert asked(built, protocol, analysis) == [
        ("SAE-NO-CRITERION", "AESEQ=1"),
        ("AE-GRADE-MISSING", "AESEQ=10"),
        ("SAE-CRITERION-NOT-SERIOUS", "AESEQ=2"),
        ("SAE-FATAL-NOT-SERIOUS", "AESEQ=3"),
        ("SAE-GRADE4-NOT-SERIOUS", "AESEQ=4"),
        ("AE-REL-UNASSESSABLE", "AESEQ=5"),
        ("AE-UNCODED", "AESEQ=6"),
        ("P18-AE-EMERGENCE-DIFFERS", "AESEQ=7"),
        ("AE-END-IMPUTED-BEFORE-START", "AESEQ=9"),
    ]


def test_a_second_fatal_event_of_a_subject_is_asked_about_but_not_its_grade_changes(
    protocol: Protocol, analysis: Analysis
) -> None:
    fatal = {"serious": "Y", "AESDTH": "Y", "AEOUT": "FATAL"}
    built = trial().subject("S01").infused(0).event("Sepsis", 3, 5, **fatal).event("Lung infection", 4, 5, **fatal)
    built.subject("S02").infused(0).event("Sepsis", 3, 4, AESPID="1", **fatal).event(
        "Sepsis", 5, 5, AESPID="1", **fatal
    )
    assert asked(built, protocol, analysis) == [("AE-FATAL-SEVERAL", "AESEQ=2")]


def test_one_id_for_records_far_apart_is_asked_and_major_where_it_changes_a_count(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0).event("Rash", 1, end=3, AESPID="4").event("Rash", 55, AESPID="4")
    built.subject("S02", level="SCRNFAIL").event("Rash", -5, end=-4, AESPID="1").event("Rash", -1, AESPID="1")
    domains = built.domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    found = adverse_event_queries(derive_adae(subjects, StudyData(domains, protocol, analysis, CUT)), domains)
    assert [(q["rule"], q["record"], q["severity"]) for q in found] == [
        ("AE-LINK-GAP", "AESEQ=2", "major"), ("AE-LINK-GAP", "AESEQ=2", "minor")
    ]  # fmt: skip


def platelets(built: TrialBuilder, value: float, day: int, **lb: str) -> TrialBuilder:
    return built.lab("PLAT", value, day, unit="10^9/L", low=100, **lb)


def test_a_new_grade_3_result_without_an_event_within_7_days_is_asked_once(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0)
    platelets(platelets(platelets(built, 150, -1), 40, 20), 20, 30).event("Platelet count decreased", 5, 3, end=12)
    assert asked(built, protocol, analysis) == [("LB-GRADE3-NO-AE", "LBSEQ=2")]


def test_an_event_that_runs_within_7_days_explains_the_result(protocol: Protocol, analysis: Analysis) -> None:
    built = trial()
    for name, end in (("S01", 13), ("S02", None)):
        built.subject(name).infused(0).event("Thrombocytopenia", 5, 3, end=end)
        platelets(platelets(built, 150, -1), 40, 20)
    assert asked(built, protocol, analysis) == []


def test_what_was_there_at_baseline_or_is_not_significant_asks_nothing(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    platelets(platelets(built, 30, -1), 40, 20)
    built.subject("S02").infused(0)
    platelets(platelets(built, 150, -1), 40, 20, LBCLSIG="N")
    assert asked(built, protocol, analysis) == []


def test_a_unit_that_is_not_known_is_asked_once_per_test(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).lab("ALT", 30, 1, unit="furlong").lab("ALT", 30, 2, unit="furlong")
    assert asked(built, protocol, analysis) == [("LB-UNIT-UNKNOWN", "LBSEQ=1")]
