"""The six cases of the committee's page, each with its status and its visible note (issue 7), and the advice over time.

A DLT with a partial onset date; a death of aGVHD on day 10; an under-dosed subject; a DLT reported after the cut; a
DLT that the committee takes back; a second infusion at another level.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.display import figure
from trialbook.display.charts.escalation import advice_timeline_chart
from trialbook.dlt import over_time, tables
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.advice import Advice, advice, committee_notes, late_report_notes
from trialbook.dlt.designs.registry import make_rule
from trialbook.dlt.events import dlt_events
from trialbook.dlt.followup import dose_notes, infusions_received
from trialbook.dlt.model_rates import model_rate_rows, model_rate_table
from trialbook.dlt.over_time import advice_over_time
from trialbook.dlt.pathways import probability_without_mtd
from trialbook.dlt.reporting import timeline_rows
from trialbook.escalation_simulation import remaining
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-06-30")


class Page(NamedTuple):
    """What the notebook works out."""

    addlt: pd.DataFrame
    events: pd.DataFrame
    advice: Advice
    notes: list[str]
    received: pd.DataFrame


def page(builder: TrialBuilder, protocol: Protocol, analysis: Analysis, cut: str = "2025-06-30") -> Page:
    cut_date, domains = pd.Timestamp(cut), builder.domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, cut_date))
    addlt = derive_addlt(adsl, StudyData(domains, protocol, analysis, cut_date))
    events = dlt_events(adsl, domains, protocol, analysis)
    given = advice(addlt, protocol, analysis, cut_date)
    received = infusions_received(addlt, StudyData(domains, protocol, analysis, cut_date))
    notes = [
        *committee_notes(addlt, given, protocol, analysis), *late_report_notes(events, addlt, cut_date),
        *dose_notes(received),
    ]  # fmt: skip
    return Page(addlt, events, given, [f"{note.kind}: {note.text}" for note in notes], received)


def subject(builder: TrialBuilder, name: str, start: str, level: str = "DL1", dose: float = 1.0) -> TrialBuilder:
    """Both infusions, followed to day 28."""
    return builder.subject(name, level=level, start=start).infused(0, dose).infused(7, dose).seen(28)


def reaction(builder: TrialBuilder, day: int | str, **ae: object) -> TrialBuilder:
    return builder.event("Infusion related reaction", day, 3, related="RELATED", **ae)  # type: ignore[arg-type]


def flagged(builder: TrialBuilder, flag: str) -> TrialBuilder:
    return builder.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="1", QNAM="AEDLT", QVAL=flag)


def three(builder: TrialBuilder) -> TrialBuilder:
    """S01 to S03 at level 1, a month apart."""
    for name, start in (("S01", "2025-01-10"), ("S02", "2025-02-10"), ("S03", "2025-03-10")):
        subject(builder, name, start)
    return builder


def test_a_dlt_with_a_partial_onset_date_counts_and_is_said(protocol: Protocol, analysis: Analysis) -> None:
    found = page(flagged(reaction(three(trial()), "2025-04"), "Y"), protocol, analysis)
    assert found.addlt["DLTSTAT"].tolist() == ["NO-DLT", "NO-DLT", "UNRESOLVED"]
    assert found.advice.code == "ONGOING(EXPAND DL1)"
    assert found.notes[0] == (
        "warning: S03 (DL1): counted as DLT: a partial onset date leaves open whether the event lies in the window "
        "(A-65)."
    )


def test_a_partial_onset_that_lies_in_the_window_whatever_its_day_is_a_dlt_without_a_date(
    protocol: Protocol, analysis: Analysis
) -> None:
    builder = flagged(reaction(subject(trial(), "S01", "2025-02-01"), "2025-02"), "Y")
    row = page(builder, protocol, analysis).addlt.iloc[0]
    assert (row["DLTSTAT"], row["STATDT"]) == ("DLT", pd.Timestamp("2025-02-01"))
    assert pd.isna(row["DLTDT"])


def test_a_death_of_agvhd_on_day_10_is_replaced_and_named_with_its_reason(
    protocol: Protocol, analysis: Analysis
) -> None:
    builder = three(trial()).subject("S04", start="2025-04-10").infused(0).infused(7).died(10)
    builder.event("Acute graft versus host disease in intestine", 5, 5, end=10, related="NOT RELATED")
    found = page(builder, protocol, analysis)
    assert found.addlt.set_index("SUBJID").loc["S04", ["DLTSTAT", "REPLACE"]].tolist() == ["NOT-EVAL", "Y"]
    assert found.addlt["STATDT"].iloc[-1] == pd.Timestamp("2025-04-20")
    assert (
        "warning: S04 (DL1): died on day 10 without a DLT; not evaluable, may be replaced; still counts towards the "
        "cap (A-73)." in found.notes
    )
    assert "info: 8 of 12 places are left (treated subjects count)." in found.notes


def test_an_under_dosed_subject_is_replaced_unless_a_dlt_counts(protocol: Protocol, analysis: Analysis) -> None:
    once = trial().subject("S01", start="2025-01-10").infused(0).seen(28)
    assert page(once, protocol, analysis).notes[0] == (
        "warning: S01 (DL1): received 50% of the dose due, without a DLT; not evaluable, may be replaced; still "
        "counts towards the cap (A-73)."
    )
    counted = page(flagged(reaction(once, 1), "Y"), protocol, analysis)
    assert counted.addlt["DLTSTAT"].tolist() == ["DLT"]
    assert counted.notes[0] == "info: S01 (DL1): received 50% of the dose due, but a DLT always counts."


def test_an_infusion_that_was_not_given_tells_when_the_subject_was_lost_to_the_rule(
    protocol: Protocol, analysis: Analysis
) -> None:
    missed = trial().subject("S01", start="2025-01-10").infused(0).infused(7, 0.0).seen(28)
    assert page(missed, protocol, analysis).addlt["STATDT"].tolist() == [pd.Timestamp("2025-01-17")]


def test_a_dlt_reported_after_the_cut_counts_and_is_said(protocol: Protocol, analysis: Analysis) -> None:
    """Its onset lies before the cut, its reporting date (AEDTC) after it."""
    found = page(flagged(reaction(three(trial()), 3, AEDTC="2025-07-04"), "Y"), protocol, analysis)
    assert found.addlt["DLTSTAT"].tolist() == ["NO-DLT", "NO-DLT", "DLT"]
    assert (
        "warning: S03 (DL1): Infusion related reaction was reported on 2025-07-04, after the cut; its onset lies "
        "before it, so it counts." in found.notes
    )


def test_a_dlt_that_the_last_cut_did_not_know_is_a_restatement(protocol: Protocol, analysis: Analysis) -> None:
    before = page(three(trial()), protocol, analysis, "2025-05-31").addlt
    now = page(flagged(reaction(three(trial()), 3), "Y"), protocol, analysis)
    changed = over_time.status_changes(now.addlt, before, pd.Timestamp("2025-05-31"))
    assert changed.values.tolist() == [
        ["S03", "DL1", "NO-DLT", "DLT", "restated: onset before the last cut, reported after it"]
    ]
    (note,) = over_time.change_notes(changed)
    assert note.kind == "warning"
    assert note.text.startswith("S03 (DL1): NO-DLT at the last cut, now DLT: restated")


def test_a_dlt_after_the_cut_is_not_known_to_it(protocol: Protocol, analysis: Analysis) -> None:
    builder = flagged(reaction(subject(trial(), "S01", "2025-06-20"), 15), "Y")
    ae = builder.domains()["AE"]
    assert ae["AESTDTC"].tolist() == ["2025-07-05"]
    later = page(builder, protocol, analysis, "2025-07-31")
    assert later.addlt["DLTSTAT"].tolist() == ["DLT"]
    before = advice_over_time(later.addlt, protocol, analysis, pd.Timestamp("2025-07-31"))
    known = before[before["date"] <= CUT]
    assert known["counted"].tolist() == [0]


def test_a_dlt_that_the_committee_takes_back_is_said_loudly_and_changes_the_advice(
    protocol: Protocol, analysis: Analysis
) -> None:
    first = page(flagged(reaction(three(trial()), 3), "Y"), protocol, analysis, "2025-05-31")
    second = page(flagged(reaction(three(trial()), 3), "N"), protocol, analysis)
    assert (first.advice.code, second.advice.code) == ("ONGOING(EXPAND DL1)", "ONGOING(ESCALATE DL2)")
    changed = over_time.status_changes(second.addlt, first.addlt, pd.Timestamp("2025-05-31"))
    (note,) = over_time.change_notes(changed)
    assert note.text == (
        "S03 (DL1): DLT at the last cut, now NO-DLT: restated: no longer a DLT (Y to N, or the record has changed)."
    )
    said = over_time.change_sentence(changed, second.advice, first.advice.code, "2025-05-31")
    assert said == (
        "The advice is escalate to DL2; at the cut 2025-05-31 it was enrol up to 6 at DL1. 1 subject changed since the "
        "cut 2025-05-31."
    )


def test_a_second_infusion_at_another_level_is_shown_beside_the_level_planned(
    protocol: Protocol, analysis: Analysis
) -> None:
    builder = trial().subject("S01", level="DL1", start="2025-01-10").infused(0, 1.0).infused(7, 2.0).seen(28)
    found = page(builder, protocol, analysis)
    assert found.addlt[["TRT01A", "DLTSTAT"]].values.tolist() == [["DL1", "NO-DLT"]]
    shown = found.received[["TRT01P", "TRT01A", "INFNO", "LEVEL", "REMARK"]].values.tolist()
    assert shown == [["DL1", "DL1", 1, "DL1", ""], ["DL1", "DL1", 2, "DL2", "another level than the first infusion"]]
    assert found.notes[-1] == (
        "warning: S01 (planned DL1): infusion 2 on day 7 was DL2, another level than the first infusion; the subject "
        "stays at the level of its first infusion."
    )


def test_a_first_infusion_at_another_level_than_planned_is_said_too(protocol: Protocol, analysis: Analysis) -> None:
    builder = trial().subject("S01", level="DL1", start="2025-01-10").infused(0, 2.0).infused(7, 2.0).seen(28)
    found = page(builder, protocol, analysis)
    assert found.received["REMARK"].tolist() == ["not the level planned", ""]
    assert any("infusion 1 on day 0 was DL2, not the level planned" in note for note in found.notes)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("PENDING", "NO-DLT", over_time.CLOSED), ("PENDING", "DLT", over_time.SEEN),
        ("PENDING", "NOT-EVAL", over_time.LEFT),
        ("PENDING-ADJ", "DLT", over_time.CONFIRMED), ("PENDING-ADJ", "NO-DLT", over_time.REFUTED),
        ("PENDING-ADJ", "UNRESOLVED", over_time.OTHER), ("DLT", "NO-DLT", over_time.CLEARED),
        ("UNRESOLVED", "DLT", over_time.OTHER), ("NO-DLT", "NOT-EVAL", over_time.OTHER),
        ("PENDING-DATA", "NO-DLT", over_time.CLOSED), ("", "PENDING", over_time.NEW), ("DLT", "", over_time.GONE),
    ],
)  # fmt: skip
def test_every_change_of_status_has_a_name(old: str, new: str, expected: str) -> None:
    def one(status: str) -> pd.DataFrame:
        frame = pd.DataFrame({"USUBJID": ["X"], "SUBJID": ["X"], "TRT01A": ["DL1"], "DLTSTAT": [status]}).astype("str")
        frame = frame.assign(DLTDT=pd.Series([pd.Timestamp("2025-06-10")], dtype="datetime64[s]"))
        other = frame.assign(USUBJID="Y", DLTSTAT="NO-DLT")
        return pd.concat([frame, other] if status else [other], ignore_index=True)

    changed = over_time.status_changes(one(new), one(old), pd.Timestamp("2025-05-31"))
    assert changed["CHANGE"].tolist() == [expected]
    assert bool(over_time.change_notes(changed)) == (expected in over_time.RESTATED)


def test_without_an_earlier_cut_nothing_changed_and_that_is_said(protocol: Protocol, analysis: Analysis) -> None:
    found = page(three(trial()), protocol, analysis)
    assert over_time.status_changes(found.addlt, None, None).empty
    assert over_time.change_sentence(found.addlt.head(0), found.advice, "", None).startswith("There is no earlier cut")
    assert over_time.advice_before(None, "3+3") == ""


def test_the_advice_over_time_tells_what_was_known_when(protocol: Protocol, analysis: Analysis) -> None:
    builder = subject(trial(), "S01", "2025-01-10")
    subject(builder, "S02", "2025-01-20").subject("S03", start="2025-01-25").infused(0).infused(7).died(10)
    flagged(reaction(subject(builder, "S04", "2025-03-01"), 3, AEDTC="2025-04-15"), "Y")
    found = page(builder, protocol, analysis)
    table = advice_over_time(found.addlt, protocol, analysis, CUT)
    rows = [(f"{row.date:%m-%d}", row.news, row.counted, row.pending, row.advice) for row in table.itertuples()]
    assert rows == [
        ("01-10", "S01 treated at DL1", 0, 1, "enrol at DL1"),
        ("01-20", "S02 treated at DL1", 0, 2, "enrol at DL1"),
        ("01-25", "S03 treated at DL1", 0, 3, "wait at DL1"),
        ("02-04", "S03: not evaluable", 0, 2, "enrol at DL1"),
        ("02-07", "S01: window closed without DLT", 0, 1, "enrol at DL1"),
        ("02-17", "S02: window closed without DLT", 0, 0, "enrol at DL1"),
        ("03-01", "S04 treated at DL1", 0, 1, "wait at DL1"),
        ("03-29", "S04: window closed, nothing reported yet", 0, 0, "escalate to DL2"),
        ("04-15", "S04: DLT", 1, 0, "enrol up to 6 at DL1"),
        ("06-30", "the cut", 1, 0, "enrol up to 6 at DL1"),
    ]
    assert table["code"].iloc[-1] == found.advice.code
    ard = to_ard(timeline_rows(table, "3+3"))
    assert ard["variable_level"].tolist()[-1] == "2025-06-30"
    spec = figure(advice_timeline_chart(table, protocol.level_ids), table, "F").spec  # type: ignore[union-attr]
    assert spec["layer"][1]["encoding"]["y"]["scale"]["domain"] == ["DL3", "DL2", "DL1"]


def test_the_first_screen_says_which_level_is_open(protocol: Protocol, analysis: Analysis) -> None:
    waiting = page(three(trial()), protocol, analysis, "2025-03-15").advice
    assert tables.open_level(waiting) == ("none", "DL1 waits for a decision")
    assert tables.open_level(page(three(trial()), protocol, analysis).advice) == ("DL2", "for the next subject")
    toxic = trial()
    for name in ("S01", "S02"):
        flagged(reaction(subject(toxic, name, "2025-01-10"), 1), "Y")
    ended = page(toxic, protocol, analysis).advice
    assert (ended.code, tables.open_level(ended)[0]) == ("NO_DOSE", "none")


def test_the_rest_of_the_trial_starts_from_the_present_state(protocol: Protocol, analysis: Analysis) -> None:
    """Nobody treated: the printed probabilities; three windows open: as before them, with three fewer to come."""
    nobody = remaining.remaining_path(page(trial(), protocol, analysis).addlt, protocol, analysis)
    open_windows = page(_just_treated(), protocol, analysis, "2025-01-10").addlt
    assert open_windows["DLTSTAT"].tolist() == ["PENDING"] * 3
    later = remaining.remaining_path(open_windows, protocol, analysis)
    ends = [path[path["measure"].isin(["outcome", "selected", "undecided"])] for path in (nobody, later)]
    pd.testing.assert_frame_equal(*(one.reset_index(drop=True) for one in ends))
    total = [path[(path["measure"] == "treated") & (path["level"] == "Total")]["estimate"] for path in (nobody, later)]
    assert (total[0].to_numpy() - total[1].to_numpy()).tolist() == pytest.approx([3.0] * 4)
    ard = to_ard(remaining.remaining_rows(nobody))
    shown = remaining.path_table(ard, protocol, analysis).set_index("scenario")
    assert shown.loc["safe", ["MTD DL3", "WITHOUT_MTD", "UNDECIDED", "NO_DOSE", "TREATED"]].tolist() == [
        "0.410", "0.421", "0.393", "0.027", "11.737",
    ]  # fmt: skip
    rule, rates = make_rule("3+3", analysis, 3), analysis.oc_scenarios["safe"]
    assert f"{probability_without_mtd(rule, protocol.level_ids, rates):.3f}" == "0.421"


def _just_treated() -> TrialBuilder:
    builder = trial()
    for name in ("S01", "S02", "S03"):
        builder.subject(name, start="2025-01-10").infused(0)
    return builder


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"escalation_rule": "none"}, "No escalation rule"),
        ({"n_cap": 60}, "too many ways"),
        ({"oc_scenarios": {"two": [0.1, 0.2]}}, "fit the 3 dose levels"),
    ],
)
def test_where_the_rest_cannot_be_enumerated_the_page_says_why(
    change: dict[str, object], words: str, protocol: Protocol, analysis: Analysis
) -> None:
    other = analysis.model_copy(update=change)
    addlt = page(three(trial()), protocol, analysis).addlt
    assert words in remaining.cannot_say(protocol, other)
    path = remaining.remaining_path(addlt, protocol, other)
    assert path.empty
    assert remaining.path_table(to_ard(remaining.remaining_rows(path)), protocol, other).empty


def test_the_model_of_a_crm_shows_its_rates_and_other_rules_have_none(protocol: Protocol, analysis: Analysis) -> None:
    addlt = page(three(trial()), protocol, analysis).addlt
    assert list(model_rate_rows(addlt, protocol, analysis)) == []
    crm = analysis.model_copy(update={"escalation_rule": "CRM", "dlt_target": 0.25})
    shown = model_rate_table(to_ard(model_rate_rows(addlt, protocol, crm)))
    # 0 of 3 at level 1, as computed in the rulebook §4.10.
    assert shown["estimate"].tolist() == ["0.017", "0.070", "0.172"]
    assert shown["prior"].tolist() == ["0.120", "0.250", "0.400"]
