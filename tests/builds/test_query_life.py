"""The query list over the three demo cuts: what stays open grows older, what is answered stays listed as closed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from trialbook.queries.files import read_csv_list
from trialbook.queries.query_list import COLUMNS
from trialbook.queries.rule_texts import RECIPIENTS

CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")


@pytest.fixture(scope="module")
def lists(demo: Path) -> dict[str, pd.DataFrame]:
    """The query list of each demo cut as the site gets it."""
    return {
        cut: pd.read_csv(demo / cut / "queries.csv", dtype="str", keep_default_na=False, encoding="utf-8-sig")
        for cut in CUTS
    }


def life(lists: dict[str, pd.DataFrame], rule: str, domain: str) -> list[tuple[str, ...]]:
    """Status, age, first seen and closing of one question at each cut; blank where it is not listed."""
    found = []
    for cut in CUTS:
        rows = lists[cut][(lists[cut]["rule"] == rule) & (lists[cut]["domain"] == domain)]
        assert len(rows) <= 1
        names = ["status", "age_days", "first_seen", "closed_at"]
        found.append(tuple(rows[names].iloc[0]) if len(rows) else ())
    return found


def test_a_question_that_nobody_answers_stays_open_from_cut_to_cut(lists: dict[str, pd.DataFrame]) -> None:
    assert life(lists, "P10-EX-LEVEL-CHANGED", "EX") == [
        ("open", "0", "2025-03-31", ""), ("open", "91", "2025-03-31", ""), ("open", "183", "2025-03-31", ""),
    ]  # fmt: skip


def test_a_relationship_that_was_filled_in_closes_its_question_for_good(lists: dict[str, pd.DataFrame]) -> None:
    assert life(lists, "P23-AE-RELATION-MISSING", "AE") == [
        ("open", "0", "2025-03-31", ""), ("closed", "91", "2025-03-31", "2025-06-30"),
        ("closed", "91", "2025-03-31", "2025-06-30"),
    ]  # fmt: skip


def test_a_death_date_that_was_completed_closes_its_question_one_cut_later(lists: dict[str, pd.DataFrame]) -> None:
    assert life(lists, "P22-DEATH-DATE-INCOMPLETE", "DM") == [
        (), ("open", "0", "2025-06-30", ""), ("closed", "92", "2025-06-30", "2025-09-30"),
    ]  # fmt: skip


def test_a_restatement_is_open_until_a_person_confirms_it(lists: dict[str, pd.DataFrame]) -> None:
    """It is raised at the second cut only; at the third the coordinator has answered (data/demo/answers)."""
    assert life(lists, "P36-RESTATED", "LB") == [
        (), ("open", "0", "2025-06-30", ""), ("closed", "101", "2025-06-30", "2025-10-09"),
    ]  # fmt: skip
    confirmed = lists["2025-09-30"][lists["2025-09-30"]["rule"] == "P36-RESTATED"]
    assert set(confirmed["state"]) == {"confirmed"}
    assert confirmed["answers"].str.startswith("2025-10-09 confirmed (Study coordinator, site 01): ").all()


def test_the_history_says_what_happened_to_each_question_over_the_cuts(
    lists: dict[str, pd.DataFrame], demo: Path
) -> None:
    history = read_csv_list(demo / "2025-09-30" / "query_history.csv")
    assert set(history["query_id"]) == set(lists["2025-09-30"]["query_id"])
    events = {name: rows["event"].tolist() for name, rows in history.groupby("query_id")}
    for line in lists["2025-09-30"].to_dict("records"):
        ends = {"open": ["asked"], "closed": ["asked", "closed"], "confirmed": ["asked", "confirmed"]}
        assert events[line["query_id"]] == ends[line["state"]]


def test_every_question_has_a_recipient_a_site_and_a_day_by_which_it_is_due(lists: dict[str, pd.DataFrame]) -> None:
    for listed in lists.values():
        assert listed["recipient"].isin(RECIPIENTS).all()
        assert set(listed["site"]) == {"01"}
        days = (pd.to_datetime(listed["due"]) - pd.to_datetime(listed["first_seen"])).dt.days
        assert days.tolist() == [{"stop": 3, "major": 14, "minor": 30}[name] for name in listed["severity"]]


def test_no_question_is_lost_and_every_status_follows_from_the_cut_before(lists: dict[str, pd.DataFrame]) -> None:
    for earlier, later in (CUTS[:2], CUTS[1:]):
        before, now = (lists[cut].set_index("query_id") for cut in (earlier, later))
        assert set(before.index) <= set(now.index)
        kept = now.loc[before.index]
        assert (kept["first_seen"] == before["first_seen"]).all()
        was_closed, is_closed = before["status"] == "closed", kept["status"] == "closed"
        by_data = kept["state"] == "closed"
        assert (kept.loc[is_closed & ~was_closed & by_data, "closed_at"] == later).all()
        assert (kept.loc[is_closed & ~by_data, "answers"] != "").all()
        assert (kept.loc[is_closed & was_closed, "closed_at"] == before.loc[is_closed & was_closed, "closed_at"]).all()
        assert (kept.loc[was_closed & ~is_closed, "reopened_at"] == later).all()
        assert (now.drop(index=before.index)["first_seen"] == later).all()


def test_ages_are_the_days_from_the_first_cut_to_the_answer_or_to_now(lists: dict[str, pd.DataFrame]) -> None:
    for cut, listed in lists.items():
        ends = listed["closed_at"].where(listed["closed_at"] != "", cut)
        days = (pd.to_datetime(ends) - pd.to_datetime(listed["first_seen"])).dt.days
        assert listed["age_days"].astype("int64").tolist() == days.tolist()


def test_one_issue_is_one_line(lists: dict[str, pd.DataFrame]) -> None:
    """The grade of an event whose fatal outcome lies after the cut is asked once, not also as a missing grade."""
    last = lists["2025-09-30"]
    of_event = last[
        (last["subject"] == "NCT06321198-01-015") & (last["domain"] == "AE") & (last["record"] == "AESEQ=2")
    ]
    assert of_event["rule"].tolist() == ["P26-GRADE-AT-CUT"]
    for listed in lists.values():
        assert not listed.duplicated(["rule", "subject", "domain", "record", "field"]).any()


def test_the_workbook_holds_the_same_list(lists: dict[str, pd.DataFrame], demo: Path) -> None:
    for cut, listed in lists.items():
        assert list(listed.columns) == COLUMNS
        sheet = CalamineWorkbook.from_path(demo / cut / "queries.xlsx").get_sheet_by_name("Queries").to_python()
        # The workbook says what was found in Chinese, too.
        in_chinese = sheet[0].index("observed_zh")
        rows = [[str(cell) for k, cell in enumerate(row) if k != in_chinese] for row in sheet]
        assert rows == [COLUMNS, *listed.to_numpy().tolist()]
