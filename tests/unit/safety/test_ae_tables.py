"""Reported numbers of adverse events: who is counted, once per row, against which N; rates and the views on them."""

from __future__ import annotations

import pandas as pd
import pytest

from support.reported_rows import soc_pt_rows
from support.trial_builder import TrialBuilder, trial
from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.safety import ae_tables, exposure, figures, tables
from trialbook.safety.adae import derive_adae
from trialbook.statistics.intervals import poisson_exact_rate
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")


def small_trial() -> TrialBuilder:
    """Three treated subjects (two at level 1), a screen failure, and events of every kind of the overview."""
    built = trial().subject("S01").infused(0, dose=1.0)
    built.event("Nausea", 3, 2, soc="GI").event("Nausea", 9, 3, soc="GI").event("Rash", -2, 4, soc="Skin")
    built.event("Pyrexia", 0, 3, related="RELATED", serious="Y", AEACN="DRUG WITHDRAWN")
    built.subject("S02").infused(0, dose=1.0).event("Nausea", 200, 3, soc="GI").event("Nausea", 5, 1, soc="GI")
    built.subject("S03").infused(0, dose=2.0).event("Sepsis", 4, 5, serious="Y", soc="Infections", AEOUT="FATAL")
    built.died(6)
    return built.subject("S04", level="SCRNFAIL").event("Sepsis", -1, 5, serious="Y")


@pytest.fixture(scope="module")
def data(protocol: Protocol) -> tuple[pd.DataFrame, pd.DataFrame]:
    """ADAE and ADSL of the small trial."""
    analysis = analysis_values(protocol, {}, "protocol.yaml")
    domains = small_trial().domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    return derive_adae(subjects, StudyData(domains, protocol, analysis, CUT)), subjects


def cell(ard: pd.DataFrame, variable: str, level: str = "", *, of: str = "Total", stat: str = "n",
         context: str = "") -> str:  # fmt: skip
    """The text of one reported number."""
    rows = ard[(ard["variable"] == variable) & (ard["variable_level"] == level) & (ard["group1_level"] == of)]
    rows = rows[(rows["stat_name"] == stat) & (rows["context"] == context)]
    assert len(rows) == 1
    return str(rows["stat_text"].iloc[0])


def test_the_overview_counts_subjects_once_and_every_event(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol, analysis: Analysis
) -> None:
    ard = to_ard(ae_tables.overview_rows(*data, protocol, analysis))
    counted = {name: (cell(ard, name), cell(ard, name, stat="events")) for name in ae_tables.LABELS}
    assert counted == {
        "TEAE": ("3", "5"),
        "TEAE_GE3": ("2", "3"),
        "TRAE": ("1", "1"),
        "TRAE_GE3": ("1", "1"),
        "SAE": ("2", "2"),
        "SRAE": ("1", "1"),
        "TEAE_DISC": ("1", "1"),
        "TEAE_DTH": ("1", "1"),
        "AESI": ("2", "2"),
        "DLT": ("0", "0"),
    }
    assert [cell(ard, "TEAE", of=level, stat="N") for level in ("DL1", "DL2", "DL3", "Total")] == ["2", "1", "0", "3"]
    assert cell(ard, "TEAE", of="DL3", stat="p") == "-"


def test_a_class_counts_its_subjects_once_though_a_term_repeats(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol
) -> None:
    ard = to_ard(soc_pt_rows("TEAE_SOC_PT", *data, protocol))
    assert (cell(ard, "GI"), cell(ard, "GI", "Nausea"), cell(ard, "GI", stat="events")) == ("2", "2", "3")
    assert ard["variable"].iloc[0] == "GI"  # most subjects first
    assert "Skin" not in set(ard["variable"])  # began before the infusion


def test_each_subject_stands_under_its_maximum_grade(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol
) -> None:
    ard = to_ard(ae_tables.grade_rows(*data, protocol))
    by_grade = [cell(ard, "GI", "Nausea", context=f"grade {k}") for k in range(1, 6)]
    assert by_grade == ["1", "0", "1", "0", "0"]
    assert [cell(ard, "TEAE", context=f"grade {k}") for k in range(1, 6)] == ["1", "0", "1", "0", "1"]
    frame = ae_tables.maximum_frame(ard)
    assert frame[frame["variable_level"] == "Nausea"]["grade 3"].tolist() == ["1"]


