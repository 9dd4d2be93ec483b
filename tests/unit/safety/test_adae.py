"""ADAE: relationship, seriousness, special interest, episodes and the committee's flag on small trials."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.safety.relationship import relationship, relationship_level
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")


def adae_of(built: TrialBuilder, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    domains = built.domains()
    return derive_adae(
        derive_subjects(StudyData(domains, protocol, analysis, CUT)), StudyData(domains, protocol, analysis, CUT)
    )


RELATIONSHIPS = [
    ("肯定有关", "definite", "RELATED"),
    ("很可能有关", "probable", "RELATED"),
    ("可能有关", "possible", "RELATED"),
    ("可能无关", "unlikely", "NOT RELATED"),
    ("肯定无关", "not", "NOT RELATED"),
    ("无法判定", "unassessable", "RELATED"),
    ("Definitely related", "definite", "RELATED"),
    ("probable", "probable", "RELATED"),
    ("POSSIBLE", "possible", "RELATED"),
    ("REMOTE", "unlikely", "NOT RELATED"),
    ("UNLIKELY", "unlikely", "NOT RELATED"),
    ("NONE", "not", "NOT RELATED"),
    ("NOT RELATED", "not", "NOT RELATED"),
    ("N", "not", "NOT RELATED"),
    ("RELATED", "related", "RELATED"),
    ("Y", "related", "RELATED"),
    ("see narrative", "unassessable", "RELATED"),
    ("", "missing", "RELATED"),
    (None, "missing", "RELATED"),
]


@pytest.mark.parametrize(("word", "level", "related"), RELATIONSHIPS)
def test_the_words_of_the_site_become_related_or_not_related(
    word: str | None, level: str, related: str, analysis: Analysis
) -> None:
    words = pd.Series([word], dtype="str")
    assert relationship_level(words).tolist() == [level]
    assert relationship(words, analysis.trae_levels).tolist() == [related]


def test_a_missing_relationship_counts_only_where_the_protocol_file_says_so() -> None:
    words = pd.Series([None, "无法判定", "possible"], dtype="str")
    assert relationship(words, ["definite", "probable"]).tolist() == ["NOT RELATED"] * 3


# AESER, AESHOSP, counted as serious.
SERIOUS = [("Y", "N", "Y"), ("N", "N", ""), ("", "Y", "Y"), ("", "N", ""), ("N", "Y", "")]


def test_seriousness_is_as_collected_and_by_criterion_only_where_it_is_missing(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0)
    for serious, hospital, _ in SERIOUS:
        built.event("Rash", 1, serious=serious, AESHOSP=hospital)
    assert adae_of(built, protocol, analysis)["ASER"].tolist() == [row[2] for row in SERIOUS]


# Event, grade, start; infusions on day 0 at 10:00 and day 7 at 10:00.
SPECIAL = [
    ("Pyrexia", 1, "2025-01-11T09:59", "Infusion reaction or hypersensitivity"),
    ("Pyrexia", 1, "2025-01-11T10:01", ""),
    ("Pyrexia", 1, "2025-01-11", "Infusion reaction or hypersensitivity"),  # may lie within 24 hours
    ("Pyrexia", 1, "2025-01-12", ""),
    ("Pyrexia", 1, "2025-01-17T12:00", "Infusion reaction or hypersensitivity"),  # after the second infusion
    ("Pyrexia", 1, "2025-01-17T09:00", ""),
    ("发热", 2, "2025-01-10T11:00", "Infusion reaction or hypersensitivity"),
    ("Cough", 1, "2025-01-10T11:00", "DMSO effect or pulmonary embolisation of cells"),
    ("Pulmonary embolism", 3, "2025-03-01", "Thromboembolism"),
    ("Lung infection", 3, "2025-03-01", "Severe infection"),
    ("Lung infection", 2, "2025-03-01", ""),
    ("Cytomegalovirus infection", 1, "2025-03-01", "Opportunistic infection"),
    ("Squamous cell carcinoma of skin", 2, "2025-03-01", "Malignancy or teratoma"),
    ("Headache", 3, "2025-03-01", ""),
]


def test_events_of_special_interest_are_found_by_the_searches_of_the_protocol_file(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0, time="T10:00").infused(7, time="T10:00")
    for term, grade, start, _ in SPECIAL:
        soc = "Infections and infestations" if "infection" in term else "Other"
        built.event(term, start, grade, soc=soc)
    found = adae_of(built, protocol, analysis)["AESICAT"].tolist()
    assert list(zip(SPECIAL, found, strict=True)) == [(row, row[3]) for row in SPECIAL]


def test_the_committees_flag_comes_from_suppae_and_is_blank_without_an_answer(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0).event("A", 1).event("B", 2).event("C", 3)
    for seq, answer in (("1", "Y"), ("2.0", "N")):
        built.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL=seq, QNAM="AEDLT", QVAL=answer)
    assert adae_of(built, protocol, analysis)["DLTFL"].tolist() == ["Y", "N", ""]


def episode_sizes(built: TrialBuilder, protocol: Protocol, analysis: Analysis) -> list[int]:
    adae = adae_of(built, protocol, analysis)
    return adae.groupby(["USUBJID", "EPISODE"]).size().tolist()


def test_grade_changes_with_one_id_are_one_event(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    built.event("Rash", 1, 1, end=3, AESPID="4").event("Rash", 4, 2, AESPID="4").event("Fever", 9, AESPID="4")
    assert episode_sizes(built, protocol, analysis) == [2, 1]


# First and last REL_DAYs (or dates) of records with one id, the sizes of the events they make, and the days between.
LINKED = [
    ([(1, 3), (55, 60)], [1, 1], [52]),
    ([(1, 3), (5, 6)], [1, 1], [2]),
    ([(1, 3), (4, 6)], [2], []),  # contiguous
    ([(1, 9), (3, 5), (10, 12)], [3], []),  # the first ends last
    ([(1, None), (55, 60)], [2], []),  # may have gone on
    ([(1, 3), ("2025", 60)], [2], []),  # may have begun at once
    ([(1, "2025-01"), (55, 60)], [1, 1], [34]),  # from the last day that the end may mean
    ([(1, 3), (55, 57), (58, 60)], [1, 2], [52]),
]


def test_records_with_one_id_and_days_between_are_two_events(protocol: Protocol, analysis: Analysis) -> None:
    for lines, sizes, gaps in LINKED:
        built = trial().subject("S01").infused(0)
        for first, last in lines:
            built.event("Rash", first, end=last, AESPID="4")
        assert episode_sizes(built, protocol, analysis) == sizes, lines
        assert adae_of(built, protocol, analysis)["AGAPDY"].dropna().tolist() == gaps, lines
    wide = analysis.model_copy(update={"ae_linked_gap_days": 52})
    built = trial().subject("S01").infused(0).event("Rash", 1, end=3, AESPID="4").event("Rash", 55, AESPID="4")
    assert episode_sizes(built, protocol, wide) == [2]


# First and last REL_DAY of two records of one term, and the sizes of the events they make.
CONTIGUOUS = [
    ((1, 3), (4, 6), [2]),  # one day apart
    ((1, 3), (3, 6), [2]),
    ((1, 3), (5, 6), [1, 1]),  # two days apart
    ((1, 5), (3, 9), [1, 1]),  # overlapping: asked about, not joined
    ((1, 1), (1, 4), [1, 1]),  # same start: a near duplicate
]


def test_contiguous_records_of_one_term_are_one_event(protocol: Protocol, analysis: Analysis) -> None:
    built = trial()
    for case, (first, second, _) in enumerate(CONTIGUOUS):
        built.subject(f"S{case}").infused(0)
        built.event("Rash", first[0], end=first[1]).event("Rash", second[0], end=second[1])
    assert episode_sizes(built, protocol, analysis) == [size for *_, sizes in CONTIGUOUS for size in sizes]
    apart = analysis.model_copy(update={"ae_collapse_gap_days": None})
    assert episode_sizes(built, protocol, apart) == [1] * 2 * len(CONTIGUOUS)


def test_imputed_dates_never_join_records(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Rash", 1, end="2025-01").event("Rash", "2025-02-01")
    assert episode_sizes(built, protocol, analysis) == [1, 1]


def test_day_of_onset_is_counted_from_0_and_the_study_day_from_1(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("A", -1).event("B", 0).event("C", 28)
    adae = adae_of(built, protocol, analysis)
    assert adae["RELDAY"].tolist() == [-1, 0, 28]
    assert adae["ASTDY"].tolist() == [-1, 1, 29]


def test_an_uncoded_event_is_counted_under_its_own_words(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    built.add("AE", AETERM="red skin", AETOXGR="1", AESTDTC=built.date(1))
    adae = adae_of(built, protocol, analysis)
    assert (adae["ADECOD"][0], adae["ABODSYS"][0]) == ("red skin", "UNCODED")


def test_adae_of_an_empty_domain_has_every_column(protocol: Protocol, analysis: Analysis) -> None:
    full = adae_of(trial().subject("S01").infused(0).event("A", 1), protocol, analysis)
    empty = adae_of(trial().subject("S01").infused(0), protocol, analysis)
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
