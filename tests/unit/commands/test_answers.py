"""`trialbook answers`: what is taken from a returned list, and what is refused, all at once and before anything."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from trialbook.commands.answers import take_answers
from trialbook.core.datasets import write_dataset
from trialbook.core.errors import UsageError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Cut, Protocol, Trial
from trialbook.queries.answers import answers_until, read_answers
from trialbook.queries.files import write_csv
from trialbook.queries.marks import marks_until
from trialbook.queries.query_files import write_query_workbook
from trialbook.queries.query_list import query, query_list

TODAY = dt.date(2025, 11, 1)
HEAD = "query_id,answer,reason,date"


@pytest.fixture
def trial(tmp_path: Path, protocol: Protocol, analysis: Analysis) -> Trial:
    """A cut with a built query list of two questions, and a list of another cut."""
    cut = Cut(cut_id="one", cut_date="2025-06-30", snapshot="snap", protocol="params/protocol.yaml")
    for name, rule in (("one", "P10-EX-LEVEL-CHANGED"), ("two", "P32-WEIGHT-MISSING")):
        asked = [query(rule, "S01", "EX", record=f"EXSEQ={k}", message_en="a", message_zh="b") for k in (1, 2)]
        folder = tmp_path / "build" / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
        listed = query_list(asked, "2025-06-30")
        write_csv(listed, folder / "queries.csv")
        write_query_workbook(listed, folder / "queries.xlsx", "2025-06-30")
    return Trial(cut=cut, protocol=protocol, analysis=analysis, root=tmp_path)


def ids(trial: Trial, cut: str = "one") -> list[str]:
    return pd.read_csv(trial.root / "build" / cut / "queries.csv", dtype="str")["query_id"].tolist()


def take(trial: Trial, file: Path, by: str = "Site 01") -> list[str]:
    told: list[str] = []
    take_answers(trial, file, by, trial.root / "build", told.append, TODAY)
    return told


def refused(trial: Trial, rows: list[str], head: str = HEAD) -> list[str]:
    """What is said of rows that are refused; nothing may have been written."""
    file = trial.root / "returned.csv"
    file.write_text("\n".join([head, *rows]), encoding="utf-8")
    told: list[str] = []
    with pytest.raises(UsageError):
        take_answers(trial, file, "Site 01", trial.root / "build", told.append, TODAY)
    assert not (trial.root / "data").exists()
    return told


def test_the_returned_workbook_is_taken_from_whichever_sheet_was_filled_in(trial: Trial) -> None:
    file = trial.root / "returned.xlsx"
    filled = {("Queries", 1): "2025-07-10", ("To the site", 2): dt.datetime(2025, 7, 11)}
    sent = CalamineWorkbook.from_path(trial.root / "build" / "one" / "queries.xlsx")
    with xlsxwriter.Workbook(str(file), {"default_date_format": "yyyy-mm-dd"}) as book:
        for name in sent.sheet_names:
            page, rows = book.add_worksheet(name), sent.get_sheet_by_name(name).to_python()
            for k, row in enumerate(rows):
                cells = dict(zip(rows[0], row, strict=True))
                if (name, k) in filled:
                    cells |= {"answer": "Confirmed", "reason": "as dosed", "date": filled[name, k]}
                page.write_row(k, 0, list(cells.values()))
    assert take(trial, file)[-1].startswith("Next: run `trialbook build one`")
    kept = read_answers(trial.root / "data" / "answers" / "one.csv")
    assert [(one.query_id, one.answer, one.date, one.by) for one in kept] == [
        (ids(trial)[0], "confirmed", "2025-07-10", "Site 01"), (ids(trial)[1], "confirmed", "2025-07-11", "Site 01"),
    ]  # fmt: skip
    assert answers_until(trial) == kept
    assert "2 were there already" in take(trial, file)[0]
    assert read_answers(trial.root / "data" / "answers" / "one.csv") == kept


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_csv_in_any_usual_encoding_and_with_any_usual_delimiter(trial: Trial, encoding: str, sign: str) -> None:
    file = trial.root / "returned.csv"
    lines = [HEAD.upper(), f"{ids(trial)[0]},确认,与原始病历一致,2025年7月1日", f"{ids(trial)[1]},,,"]
    file.write_bytes("\r\n".join(lines).replace(",", sign).encode(encoding))
    take(trial, file)
    (one,) = read_answers(trial.root / "data" / "answers" / "one.csv")
    assert (one.answer, one.reason, one.date) == ("confirmed", "与原始病历一致", "2025-07-01")


def test_every_wrong_row_is_named_at_once_and_nothing_is_written(trial: Trial) -> None:
    one, two = ids(trial)
    told = refused(trial, [
        f"{one},confirmed,,2025-07-01", f"{two},maybe,why,2025-07-01", "Q-0000000000,waived,why,2025-07-01",
        f"{ids(trial, 'two')[0]},waived,why,2025-07-01", f"{one},waived,why,2025-06-29",
        f"{one},waived,why,2025-11-02", f"{one},waived,why,07/01/2025", f"{one},,why,", ",waived,why,2025-07-01",
    ])  # fmt: skip
    expected = [
        "reason is missing", "none of confirmed, corrected, waived or reopened", "has no such query",
        "belongs to the cut two", "before the query", "in the future", "no calendar date", "answer is missing",
        "no such query",
    ]  # fmt: skip
    assert len(told) == len(expected)
    for k, (line, words) in enumerate(zip(told, expected, strict=True), start=2):
        assert line.startswith(f"row {k}, ")
        assert words in line


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["{one},waived,why,2025-07-01", "{one},confirmed,why,2025-07-01"], "answers the query twice"),
        (["{one},waived,patient name: Zhang San,2025-07-01"], "identifies a person"),
        (["{one},waived,why,2025-02-30"], "no calendar date"),
    ],
)
def test_what_contradicts_or_identifies_is_refused(trial: Trial, rows: list[str], words: str) -> None:
    assert words in refused(trial, [row.format(one=ids(trial)[0]) for row in rows])[0]


def test_a_file_without_the_columns_of_an_answer_names_those_that_are_missing(trial: Trial) -> None:
    file = trial.root / "returned.csv"
    file.write_text("query_id,answer\nQ-1,waived\n", encoding="utf-8")
    with pytest.raises(UsageError, match="reason, date"):
        take(trial, file)
    with pytest.raises(UsageError, match="cannot be read"):
        take(trial, trial.root / "nowhere.csv")


def test_a_second_person_adds_and_the_cut_file_says_where(trial: Trial) -> None:
    named = trial.model_copy(update={"cut": trial.cut.model_copy(update={"answers": "kept/one.csv"})})
    file = trial.root / "returned.csv"
    file.write_text(f"{HEAD}\n{ids(trial)[0]},waived,why,2025-07-01\n", encoding="utf-8")
    take(named, file, "Dr Li")
    take(named, file, "Dr Wang")
    assert [one.by for one in read_answers(trial.root / "kept" / "one.csv")] == ["Dr Li", "Dr Wang"]
    file.write_text(f"{HEAD}\n{ids(trial)[0]},confirmed,why,2025-07-02\n", encoding="utf-8")
    said = take(named, file, "Dr Sun")[-1]
    assert "others have answered differently" in said
    assert "waived on 2025-07-01 by Dr Li" in said
    assert "Dr Sun" not in said
    with pytest.raises(UsageError, match="--by"):
        take(named, file, " ")


def test_a_build_reads_the_answers_of_earlier_cuts_and_none_of_later_ones(trial: Trial) -> None:
    file = trial.root / "returned.csv"
    file.write_text(f"{HEAD}\n{ids(trial)[0]},waived,why,2025-07-01\n", encoding="utf-8")
    take(trial, file)
    next_cut = {"cut_id": "next", "cut_date": "2025-09-30", "previous_cut": "one"}
    later = trial.model_copy(update={"cut": trial.cut.model_copy(update=next_cut)})
    earlier = trial.model_copy(update={"cut": trial.cut.model_copy(update={"cut_date": "2025-03-31"})})
    assert [one.answer for one in answers_until(later)] == ["waived"]
    assert answers_until(earlier) == []


def test_a_record_is_marked_as_reviewed_with_its_values_and_a_record_that_is_not_there_is_refused(
    trial: Trial,
) -> None:
    ae = pd.DataFrame({"USUBJID": ["S01"], "AESEQ": pd.Series([1], dtype="Int64"), "AETERM": ["Rash"]})
    write_dataset(ae, trial.root / "build" / "one" / "data" / "clean" / "ae.parquet", ["USUBJID", "AESEQ"])
    head = f"domain,subject,record,{HEAD}"
    told = refused(
        trial,
        ["AE,S01,AESEQ=2,,reviewed,,2025-07-01", "AE,S01,AESEQ=1,,reviewed,,2025-06-29", "AE,S01,AESEQ=1,,reviewed,,"],
        head,
    )
    assert ["no such record" in told[0], "before the data cut" in told[1], "date is missing" in told[2]] == [True] * 3
    file = trial.root / "returned.csv"
    file.write_text(f"{head}\nae,S01,AESEQ=1,,Reviewed,,2025-07-01\n", encoding="utf-8")
    assert take(trial, file) == [f"1 record marked as reviewed in {trial.root / 'data' / 'reviewed' / 'one.csv'}"]
    assert [(one.record, one.by) for one in marks_until(trial)] == [("AESEQ=1", "Site 01")]
    assert answers_until(trial) == []


def test_a_cut_that_is_not_built_has_no_list_to_answer(trial: Trial) -> None:
    shutil.rmtree(trial.root / "build" / "one")
    with pytest.raises(UsageError, match="not been built"):
        take(trial, trial.root / "returned.csv")
