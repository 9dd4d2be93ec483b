"""The page of questions: who must act, ages and overdue, answers in the words of the language, reviewed records."""

from __future__ import annotations

import pandas as pd
import pytest

from support.page_samples import frame
from trialbook.cleaning.reviewed import reviewed_records
from trialbook.core.messages import ENGLISH
from trialbook.core.translations import chinese
from trialbook.display.query_page import (
    answers_in_words,
    closed_sentence,
    closed_table,
    open_sentence,
    open_table,
    render_queries,
    reviewed_table,
    site_table,
    workload,
    workload_drawing,
    workload_table,
)
from trialbook.protocol.models import Protocol
from trialbook.queries.life import query_history
from trialbook.queries.query_list import Query, query, query_list
from trialbook.queries.worded import values_in

DUE = {"stop": 3, "major": 14, "minor": 30}
CUT = "2025-09-30"


def asked(rule: str, subject: str, recipient: str = "site", severity: str = "minor") -> Query:
    return query(rule, subject, "AE", record="AESEQ=1", severity=severity, message_en="Please check.",
                 message_zh="请核对。", recipient=recipient)  # fmt: skip


@pytest.fixture
def listed() -> pd.DataFrame:
    """Four questions: one old, one closed by the data, two new."""
    old = [asked("P19-AE-END-BEFORE-START", "S1", severity="major"), asked("P20-AE-ONGOING-WITH-END", "S2")]
    sites = {"S1": "01", "S2": "02"}
    first = query_list(old, "2025-03-31", sites=sites, due_days=DUE)
    now = [old[0], asked("AE-UNCODED", "S2", "medical monitor"), asked("P34-COLUMN-UNMAPPED", "", "mapper")]
    return query_list(now, CUT, first, sites=sites, due_days=DUE)


def test_the_workload_counts_open_questions_by_recipient_age_and_what_is_overdue(listed: pd.DataFrame) -> None:
    is_open = listed[listed["status"] == "open"]
    work = workload(is_open, CUT).set_index("RECIPIENT")
    assert work.loc["site"].tolist() == [0, 0, 0, 1, 1, 1]
    assert work.loc["mapper"].tolist() == work.loc["medical monitor"].tolist() == [1, 0, 0, 0, 0, 1]
    assert work.loc["laboratory"].tolist() == [0] * 6
    assert work["OPEN"].sum() == len(is_open) == 3
    text = workload_table(work.reset_index()).text
    assert "laboratory" not in text
    assert "medical monitor" in text
    drawing = workload_drawing(work.reset_index(), ENGLISH)
    assert drawing.count("<title>") == 3
    assert "site, more than 180 days: 1" in drawing


def test_a_value_that_is_worded_is_said_in_chinese_and_text_of_the_data_is_not() -> None:
    told = {"message_en": "Please check.", "message_zh": "请核对。"}
    values = {
        "P33-IE-CONFLICT": (
            "form N; ALT 92 U/L on 2025-09-10, upper limit 40", "表单：否；ALT 92 U/L（2025年9月10日），上限40",
        ),
        "P28-RS-RESPONSE-DIFFERS": ("PR by the investigator, MR by stages", "研究者评为PR，按分期为MR"),
        "P22-DEATH-DATE-INCOMPLETE": ("May 2025, counted as 2025-05-08 (DM)", "2025年5月，按2025年5月8日计（DM）"),
        "P31-CM-UNCODED": ("not known", "not known"),
        "AE-UNCODED": ("fever", "fever"),
    }  # fmt: skip
    rows = [query(rule, f"S{k}", "AE", observed=value, **told) for k, (rule, (value, _)) in enumerate(values.items())]
    listed = query_list(rows, CUT).set_index("rule", drop=False)
    assert values_in(listed, chinese()).to_dict() == {rule: said for rule, (_, said) in values.items()}
    page = open_table(listed, "site", {}, chinese())
    assert "研究者评为PR" in page.text
    assert "PR by the investigator" in open_table(listed, "site", {}, ENGLISH).text


def test_the_sentences_count(listed: pd.DataFrame) -> None:
    is_open = listed[listed["status"] == "open"]
    assert str(open_sentence(is_open, CUT)) == "3 questions are open; 1 was due before the data cut."
    assert str(closed_sentence(listed)) == "Closed: 1. Confirmed 0, corrected 0, waived 0, no longer raised 1."


def test_each_site_has_its_questions_and_those_that_others_must_answer(listed: pd.DataFrame) -> None:
    lines = site_table(listed[listed["status"] == "open"], CUT).text.splitlines()
    assert any(line.split() == ["01", "1", "1", "0"] for line in lines)
    assert any(line.split() == ["02", "0", "0", "1"] for line in lines)


def test_answers_and_questions_are_in_the_words_of_the_language(listed: pd.DataFrame) -> None:
    history = query_history(listed)
    name = listed.loc[listed["status"] == "closed", "query_id"].iloc[0]
    history.loc[len(history)] = [name, "2025-05-02", "waived", "Dr Li", "not needed"]
    english, translated = (answers_in_words(history, language) for language in (ENGLISH, chinese()))
    assert english == {name: "2025-05-02 waived (Dr Li): not needed"}
    assert "豁免" in translated[name]
    assert "Please check." in closed_table(listed, english, ENGLISH).text
    assert "请核对。" in closed_table(listed, translated, chinese()).text


def test_a_subject_has_its_number_and_leads_to_its_profile(listed: pd.DataFrame, protocol: Protocol) -> None:
    html = render_queries(
        listed, query_history(listed), reviewed_records({}, []), CUT, frame(protocol),
        numbers={"S1": "001", "S2": "002"}, linked=["001"],
    )  # fmt: skip
    assert '<a class="tb-subject" href="profiles/001.html">001</a>' in html
    assert "profiles/002.html" not in html
    assert "S1" not in html


def test_a_column_that_says_nothing_is_left_out(listed: pd.DataFrame) -> None:
    own = listed[listed["recipient"] == "medical monitor"]
    text = open_table(own, "medical monitor", {}, ENGLISH).text
    assert "Answers" not in text
    assert "Due date" in text


def test_reviewed_records_that_changed_come_first() -> None:
    reviewed = pd.DataFrame(
        [["AE", "S1", "AESEQ=1", "2025-04-02", "DM", "2025-03-31", "unchanged", ""],
         ["AE", "S2", "AESEQ=4", "2025-04-02", "DM", "2025-03-31", "changed", "AETOXGR"]],
        columns=["domain", "subject", "record", "date", "by", "cut_date", "since", "columns"],
    )  # fmt: skip
    text = reviewed_table(reviewed).text
    assert text.index("AESEQ=4") < text.index("AESEQ=1")
    assert "AETOXGR" in text
