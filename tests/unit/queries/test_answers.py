"""What answers do to a question over the cuts: states, ages, due dates, contradictions, history; and their file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from trialbook.core.errors import UsageError
from trialbook.queries.answers import Answer, Verdict, keep_answers, mark_of, read_answers, standing, verdict_of
from trialbook.queries.life import STATES, STATUS, query_history, query_id
from trialbook.queries.query_files import for_edc, query_sheets
from trialbook.queries.query_list import Query, query, query_list

CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")
DUE = {"stop": 3, "major": 14, "minor": 30}


def level(observed: str = "DL2") -> Query:
    return query("P10-EX-LEVEL-CHANGED", "S01", "EX", record="EXSEQ=2", field="EXDOSE", severity="major",
                 observed=observed, message_en="Another level.", message_zh="其他剂量组。")  # fmt: skip


def restated(observed: str = "8 -> 82") -> Query:
    return query("P36-RESTATED", "S01", "LB", record="LBSEQ=116", field="LBORRES", severity="major",
                 observed=observed, message_en="Changed.", message_zh="已更改。")  # fmt: skip


def said(asked: Query, answer: Verdict, date: str, cut: str, by: str = "Site 01") -> Answer:
    name = query_id(asked["rule"], asked["subject"], asked["domain"], asked["record"], asked["field"])
    return Answer(name, answer, "source checked", date, by, f"{date}T08:00:00+00:00", cut,
                  mark_of(asked["observed"], ""))  # fmt: skip


def over_cuts(asked: list[list[Query]], answers: list[Answer]) -> list[pd.DataFrame]:
    """The lists of the cuts, each built when only the answers on it and on earlier cuts are there."""
    lists: list[pd.DataFrame] = []
    for cut, queries in zip(CUTS, asked, strict=False):
        known = [one for one in answers if one.cut_date <= cut]
        lists.append(query_list(queries, cut, lists[-1] if lists else None, answers=known, due_days=DUE))
    return lists


def life(listed: pd.DataFrame, rule: str) -> tuple[str, ...]:
    """State, status, age, closing and reopening of the one line of a rule."""
    (line,) = listed[listed["rule"] == rule].to_dict("records")
    return tuple(str(line[name]) for name in ("state", "status", "age_days", "closed_at", "reopened_at"))


def test_a_fact_that_nobody_can_change_is_confirmed_and_stays_closed_over_three_cuts() -> None:
    lists = over_cuts([[level()]] * 3, [said(level(), "confirmed", "2025-04-10", CUTS[0])])
    assert {life(listed, "P10-EX-LEVEL-CHANGED") for listed in lists} == {
        ("confirmed", "closed", "10", "2025-04-10", ""),
    }  # fmt: skip
    assert lists[2]["answers"].tolist() == ["2025-04-10 confirmed (Site 01): source checked"]


def test_a_confirmed_value_that_changes_is_asked_again() -> None:
    lists = over_cuts([[level()], [level("DL3")], [level("DL3")]], [said(level(), "confirmed", "2025-04-10", CUTS[0])])
    assert [life(listed, "P10-EX-LEVEL-CHANGED")[:2] for listed in lists] == [
        ("confirmed", "closed"), ("reopened", "open"), ("reopened", "open"),
    ]  # fmt: skip
    assert life(lists[2], "P10-EX-LEVEL-CHANGED")[4] == "2025-06-30"
    assert lists[2]["due"].tolist() == ["2025-07-14"]


def test_a_restatement_is_open_until_it_is_confirmed() -> None:
    """It is asked at one cut only, and once closed by itself at the next one."""
    never = over_cuts([[restated()], [], []], [])
    assert [life(listed, "P36-RESTATED")[:3] for listed in never] == [
        ("open", "open", "0"), ("open", "open", "91"), ("open", "open", "183"),
    ]  # fmt: skip
    later = over_cuts([[restated()], [], []], [said(restated(), "confirmed", "2025-07-10", CUTS[1])])
    assert [life(listed, "P36-RESTATED") for listed in later[1:]] == [
        ("confirmed", "closed", "101", "2025-07-10", ""), ("confirmed", "closed", "101", "2025-07-10", ""),
    ]  # fmt: skip


def test_a_restatement_that_was_said_to_be_corrected_and_did_not_change_is_not_closed() -> None:
    lists = over_cuts([[restated()], []], [said(restated(), "corrected", "2025-04-10", CUTS[0])])
    assert life(lists[1], "P36-RESTATED")[:2] == ("answered", "open")


def test_a_correction_is_awaited_then_seen() -> None:
    lists = over_cuts([[level()], [], []], [said(level(), "corrected", "2025-04-10", CUTS[0])])
    assert [life(listed, "P10-EX-LEVEL-CHANGED")[:4] for listed in lists] == [
        ("answered", "open", "0", ""), ("corrected", "closed", "91", "2025-06-30"),
        ("corrected", "closed", "91", "2025-06-30"),
    ]  # fmt: skip


def test_a_correction_that_does_not_come_is_asked_again() -> None:
    lists = over_cuts([[level()], [level()]], [said(level(), "corrected", "2025-04-10", CUTS[0])])
    assert life(lists[1], "P10-EX-LEVEL-CHANGED") == ("reopened", "open", "91", "", "2025-06-30")


def test_a_waived_question_is_closed_and_a_person_can_reopen_it() -> None:
    waived = said(level(), "waived", "2025-04-10", CUTS[0])
    again = said(level(), "reopened", "2025-07-02", CUTS[1], by="Monitor")
    lists = over_cuts([[level()]] * 3, [waived, again])
    assert [life(listed, "P10-EX-LEVEL-CHANGED") for listed in lists] == [
        ("waived", "closed", "10", "2025-04-10", ""), ("reopened", "open", "91", "", "2025-07-02"),
        ("reopened", "open", "183", "", "2025-07-02"),
    ]  # fmt: skip


def test_two_people_who_differ_are_both_named_and_the_question_stays_open() -> None:
    answers = [said(level(), "confirmed", "2025-04-10", CUTS[0], by="Dr Li"),
               said(level(), "corrected", "2025-04-12", CUTS[0], by="Dr Wang")]  # fmt: skip
    listed = query_list([level()], CUTS[0], answers=answers, due_days=DUE)
    assert life(listed, "P10-EX-LEVEL-CHANGED")[:2] == ("open", "open")
    (asks,) = listed[listed["rule"] == "ANSWERS-DIFFER"].to_dict("records")
    for column in ("message_en", "message_zh"):
        assert "Dr Li" in asks[column]
        assert "Dr Wang" in asks[column]
    assert (asks["subject"], asks["record"], asks["status"]) == ("S01", "EXSEQ=2", "open")
    agreed = [*answers, said(level(), "confirmed", "2025-04-20", CUTS[0], by="Dr Wang")]
    settled = query_list([level()], CUTS[0], listed, answers=agreed, due_days=DUE)
    assert life(settled, "P10-EX-LEVEL-CHANGED")[:2] == ("confirmed", "closed")
    assert life(settled, "ANSWERS-DIFFER")[:2] == ("closed", "closed")


def test_two_people_who_agree_are_no_matter_and_a_person_may_change_their_mind() -> None:
    one, two = (said(level(), "confirmed", "2025-04-10", CUTS[0], by=who) for who in ("Dr Li", "Dr Wang"))
    assert standing([one, two]).differing == ()
    changed = said(level(), "waived", "2025-04-11", CUTS[0], by="dr  li")
    assert standing([one, changed]).answer == changed


def test_an_answer_whose_file_is_lost_is_not_asked_for_twice() -> None:
    first = query_list([level()], CUTS[0], answers=[said(level(), "confirmed", "2025-04-10", CUTS[0])])
    assert life(query_list([level()], CUTS[1], first), "P10-EX-LEVEL-CHANGED")[:2] == ("confirmed", "closed")
    assert life(query_list([level("DL3")], CUTS[1], first), "P10-EX-LEVEL-CHANGED")[:2] == ("reopened", "open")


def test_the_history_holds_what_happened_over_the_cuts() -> None:
    answers = [said(level(), "waived", "2025-04-10", CUTS[0]),
               said(level(), "reopened", "2025-07-02", CUTS[1], by="Monitor")]  # fmt: skip
    lists = over_cuts([[level()], [level()], []], answers)
    lists[2] = query_list([], CUTS[2], lists[1], answers=[*answers, said(level(), "confirmed", "2025-10-01", CUTS[2])])
    history = query_history(lists[0], answers[:1])
    history = query_history(lists[1], answers, history)
    history = query_history(lists[2], [*answers, said(level(), "confirmed", "2025-10-01", CUTS[2])], history)
    assert history[["date", "event", "by"]].to_numpy().tolist() == [
        ["2025-03-31", "asked", ""], ["2025-04-10", "waived", "Site 01"], ["2025-07-02", "reopened", "Monitor"],
        ["2025-10-01", "confirmed", "Site 01"],
    ]  # fmt: skip


def test_every_state_says_whether_somebody_must_act() -> None:
    assert set(STATUS) == set(STATES)
    assert {state for state, status in STATUS.items() if status == "open"} == {"open", "answered", "reopened"}


@pytest.mark.parametrize(
    ("words", "verdict"),
    [("Confirmed", "confirmed"), ("value stands", "confirmed"), ("确认", "confirmed"), ("CORRECTED", "corrected"),
     ("waive", "waived"), ("reopen", "reopened"), ("yes", None), ("", None)],
)  # fmt: skip
def test_the_words_of_an_answer(words: str, verdict: str | None) -> None:
    assert verdict_of(words) == verdict


def test_the_file_keeps_each_answer_once_and_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "answers" / "2025-03-31.csv"
    one = replace(said(level(), "confirmed", "2025-04-10", CUTS[0]), reason="=1+1; as dosed")
    assert keep_answers(file, [one]) == [one]
    assert keep_answers(file, [replace(one, recorded="2025-05-01T00:00:00+00:00")]) == []
    two = replace(one, by="Monitor")
    assert keep_answers(file, [two]) == [two]
    assert read_answers(file) == [one, two]
    assert "'=1+1" in file.read_text(encoding="utf-8-sig")


def test_a_damaged_file_is_named_with_its_row(tmp_path: Path) -> None:
    file = tmp_path / "2025-03-31.csv"
    keep_answers(file, [said(level(), "confirmed", "2025-04-10", CUTS[0])])
    file.write_text(file.read_text(encoding="utf-8-sig").replace(",confirmed,", ",perhaps,"), encoding="utf-8")
    with pytest.raises(UsageError, match="row 2"):
        read_answers(file)


def test_each_recipient_and_each_site_has_a_sheet_and_the_edc_gets_what_the_site_must_answer() -> None:
    unmapped = query("P34-COLUMN-UNMAPPED", "", "AE", field="X", message_en="a", message_zh="b", recipient="mapper")
    other = query("P32-WEIGHT-MISSING", "S02", "VS", message_en="a", message_zh="b")
    listed = query_list([level(), unmapped, other], CUTS[0], sites={"S01": "01", "S02": "0/2"}, due_days=DUE)
    sheets = dict(query_sheets(listed))
    assert list(sheets) == ["Queries", "To the site", "To the mapper", "Site 0_2", "Site 01"]
    assert sheets["To the mapper"]["rule"].tolist() == ["P34-COLUMN-UNMAPPED"]
    assert sheets["Site 01"]["site"].tolist() == ["01"]
    edc = for_edc(listed, "NCT00000000")
    assert edc["SiteID"].tolist() == ["01", "0/2"]
    assert set(edc["StudyOID"]) == {"NCT00000000"}
    assert edc["DueOn"].tolist() == ["2025-04-14", "2025-04-30"]
