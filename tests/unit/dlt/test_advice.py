"""The advice, its notes and the reported numbers of the DLT step, on small trials."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.display import figure
from trialbook.display.charts.escalation import escalation_diary_chart
from trialbook.dlt import tables
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.advice import advice, alternatives, committee_notes
from trialbook.dlt.definition import definition
from trialbook.dlt.escalation_status import escalation_status, reported_headline
from trialbook.dlt.events import dlt_events
from trialbook.dlt.next_cohort import next_rows
from trialbook.dlt.reporting import advice_rows, dlt_count_rows, dlt_rate_rows
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.statistics.intervals import prob_greater
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-03-31")


def addlt(builder: TrialBuilder, protocol: Protocol, analysis: Analysis, cut: pd.Timestamp = CUT) -> pd.DataFrame:
    domains = builder.domains()
    return derive_addlt(
        derive_subjects(StudyData(domains, protocol, analysis, cut)), StudyData(domains, protocol, analysis, cut)
    )


def cohort(builder: TrialBuilder, starts: list[str], level: str = "DL1", dose: float = 1.0) -> TrialBuilder:
    """Subjects followed to day 28 or as long as the cut allows."""
    for start in starts:
        name = f"{level}-{start}"
        builder.subject(name, level=level, start=start).infused(0, dose).infused(7, dose).seen(28)
    return builder


def test_three_without_dlt_escalate(protocol: Protocol, analysis: Analysis) -> None:
    frame = addlt(cohort(trial(), ["2025-01-01", "2025-01-15", "2025-02-01"]), protocol, analysis)
    given = advice(frame, protocol, analysis, CUT)
    assert (given.code, given.level, given.date_text) == ("ONGOING(ESCALATE DL2)", "DL2", "-")
    assert given.sentence == (
        "Advice by rule 3+3, given 3 DLT-evaluable subjects at the cut 2025-03-31: DL1: 0 of 3 DLT: escalate to DL2. "
        "The Safety Review Committee decides."
    )
    assert given.worst == given.best == given.code


def test_a_pending_subject_makes_the_rule_wait_to_the_day_the_window_closes(
    protocol: Protocol, analysis: Analysis
) -> None:
    frame = addlt(cohort(trial(), ["2025-01-01", "2025-01-15", "2025-03-10"]), protocol, analysis)
    given = advice(frame, protocol, analysis, CUT)
    assert (given.code, given.date_text) == ("ONGOING(WAIT DL1)", "2025-04-07")
    assert (given.worst, given.best) == ("ONGOING(EXPAND DL1)", "ONGOING(ESCALATE DL2)")


def test_a_candidate_is_counted_until_adjudicated_and_said_loudly(protocol: Protocol, analysis: Analysis) -> None:
    builder = cohort(trial(), ["2025-01-01", "2025-01-15", "2025-02-01"])
    builder.event("Anaphylactic reaction", 0, 4, related="PROBABLE")
    frame = addlt(builder, protocol, analysis)
    given = advice(frame, protocol, analysis, CUT)
    assert (given.code, given.best) == ("ONGOING(EXPAND DL1)", "ONGOING(ESCALATE DL2)")
    loud = [note.text for note in committee_notes(frame, given, protocol, analysis) if note.kind == "warning"]
    assert loud == ["DL1-2025-02-01 (DL1): counted as DLT: a candidate DLT has not been adjudicated (A-71)."]


def test_a_replaced_subject_uses_a_place_of_the_cap(protocol: Protocol, analysis: Analysis) -> None:
    builder = cohort(trial(), ["2025-01-01"]).subject("S02").infused(0).infused(7).died(10)
    frame = addlt(builder, protocol, analysis)
    given = advice(frame, protocol, analysis, CUT)
    assert given.code == "ONGOING(ENROL DL1)"
    texts = [note.text for note in committee_notes(frame, given, protocol, analysis)]
    assert texts[0] == (
        "S02 (DL1): died on day 10 without a DLT; not evaluable, may be replaced; still counts towards the cap (A-73)."
    )
    assert "10 of 12 places are left (treated subjects count)." in texts


def test_nobody_treated_starts_at_the_lowest_level(protocol: Protocol, analysis: Analysis) -> None:
    given = advice(addlt(trial().subject("S01"), protocol, analysis), protocol, analysis, CUT)
    assert given.code == "ONGOING(START DL1)"


def test_without_a_rule_there_is_no_advice(protocol: Protocol, analysis: Analysis) -> None:
    none = analysis.model_copy(update={"escalation_rule": "none"})
    given = advice(addlt(trial(), protocol, none), protocol, none, CUT)
    assert (given.code, given.date_text) == ("-", "-")


def test_the_rates_are_exact_and_a_level_without_subjects_has_none(protocol: Protocol, analysis: Analysis) -> None:
    builder = cohort(trial(), ["2025-01-01", "2025-01-15", "2025-02-01"])
    builder.event("Anaphylactic reaction", 0, 4, related="PROBABLE")
    ard = to_ard(dlt_rate_rows(addlt(builder, protocol, analysis), protocol, analysis))
    at = {(row.group1_level, row.stat_name): row.stat_text for row in ard.itertuples()}
    assert [at["DL1", name] for name in ("n", "N", "estimate", "conf.low", "conf.high", "prob_gt_target")] == [
        "1", "3", "0.333", "0.008", "0.906", "0.652",
    ]  # fmt: skip
    assert [at["DL2", name] for name in ("n", "N", "estimate", "prob_gt_target")] == ["0", "0", "-", "-"]
    assert set(ard["context"]) == {"clopper_pearson"}


@pytest.mark.parametrize(
    ("dlts", "n", "expected"),
    [(0, 3, 0.240), (1, 3, 0.652), (2, 3, 0.916), (3, 3, 0.992), (0, 6, 0.082), (1, 6, 0.329), (2, 6, 0.647),
     (3, 6, 0.874)],
)  # fmt: skip
def test_the_probability_that_the_rate_exceeds_the_target(dlts: int, n: int, expected: float) -> None:
    assert prob_greater(dlts, n, 0.30) == pytest.approx(expected, abs=0.0005)


def test_every_status_is_reported_for_every_level_and_adds_up(protocol: Protocol, analysis: Analysis) -> None:
    builder = cohort(trial(), ["2025-01-01", "2025-03-20"])
    cohort(builder, ["2025-02-01"], "DL2", 2.0)
    ard = to_ard(dlt_count_rows(addlt(builder, protocol, analysis), protocol))
    counts = ard[ard["analysis_id"].eq("DLT")].pivot_table(
        index="variable_level", columns="group1_level", values="stat"
    )
    assert counts["Total"].sum() == 3
    assert (counts[["DL1", "DL2", "DL3"]].sum(axis=1) == counts["Total"]).all()
    assert counts.loc["NO-DLT", "DL2"] == 1


def test_the_advice_is_reported_as_text_and_other_rules_apart(protocol: Protocol, analysis: Analysis) -> None:
    frame = addlt(cohort(trial(), ["2025-01-01", "2025-01-15", "2025-03-10"]), protocol, analysis)
    given = advice(frame, protocol, analysis, CUT)
    ard = to_ard(advice_rows(given, alternatives(frame, protocol, analysis, CUT)))
    own = ard[ard["variable"].eq("3+3")].set_index("stat_name")["stat_text"].to_dict()
    assert own == {
        "advice": "ONGOING(WAIT DL1)", "decision_date": "2025-04-07", "worst": "ONGOING(EXPAND DL1)",
        "best": "ONGOING(ESCALATE DL2)",
    }  # fmt: skip
    assert ard["stat"].isna().all()
    others = set(ard.loc[ard["context"].eq("alternative"), "variable"])
    assert others == {"i3+3", "mtpi-2", "keyboard", "boin", "crm", "tite-crm", "tite-boin", "rolling6"}


def stood(frame: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> tuple[str, str, list[str]]:
    """What holds as a sentence, by the functions and by the reported numbers, and the labels of the first cards."""
    given = advice(frame, protocol, analysis, CUT)
    status = escalation_status(frame, given, protocol, analysis, CUT)
    assert status is not None
    counts = to_ard(dlt_count_rows(frame, protocol))
    cards = [f"{label}: {value}" for label, value, _ in tables.headline(counts, given, status, protocol)[:2]]
    told = to_ard([*advice_rows(given, []), *next_rows(frame, protocol, analysis, CUT)])
    return status.sentence, reported_headline(told, analysis), cards


def test_one_headline_says_what_holds_for_the_trial_before_what_the_rule_advises(
    protocol: Protocol, analysis: Analysis
) -> None:
    full = analysis.model_copy(update={"n_cap": 8})
    book = cohort(trial(), ["2025-01-01", "2025-01-02", "2025-01-03"])
    book = cohort(cohort(book, ["2025-01-10", "2025-01-11", "2025-01-12"], "DL2", 2.0), ["2025-02-10"], "DL3", 4.0)
    book = cohort(book, ["2025-03-20"], "DL3", 4.0)
    frame = addlt(book, protocol, full)
    sentence, reported, cards = stood(frame, protocol, full)
    assert sentence == (
        "The cap of 8 is reached; no MTD can be named. DL3 has 0 of 1, 1 pending, too few for the rule. Advice of rule "
        "3+3: wait at DL3 (DL3: 0 of 1 DLT, 1 pending: wait to 2025-04-17). With or without a DLT there, the rule ends "
        "the same way. The Safety Review Committee decides."
    )
    assert sentence.startswith(reported)
    assert cards == [
        "Status of the escalation: The cap of 8 is reached; no MTD can be named", "Advice by rule 3+3: wait at DL3",
    ]  # fmt: skip


def test_the_headline_is_the_advice_where_an_outcome_can_still_change_the_end(
    protocol: Protocol, analysis: Analysis
) -> None:
    full = analysis.model_copy(update={"n_cap": 3})
    book = cohort(cohort(trial(), ["2025-01-01", "2025-03-11"]), ["2025-03-10"])
    book.event("Anaphylactic reaction", 2, 4, related="PROBABLE")
    sentence, reported, cards = stood(addlt(book, protocol, full), protocol, full)
    assert (reported, cards[0]) == ("Wait at DL1; no dose decision yet.", "Advice by rule 3+3: wait at DL1")
    assert sentence.startswith(f"{reported} All 3 places are used. Advice of rule 3+3: wait at DL1 (")
    free = addlt(cohort(trial(), ["2025-01-01", "2025-01-02", "2025-01-03"]), protocol, analysis)
    assert stood(free, protocol, analysis)[:2] == (
        "Escalate to DL2. Advice of rule 3+3: escalate to DL2 (DL1: 0 of 3 DLT: escalate to DL2). The Safety Review "
        "Committee decides.", "Escalate to DL2.",
    )  # fmt: skip


def test_the_listings_tell_days_reasons_and_the_order_of_escalation(protocol: Protocol, analysis: Analysis) -> None:
    builder = cohort(trial(), ["2025-01-15", "2025-01-01"])
    builder.event("Anaphylactic reaction", 2, 4, related="PROBABLE")
    domains = builder.domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    frame = derive_addlt(adsl, StudyData(domains, protocol, analysis, CUT))
    listed = tables.event_listing(dlt_events(adsl, domains, protocol, analysis), frame)
    assert listed[["SUBJID", "DAY", "ADY", "DLTCAND"]].values.tolist() == [["DL1-2025-01-01", 2, 3, "Y"]]
    diary = tables.escalation_diary(frame)
    assert diary["outcome"].tolist() == ["counted as DLT", "no DLT"]
    assert diary["order"].tolist() == [1, 2]


def test_the_escalation_diary_is_drawn_with_a_mark_for_each_subject(protocol: Protocol, analysis: Analysis) -> None:
    frame = addlt(cohort(trial(), ["2025-01-01", "2025-03-20"]), protocol, analysis)
    diary = tables.escalation_diary(frame)
    spec = figure(escalation_diary_chart(diary, protocol.level_ids), diary, "F16").spec  # type: ignore[union-attr]
    marks = spec["layer"][1]["encoding"]
    assert marks["fill"]["scale"]["domain"] == ["no DLT", "pending"]
    assert marks["fill"]["scale"]["range"][1] == "#ffffff"
    assert marks["y"]["scale"]["domain"] == ["DL3", "DL2", "DL1"]


def test_a_trial_without_a_dlt_endpoint_says_so_everywhere(protocol: Protocol, analysis: Analysis) -> None:
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    other = protocol.model_copy(update={"study": study})
    frame = addlt(cohort(trial(), ["2025-01-01"]), other, analysis)
    given = advice(frame, other, analysis, CUT)
    assert escalation_status(frame, given, other, analysis, CUT) is None
    assert [label for label, *_ in tables.headline(to_ard([]), given, None, other)] == ["DLT"]
    assert definition(other, analysis).empty