def test_grades_that_were_never_collected_are_not_zero(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol, analysis: Analysis
) -> None:
    adae, subjects = data
    ungraded = adae.assign(ATOXGR=pd.array([pd.NA] * len(adae), dtype="Int64"))
    ard = to_ard(ae_tables.overview_rows(ungraded, subjects, protocol, analysis))
    assert (cell(ard, "TEAE_GE3"), cell(ard, "TEAE_GE3", stat="N")) == ("-", "3")
    assert ard[ard["variable"].eq("TEAE_GE3") & ard["stat_name"].eq("n")]["stat"].isna().all()
    assert ae_tables.grade_rows(ungraded, subjects, protocol) == []


def test_an_event_without_a_grade_stands_beside_each_count_that_rests_on_one(
    protocol: Protocol, analysis: Analysis
) -> None:
    """Row 16: 015 with grade 2 and a serious event without a grade is "0, and 1 not graded", never below grade 3."""
    built = trial().subject("S15", level="DL3").infused(0, dose=4.0).event("Rash", 3, 2, soc="Skin")
    built.event("Acute graft versus host disease", 9, serious="Y", AESHOSP="Y", soc="Immune")
    built.add("AE", AETERM="Sepsis", AEDECOD="Sepsis", AEBODSYS="Infections", AESER="N", AEREL="RELATED",
              AESTDTC=built.date(12))  # fmt: skip
    domains = built.domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    blank = domains["AE"].assign(AETOXGR=domains["AE"]["AETOXGR"].where(domains["AE"]["AETERM"] == "Rash"))
    adae = derive_adae(subjects, StudyData(Domains({**domains, "AE": blank}), protocol, analysis, CUT))
    arguments = (adae, subjects, protocol)
    ard = to_ard(ae_tables.overview_rows(*arguments, analysis))
    beside = {
        name: (cell(ard, name, of="DL3"), cell(ard, name, of="DL3", context="ungraded"),
               cell(ard, name, of="DL3", stat="events", context="ungraded"))
        for name in ae_tables.BY_SEVERITY
    }  # fmt: skip
    # The sepsis is an infection: of special interest if its grade is 3 or more.
    assert beside == {"TEAE_GE3": ("0", "1", "2"), "TRAE_GE3": ("0", "1", "1"), "AESI": ("0", "1", "1")}
    by_grade = to_ard(ae_tables.grade_rows(*arguments))
    dots = figures.term_dots(arguments[0], arguments[1], protocol.level_ids, 0)
    assert set(dots.loc[dots["WORST"] == "grade not given", "TERM"]) == {"Acute graft versus host disease", "Sepsis"}
    assert cell(by_grade, "TEAE", context="grade 2") == "1"
    assert cell(by_grade, "TEAE", context="ungraded") == "1"
    assert cell(by_grade, "Immune", "Acute graft versus host disease", context="ungraded") == "1"
    facts = {label: (value, note) for label, value, note in tables.headline(ard, subjects, protocol, to_ard([]), None)}
    assert facts["With grade 3 or more"] == ("0 of 1, and 1 not graded", "DL1: 0, DL2: 0, DL3: 0 and 1 not graded")
    sentence = tables.safety_sentence(ard, subjects, adae, protocol, "2025-12-31")
    assert "0 had one of grade 3 or more (and 1 had one that is not graded)" in sentence
    rates = to_ard(exposure.rate_rows(*arguments, analysis, CUT))
    assert cell(rates, "TEAE_GE3", of="DL3", context="ungraded") == "1"
    assert not tables.unseen_notes(ard[ard["variable"] == "TEAE_GE3"])
    assert tables.unseen_notes(ard[ard["variable"] == "TEAE_DTH"]) == [
        "Where no subject had such an event, 0 of 1: a rate above 95% is excluded at 95%."
    ]


def test_special_interest_and_dlt_stand_only_where_the_trial_has_them(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol, analysis: Analysis
) -> None:
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    other = protocol.model_copy(update={"study": study})
    ard = to_ard(ae_tables.overview_rows(*data, other, analysis.model_copy(update={"aesi": []})))
    assert not {"DLT", "AESI"} & set(ard["variable"])


@pytest.mark.parametrize(
    ("events", "time", "expected"),
    [(3, 4.2, (0.714, 0.147, 2.087)), (0, 4.2, (0.0, 0.0, 0.878)), (12, 4.2, (2.857, 1.476, 4.991))],
)
def test_rates_have_the_published_exact_limits(events: int, time: float, expected: tuple[float, ...]) -> None:
    found = poisson_exact_rate(events, time)
    assert (found.estimate, found.low, found.high) == pytest.approx(expected, abs=5e-4)


