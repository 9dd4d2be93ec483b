"""Definitions of steroid-refractory aGVHD, as courses of steroids and stages that meet them or do not (§2.4, A-19)."""

from __future__ import annotations

import pytest

from support.eligible_subject import CUT
from support.trial_builder import TrialBuilder, trial
from trialbook.core.errors import UsageError
from trialbook.eligibility.refractory import refractoriness
from trialbook.eligibility.screening import screening
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

Stages = tuple[int | None, int | None, int | None, int | None]
SKIN_2, SKIN_3, SKIN_1, NONE = (2, 0, 0, 0), (3, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0)


def story(stages: dict[int, Stages], *, dose: float = 120, start: int = -12, end: int | None = None) -> TrialBuilder:
    """A subject of 60 kg on methylprednisolone mg/day from `start`, with organ stages by REL_DAY, infused on day 0."""
    book = trial().subject("S01").infused(0)
    book.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(-3))
    book.drug("Methylprednisolone", start, end=end, dose=dose)
    for day, organs in stages.items():
        book.stages(day, *organs)
    return book


def judge(book: TrialBuilder, protocol, analysis, definition: str = "EBMT-NIH-CIBMTR-2018"):
    """RESULT of each rule of one definition, in order."""
    criterion = next(c for c in protocol.criteria if c.id == "IN03")
    domains = book.domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    people = screening(adsl, StudyData(domains, protocol, analysis, CUT))
    return refractoriness(people, criterion, [definition])["RESULT"].tolist()


# Steroids start on day -12: their day 4 is REL_DAY -8, day 6 is -6, day 7 is -5.
# stages by REL_DAY                              worse   not improved  not resolved after 28 days
EBMT = [
    ({-12: SKIN_2, -8: SKIN_3, -6: SKIN_3}, ["TRUE", "TRUE", "FALSE"]),
    ({-12: SKIN_2, -8: SKIN_2, -6: SKIN_2}, ["FALSE", "TRUE", "FALSE"]),
    ({-12: SKIN_2, -8: SKIN_2, -6: SKIN_1}, ["FALSE", "FALSE", "FALSE"]),
    ({-12: SKIN_2, -8: (2, 0, 1, 0), -6: SKIN_1}, ["TRUE", "FALSE", "FALSE"]),
    ({-12: SKIN_2, -10: SKIN_3, -5: SKIN_2}, ["NE", "TRUE", "FALSE"]),
    ({-12: SKIN_2, -8: (2, 0, None, 0), -6: SKIN_1}, ["NE", "FALSE", "FALSE"]),
    ({-12: SKIN_2, -8: SKIN_2, -6: (None, 0, 0, 0)}, ["FALSE", "NE", "FALSE"]),
    ({-8: SKIN_3, -6: SKIN_3}, ["NE", "NE", "FALSE"]),
    ({-12: NONE, -8: SKIN_2, -6: SKIN_2}, ["NE", "NE", "FALSE"]),
    ({}, ["NE", "NE", "FALSE"]),
]


@pytest.mark.parametrize(("stages", "results"), EBMT)
def test_the_ebmt_rules_look_at_days_3_to_7_of_steroids(stages, results, protocol, analysis) -> None:
    assert judge(story(stages), protocol, analysis) == results


def test_prednisone_2_mg_per_kg_is_methylprednisolone_1_6(protocol, analysis) -> None:
    stages = {-12: SKIN_2, -8: SKIN_3, -6: SKIN_3}
    assert judge(story(stages, dose=96), protocol, analysis)[0] == "TRUE"
    assert judge(story(stages, dose=87), protocol, analysis)[0] == "TRUE"  # within 10% below: vials are rounded
    assert judge(story(stages, dose=86), protocol, analysis)[0] == "FALSE"


def test_a_course_shorter_than_the_rule_asks_for_refutes_it(protocol, analysis) -> None:
    stages = {-12: SKIN_2, -8: SKIN_3, -6: SKIN_3}
    assert judge(story(stages, end=-11), protocol, analysis)[:2] == ["FALSE", "FALSE"]


def test_without_a_dose_nothing_is_decided(protocol, analysis) -> None:
    book = story({-12: SKIN_2, -8: SKIN_3})
    book._records["CM"][0]["CMDOSE"] = None
    assert judge(book, protocol, analysis) == ["NE", "NE", "NE"]


def test_more_than_28_days_without_resolution_count(protocol, analysis) -> None:
    assert judge(story({-40: SKIN_2, -5: SKIN_1}, start=-40), protocol, analysis)[2] == "TRUE"
    assert judge(story({-40: SKIN_2, -5: NONE}, start=-40), protocol, analysis)[2] == "FALSE"


def test_reach2_counts_a_return_to_the_full_dose_as_a_failed_taper(protocol, analysis) -> None:
    stages = {-40: SKIN_2, -30: NONE, -3: SKIN_2}
    once = story(stages, start=-40, end=-32)
    assert judge(once, protocol, analysis, "REACH2")[2] == "FALSE"
    again = story(stages, start=-40, end=-32).drug("Methylprednisolone", -31, end=-10, dose=40)
    assert judge(again.drug("Methylprednisolone", -9, dose=120), protocol, analysis, "REACH2")[2] == "TRUE"


def test_the_chinese_consensus_asks_for_complete_response_at_day_14(protocol, analysis) -> None:
    stages = {-20: SKIN_2, -17: SKIN_2, -12: SKIN_1, -5: SKIN_1}
    assert judge(story(stages, start=-20, dose=70), protocol, analysis, "CN-2024") == ["FALSE", "FALSE", "TRUE"]
    resolved = {**stages, -5: NONE}
    assert judge(story(resolved, start=-20, dose=70), protocol, analysis, "CN-2024") == ["FALSE", "FALSE", "FALSE"]


