"""The data cut: nothing dated after it stays anywhere, and what ended after it is ongoing at it."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.cleaning import Cut, apply_cut
from trialbook.cleaning.cut import PARENT_RULE, RECORD_RULE, SUBJECT_RULE, after_cut, far_start_queries

CUT = pd.Timestamp("2025-01-31").as_unit("s")  # REL_DAY 21 of a subject infused on 2025-01-10


def cut(built: TrialBuilder) -> Cut:
    return apply_cut(built.domains(), CUT)


def treated() -> TrialBuilder:
    return trial().subject("S01").infused(0)


@pytest.mark.parametrize(
    ("dtc", "kept"),
    [
        ("2025-01-31", True), ("2025-01-31T23:59", True), ("2025-02-01", False), ("2025-02-01T00:00", False),
        ("2025-01", True), ("2025-02", False), ("2025", True), ("2026", False), (None, True),
    ],
)  # fmt: skip
def test_a_record_leaves_only_when_it_is_certainly_after_the_cut(dtc: str | None, kept: bool) -> None:
    done = cut(treated().add("LB", LBTESTCD="ALT", LBORRES="20", LBDTC=dtc))
    assert len(done.domains["LB"]) == kept
    if not kept:
        assert done.removed[["domain", "record", "date", "rule"]].to_numpy().tolist() == [
            ["LB", "LBSEQ=1", dtc, RECORD_RULE]
        ]


def test_a_subject_who_consented_after_the_cut_leaves_every_domain() -> None:
    late = treated().subject("S02", start="2025-02-20").infused(0).event("Rash", 1).lab("ALT", 20, -30)
    done = cut(late)
    assert not [code for code in done.domains if "iMSC-2001-S02" in set(done.domains[code]["USUBJID"])]
    assert set(done.removed["rule"]) == {SUBJECT_RULE}
    assert done.counts.set_index("domain").loc["DM", ["read", "removed", "kept"]].tolist() == [2, 1, 1]


def asked(done: Cut) -> list[list[str]]:
    return [[q["rule"], q["domain"], q["field"], q["severity"], q["observed"]] for q in done.queries]


@pytest.mark.parametrize("consent", ["2025-08-02", "2025-08"])
def test_a_consent_after_the_cut_and_an_infusion_before_it_is_asked_and_the_subject_stays(consent: str) -> None:
    done = cut(trial().subject("S01").infused(0).event("Rash", 3).event("Fever", 40).consented(consent))
    assert [len(done.domains[code]) for code in ("DM", "EX", "AE")] == [1, 1, 1]
    assert done.domains["DM"]["RFICDTC"].isna().all()
    first = f"{consent}; EX EXSEQ=1: 2025-01-10T10:00"
    assert asked(done) == [["P26-CONSENT-AFTER-RECORD", "DM", "RFICDTC", "major", first]]
    assert SUBJECT_RULE not in set(done.removed["rule"])
    assert not dated_after_the_cut(done)


def test_results_before_a_consent_after_the_cut_are_asked_but_may_be_of_routine_care() -> None:
    late = trial().subject("S02", start="2025-02-20").infused(0).lab("ALT", 20, -30).lab("ALT", 22, -31)
    done = cut(late.add("MH", MHTERM="GVHD", MHSTDTC="2024-12"))
    assert done.domains["DM"].empty
    consent = late.domains()["DM"]["RFICDTC"].iloc[0]
    observed = f"{consent}; LB LBSEQ=2: {late.date(-31)}"
    assert asked(done) == [["P26-CONSENT-AFTER-RESULT", "DM", "RFICDTC", "minor", observed]]


@pytest.mark.parametrize(("end", "is_asked"), [("2025-01-12", True), ("2025-01", True), ("2025", False), (None, False)])
def test_a_record_that_starts_after_the_cut_and_ended_before_it_is_asked(end: str | None, is_asked: bool) -> None:
    done = cut(treated().event("Rash", "2025-11-12", end=end))
    assert done.domains["AE"].empty
    found = [["P26-ENDED-BEFORE-CUT", "AE", "AESTDTC", "major", f"2025-11-12 to {end}"]]
    assert asked(done) == (found if is_asked else [])


def test_the_consent_of_ds_counts_where_dm_has_none() -> None:
    done = cut(treated().subject("S02", start="2025-02-20", RFICDTC=None))
    assert done.domains["DM"]["SUBJID"].tolist() == ["S01"]


def test_an_event_that_ended_after_the_cut_is_ongoing_at_it() -> None:
    done = cut(treated().event("Rash", 15, end=30, AEOUT="RECOVERED/RESOLVED"))
    event = done.domains["AE"].iloc[0]
    assert pd.isna(event["AEENDTC"])
    assert event[["AEENRTPT", "AEOUT"]].tolist() == ["ONGOING", "NOT RECOVERED/NOT RESOLVED"]
    assert done.edits[["column", "raw", "new"]].to_numpy().tolist() == [
        ["AEENDTC", "2025-02-09", ""],
        ["AEENRTPT", "", "ONGOING"],
        ["AEOUT", "RECOVERED/RESOLVED", "NOT RECOVERED/NOT RESOLVED"],
    ]


def test_an_event_that_ended_before_the_cut_keeps_its_end_and_outcome() -> None:
    done = cut(treated().event("Rash", 3, end=21, AEOUT="RECOVERED/RESOLVED").event("Fever", 3, end="2025-01"))
    assert done.domains["AE"]["AEENDTC"].tolist() == ["2025-01-31", "2025-01"]
    assert done.edits.empty


def test_a_death_after_the_cut_is_not_known_at_the_cut() -> None:
    built = treated().event("Sepsis", 15, grade=5, end=25, AEOUT="FATAL", AESDTH="Y", serious="Y").died(25)
    done = cut(built.add("SS", SSTESTCD="SURVSTAT", SSORRES="DEAD", SSDTC="2025-02-04"))
    assert done.domains["DM"][["DTHFL", "DTHDTC"]].isna().all(axis=None)
    event = done.domains["AE"].iloc[0]
    assert event[["AEOUT", "AEENRTPT", "AESER"]].tolist() == ["NOT RECOVERED/NOT RESOLVED", "ONGOING", "Y"]
    assert event[["AESDTH", "AETOXGR"]].isna().all()
    assert [q["rule"] for q in done.queries] == ["P26-GRADE-AT-CUT"]
    assert len(done.domains["SS"]) == 0
    assert "DEATH" not in set(done.domains["DS"]["DSDECOD"])


def test_a_fatal_event_without_an_end_date_follows_the_death() -> None:
    done = cut(treated().event("Sepsis", 15, grade=5, AEOUT="FATAL").died(25))
    assert done.domains["AE"].iloc[0]["AEOUT"] == "NOT RECOVERED/NOT RESOLVED"


def test_a_death_flag_leaves_when_only_ds_dates_the_death_after_the_cut() -> None:
    done = cut(trial().subject("S01", DTHFL="Y").infused(0).add("DS", DSDECOD="DEATH", DSSTDTC="2025-02-04"))
    assert done.domains["DM"]["DTHFL"].isna().all()
    undated = cut(trial().subject("S01", DTHFL="Y").infused(0))
    assert undated.domains["DM"]["DTHFL"].tolist() == ["Y"]


def test_a_death_on_or_before_the_cut_stays_whole() -> None:
    done = cut(treated().event("Sepsis", 15, grade=5, end=21, AEOUT="FATAL").died(21))
    assert done.domains["DM"]["DTHDTC"].tolist() == ["2025-01-31"]
    assert done.domains["AE"].iloc[0][["AETOXGR", "AEOUT"]].tolist() == ["5", "FATAL"]


def test_what_is_said_about_a_removed_record_leaves_with_it() -> None:
    built = treated().event("Rash", 3).event("Fever", 30)
    for seq in ("1", "2"):
        built = built.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL=seq, QNAM="AEDLT", QVAL="N")
    built = built.add("SUPPDM", RDOMAIN="DM", QNAM="X", QVAL="1")
    done = cut(built)
    assert done.domains["SUPPAE"]["IDVARVAL"].tolist() == ["1"]
    assert len(done.domains["SUPPDM"]) == 1
    assert set(done.removed["rule"]) == {RECORD_RULE, PARENT_RULE}


def test_a_drug_or_history_that_ended_after_the_cut_is_ongoing_and_no_date_after_the_cut_is_left() -> None:
    built = treated().drug("Ciclosporin", -20, end=40).add("MH", MHTERM="GVHD", MHSTDTC="2024-12", MHENDTC="2025-03")
    built = built.add("SV", VISIT="DAY 21", SVSTDTC="2025-01-31", SVENDTC="2025-02-01")
    done = cut(built)
    assert done.domains["CM"]["CMENRTPT"].tolist() == done.domains["MH"]["MHENRTPT"].tolist() == ["ONGOING"]
    assert not dated_after_the_cut(done)


def dated_after_the_cut(done: Cut) -> list[str]:
    """Names of columns that still hold a date after the cut."""
    return [
        name
        for frame in done.domains.values()
        for name in frame.columns
        if name.endswith("DTC") and after_cut(frame[name], CUT).any()
    ]


def test_the_counts_add_up_and_an_empty_trial_can_be_cut() -> None:
    done = cut(treated().event("Rash", 3).event("Fever", 30).lab("ALT", 20, 40))
    counts = done.counts.set_index("domain")
    assert (counts["read"] == counts["removed"] + counts["kept"]).all()
    assert counts.loc[["AE", "LB"], "removed"].tolist() == [1, 1]
    assert cut(trial()).removed.empty


def test_a_later_cut_keeps_what_an_earlier_one_keeps() -> None:
    built = treated().event("Rash", 3, end=30).event("Fever", 30).lab("ALT", 20, 40).died(60).domains()
    kept = [
        {(code, row) for code, frame in apply_cut(built, date).domains.items() for row in frame["SRCROW"]}
        for date in (pd.Timestamp("2025-01-31"), pd.Timestamp("2025-02-20"), pd.Timestamp("2025-12-31"))
    ]
    assert kept[0] < kept[1] < kept[2]


# ---- a start far later than all else that is known of its subject ----


@pytest.mark.parametrize(("day", "found"), [(10, []), (100, []), (110, ["AESEQ=2"]), (800, [])])
def test_a_start_long_after_every_other_date_of_the_subject_is_asked_about(day: int, found: list[str]) -> None:
    """100 days after the rash is day 103; what lies after the cut is another matter."""
    built = treated().event("Rash", 14).event("Fever", day)
    asked_about = far_start_queries(built.domains(), pd.Timestamp("2025-12-31"))
    assert [q["record"] for q in asked_about] == found
    assert {q["rule"] for q in asked_about} <= {"P26-START-FAR"}


def test_two_records_of_a_late_day_and_a_last_status_are_no_slip() -> None:
    late = treated().event("Rash", 200).lab("ALT", 20, 200)
    assert far_start_queries(late.domains(), pd.Timestamp("2025-12-31")) == []
    alive = treated().add("SS", SSTESTCD="SURVSTAT", SSORRES="ALIVE", SSDTC="2025-10-01")
    assert far_start_queries(alive.domains(), pd.Timestamp("2025-12-31")) == []