def test_time_at_risk_runs_to_the_first_event_or_to_the_end_of_risk(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol, analysis: Analysis
) -> None:
    adae, subjects = data
    # S01 last seen on day 9; S02 on day 200, past the window of 180 days; S03 died on day 6. Both ends count.
    assert exposure.days_at_risk(subjects, analysis, CUT).tolist() == [10.0, 181.0, 7.0]
    ard = to_ard(exposure.rate_rows(adae, subjects, protocol, analysis, CUT))
    # First events: day 0, 5 and 4, so 1 + 6 + 5 days.
    assert float(cell(ard, "TEAE", stat="time")) == pytest.approx(12 / 365.25, abs=5e-4)
    assert cell(ard, "TEAE") == "3"
    # Only S03 has a serious event that is fatal; the others are at risk to their end.
    time = ard[(ard["variable"] == "TEAE_DTH") & (ard["group1_level"] == "Total") & (ard["stat_name"] == "time")]
    assert time["stat"].iloc[0] == pytest.approx((10 + 181 + 5) / 365.25)
    assert cell(ard, "TEAE", of="DL3", stat="rate") == "-"


def test_rates_can_be_per_100_patient_months(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol, analysis: Analysis
) -> None:
    years = to_ard(exposure.rate_rows(*data, protocol, analysis, CUT))
    monthly = analysis.model_copy(update={"eair_unit": "100_patient_months"})
    months = to_ard(exposure.rate_rows(*data, protocol, monthly, CUT))
    rate = [ard[(ard["variable"] == "TEAE") & (ard["stat_name"] == "rate")]["stat"].iloc[0] for ard in (years, months)]
    assert rate[1] == pytest.approx(rate[0] * 100 / 12)


def test_the_headline_is_a_view_of_the_reported_numbers(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol, analysis: Analysis
) -> None:
    adae, subjects = data
    ard = to_ard(ae_tables.overview_rows(adae, subjects, protocol, analysis))
    facts = {label: (value, note) for label, value, note in tables.headline(ard, subjects, protocol, to_ard([]), None)}
    assert facts["Subjects with any TEAE"] == ("3 of 3", "DL1: 2, DL2: 1, DL3: 0")
    assert facts["Deaths, any cause"] == ("1 of 3", "DL1: 0, DL2: 1, DL3: 0")
    sentence = tables.safety_sentence(ard, subjects, adae, protocol, "2025-12-31")
    assert "3 of 3 had a treatment-emergent adverse event (5 events), 2 had one of grade 3 or more" in sentence


def test_without_a_treated_subject_the_report_says_so(protocol: Protocol, analysis: Analysis) -> None:
    domains = trial().subject("S01", level="SCRNFAIL").domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    adae = derive_adae(subjects, StudyData(domains, protocol, analysis, CUT))
    ard = to_ard(ae_tables.overview_rows(adae, subjects, protocol, analysis))
    assert tables.safety_sentence(ard, subjects, adae, protocol, "2025-12-31").startswith("No subject has been treated")
    rates = to_ard(exposure.rate_rows(adae, subjects, protocol, analysis, CUT))
    assert set(rates[rates["stat_name"] == "rate"]["stat_text"]) == {"-"}


def test_a_long_table_keeps_the_most_frequent_terms_and_says_what_it_leaves_out(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol
) -> None:
    ard = to_ard(soc_pt_rows("TEAE_SOC_PT", *data, protocol))
    short = tables.most_frequent(ard, 1)
    assert set(short["variable_level"]) == {"", "Nausea"}
    assert tables.left_out(ard, short) == ["The 1 most frequent of 3 terms; all are in results/ard.parquet."]
    assert tables.left_out(ard, tables.most_frequent(ard, 60)) == []


def test_the_frequency_figure_draws_only_what_occurred(
    data: tuple[pd.DataFrame, pd.DataFrame], protocol: Protocol
) -> None:
    dots = figures.term_dots(*data, protocol.level_ids)
    nausea = dots[(dots["TERM"] == "Nausea") & (dots["LEVEL"] == "Total")]
    assert nausea[["SUBJECTS", "WORST"]].values.tolist() == [[2, "grade 3"]]
    assert (dots["SUBJECTS"] > 0).all()
