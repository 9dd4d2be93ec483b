"""The disease at the first infusion (T-2, T-3): what is reported of each subject, and its counts by level."""

from __future__ import annotations

import pandas as pd

from support.eligible_subject import CUT, eligible, form, screened
from support.trial_builder import TrialBuilder, trial
from trialbook.eligibility.baseline_disease import COLUMNS, disease_at_entry
from trialbook.eligibility.refractory import refractoriness
from trialbook.eligibility.screening import screening
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.demography import (
    CATEGORIES,
    DISEASE_CATEGORIES,
    ENTRY_LABELS,
    demography_rows,
    disease_rows,
    entry_lines,
    entry_sets,
)


def with_history(book: TrialBuilder, hsct: int | str = -45, onset: int | str = -12) -> TrialBuilder:
    """Diagnosis, transplant and onset of acute GVHD of the current subject."""
    book.add("MH", MHTERM="Acute myeloid leukemia", MHCAT="UNDERLYING DISEASE", MHSTDTC=book.date(-200))
    book.add("PR", PRTRT="Allogeneic HSCT", PRDECOD="ALLO-HSCT", PRSTDTC=book.date(hsct))
    return book.add("CE", CETERM="AGVHD", CEDECOD="ACUTE GVHD", CESTDTC=book.date(onset))


def entry(book: TrialBuilder, protocol, analysis) -> pd.DataFrame:
    domains = book.domains()
    core = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    people = screening(core, StudyData(domains, protocol, analysis, CUT))
    criterion = next(c for c in protocol.criteria if c.check == "steroid_refractory")
    return disease_at_entry(core, domains, refractoriness(people, criterion), analysis)


def only(book: TrialBuilder, protocol, analysis) -> pd.Series:
    return entry(book, protocol, analysis).iloc[0]


def test_the_story_of_the_disease_is_told_from_the_records(protocol, analysis) -> None:
    found = only(with_history(eligible()), protocol, analysis)
    assert found["DISEASE"] == "Acute myeloid leukemia"
    assert found[["HSCTDAYS", "ONSETDAYS"]].tolist() == [45, 12]
    assert found[["GRADEBL", "ORGANSBL", "SKINSTBL", "LIVERSTBL", "UGISTBL", "LGISTBL"]].tolist() == [
        "II", "3", "3", "0", "1", "1",
    ]  # fmt: skip


def test_refractoriness_is_shown_by_its_rule_and_the_days_since(protocol, analysis) -> None:
    """Steroids from day -10, skin 2 then 3 on day -6: worse after four days."""
    found = only(with_history(eligible()), protocol, analysis)
    assert found["SRPATTERN"] == "Progression on steroids"
    assert found["SRDAYS"] == 6


def test_what_the_data_do_not_say_is_blank_never_no(protocol, analysis) -> None:
    found = only(eligible(), protocol, analysis)
    assert found[["DISEASE", "DONOR", "GRAFT", "CONDITIONING", "LINES"]].tolist() == [""] * 5
    assert found[["HSCTDAYS", "ONSETDAYS"]].isna().all()


def test_a_partial_transplant_date_gives_no_days(protocol, analysis) -> None:
    assert pd.isna(only(with_history(eligible(), hsct="2024-11"), protocol, analysis)["HSCTDAYS"])


def test_the_last_of_two_transplants_and_the_first_onset_count(protocol, analysis) -> None:
    book = with_history(eligible(), hsct=-400, onset=-12)
    book.add("MH", MHTERM="Second allogeneic HSCT", MHSTDTC=book.date(-60))
    book.add("MH", MHTERM="Acute GVHD", MHSTDTC=book.date(-20))
    assert only(book, protocol, analysis)[["HSCTDAYS", "ONSETDAYS"]].tolist() == [60, 20]


def test_a_transplant_after_the_infusion_is_not_how_the_subject_came(protocol, analysis) -> None:
    book = with_history(eligible(), hsct=-45)
    book.add("PR", PRTRT="Second allogeneic HSCT", PRDECOD="ALLO-HSCT", PRSTDTC=book.date(50))
    assert only(book, protocol, analysis)["HSCTDAYS"] == 45


