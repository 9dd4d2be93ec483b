"""The definitions of steroid-refractory aGVHD beside each other: verdicts, dates, and who would change."""

from __future__ import annotations

import pandas as pd

from support.eligible_subject import CUT, eligible, form, screened
from support.trial_builder import TrialBuilder, trial
from trialbook.eligibility import refractory
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

EBMT, CHINESE = "EBMT-NIH-CIBMTR-2018", "CN-2024"


def sides(book: TrialBuilder, protocol, analysis) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rules of all definitions, and their table."""
    domains = book.domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    rules = refractory.all_definitions(adsl, StudyData(domains, protocol, analysis, CUT))
    return rules, refractory.side_by_side(rules, adsl, analysis)


def test_the_definition_in_force_stands_first_and_the_chinese_consensus_beside_it(protocol, analysis) -> None:
    rules, table = sides(eligible(), protocol, analysis)
    assert list(table.columns)[:3] == ["SUBJID", EBMT, CHINESE]
    assert sorted(table.columns[1:-2]) == sorted(dict.fromkeys(rules["DEFINITION"]))
    heads = refractory.definition_heads(rules, analysis)
    assert heads[EBMT].endswith("(in force)")
    assert heads[CHINESE].endswith("(Chinese consensus)")


def test_another_definition_in_force_stands_first(protocol, analysis) -> None:
    table = sides(eligible(), protocol, analysis.model_copy(update={"sr_definition": "REACH2"}))[1]
    assert list(table.columns)[:3] == ["SUBJID", "REACH2", CHINESE]


def test_a_cell_says_the_verdict_and_the_deciding_date(protocol, analysis) -> None:
    """Steroids from day -10; skin 2, then 3 on day -6: worse after 4 days by both."""
    row = sides(eligible(), protocol, analysis)[1].iloc[0]
    assert row[EBMT] == "TRUE, 2025-01-04"
    assert row[CHINESE] == "TRUE, 2025-01-04"


def test_who_would_change_is_named_with_the_definitions(protocol, analysis) -> None:
    """At 1 mg/kg/day the Chinese consensus starts its clock and the EBMT rule of the dose does not."""
    book = trial().subject("S01").infused(0)
    book.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(-3))
    book.drug("Methylprednisolone", -10, dose=60).stages(-10, 2, 0, 0, 0).stages(-6, 3, 0, 0, 0)
    row = sides(book, protocol, analysis)[1].iloc[0]
    assert row[EBMT].startswith("FALSE")
    assert row[CHINESE] == "TRUE, 2025-01-04"
    assert CHINESE in row["DIFFERS"].split(", ")


def test_where_all_say_the_same_nobody_would_change(protocol, analysis) -> None:
    """Without steroids in the data every definition is left open."""
    row = sides(trial().subject("S01").infused(0), protocol, analysis)[1].iloc[0]
    assert set(row.iloc[1:-2]) == {"NE"}
    assert row["DIFFERS"] == "-"


def test_the_rules_behind_a_cell_are_those_of_its_definition(protocol, analysis) -> None:
    rules, _ = sides(form(screened(eligible(), "S02", level="DL1")).infused(0), protocol, analysis)
    lines = refractory.rule_lines(rules)
    adsl = pd.DataFrame({"USUBJID": ["iMSC-2001-S01", "iMSC-2001-S02"], "SUBJID": ["S01", "S02"]})
    title, _, positions = refractory.behind_verdicts(rules, adsl, analysis)[1, EBMT]
    assert title == f"S02, {EBMT}"
    behind = lines.iloc[positions]
    assert behind["RESULT"].tolist() == ["TRUE", "NE", "FALSE"]
    assert behind["EVIDDT"].iloc[0] == "2025-01-04"


def test_beyond_the_chosen_subjects_only_the_definition_in_force_is_worked_out(protocol, analysis) -> None:
    domains = form(screened(eligible(), "S02")).infused(0).domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    some = refractory.all_definitions(adsl, StudyData(domains, protocol, analysis, CUT), adsl["USUBJID"].head(1))
    whole = refractory.all_definitions(adsl, StudyData(domains, protocol, analysis, CUT))
    assert some.groupby("USUBJID")["DEFINITION"].nunique().tolist() == [6, 1]
    same = some.merge(whole, on=["USUBJID", "DEFINITION", "RULE"], suffixes=("", "_WHOLE"))
    assert same["RESULT"].equals(same["RESULT_WHOLE"].rename("RESULT"))
    assert len(refractory.side_by_side(some, adsl.head(1), analysis)) == 1


def test_without_subjects_or_criterion_there_is_nothing_beside(protocol, analysis) -> None:
    assert sides(trial(), protocol, analysis)[1].empty
    assert sides(eligible(), protocol.model_copy(update={"criteria": []}), analysis)[1].empty
