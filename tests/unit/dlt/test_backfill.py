"""Backfill subjects: who is one, that they count only where the key says so, and what is said and asked of them."""

from __future__ import annotations

import pandas as pd
import pytest

from support.default_keys import keys
from support.trial_builder import TrialBuilder
from trialbook.dlt.addlt import derive_addlt, dlt_subject_queries
from trialbook.dlt.advice import advice, committee_notes, trial_history
from trialbook.dlt.decisions import advice_on
from trialbook.dlt.over_time import advice_over_time
from trialbook.dlt.tables import status_listing
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-06-30")


def trial(said: str = "Y", dlt: bool = False) -> TrialBuilder:
    """Three subjects at DL1 and one at DL2; then a fourth at DL1, of whom SUPPDM says whether it is backfill."""
    book = TrialBuilder()
    for k, (name, level) in enumerate([("S1", "DL1"), ("S2", "DL1"), ("S3", "DL1"), ("S4", "DL2"), ("S5", "DL1")]):
        start = (pd.Timestamp("2025-01-10") + pd.Timedelta(days=14 * k)).strftime("%Y-%m-%d")
        dose = 2.0 if level == "DL2" else 1.0
        book.subject(name, level=level, start=start).infused(0, dose).infused(7, dose).seen(40)
    book.add("SUPPDM", RDOMAIN="DM", QNAM="BACKFILL", QVAL=said)
    if dlt:
        book.event("Infusion related reaction", 5, grade=3, AEREL="RELATED")
        book.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="1", QNAM="AEDLT", QVAL="Y")
    return book


def derived(book: TrialBuilder, protocol: Protocol, **changes: object) -> tuple[pd.DataFrame, StudyData]:
    study = StudyData(book.domains(), protocol, keys(**changes), CUT)
    return derive_addlt(derive_subjects(study), study), study


def test_backfill_uses_a_place_and_does_not_count(protocol: Protocol) -> None:
    addlt, study = derived(trial(dlt=True), protocol)
    assert addlt.set_index("SUBJID")["BACKFL"].to_dict() == dict.fromkeys(["S1", "S2", "S3", "S4"], "") | {"S5": "Y"}
    past, pending = trial_history(addlt, protocol.level_ids)
    assert [past.says(level) for level in (0, 1)] == ["DL1: 0 of 3", "DL2: 0 of 1"]
    assert (past.current, past.replaced, pending) == (1, (0,), ())
    assert advice(addlt, protocol, study.analysis, CUT).code == "ONGOING(ENROL DL2)"
    assert advice_on(CUT, addlt, protocol, study.analysis) == "ONGOING(ENROL DL2)"
    assert advice_over_time(addlt, protocol, study.analysis, CUT)["code"].iloc[-1] == "ONGOING(ENROL DL2)"


def test_with_the_key_it_counts_and_the_current_level_stays(protocol: Protocol) -> None:
    addlt, study = derived(trial(dlt=True), protocol, backfill_counts=True)
    past, _ = trial_history(addlt, protocol.level_ids)
    assert (past.says(0), past.current, past.replaced) == ("DL1: 1 of 4", 1, ())
    said = committee_notes(addlt, advice(addlt, protocol, study.analysis, CUT), protocol, study.analysis)
    assert any("count for the escalation rule, as the parameter file says" in note.text for note in said)


def test_the_page_names_them_and_warns_of_a_dlt_that_does_not_count(protocol: Protocol) -> None:
    addlt, study = derived(trial(dlt=True), protocol)
    notes = committee_notes(addlt, advice(addlt, protocol, study.analysis, CUT), protocol, study.analysis)
    assert any(note.kind == "warning" and "S5 (DL1)" in note.text and "does not count" in note.text for note in notes)
    assert any(note.text.startswith("Backfill: S5 (DL1); 1 subject") for note in notes)
    assert status_listing(addlt)["BACKFL"].tolist() == ["", "", "", "", "Y"]
    none, _ = derived(trial(said="N"), protocol)
    assert "BACKFL" not in status_listing(none)


@pytest.mark.parametrize(("said", "rule"), [("maybe", "DLT-BACKFILL-UNREADABLE"), ("N", ""), ("y", "")])
def test_an_answer_that_cannot_be_read_counts_and_is_asked_about(said: str, rule: str, protocol: Protocol) -> None:
    addlt, study = derived(trial(said), protocol)
    assert addlt["ESCFL"].eq("Y").tolist() == [True] * 4 + [said != "y"]
    assert [one["rule"] for one in dlt_subject_queries(addlt, study.domains)] == [rule] * bool(rule)


def test_backfill_at_a_level_that_was_not_left_counts_and_is_asked_about(protocol: Protocol) -> None:
    book = TrialBuilder().subject("S1", level="DL2").infused(0).infused(7).seen(40)
    book.add("SUPPDM", RDOMAIN="DM", QNAM="BACKFILL", QVAL="Y")
    addlt, study = derived(book, protocol)
    assert addlt[["BACKFL", "ESCFL"]].iloc[0].tolist() == ["", "Y"]
    assert [one["rule"] for one in dlt_subject_queries(addlt, study.domains)] == ["DLT-BACKFILL-LEVEL-NOT-LEFT"]
