"""Which infusion an event followed and how long after; records that repeat another; kinds of infection."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.terms import find_term, holds_term
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.safety.adae import derive_adae
from trialbook.safety.ae_tables import overview_rows
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")

# Onset, number of the infusion it followed, days and hours since; infusions on day 0 at 10:00 and day 7 at 10:00.
TIMING = [
    ("2025-01-10T10:00", 1, 0, 0.0),  # at the very start
    ("2025-01-10T11:20", 1, 0, 1.3),
    ("2025-01-10T09:59", None, None, None),  # before the first
    ("2025-01-10", 1, 0, None),  # a day without a time counts as after the infusion of that day
    ("2025-01-12", 1, 2, None),
    ("2025-01-17T09:00", 1, 7, 167.0),  # an hour before the second
    ("2025-01-17T12:30", 2, 0, 2.5),
    ("2025-03-01", 2, 43, None),
    ("2025-01", None, None, None),  # which infusion it followed is not known
    ("", None, None, None),
]


def adae_of(built: TrialBuilder, protocol: Protocol, analysis: Analysis) -> tuple[pd.DataFrame, pd.DataFrame]:
    domains = built.domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    return derive_adae(subjects, StudyData(domains, protocol, analysis, CUT)), subjects


def test_an_event_belongs_to_the_last_infusion_before_it(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0, time="T10:00").infused(7, time="T10:00")
    for onset, *_ in TIMING:
        built.event("Rash", onset)
    adae, _ = adae_of(built, protocol, analysis)
    found = adae[["INFNO", "INFDY", "INFHRS"]].astype("object")
    shown = [tuple(None if pd.isna(value) else value for value in row) for row in found.itertuples(index=False)]
    assert list(zip(TIMING, shown, strict=True)) == [(row, row[1:]) for row in TIMING]


def test_the_infusions_of_another_subject_count_for_nobody_else(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).subject("S02").infused(0).infused(7).event("Rash", 8)
    built.subject("S03", level="SCRNFAIL").event("Rash", 8)
    adae, _ = adae_of(built, protocol, analysis)
    assert adae["INFNO"].tolist() == [2, pd.NA]


@pytest.mark.parametrize(
    ("second", "joined"),
    [
        ({}, True),
        ({"term": "RASH"}, True),
        ({"grade": 3}, False),
        ({"day": 4}, False),
        ({"end": 6}, False),
        ({"term": "Sepsis"}, False),
    ],
)
def test_a_record_that_repeats_term_dates_and_grade_is_no_event_of_its_own(
    second: dict[str, object], joined: bool, protocol: Protocol, analysis: Analysis
) -> None:
    first: dict[str, object] = {"term": "Rash", "day": 3, "grade": 2, "end": 5}
    built = trial().subject("S01").infused(0)
    for event in (first, first | second):
        given = {**event}
        built.event(str(given.pop("term")), given.pop("day"), **given)  # type: ignore[arg-type]
    adae, subjects = adae_of(built, protocol, analysis)
    assert adae["ADUPFL"].tolist() == ["", "Y" if joined else ""]
    ard = to_ard(overview_rows(adae, subjects, protocol, analysis))
    total = ard[ard["variable"].eq("TEAE") & ard["group1_level"].eq("Total")].set_index("stat_name")["stat"]
    assert (total["n"], total["events"]) == (1, 1 if joined else 2)


def test_records_without_a_start_are_never_taken_for_repeats(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Rash", "").event("Rash", "")
    adae, _ = adae_of(built, protocol, analysis)
    assert adae["ADUPFL"].tolist() == ["", ""]


def test_a_repeat_of_a_grade_change_stays_with_its_event(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    for grade, day in ((1, 3), (2, 5), (2, 5)):
        built.event("Rash", day, grade, end=day + 1, AESPID="7")
    adae, _ = adae_of(built, protocol, analysis)
    assert adae["EPISODE"].tolist() == [1, 1, 1]
    assert adae["ADUPFL"].tolist() == ["", "", "Y"]


INFECTIONS = [
    ("CMV reactivation", "CMV infection or reactivation"),
    ("巨细胞病毒感染", "CMV infection or reactivation"),
    ("Epstein-Barr viraemia", "EBV infection or reactivation"),
    ("BK virus cystitis", "Other viral infection"),
    ("Oral candidiasis", "Fungal infection"),
    ("Sepsis", "Bacterial infection"),
    ("Lung infection", "Infection, pathogen not named"),
]


def test_each_infection_has_one_kind_and_nothing_else_has_one(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    for day, (term, _) in enumerate(INFECTIONS):
        built.event(term, day, soc="Infections and infestations")
    built.event("Headache", 3, soc="Nervous system disorders")
    adae, _ = adae_of(built, protocol, analysis)
    assert adae["INFCAT"].tolist() == [*(kind for _, kind in INFECTIONS), ""]


def test_one_matcher_reads_every_term_list() -> None:
    texts = pd.Series(
        ["Infusion-related reaction", "METABOLIC acidosis", "Anti-Thymocyte globulin", "ATGX", None, "肺部感染CMV"]
    )
    terms = ["infusion related", "embolic", "anti thymocyte", "ATG", "CMV"]
    assert holds_term(texts, terms).tolist() == [True, False, True, False, False, True]
    assert find_term(texts, terms).tolist() == ["infusion related", "", "anti thymocyte", "", "", "CMV"]
    assert holds_term(pd.Series([], dtype="str"), terms).tolist() == []