def test_stages_after_the_infusion_prove_nothing(protocol, analysis) -> None:
    late = story({-4: SKIN_2, 0: SKIN_3, 1: SKIN_3}, start=-4)
    assert judge(late, protocol, analysis) == ["NE", "FALSE", "FALSE"]


def test_the_audit_uses_the_definition_in_force_and_falls_back_to_the_form(protocol, analysis) -> None:
    from support.eligible_subject import form, judged_each

    books = [
        form(story({-12: SKIN_2, -8: SKIN_3})),
        form(story({-12: SKIN_2, -8: SKIN_2, -6: SKIN_1})),
        form(story({})),
        form(story({}), IN03="N"),
    ]
    found = judged_each(books, protocol, analysis, "IN03")
    assert found["RESULT"].tolist() == ["PASS", "CONFLICT", "ATT-PASS", "ATT-FAIL"]
    other = analysis.model_copy(update={"sr_definition": "MSB"})
    assert judged_each(books[:1], protocol, other, "IN03")["EVIDENCE"].str.startswith("MSB").all()


def test_every_selectable_definition_has_rules(protocol, analysis) -> None:
    for definition in ("EBMT-NIH-CIBMTR-2018", "CN-2024", "REACH2", "REACH1", "MSB", "FDA-2023"):
        assert len(judge(story({-12: SKIN_2}), protocol, analysis, definition)) >= 2
    with pytest.raises(UsageError, match="has no rules"):
        judge(story({}), protocol, analysis, "Thomas")


# definition, stages by day of steroids from day -12 (2 mg/kg/day of methylprednisolone), what its rules say
VECTORS = [
    ("REACH2", {-12: SKIN_2, -9: SKIN_3, -5: SKIN_3}, ["TRUE", "TRUE", "FALSE"]),
    ("REACH2", {-12: SKIN_3, -5: SKIN_2}, ["FALSE", "FALSE", "FALSE"]),
    ("REACH1", {-12: SKIN_2, -9: (2, 0, 1, 0), -5: (2, 0, 1, 0)}, ["TRUE", "TRUE", "TRUE"]),
    ("REACH1", {-12: SKIN_2, -9: SKIN_2, -5: SKIN_1}, ["FALSE", "FALSE", "FALSE"]),
    ("MSB", {-12: SKIN_2, -9: SKIN_3, -5: SKIN_3}, ["TRUE", "TRUE"]),
    ("MSB", {-12: SKIN_2, -8: SKIN_3, -5: SKIN_1}, ["NE", "FALSE"]),
    ("FDA-2023", {-12: SKIN_2, -9: SKIN_2, -5: SKIN_2}, ["FALSE", "TRUE", "FALSE", "FALSE"]),
    ("CN-2024", {-12: SKIN_2, -9: SKIN_3, -5: SKIN_3}, ["TRUE", "TRUE", "FALSE"]),
    ("CN-2024", {-12: SKIN_2, -9: SKIN_2, -5: SKIN_2}, ["FALSE", "TRUE", "FALSE"]),
    ("EBMT-NIH-CIBMTR-2018", {-12: SKIN_2, -9: SKIN_3, -6: SKIN_1}, ["TRUE", "FALSE", "FALSE"]),
]


@pytest.mark.parametrize(
    ("definition", "stages", "results"), VECTORS, ids=[f"{row[0]} {k}" for k, row in enumerate(VECTORS)]
)
def test_each_definition_by_its_own_rules(definition, stages, results, protocol, analysis) -> None:
    assert judge(story(stages), protocol, analysis, definition) == results


def test_each_rule_tells_the_dates_that_decide(protocol, analysis) -> None:
    book = story({-12: SKIN_2, -9: SKIN_3, -6: SKIN_1})
    domains = book.domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    criterion = next(c for c in protocol.criteria if c.id == "IN03")
    rules = refractoriness(screening(adsl, StudyData(domains, protocol, analysis, CUT)), criterion)
    first = rules[rules["DEFINITION"].eq("EBMT-NIH-CIBMTR-2018")].iloc[0]
    days = [(first[name] - adsl["TRTSDT"].iloc[0]).days for name in ("STARTDT", "BASEDT", "EVIDDT")]
    assert days == [-12, -12, -9]
    decided = rules[rules["RESULT"].isin(["TRUE"])]
    assert decided[["STARTDT", "EVIDDT"]].notna().all(axis=None)


def test_dependence_is_told_apart_from_refractoriness(protocol, analysis) -> None:
    from trialbook.eligibility.refractory import all_definitions, refractory_or_dependent

    tapered = {-40: SKIN_2, -36: SKIN_1, -33: NONE, -3: SKIN_2}
    dependent = story(tapered, start=-40, end=-32).drug("Methylprednisolone", -31, end=-20, dose=30)
    books = [
        story({-12: SKIN_2, -8: SKIN_3}),
        dependent.drug("Methylprednisolone", -9, dose=120),
        story({-12: SKIN_2, -8: SKIN_1, -5: SKIN_1}, end=-4),
        story({}),
    ]
    kinds = []
    for book in books:
        domains = book.domains()
        adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
        rules = all_definitions(adsl, StudyData(domains, protocol, analysis, CUT))
        kinds += refractory_or_dependent(rules, analysis).tolist()
    assert kinds == ["SR", "SD", "-", "NE"]
