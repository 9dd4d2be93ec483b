"""Contradictions within and between domains are asked, with the record they are in; consistent records are not."""

from __future__ import annotations

import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.cleaning import consistency_queries
from trialbook.protocol.analysis import Analysis


def asked(built: TrialBuilder, analysis: Analysis) -> list[tuple[str, str]]:
    return [(q["rule"], q["record"]) for q in consistency_queries(built.domains(), analysis)]


def treated(**dm: object) -> TrialBuilder:
    return trial().subject("S01", **dm).infused(0).infused(7)


def test_a_plain_trial_raises_no_question(analysis: Analysis) -> None:
    built = treated().event("Pyrexia", 2, end=4, AEOUT="RECOVERED/RESOLVED").lab("ALT", 30, -1, low=5, high=40)
    built = built.lab("ALT", 35, 7, low=5, high=40).stages(0, 1, 0, 0, 2).event("Rash", 5, AEENRTPT="ONGOING")
    assert asked(built, analysis) == []


def test_a_trial_without_subjects_or_events_raises_no_question(analysis: Analysis) -> None:
    assert asked(trial(), analysis) == []
    assert asked(trial().subject("S01"), analysis) == []


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (dict(day=5, end=3), "P19-AE-END-BEFORE-START"),
        (dict(day=5, end="2025-01-20", AEENRTPT="ONGOING"), "P20-AE-ONGOING-WITH-END"),
        (dict(day=5, AEOUT="RECOVERED/RESOLVED"), "P20-AE-RESOLVED-NO-END"),
        (dict(day=5, related=None), "P23-AE-RELATION-MISSING"),
        (dict(day=5, serious=None), "P23-AE-SERIOUS-MISSING"),
        (dict(day=5, AESHOSP="Y"), "P23-AE-SERIOUS-CRITERION"),
    ],
)
def test_an_event_that_contradicts_itself_is_asked(event: dict[str, object], rule: str, analysis: Analysis) -> None:
    assert asked(treated().event("Pyrexia", **event), analysis) == [(rule, "AESEQ=1")]


@pytest.mark.parametrize(("day", "end"), [("2025-01", "2025-01-11"), ("2025-01-14", "2025-01"), (3, 3)])
def test_partial_dates_contradict_only_where_every_reading_does(day: str, end: str, analysis: Analysis) -> None:
    assert asked(treated().event("Pyrexia", day, end=end), analysis) == []


