"""Last known alive and dates of death: only what proves life counts, and one date of death comes of many sources."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import FIRST_INFUSION, TrialBuilder, trial
from trialbook.subjects.deaths import death_dates, death_queries, life_after_death
from trialbook.subjects.last_alive import last_known_alive

CUT = FIRST_INFUSION + pd.Timedelta(days=100)


def day_last_alive(builder: TrialBuilder) -> tuple[int | None, str]:
    row = last_known_alive(builder.domains(), CUT).iloc[0]
    if pd.isna(row["LSTALVDT"]):
        return None, row["LSTALVSRC"]
    return (row["LSTALVDT"] - FIRST_INFUSION).days, row["LSTALVSRC"]


def subject() -> TrialBuilder:
    return trial().subject("S01").infused(0)


def status(builder: TrialBuilder, day: int, said: str) -> TrialBuilder:
    return builder.add("SS", SSTESTCD="SURVSTAT", SSORRES=said, SSDTC=builder.date(day))


@pytest.mark.parametrize(
    ("builder", "day", "source"),
    [
        (trial().subject("S01"), -7, "DS.DSSTDTC DSSEQ=1"),
        (subject(), 0, "EX.EXENDTC EXSEQ=1"),
        (subject().seen(60), 60, "SV.SVSTDTC"),
        (subject().lab("ALT", 20, 61), 61, "LB.LBDTC LBSEQ=1"),
        (subject().event("Fever", 40, end=62, AEOUT="RECOVERED/RESOLVED"), 62, "AE.AEENDTC AESEQ=1"),
        (subject().drug("Aciclovir", 63), 63, "CM.CMSTDTC CMSEQ=1"),
        (status(subject(), 64, "ALIVE"), 64, "SS.SSDTC"),
        (subject().stages(65, 1, 0, 0, 0), 65, "RS.RSDTC RSSEQ=1"),
    ],
)
def test_a_dated_record_of_a_living_subject_proves_life(builder: TrialBuilder, day: int, source: str) -> None:
    assert day_last_alive(builder) == (day, source)


@pytest.mark.parametrize(
    "builder",
    [
        pytest.param(subject().seen("2025-03"), id="a partial date"),
        pytest.param(subject().seen(101), id="a date after the cut"),
        pytest.param(subject().infused(7, dose=0), id="a dose not given"),
        pytest.param(subject().event("Fever", 0, end=50, AEOUT="NOT RECOVERED/NOT RESOLVED"), id="an end unresolved"),
        pytest.param(subject().event("Sepsis", 0, 5, end=50, AEOUT="FATAL"), id="the end of a fatal event"),
        pytest.param(subject().add("DS", DSDECOD="DEATH", DSSTDTC="2025-03-01"), id="a death form"),
        pytest.param(subject().add("DS", DSDECOD="LOST TO FOLLOW-UP", DSSTDTC="2025-03-01"), id="a loss to follow-up"),
        pytest.param(status(subject(), 50, "DEAD"), id="a status DEAD"),
        pytest.param(status(subject(), 50, "DEAD").seen(50), id="the visit at which the death was learned"),
        pytest.param(
            subject().add("RS", RSCAT="ECOG", RSTESTCD="ECOG101", RSORRES=5, RSDTC="2025-03-01"), id="ECOG 5 = dead"
        ),
        pytest.param(subject().add("SV", VISIT="D28", SVSTDTC="2025-02-07", SVOCCUR="N"), id="a visit not done"),
    ],
)
def test_what_proves_no_life_does_not_count(builder: TrialBuilder) -> None:
    assert day_last_alive(builder)[0] == 0


def test_a_record_on_the_cut_date_counts() -> None:
    assert day_last_alive(subject().seen(100))[0] == 100


def test_a_subject_without_any_dated_record_has_no_last_date() -> None:
    builder = trial().add("DM", RFICDTC=None).add("AE", AESTDTC="2025", AEOUT="FATAL")
    assert day_last_alive(builder) == (None, "")


def death(builder: TrialBuilder, cut: pd.Timestamp = CUT) -> tuple[str, int | None, str]:
    row = death_dates(builder.domains(), cut).iloc[0]
    day = None if pd.isna(row["DTHDT"]) else (row["DTHDT"] - FIRST_INFUSION).days
    return row["DTHFL"], day, row["DTHDTF"]


# FIRST_INFUSION is 2025-01-10; REL_DAY 49 is 2025-02-28, REL_DAY 80 is 2025-03-31.
@pytest.mark.parametrize(
    ("builder", "expected"),
    [
        pytest.param(subject(), ("", None, ""), id="nobody reports a death"),
        pytest.param(subject().died(40), ("Y", 40, ""), id="one complete date"),
        pytest.param(subject().died(0), ("Y", 0, ""), id="on the day of the infusion"),
        pytest.param(subject().died(40).event("Sepsis", 30, 5, end=38, AEOUT="FATAL"), ("Y", 38, ""), id="earliest"),
        pytest.param(status(subject().died(40), 60, "DEAD"), ("Y", 40, ""), id="a later sweep does not move it"),
        pytest.param(status(subject().died(40), 35, "DEAD"), ("Y", 35, ""), id="dead by an earlier sweep"),
        pytest.param(status(subject().seen(20), 60, "DEAD"), ("Y", 60, "Y"), id="known from the sweep only"),
        pytest.param(subject().seen(55).died("2025-03"), ("Y", 56, "D"), id="month known: day after last contact"),
        pytest.param(subject().seen(20).died("2025-03"), ("Y", 50, "D"), id="month known: its first day"),
        pytest.param(subject().seen(90).died("2025-03"), ("Y", 80, "D"), id="month known: its last day"),
        pytest.param(subject().seen(90).died("2025"), ("Y", 91, "M"), id="year known"),
        pytest.param(status(subject().seen(20).died("2025-02"), 60, "DEAD"), ("Y", 22, "D"), id="month before sweep"),
        pytest.param(subject().seen(20).event("Sepsis", 30, 5), ("Y", 31, "Y"), id="a fatal event without an end"),
        pytest.param(subject().seen(100).died("2025-04"), ("Y", 100, "D"), id="never after the cut"),
        pytest.param(subject().died(101), ("", None, ""), id="a death after the cut is not known at the cut"),
    ],
)
def test_one_date_of_death_comes_of_all_sources(builder: TrialBuilder, expected: tuple[str, int | None, str]) -> None:
    assert death(builder) == expected


def rules(builder: TrialBuilder) -> list[tuple[str, str]]:
    return sorted({(q["rule"], q["domain"]) for q in death_queries(builder.domains(), CUT)})


def test_a_death_that_all_sources_report_alike_asks_nothing() -> None:
    assert rules(subject().died(40).event("Sepsis", 30, 5, end=40, AEOUT="FATAL")) == []


def test_a_fatal_event_without_death_record_is_asked_of_dm_and_ds() -> None:
    asked = rules(subject().event("Sepsis", 30, 5, end=40))
    assert asked == [("P22-DEATH-SOURCE-MISSING", "DM"), ("P22-DEATH-SOURCE-MISSING", "DS")]


def test_a_death_without_fatal_event_is_asked_of_ae() -> None:
    assert rules(subject().died(40)) == [("P22-DEATH-SOURCE-MISSING", "AE")]


def test_dates_that_differ_are_asked_about() -> None:
    assert ("P22-DEATH-DATES-DIFFER", "DM") in rules(subject().died(40).event("Sepsis", 30, 5, end=38))


def test_an_incomplete_date_of_death_is_asked_about() -> None:
    assert ("P22-DEATH-DATE-INCOMPLETE", "DM") in rules(subject().seen(20).died("2025-03"))


@pytest.mark.parametrize(
    ("builder", "proves"),
    [(subject().died(40).seen(41), True), (subject().died(40).lab("ALT", 20, 41), False)],
)
def test_a_record_after_the_death_is_asked_about(builder: TrialBuilder, proves: bool) -> None:
    late = life_after_death(builder.domains(), CUT)
    assert late["PROVES"].tolist() == [proves]
    assert "P25-RECORD-AFTER-DEATH" in {rule for rule, _ in rules(builder)}


def test_a_record_on_the_day_of_death_is_no_contradiction() -> None:
    assert life_after_death(subject().died(40).seen(40).domains(), CUT).empty
