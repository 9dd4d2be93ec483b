"""The status of each treated subject in the DLT window: what decides it, in which order, at which cut (§4.2, §4.3)."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.domains import Domains
from trialbook.dlt.addlt import derive_addlt, dlt_subject_queries
from trialbook.dlt.events import dlt_event_queries, dlt_events
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

LATE = "2025-06-30"


def status(
    domains: Domains, protocol: Protocol, analysis: Analysis, cut: str = LATE
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """ADSL and ADDLT at a cut."""
    cut_date = pd.Timestamp(cut)
    adsl = derive_subjects(StudyData(domains, protocol, analysis, cut_date))
    return adsl, derive_addlt(adsl, StudyData(domains, protocol, analysis, cut_date))


def codes(domains: Domains, protocol: Protocol, analysis: Analysis, cut: str = LATE) -> list[str]:
    return status(domains, protocol, analysis, cut)[1]["DLTSTAT"].tolist()


def treated(name: str = "S01", start: str | None = None) -> TrialBuilder:
    """A subject with both infusions of level 1, seen on day 28."""
    return trial().subject(name, start=start).infused(0).infused(7).seen(28)


def flagged(builder: TrialBuilder, flag: str, seq: int = 1) -> TrialBuilder:
    return builder.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL=str(seq), QNAM="AEDLT", QVAL=flag)


def reaction(builder: TrialBuilder, day: int | str = 1) -> TrialBuilder:
    return builder.event("Infusion related reaction", day, 3, end=None, related="RELATED")


def test_followed_to_day_28_without_event_is_no_dlt(protocol: Protocol, analysis: Analysis) -> None:
    assert codes(treated().domains(), protocol, analysis) == ["NO-DLT"]


@pytest.mark.parametrize(("cut", "expected"), [("2025-02-06", "PENDING"), ("2025-02-07", "NO-DLT")])
def test_the_window_closes_on_the_cut_that_is_day_28(
    cut: str, expected: str, protocol: Protocol, analysis: Analysis
) -> None:
    assert codes(treated().domains(), protocol, analysis, cut) == [expected]


def test_an_adjudicated_event_in_the_window_is_a_dlt_with_its_date(protocol: Protocol, analysis: Analysis) -> None:
    _, addlt = status(flagged(reaction(treated(), 1), "Y").domains(), protocol, analysis)
    row = addlt.iloc[0]
    assert (row["DLTSTAT"], row["COUNTED"], row["DLTSEQ"]) == ("DLT", "Y", 1)
    assert row["DLTDT"] == pd.Timestamp("2025-01-11")


def test_a_candidate_without_adjudication_is_counted_and_asked_about(protocol: Protocol, analysis: Analysis) -> None:
    domains = reaction(treated()).domains()
    adsl, addlt = status(domains, protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["PENDING-ADJ"]
    assert addlt["COUNTED"].tolist() == ["Y"]
    rules = [q["rule"] for q in dlt_event_queries(dlt_events(adsl, domains, protocol, analysis), domains)]
    assert rules == ["A71-DLT-NOT-ADJUDICATED"]


def test_the_committee_overrules_the_definition_both_ways(protocol: Protocol, analysis: Analysis) -> None:
    cleared = flagged(reaction(treated()), "N").domains()
    assert codes(cleared, protocol, analysis) == ["NO-DLT"]
    mild = flagged(treated().event("Headache", 3, 2, related="NOT RELATED"), "Y").domains()
    assert codes(mild, protocol, analysis) == ["DLT"]


def test_both_flags_on_one_event_count_as_dlt_and_are_asked_about(protocol: Protocol, analysis: Analysis) -> None:
    domains = flagged(flagged(reaction(treated()), "N"), "Y").domains()
    adsl, addlt = status(domains, protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["DLT"]
    rules = [q["rule"] for q in dlt_event_queries(dlt_events(adsl, domains, protocol, analysis), domains)]
    assert rules == ["DLT-FLAG-CONFLICT"]


def test_a_partial_onset_that_decides_is_unresolved_and_counted(protocol: Protocol, analysis: Analysis) -> None:
    _, addlt = status(reaction(treated(), "2025-02").domains(), protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["UNRESOLVED"]
    assert addlt["COUNTED"].tolist() == ["Y"]
    assert addlt["DLTDT"].isna().all()


def test_a_partial_onset_whose_month_lies_in_the_window_decides_nothing(protocol: Protocol, analysis: Analysis) -> None:
    domains = reaction(treated("S01", start="2025-02-01"), "2025-02").domains()
    assert codes(domains, protocol, analysis) == ["PENDING-ADJ"]


def test_the_cut_bounds_a_partial_onset(protocol: Protocol, analysis: Analysis) -> None:
    """At a cut on day 27 an event of February began by then, so it lies in the window."""
    domains = reaction(treated(), "2025-02").domains()
    assert codes(domains, protocol, analysis, "2025-02-06") == ["PENDING-ADJ"]


def test_a_flagged_event_after_the_window_is_no_dlt_of_the_window(protocol: Protocol, analysis: Analysis) -> None:
    domains = flagged(reaction(treated(), 29), "Y").domains()
    adsl, addlt = status(domains, protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["NO-DLT"]
    rules = [q["rule"] for q in dlt_event_queries(dlt_events(adsl, domains, protocol, analysis), domains)]
    assert rules == ["DLT-FLAG-OUTSIDE-WINDOW"]


def test_a_death_of_agvhd_on_day_10_is_replaced_not_counted(protocol: Protocol, analysis: Analysis) -> None:
    builder = trial().subject("S01").infused(0).infused(7).died(10)
    builder.event("Acute graft versus host disease in intestine", 5, 5, end=10, related="")
    _, addlt = status(builder.domains(), protocol, analysis)
    row = addlt.iloc[0]
    assert (row["DLTSTAT"], row["COUNTED"], row["REPLACE"]) == ("NOT-EVAL", "", "Y")
    assert row["REASON"] == "died on day 10 without a DLT"


def test_a_death_on_day_28_has_completed_the_window(protocol: Protocol, analysis: Analysis) -> None:
    assert codes(trial().subject("S01").infused(0).infused(7).died(28).domains(), protocol, analysis) == ["NO-DLT"]


def test_a_related_death_is_a_dlt_even_when_the_term_is_the_disease(protocol: Protocol, analysis: Analysis) -> None:
    builder = trial().subject("S01").infused(0).infused(7).died(10)
    builder.event("Acute graft versus host disease in intestine", 5, 5, end=10, related="POSSIBLE")
    assert codes(builder.domains(), protocol, analysis) == ["PENDING-ADJ"]


def test_who_is_lost_in_the_window_is_not_evaluable(protocol: Protocol, analysis: Analysis) -> None:
    lost = trial().subject("S01").infused(0).infused(7).seen(12)
    lost.add("DS", DSDECOD="LOST TO FOLLOW-UP", DSSTDTC=lost.date(60))
    assert codes(lost.domains(), protocol, analysis) == ["NOT-EVAL"]


def test_nothing_counts_after_a_withdrawal_of_consent(protocol: Protocol, analysis: Analysis) -> None:
    """§2.7, A-137: a visit on day 28 does not undo a withdrawal on day 20; who was lost and came back was followed."""
    for term, expected in (("WITHDRAWAL BY SUBJECT", "NOT-EVAL"), ("LOST TO FOLLOW-UP", "NO-DLT")):
        builder = treated()
        builder.add("DS", DSDECOD=term, DSSTDTC=builder.date(20))
        assert codes(builder.domains(), protocol, analysis) == [expected]


def test_a_flag_that_belongs_to_no_event_counts_until_it_is_placed(protocol: Protocol, analysis: Analysis) -> None:
    lost = flagged(treated().event("Headache", 3, 2), "Y", seq=9).domains()
    _, addlt = status(lost, protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["UNRESOLVED"]
    assert addlt["REASON"].tolist() == ["event not in AE: the committee's flag Y names no record of AE, counted as DLT"]


def test_a_flag_without_a_readable_answer_counts_until_it_is_answered(protocol: Protocol, analysis: Analysis) -> None:
    domains = flagged(treated().event("Headache", 3, 2), "?").domains()
    adsl, addlt = status(domains, protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["PENDING-ADJ"]
    rules = [q["rule"] for q in dlt_event_queries(dlt_events(adsl, domains, protocol, analysis), domains)]
    assert rules == ["A71-DLT-NOT-ADJUDICATED"]


def test_without_disposition_nobody_is_silently_free_of_dlt(protocol: Protocol, analysis: Analysis) -> None:
    """Contact on or after the end of the window proves it; who was last seen before may have left (§14.2)."""
    builder = treated().subject("S02").infused(0).infused(7).seen(12)
    builder.add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC=builder.date(15))
    domains = builder.domains()
    assert codes(domains, protocol, analysis) == ["NO-DLT", "NOT-EVAL"]
    without = Domains({code: domains[code] for code in domains if code != "DS"})
    _, addlt = status(without, protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["NO-DLT", "PENDING-DATA"]
    assert addlt["REASON"].tolist()[1].endswith("; disposition (DS) was not delivered")


def test_a_death_on_an_unknown_day_is_told_as_a_range(protocol: Protocol, analysis: Analysis) -> None:
    _, addlt = status(
        trial().subject("S01").infused(0).infused(7).seen(9).died("2025-01").domains(), protocol, analysis
    )
    assert addlt["REASON"].tolist() == ["died (January 2025, day 9 to 21; counted as day 10) without a DLT"]


def test_who_withdraws_and_is_only_known_alive_later_is_not_evaluable(protocol: Protocol, analysis: Analysis) -> None:
    builder = trial().subject("S01").infused(0).infused(7).seen(12)
    builder.add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC=builder.date(20))
    builder.add("SS", SSTESTCD="SURVSTAT", SSORRES="ALIVE", SSDTC=builder.date(100))
    assert codes(builder.domains(), protocol, analysis) == ["NOT-EVAL"]


def test_under_dosed_without_dlt_is_replaced_and_with_dlt_stays(protocol: Protocol, analysis: Analysis) -> None:
    once = trial().subject("S01").infused(0).seen(28)
    _, addlt = status(once.domains(), protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["NOT-EVAL"]
    assert addlt["DOSEFRAC"].tolist() == [0.5]
    assert codes(flagged(reaction(once), "Y").domains(), protocol, analysis) == ["DLT"]


def test_an_infusion_not_yet_due_is_not_missed(protocol: Protocol, analysis: Analysis) -> None:
    once = trial().subject("S01").infused(0).seen(5)
    _, addlt = status(once.domains(), protocol, analysis, "2025-01-15")
    assert addlt["DLTSTAT"].tolist() == ["PENDING"]
    assert addlt["DOSEFRAC"].tolist() == [1.0]
    assert addlt["FUPFRAC"].tolist() == [pytest.approx(5 / 28)]


def test_an_infusion_recorded_as_not_given_ends_evaluability_at_once(protocol: Protocol, analysis: Analysis) -> None:
    missed = trial().subject("S01").infused(0).infused(7, 0.0).seen(9)
    assert codes(missed.domains(), protocol, analysis, "2025-01-20") == ["NOT-EVAL"]
    late = missed.infused(10)
    assert codes(late.domains(), protocol, analysis, "2025-01-21") == ["PENDING"]


def test_an_infusion_without_a_record_may_be_late_while_the_window_is_open(
    protocol: Protocol, analysis: Analysis
) -> None:
    once = trial().subject("S01").infused(0).seen(28)
    assert codes(once.domains(), protocol, analysis, "2025-01-30") == ["PENDING"]
    assert codes(once.domains(), protocol, analysis) == ["NOT-EVAL"]


def test_a_drug_of_another_trial_in_the_window_ends_evaluability(protocol: Protocol, analysis: Analysis) -> None:
    domains = treated().drug("Investigational product X", 14).domains()
    assert codes(domains, protocol, analysis) == ["NOT-EVAL"]
    assert codes(treated().drug("Investigational product X", 30).domains(), protocol, analysis) == ["NO-DLT"]


def test_a_closed_window_without_contact_to_its_end_waits_for_data(protocol: Protocol, analysis: Analysis) -> None:
    domains = trial().subject("S01").infused(0).infused(7).seen(21).domains()
    _, addlt = status(domains, protocol, analysis)
    assert addlt["DLTSTAT"].tolist() == ["PENDING-DATA"]
    assert addlt["FUPFRAC"].tolist() == [0.75]
    assert [q["rule"] for q in dlt_subject_queries(addlt, domains)] == ["A74-DLT-WINDOW-NOT-DOCUMENTED"]


def test_a_related_event_without_a_grade_keeps_the_window_open(protocol: Protocol, analysis: Analysis) -> None:
    domains = treated().add("AE", AEDECOD="Rash", AEREL="RELATED", AESTDTC="2025-01-15").domains()
    assert codes(domains, protocol, analysis) == ["PENDING-DATA"]


def test_a_dose_that_cannot_be_told_keeps_the_window_open(protocol: Protocol, analysis: Analysis) -> None:
    domains = trial().subject("S01").infused(0).infused(7, EXDOSU="bags").seen(28).domains()
    assert codes(domains, protocol, analysis) == ["PENDING-DATA"]


def test_only_treated_subjects_have_a_status(protocol: Protocol, analysis: Analysis) -> None:
    domains = treated().subject("S02", level="SCRNFAIL").domains()
    _, addlt = status(domains, protocol, analysis)
    assert addlt["SUBJID"].tolist() == ["S01"]


def test_a_trial_without_a_dlt_endpoint_has_an_empty_addlt(protocol: Protocol, analysis: Analysis) -> None:
    other = protocol.model_copy(update={"study": protocol.study.model_copy(update={"endpoints": ["TEAE"]})})
    _, addlt = status(reaction(treated()).domains(), other, analysis)
    assert addlt.empty
    assert "DLTSTAT" in addlt.columns


def test_no_treated_subject_gives_an_empty_addlt_with_types(protocol: Protocol, analysis: Analysis) -> None:
    _, addlt = status(trial().subject("S01").domains(), protocol, analysis)
    assert addlt.empty
    assert str(addlt["DLTDT"].dtype) == "datetime64[s]"


def test_the_weights_of_tite_are_the_shares_of_the_window_followed(protocol: Protocol, analysis: Analysis) -> None:
    """The linear weights of §4.10: now 10, recruited 4, 5, 6, 7, a window of 6: 1, 0.8333, 0.6667, 0.5."""
    short = analysis.model_copy(update={"dlt_window": [0, 6]})
    builder = trial()
    for day in (4, 5, 6, 7):
        builder.subject(f"S{day}", start=f"2025-03-{day:02d}").infused(0).seen(10 - day)
    _, addlt = status(builder.domains(), protocol, short, "2025-03-10")
    assert addlt["FUPFRAC"].tolist() == pytest.approx([1.0, 0.8333, 0.6667, 0.5], abs=1e-4)