def test_events_after_or_ongoing_at_death_are_asked_but_not_the_fatal_one(analysis: Analysis) -> None:
    built = (
        treated().event("Sepsis", 9, grade=5, AEOUT="FATAL", AEENRTPT="ONGOING").event("Rash", 3, AEENRTPT="ONGOING")
    )
    assert asked(built.event("Fever", 8, end=12).died(10), analysis) == [
        ("P19-AE-END-AFTER-DEATH", "AESEQ=3"), ("P19-AE-ONGOING-AT-DEATH", "AESEQ=2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "near"),
    [
        (dict(day=3, end=6), True),
        (dict(day=4, end=6), True),
        (dict(day=5, end=6), False),  # starts two days later
        (dict(day=4, end=6, AESPID="E1"), False),  # a grade change of the same episode
    ],
)
def test_the_same_term_within_a_day_is_a_near_duplicate(
    second: dict[str, object], near: bool, analysis: Analysis
) -> None:
    built = treated().event("Rash", 3, end=8, AESPID="E1").event("RASH", **{"AESPID": "E2", **second})
    assert asked(built, analysis) == ([("P24-AE-NEAR-DUPLICATE", "AESEQ=2")] if near else [])


def test_infusions_out_of_order_are_asked(analysis: Analysis) -> None:
    built = trial().subject("S01", RFICDTC="2025-01-12").infused(0).infused(7, time="")
    built = (
        built.infused(7, time="")
        .infused(9, EXENDTC="2025-01-18T10:00")
        .infused("2025-02")
        .add("EX", EXSTDTC="2025-02-01")
    )
    assert asked(built, analysis) == [
        ("P11-EX-BEFORE-CONSENT", "EXSEQ=1"), ("P11-EX-END-BEFORE-START", "EXSEQ=4"), ("P11-EX-NO-TIME", "EXSEQ=2"),
        ("P11-EX-NO-TIME", "EXSEQ=3"), ("P11-EX-SAME-DAY", "EXSEQ=3"), ("P11-EX-UNDATED", "EXSEQ=5"),
        ("P12-EX-DOSE-MISSING", "EXSEQ=6"),
    ]  # fmt: skip


def test_a_bilirubin_that_jumps_by_the_unit_factor_is_asked(analysis: Analysis) -> None:
    built = treated().lab("BILI", 20, -1, unit="umol/L", high=21).lab("BILI", 1.17, 7, unit="umol/L", high=21)
    assert ("P13-LB-UNIT-JUMP", "LBSEQ=2") in asked(built, analysis)
    real = treated().lab("BILI", 20, -1, unit="umol/L", high=21).lab("BILI", 1.17, 7, unit="mg/dL", high=1.23)
    assert asked(real, analysis) == []


def test_results_that_cannot_be_judged_are_asked(analysis: Analysis) -> None:
    built = (
        treated()
        .lab("ALT", "haemolysed", -1, high=40)
        .lab("AST", 30, -1)
        .lab("AST", 30, 5)
        .lab("HGB", 120, -1, unit="stone", high=150)
        .lab("HGB", 120, 1, unit="", high=150)
    )
    assert asked(built, analysis) == [
        ("P14-NOT-A-NUMBER", "LBSEQ=1"), ("P13-UNIT-UNKNOWN", "LBSEQ=4"), ("P13-UNIT-MISSING", "LBSEQ=5"),
        ("P15-LIMIT-MISSING", "LBTESTCD=AST"),
    ]  # fmt: skip


def test_a_repeated_test_at_one_moment_is_asked(analysis: Analysis) -> None:
    built = treated().lab("ALT", 30, -1, high=40).lab("ALT", 33, -1, high=40).lab("ALT", 31, 0, high=40)
    assert asked(built, analysis) == [("P16-LB-REPEATED", "LBSEQ=2")]


def test_values_off_their_scale_or_beyond_plausible_are_asked(analysis: Analysis) -> None:
    built = (
        treated().stages(0, 4, 4, 2, 4).add("FA", FATESTCD="RASHBSA", FAORRES="150", FAORRESU="%", FADTC="2025-01-10")
    )
    built = built.add("FA", FATESTCD="STOOLVOL", FAORRES="1.5", FAORRESU="mL/day", FADTC="2025-01-10")
    built = built.add("FA", FATESTCD="STOOLVOL", FAORRES="0", FAORRESU="mL/day", FADTC="2025-01-11")
    assert asked(built.lab("CREAT", 1.1, -1, unit="umol/L", high=104), analysis) == [
        ("P27-OUT-OF-RANGE", "RSSEQ=3"), ("P27-OUT-OF-RANGE", "FASEQ=1"), ("P27-OUT-OF-RANGE", "LBSEQ=1"),
        ("P27-OUT-OF-RANGE", "FASEQ=2"),
    ]  # fmt: skip


def test_a_weight_that_jumps_is_asked_by_the_share_of_the_protocol(analysis: Analysis) -> None:
    built = treated()
    for day, weight in ((-3, "60"), (0, "61"), (7, "122")):
        built = built.add("VS", VSTESTCD="WEIGHT", VSORRES=weight, VSORRESU="kg", VSDTC=built.date(day))
    assert asked(built, analysis) == [("P32-WEIGHT-JUMP", "VSSEQ=3")]
    assert asked(built, analysis.model_copy(update={"weight_jump": 1.0})) == []


def test_the_same_birth_date_and_sex_under_two_numbers_is_asked_unless_linked(analysis: Analysis) -> None:
    built = trial().subject("S01", BRTHDTC="1990-02-03").subject("S02", BRTHDTC="1990-02-03")
    built = (
        built.subject("S03", BRTHDTC="1990-02-03", sex="F")
        .subject("S04", BRTHDTC="1990")
        .subject("S05", BRTHDTC="1990")
    )
    queries = consistency_queries(built.domains(), analysis)
    assert [(q["rule"], q["subject"], q["observed"]) for q in queries] == [
        ("P08-SAME-PERSON", "iMSC-2001-S02", "iMSC-2001-S01")
    ]
    assert "1990-02-03" not in str(queries)
    linked = trial().subject("S01", BRTHDTC="1990-02-03").subject("S02", BRTHDTC="1990-02-03")
    assert asked(linked.add("SUPPDM", RDOMAIN="DM", QNAM="RESCREEN_OF", QVAL="S01"), analysis) == []


def test_a_word_where_a_number_is_expected_is_asked_in_every_domain_of_results(analysis: Analysis) -> None:
    built = treated().add("VS", VSTESTCD="WEIGHT", VSORRES="about 68", VSDTC="2025-01-09")
    built = built.add("VS", VSTESTCD="PULSE", VSORRES="80", VSORRESU="beats/min", VSDTC="2025-01-09")
    assert ("P14-NOT-A-NUMBER", "VSSEQ=1") in asked(built, analysis)
    assert [rule for rule, _ in asked(built, analysis)].count("P14-NOT-A-NUMBER") == 1
