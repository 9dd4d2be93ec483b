"""One cut against another: what came, what changed and how, and what may not vanish in silence."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.cleaning import check_deletions, compare_cuts, restatement_queries, restatements
from trialbook.cleaning.compare_cuts import Differences
from trialbook.cleaning.endpoint_dependence import moved_endpoints
from trialbook.core.domains import Domains
from trialbook.core.errors import StopError

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


def test_before_the_first_cut_there_is_nothing_to_compare_with() -> None:
    current = treated().event("Rash", 3).event("Fever", 9).domains()
    differences = compare_cuts({}, current)
    assert differences.added.empty
    assert differences.deleted.empty
    assert differences.changed.empty
    counts = differences.counts.set_index("domain")
    assert counts.loc["AE", ["previous", "added", "now"]].tolist() == [0, 2, 2]
    assert restatements(differences).empty


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
    with pytest.raises(StopError, match="the subject iMSC-2001-S01 was in DM"):
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


def renumbered(built: TrialBuilder, domain: str, numbers: list[int]) -> Domains:
    """The trial as an export that renumbers the records of a domain would deliver it."""
    domains = built.domains()
    frame = domains[domain].assign(**{f"{domain}SEQ": pd.array(numbers, dtype="Int64")})
    frame = frame.sort_values(f"{domain}SEQ", ignore_index=True)
    return Domains({code: frame if code == domain else domains[code] for code in domains})


def three_events() -> TrialBuilder:
    return treated().event("Rash", 3, AESPID="E1").event("Fever", 5, AESPID="E2").event("Nausea", 9, AESPID="E3")


def test_events_that_were_only_numbered_anew_are_the_same_events() -> None:
    differences = compare_cuts(dict(three_events().domains()), renumbered(three_events(), "AE", [2, 3, 1]))
    assert differences.deleted.empty
    assert differences.added.empty
    assert differences.changed.empty
    assert differences.renumbered[["record", "previous"]].to_numpy().tolist() == [
        ["AESEQ=2", "AESEQ=1"],
        ["AESEQ=3", "AESEQ=2"],
        ["AESEQ=1", "AESEQ=3"],
    ]


def test_an_event_put_in_front_makes_no_other_event_new() -> None:
    later = trial().subject("S01").infused(0).event("Anaemia", 1, AESPID="E4").event("Rash", 3, AESPID="E1")
    later = later.event("Fever", 5, grade=3, AESPID="E2").event("Nausea", 9, AESPID="E3")
    differences = compared(three_events(), later)
    assert differences.added["record"].tolist() == ["AESEQ=1"]
    assert differences.deleted.empty
    assert changes(differences) == [("AETOXGR", "1", "3", "restated")]


def test_an_event_that_was_deleted_is_named_by_its_old_number_though_the_rest_moved_up() -> None:
    later = treated().event("Fever", 5, AESPID="E2").event("Nausea", 9, AESPID="E3")
    differences = compared(three_events(), later)
    assert differences.deleted["record"].tolist() == ["AESEQ=1"]
    assert differences.added.empty


def test_another_event_under_the_number_of_a_deleted_one_is_not_a_correction_of_it() -> None:
    differences = compared(treated().event("Rash", 3), treated().event("Sepsis", 40, soc="Infections"))
    assert differences.deleted["record"].tolist() == ["AESEQ=1"]
    assert differences.added["record"].tolist() == ["AESEQ=1"]


def test_a_corrected_start_or_term_is_still_the_same_event() -> None:
    assert changes(compared(treated().event("Rash", 3), treated().event("Rash", 4))) == [
        ("AESTDTC", "2025-01-13", "2025-01-14", "restated")
    ]
    assert compared(treated().event("Rsh", 3), treated().event("Rash", 3)).deleted.empty


def test_supplemental_records_follow_their_event_to_its_new_number() -> None:
    answer = dict(RDOMAIN="AE", IDVAR="AESEQ", QNAM="AEDLT")
    before = three_events().add("SUPPAE", IDVARVAL="2", QVAL="N", **answer)
    after = three_events().add("SUPPAE", IDVARVAL="3", QVAL="Y", **answer)
    differences = compare_cuts(dict(before.domains()), renumbered(after, "AE", [2, 3, 1]))
    assert differences.deleted.empty
    assert changes(differences) == [("QVAL", "N", "Y", "restated")]


def test_results_that_were_only_numbered_anew_are_the_same_results() -> None:
    built = treated().lab("ALT", 20, 1).lab("AST", 30, 1).lab("ALT", 40, 8)
    differences = compare_cuts(dict(built.domains()), renumbered(built, "LB", [3, 1, 2]))
    assert differences.deleted.empty
    assert differences.changed.empty


def test_the_message_of_a_deletion_holds_the_line_that_would_approve_it() -> None:
    differences = compared(treated().event("Rash", 3), treated())
    with pytest.raises(StopError) as caught:
        check_deletions(differences, NOTHING_APPROVED, "c", FILES)
    assert "add to params/approved_deletions.csv the line AE,iMSC-2001-S01,AESEQ=1,<why>" in str(caught.value)
    assert "name that file in the cut file" in str(caught.value)
    with pytest.raises(StopError) as caught:
        check_deletions(differences, NOTHING_APPROVED, "c", FILES, "params/gone.csv")
    assert "add to params/gone.csv the line AE,iMSC-2001-S01,AESEQ=1,<why>" in str(caught.value)
    assert "name that file" not in str(caught.value)


def test_a_restated_value_says_which_endpoints_may_move() -> None:
    before = treated().event("Rash", 3).lab("BILI", 20, 1).lab("ALT", 20, 1).stages(28, 0, 0, 0, 0).died(60)
    after = treated().event("Rash", 3, grade=3).lab("BILI", 25, 1).lab("ALT", 25, 1).stages(28, 1, 0, 0, 0).died(61)
    shown = restatements(compared(before, after), ["ELIGIBILITY", "TEAE", "DLT", "ORR_D28", "OS"])
    may_move = dict(zip(shown["domain"] + "." + shown["column"] + " " + shown["new"], shown["endpoints"], strict=True))
    assert may_move["AE.AETOXGR 3"] == "TEAE, DLT"
    assert may_move["LB.LBORRES 25"] in ("ELIGIBILITY, TEAE, ORR_D28", "ELIGIBILITY, TEAE")
    assert set(shown.loc[shown["column"].eq("LBORRES"), "endpoints"]) == {
        "ELIGIBILITY, TEAE, ORR_D28",
        "ELIGIBILITY, TEAE",
    }
    assert may_move["RS.RSORRES 1"] == "ELIGIBILITY, ORR_D28"
    assert may_move[f"DM.DTHDTC {after.date(61)}"] == "DLT, ORR_D28, OS"
    only_os = restatements(compared(before, after), ["OS"])
    assert set(only_os["endpoints"]) == {"", "OS"}


def test_a_result_that_moved_between_two_builds_is_named_by_subject() -> None:
    before = {
        "addlt": pd.DataFrame({"USUBJID": ["S1", "S2"], "DLTSTAT": ["PENDING", "NO-DLT"]}),
        "adtte": pd.DataFrame({"USUBJID": ["S1"], "PARAMCD": ["OS"], "CNSR": [1], "AVAL": [20.0]}),
    }
    after = {
        "addlt": pd.DataFrame({"USUBJID": ["S1", "S2", "S3"], "DLTSTAT": ["DLT", "NO-DLT", "DLT"]}),
        "adtte": pd.DataFrame({"USUBJID": ["S1"], "PARAMCD": ["OS"], "CNSR": [1], "AVAL": [90.0]}),
    }
    assert moved_endpoints(before, after).to_numpy().tolist() == [["S1", "DLT", "PENDING", "DLT"]]
