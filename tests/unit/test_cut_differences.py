"""One cut against another: what came, what changed and how, and what may not vanish in silence."""

from __future__ import annotations

import pandas as pd
import pytest

from trial_builder import TrialBuilder, trial
from trialbook.cleaning import check_deletions, compare_cuts, restatement_queries, restatements
from trialbook.cleaning.differences import Differences
from trialbook.domains import Domains
from trialbook.errors import StopError

FILES = {code: (f"{code.lower()}.csv", "") for code in ("DM", "EX", "AE", "CM", "SS", "LB", "DS")}
NOTHING_APPROVED = pd.DataFrame(columns=["domain", "subject", "record", "reason"], dtype="str")


def compared(before: TrialBuilder, after: TrialBuilder) -> Differences:
    return compare_cuts(dict(before.domains()), after.domains())


def treated() -> TrialBuilder:
    return trial().subject("S01").infused(0)


def changes(differences: Differences) -> list[tuple[str, str, str, str]]:
    return list(differences.changed[["column", "old", "new", "kind"]].itertuples(index=False, name=None))


def approval(domain: str, subject: str, record: str) -> pd.DataFrame:
    return pd.DataFrame([dict(domain=domain, subject=subject, record=record, reason="entered twice")], dtype="str")


def test_equal_cuts_have_no_differences() -> None:
    built = treated().event("Rash", 3, end=5)
    differences = compared(built, built)
    assert differences.added.empty
    assert differences.changed.empty
    assert differences.deleted.empty


def test_new_records_and_changed_values_are_named_with_old_and_new() -> None:
    before = treated().event("Rash", 3, grade=1)
    after = treated().event("Rash", 3, grade=3).event("Fever", 9)
    differences = compared(before, after)
    assert differences.added.to_numpy().tolist() == [["AE", "iMSC-2001-S01", "AESEQ=2"]]
    assert changes(differences) == [("AETOXGR", "1", "3", "restated")]
    assert differences.counts.set_index("domain").loc["AE", ["previous", "added", "changed", "now"]].tolist() == [
        1,
        1,
        1,
        2,
    ]


def test_what_was_open_and_is_now_known_is_not_a_restatement() -> None:
    before = trial().subject("S01", ARMCD="NOTASSGN").infused(0).event("Rash", 3, AEENRTPT="ONGOING").died("2025-05")
    after = trial().subject("S01", ARMCD="DL1").infused(0).event("Rash", 3, end=40).died("2025-05-11")
    differences = compared(before, after)
    assert set(changes(differences)) >= {
        ("AEENDTC", "", "2025-02-19", "filled in"),
        ("AEENRTPT", "ONGOING", "", "moved on"),
        ("ARMCD", "NOTASSGN", "DL1", "moved on"),
        ("DTHDTC", "2025-05", "2025-05-11", "filled in"),
    }
    assert restatement_queries(differences) == []


def test_a_reviewed_value_that_changed_is_asked_and_an_outcome_is_not() -> None:
    before = treated().event("Rash", 3, grade=3, AEOUT="RECOVERED/RESOLVED")
    after = treated().event("Rash", 3, grade=2, AEOUT="FATAL")
    queries = restatement_queries(compared(before, after))
    assert [(q["field"], q["observed"], q["severity"]) for q in queries] == [("AETOXGR", "3 -> 2", "major")]


def test_where_a_record_stood_in_the_file_is_no_difference() -> None:
    built = treated().event("Rash", 3)
    moved = Domains({code: frame.assign(SRCROW=frame["SRCROW"] + 5) for code, frame in built.domains().items()})
    assert compare_cuts(dict(built.domains()), moved).changed.empty


def test_restatements_show_neither_free_text_nor_birth_dates() -> None:
    before = trial().subject("S01", BRTHDTC="1990-01-01").infused(0).event("Rash", 3, AECOMM="words one")
    after = trial().subject("S01", BRTHDTC="1991-01-01").infused(0).event("Rash", 3, AECOMM="words two")
    shown = restatements(compared(before, after))
    assert shown["column"].tolist() == ["BRTHDTC", "AECOMM"]
    assert set(shown["old"]) == set(shown["new"]) == {"(text)"}


def test_a_record_that_vanished_stops_and_names_file_subject_and_record() -> None:
    differences = compared(treated().event("Rash", 3), treated())
    with pytest.raises(StopError, match=r"P35.*ae\.csv.*AESEQ=1 of subject iMSC-2001-S01"):
        check_deletions(differences, NOTHING_APPROVED, "2025-03-31", FILES)


def test_an_approved_deletion_passes_with_its_reason_and_only_that_one() -> None:
    differences = compared(treated().event("Rash", 3), treated())
    approved = approval("AE", "iMSC-2001-S01", "AESEQ=1")
    assert check_deletions(differences, approved, "c", FILES)["reason"].tolist() == ["entered twice"]
    for other in (approval("AE", "iMSC-2001-S01", "AESEQ=2"), approval("CM", "iMSC-2001-S01", "AESEQ=1")):
        with pytest.raises(StopError):
            check_deletions(differences, other, "c", FILES)


def test_a_subject_who_vanished_stops_and_can_be_approved_whole() -> None:
    differences = compared(treated().event("Rash", 3).subject("S02"), trial().subject("S02"))
    with pytest.raises(StopError, match="the subject iMSC-2001-S01 stood in DM"):
        check_deletions(differences, NOTHING_APPROVED, "c", FILES)
    assert len(check_deletions(differences, approval("DM", "iMSC-2001-S01", ""), "c", FILES)) == 4


def test_a_domain_that_vanished_is_a_deletion_of_all_its_records() -> None:
    differences = compared(treated().drug("Ciclosporin", 1), treated())
    assert differences.deleted.to_numpy().tolist() == [["CM", "iMSC-2001-S01", "CMSEQ=1"]]


def test_a_repeated_key_hides_no_record() -> None:
    before = treated().event("Rash", 3).event("Fever", 4, AESEQ=1)
    assert compared(before, treated().event("Rash", 3)).deleted["record"].tolist() == ["AESEQ=1 #2"]


def test_a_date_that_was_only_completed_does_not_make_another_record() -> None:
    before = treated().add("SS", SSTESTCD="SURVSTAT", SSORRES="DEAD", SSDTC="2025-05")
    after = treated().add("SS", SSTESTCD="SURVSTAT", SSORRES="DEAD", SSDTC="2025-05-11")
    differences = compared(before, after)
    assert changes(differences) == [("SSDTC", "2025-05", "2025-05-11", "filled in")]
    assert differences.deleted.empty
    other = treated().add("SS", SSTESTCD="SURVSTAT", SSORRES="DEAD", SSDTC="2025-06-11")
    assert len(compared(before, other).deleted) == 1
