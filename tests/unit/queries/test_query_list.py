"""The query list over several cuts: numbers that stay, ages, answers, questions asked again, one line for one cause."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialbook.queries.query_list import COLUMNS, SEVERITIES, Query, query, query_list

CUTS = ("2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31")
FIRST = [
    "query_id", "subject", "domain", "record", "field", "rule", "severity", "observed", "expected", "message_en",
    "message_zh", "first_seen", "age_days", "status",
]  # fmt: skip


def end_before_start(number: int, **words: str) -> Query:
    told = {"message_en": "The event ended before it started.", "message_zh": "结束早于开始。", "severity": "major"}
    return query("P19-AE-END-BEFORE-START", "S01", "AE", record=f"AESEQ={number}", field="AEENDTC", **{**told, **words})


def unit(number: int, observed: str = "mg%", **words: str) -> Query:
    told = {"message_en": "The unit is not known.", "message_zh": "单位未知。"}
    return query("P13-UNIT-UNKNOWN", f"S{number:02d}", "LB", record="LBSEQ=7", field="LBORRESU", observed=observed,
                 **{**told, **words})  # fmt: skip


def over_cuts(*asked: list[Query]) -> list[pd.DataFrame]:
    """The list of each cut, each made with the one before it."""
    lists: list[pd.DataFrame] = []
    for cut, queries in zip(CUTS, asked, strict=False):
        lists.append(query_list(queries, cut, lists[-1] if lists else None))
    return lists


def told(listed: pd.DataFrame, *names: str) -> list[tuple[object, ...]]:
    return list(listed[list(names)].itertuples(index=False, name=None))


def test_the_columns_of_the_rulebook_come_first_and_stay() -> None:
    assert COLUMNS[:14] == FIRST
    assert list(query_list([], "2025-03-31").columns) == COLUMNS


def test_an_open_question_keeps_its_number_and_grows_older() -> None:
    first, second, third = over_cuts([end_before_start(1)], [end_before_start(1)], [end_before_start(1)])
    assert first["query_id"].tolist() == second["query_id"].tolist() == third["query_id"].tolist()
    assert [told(x, "first_seen", "age_days", "status")[0] for x in (first, second, third)] == [
        ("2025-03-31", 0, "open"), ("2025-03-31", 91, "open"), ("2025-03-31", 183, "open"),
    ]  # fmt: skip


def test_other_words_or_another_value_do_not_change_the_number() -> None:
    first, second = over_cuts([end_before_start(1)], [end_before_start(1, message_en="Reworded.", observed="2025-01")])
    assert first["query_id"].tolist() == second["query_id"].tolist()
    assert second["status"].tolist() == ["open"]


def test_an_answered_question_is_closed_and_stays_listed_as_it_was() -> None:
    _, second, third = over_cuts([end_before_start(1), end_before_start(2)], [end_before_start(2)], [])
    assert told(second, "record", "status", "closed_at", "age_days") == [
        ("AESEQ=1", "closed", "2025-06-30", 91), ("AESEQ=2", "open", "", 91),
    ]  # fmt: skip
    assert told(third, "record", "status", "closed_at", "age_days") == [
        ("AESEQ=1", "closed", "2025-06-30", 91), ("AESEQ=2", "closed", "2025-09-30", 183),
    ]  # fmt: skip


def test_a_question_that_comes_back_is_open_again_and_says_since_when() -> None:
    lists = over_cuts([end_before_start(1)], [], [end_before_start(1)], [end_before_start(1)])
    assert told(lists[2], "status", "first_seen", "closed_at", "reopened_at", "age_days") == [
        ("open", "2025-03-31", "", "2025-09-30", 183)
    ]
    assert told(lists[3], "status", "reopened_at") == [("open", "2025-09-30")]


def test_a_list_read_back_from_its_file_serves_as_the_previous_one() -> None:
    """The file is text, and a value that a spreadsheet would compute has an apostrophe before it."""
    first = query_list([end_before_start(1, observed="=1+1")], CUTS[0])
    file = first.astype("str").assign(observed="=1+1")
    closed = query_list([], CUTS[1], file)
    assert told(closed, "status", "observed", "first_seen", "records") == [("closed", "=1+1", "2025-03-31", 1)]


def test_a_list_of_an_older_version_without_the_last_columns_serves_too() -> None:
    older = query_list([end_before_start(1)], CUTS[0])[FIRST]
    assert told(query_list([end_before_start(1)], CUTS[1], older), "age_days", "records") == [(91, 1)]


def test_the_same_issue_asked_twice_is_one_line() -> None:
    listed = query_list([end_before_start(1), end_before_start(1, observed="again")], CUTS[0])
    assert told(listed, "observed") == [("",)]


@pytest.mark.parametrize(("count", "lines"), [(10, 10), (11, 1), (100, 1)])
def test_up_to_ten_records_are_asked_one_by_one_more_of_one_cause_together(count: int, lines: int) -> None:
    listed = query_list([unit(k) for k in range(count)], CUTS[0])
    assert len(listed) == lines
    assert listed["records"].sum() == count
    if lines == 1:
        line = listed.iloc[0]
        assert (line["subject"], line["record"], line["observed"]) == ("", "", "mg%")
        assert line["record_list"].split("; ") == [f"S{k:02d} LBSEQ=7" for k in range(count)]
        assert f"{count} records" in line["message_en"]
        assert f"{count}条记录" in line["message_zh"]


def test_two_unknown_units_are_two_causes() -> None:
    listed = query_list([unit(k, "mg%") for k in range(20)] + [unit(20 + k, "stone") for k in range(12)], CUTS[0])
    assert sorted(told(listed, "observed", "records")) == [("mg%", 20), ("stone", 12)]


def test_values_that_differ_are_told_with_their_records() -> None:
    listed = query_list([end_before_start(k, observed=f"2025-01-{k:02d}") for k in range(1, 13)], CUTS[0])
    assert told(listed, "observed") == [("12 different values",)]
    assert "S01 AESEQ=3 (2025-01-03)" in listed["record_list"][0].split("; ")


def test_the_worst_severity_of_a_cause_counts() -> None:
    listed = query_list([unit(k, severity="major" if k == 5 else "minor") for k in range(12)], CUTS[0])
    assert told(listed, "severity") == [("major",)]


def test_a_line_for_many_keeps_its_number_while_records_come_and_go() -> None:
    lists = over_cuts([unit(k) for k in range(12)], [unit(k) for k in range(30)], [unit(1)], [])
    assert len({name for listed in lists for name in listed["query_id"]}) == 1
    assert [told(x, "records", "status")[0] for x in lists] == [
        (12, "open"), (30, "open"), (1, "open"), (1, "closed"),
    ]  # fmt: skip


def test_a_record_that_had_its_own_line_is_not_taken_from_it_by_others_of_its_cause() -> None:
    first, second = over_cuts([unit(k) for k in range(3)], [unit(k) for k in range(20)])
    assert set(first["query_id"]) < set(second["query_id"])
    assert set(second["status"]) == {"open"}
    assert sorted(second["records"]) == [1, 1, 1, 17]


def test_a_list_of_records_fits_into_a_cell() -> None:
    many = [query("R", f"NCT06321198-01-{k:05d}", "LB", record=f"LBSEQ={k}", field="LBDTC", message_en="a",
                  message_zh="b") for k in range(5000)]  # fmt: skip
    listed = query_list(many, CUTS[0])["record_list"][0]
    assert len(listed) < 32767
    named = listed.split("; ")
    assert named[-1] == f"and {5000 - len(named) + 1} more"


@pytest.mark.parametrize(
    ("said", "by", "field"),
    [
        ("AE-GRADE-MISSING", "P26-GRADE-AT-CUT", "AETOXGR"),
        ("P27-OUT-OF-RANGE", "P27-RS-STAGE-RANGE", "RSORRES"),
        ("P27-OUT-OF-RANGE", "P40-MISSING-CODE", "LBORRES"),
        ("P05-DM-CONSENT-DATE", "P04-DATE-AMBIGUOUS", "RFICDTC"),
    ],
)
def test_two_checks_of_one_fault_ask_once(said: str, by: str, field: str) -> None:
    def asks(rule: str, record: str = "X=1", asked_field: str = field) -> Query:
        return query(rule, "S01", "AE", record=record, field=asked_field, message_en="a", message_zh="b")

    assert told(query_list([asks(said), asks(by)], CUTS[0]), "rule") == [(by,)]
    assert told(query_list([asks(said)], CUTS[0]), "rule") == [(said,)]
    # Another record or another field is another fault.
    assert len(query_list([asks(said), asks(by, record="X=2")], CUTS[0])) == 2
    assert len(query_list([asks(said), asks(by, asked_field="OTHER")], CUTS[0])) == 2


def test_a_result_and_its_unit_are_one_field_and_a_whole_subject_covers_its_records() -> None:
    told_twice = {"message_en": "a", "message_zh": "b"}
    pair = [
        query("P13-UNIT-UNKNOWN", "S", "LB", record="LBSEQ=1", field="LBORRESU", **told_twice),
        query("P13-LB-BILIRUBIN", "S", "LB", record="LBSEQ=1", field="LBORRES", **told_twice),
    ]
    assert told(query_list(pair, CUTS[0]), "rule") == [("P13-LB-BILIRUBIN",)]
    late = [
        query("P25-RECORD-AFTER-DEATH", "S", "AE", field="AEENDTC", **told_twice),
        query("P19-AE-END-AFTER-DEATH", "S", "AE", record="AESEQ=2", field="AEENDTC", **told_twice),
    ]
    assert told(query_list(late, CUTS[0]), "rule") == [("P19-AE-END-AFTER-DEATH",)]


def test_a_rule_of_adae_says_nothing_new_of_the_record_of_ae_and_each_result_of_the_laboratory_is_a_line() -> None:
    words = {"message_en": "a", "message_zh": "b"}
    pair = [
        query("adae.AENDT.ordered", "S", "ADAE", record="AESEQ=2", field="AENDT", **words),
        query("adae.AENDT.ordered", "S", "ADAE", record="AESEQ=3", field="AENDT", **words),
        query("P19-AE-END-BEFORE-START", "S", "AE", record="AESEQ=2", field="AEENDTC", **words),
        query("lb.LBDTC.given", "S", "LB", record="LBSEQ=1", field="LBDTC", **words),
        query("P04-DATE-UNREADABLE", "S", "LB", record="LBSEQ=1", field="LBDTC", **words),
    ]
    assert sorted(told(query_list(pair, CUTS[0]), "rule", "record")) == [
        ("P04-DATE-UNREADABLE", "LBSEQ=1"), ("P19-AE-END-BEFORE-START", "AESEQ=2"), ("adae.AENDT.ordered", "AESEQ=3"),
    ]  # fmt: skip
    many = [query("RECON-LB-VALUE-DIFFERS", "S", "LB", record=f"LBSEQ={k}", **words) for k in range(34)]
    assert len(query_list(many, CUTS[0])) == 34


asked_at_a_cut = st.lists(st.sampled_from([end_before_start(k) for k in range(3)] + [unit(k) for k in range(25)]))


@settings(max_examples=60)
@given(st.lists(asked_at_a_cut, min_size=1, max_size=4))
def test_over_any_cuts_nothing_is_lost_doubled_or_younger(cuts: list[list[Query]]) -> None:
    before = pd.DataFrame(columns=COLUMNS)
    for cut, asked, listed in zip(CUTS, cuts, over_cuts(*cuts), strict=False):
        assert listed["query_id"].is_unique
        assert set(before["query_id"]) <= set(listed["query_id"])
        opened = listed[listed["status"] == "open"]
        issues = {(q["rule"], q["subject"], q["record"]) for q in asked}
        assert opened["records"].sum() == len(issues)
        assert opened["closed_at"].eq("").all()
        assert listed.loc[listed["status"] == "closed", "closed_at"].ne("").all()
        assert (listed["first_seen"] <= cut).all()
        assert (listed["age_days"] >= 0).all()
        ages = listed.merge(before, on="query_id", suffixes=("", "_before"))
        assert (ages["age_days"] >= ages["age_days_before"]).all()
        assert (ages["first_seen"] == ages["first_seen_before"]).all()
        ranks = [SEVERITIES.index(name) for name in listed["severity"]]
        assert ranks == sorted(ranks)
        before = listed


def test_a_contract_that_says_what_cleaning_asks_already_asks_nothing() -> None:
    told_twice = {"message_en": "a", "message_zh": "b"}
    asked = [
        query("ae.AEENRTPT.ended", "S", "AE", record="AESEQ=1", field="AEENRTPT", **told_twice),
        query("P20-AE-ONGOING-WITH-END", "S", "AE", record="AESEQ=1", field="AEENDTC", **told_twice),
        query("ss.SSDTC.alive_after_death", "S", "SS", record="SSTESTCD=SURVSTAT SSDTC=2025-09-20", **told_twice),
        query("P25-RECORD-AFTER-DEATH", "S", "SS", field="SSDTC", **told_twice),
    ]
    assert sorted(query_list(asked, CUTS[0])["rule"]) == ["P20-AE-ONGOING-WITH-END", "P25-RECORD-AFTER-DEATH"]
    assert len(query_list(asked[::2], CUTS[0])) == 2