def test_lines_are_steroids_and_each_drug_begun_since_the_onset(protocol, analysis) -> None:
    book = with_history(eligible())
    book.drug("Methotrexate", -44, end=-38)  # prophylaxis: before the onset
    book.drug("Ruxolitinib", -5)
    book.drug("Ruxolitinib", -3)  # the same drug again
    book.drug("Budesonide", -5)  # acts in the gut only
    book.drug("Basiliximab", 2)  # after the infusion
    assert only(book, protocol, analysis)["LINES"] == "2"


def test_donor_graft_and_conditioning_are_taken_where_they_were_supplied(protocol, analysis) -> None:
    book = eligible()
    for name, value in (("DONOR", "Haploidentical"), ("GRAFT", "Peripheral blood"), ("CONDITIONING", "BuCy")):
        book.add("SUPPDM", RDOMAIN="DM", QNAM=name, QVAL=value)
    found = only(book, protocol, analysis)
    assert found[["DONOR", "GRAFT", "CONDITIONING"]].tolist() == ["Haploidentical", "Peripheral blood", "BuCy"]


def test_a_missing_organ_leaves_both_grades(protocol, analysis) -> None:
    book = form(screened(without=("STAGES",))).infused(0).stages(-1, 3, None, 0, 0)
    found = only(book, protocol, analysis.model_copy(update={"baseline_window_wide": [-3, 0]}))
    assert found[["GRADEBL", "ORGANSBL", "LIVERSTBL"]].tolist() == ["II to IV", "", ""]


def test_counts_stand_by_level_with_the_unknown_named(protocol, analysis) -> None:
    book = with_history(eligible())
    form(screened(book, "S02", level="DL2")).infused(0, dose=2.0)
    core = derive_subjects(StudyData(book.domains(), protocol, analysis, CUT))
    at_entry = entry(book, protocol, analysis)
    rows = to_ard(demography_rows(core, protocol, analysis, at_entry) + disease_rows(at_entry, protocol))
    counts = rows[rows["stat_name"] == "n"]
    counts = counts.groupby(["variable", "variable_level"], sort=False)["stat"].agg(list)
    assert counts["DISEASE", "Acute myeloid leukemia"] == [1, 0, 0, 1]
    assert counts["DISEASE", "Not known"] == [0, 1, 0, 1]
    assert counts["GRADEBL", "II"] == [1, 1, 0, 2]
    assert counts["HSCTDAYS", ""] == [1, 0, 0, 1]
    shares = rows[rows["stat_name"] == "p"]
    shares = shares.groupby(["variable", "variable_level"], sort=False)["stat_text"].agg(list)
    assert shares["SEX", "M"] == ["100.0%", "100.0%", "-", "100.0%"]
    # Each number of the history opens to as many subjects as it counts.
    sets, lines = entry_sets(at_entry), entry_lines(at_entry, core)
    headings = {**CATEGORIES, **DISEASE_CATEGORIES}
    of_history = rows[rows["variable"].isin(list(ENTRY_LABELS)) & rows["stat_name"].eq("n")]
    assert set(of_history["variable"]) == set(ENTRY_LABELS) - {"SUBJID", "TRT01A"}
    for row in of_history.itertuples():
        key = (headings[row.variable], row.variable_level) if row.variable in headings else (row.variable,)
        assert len(sets.get((*key, row.group1_level), [])) == row.stat, key
    assert lines["SUBJID"].tolist() == ["S01", "S02"]
    assert lines["HSCTDAYS"].tolist()[0] == 45


def test_of_nobody_nothing_is_told(protocol, analysis) -> None:
    for book in (trial(), screened()):
        found = entry(book, protocol, analysis)
        assert list(found.columns) == COLUMNS
        assert found.empty
        core = derive_subjects(StudyData(book.domains(), protocol, analysis, CUT))
        assert demography_rows(core, protocol, analysis, found) + disease_rows(found, protocol) == []
