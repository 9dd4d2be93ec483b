"""What the audit reports and asks: counts by result, listings, sentences, and the queries to the site."""

from __future__ import annotations

import pandas as pd

from support.eligible_subject import CUT, form, screened
from support.trial_builder import TrialBuilder, trial
from trialbook.cleaning.problems import TEXTS
from trialbook.core.domains import Domains
from trialbook.eligibility import tables
from trialbook.eligibility.adie import audit
from trialbook.eligibility.audit_results import RESULTS
from trialbook.eligibility.queries import DOUBTS, eligibility_queries
from trialbook.eligibility.registry import CHECKS
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import query_id, query_list
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects


def audited_trial(book: TrialBuilder, protocol, analysis):
    domains = book.domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    return adsl, audit(adsl, StudyData(domains, protocol, analysis, CUT))


def mixed() -> TrialBuilder:
    """S01 contradicts the form in ALT and lacks the limit of INR; S02 is a screen failure by HIV."""
    book = form(screened(name="S01", without=("ALT", "INR"))).infused(0)
    book.lab("ALT", 100, -1, high=40).lab("INR", 1, -1, unit="", high=None)
    book = screened(book, "S02", level="SCRNFAIL", without=("HIVAB",)).lab("HIVAB", "POSITIVE", -5, unit="")
    return form(book, EX12="Y").add("DS", DSDECOD="SCREEN FAILURE", DSSTDTC=book.date(-1))


def test_counts_of_every_criterion_add_up_to_the_subjects(protocol, analysis) -> None:
    adsl, adie = audited_trial(mixed(), protocol, analysis)
    ard = to_ard(tables.eligibility_rows(adie, adsl, protocol))
    total = ard[ard["group1_level"] == "Total"]
    assert set(total["analysis_id"]) == {"ELIG"}
    assert set(total["variable_level"]) == set(RESULTS)
    assert total.groupby("variable")["stat"].sum().to_dict() == dict.fromkeys(protocol.audit_columns, 2)
    level = ard[(ard["group1_level"] == "DL1") & (ard["variable"] == "EX12") & (ard["stat"] > 0)]
    assert level[["variable_level", "stat"]].values.tolist() == [["PASS", 1]]


def test_contradictions_and_missing_limits_are_asked_of_the_site(protocol, analysis) -> None:
    adsl, adie = audited_trial(mixed(), protocol, analysis)
    asked = [(q["rule"], q["subject"], q["domain"], q["record"]) for q in eligibility_queries(adie, adsl)]
    assert asked == [
        ("P33-IE-CONFLICT", "iMSC-2001-S01", "IE", "CRITCD=EX04A"),
        ("P15-LB-LIMIT-MISSING", "iMSC-2001-S01", "LB", "LBSEQ=9"),
    ]


def test_a_treated_violation_is_asked_about_and_a_screen_failure_is_not(protocol, analysis) -> None:
    violated = form(screened(), EX14="Y", EX17="").infused(0)
    adsl, adie = audited_trial(violated, protocol, analysis)
    asked = [(q["rule"], q["record"]) for q in eligibility_queries(adie, adsl)]
    assert asked == [("P33-IE-VIOLATION", "CRITCD=EX14"), ("P33-IE-NOT-EVALUABLE", "CRITCD=EX17")]
    failed = form(screened(level="SCRNFAIL"), EX14="Y")
    adsl, adie = audited_trial(failed, protocol, analysis)
    assert eligibility_queries(adie, adsl) == []


def test_a_domain_that_was_not_delivered_is_one_line_with_the_criteria_that_it_leaves_open(protocol, analysis) -> None:
    book = screened(screened(name="S01").infused(0), "S02").infused(0)
    whole = form(book)
    frames = {code: whole.domains()[code] for code in whole.domains() if code not in ("LB", "IE")}
    domains = Domains(frames)
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    adie = audit(adsl, StudyData(domains, protocol, analysis, CUT))
    every = eligibility_queries(adie, adsl)
    asked = eligibility_queries(adie, adsl, domains, protocol)
    assert len(every) > 20
    assert [(q["rule"], q["domain"], q["subject"]) for q in asked] == [
        ("P34-CRITERIA-NOT-EVALUABLE", "IE", ""), ("P34-CRITERIA-NOT-EVALUABLE", "LB", "")
    ]  # fmt: skip
    assert "EX04A, EX04B, EX04C, EX04D, EX04E, EX12, EX13" in asked[1]["message_en"]
    assert "2 infused subjects" in asked[1]["message_en"]
    assert "2名" in asked[1]["message_zh"]
    holds = TEXTS.phrase("LB")
    line = TEXTS.query("P34-DOMAIN-MISSING", "", "LB", severity="minor", code="LB", holds=holds, uses="grades")
    listed = query_list([line, *asked], "2025-12-31")
    rules = [["IE", "P34-CRITERIA-NOT-EVALUABLE"], ["LB", "P34-DOMAIN-MISSING"]]
    assert listed[["domain", "rule"]].values.tolist() == rules
    assert listed["message_en"].iloc[1].startswith("LB (laboratory results) was not delivered.")
    assert listed["message_en"].iloc[1].endswith("2 infused subjects.")


def test_every_query_has_its_own_id_and_both_languages(protocol, analysis) -> None:
    adsl, adie = audited_trial(mixed().subject("S09").infused(0), protocol, analysis)
    queries = eligibility_queries(adie, adsl)
    ids = [query_id(q["rule"], q["subject"], q["domain"], q["record"], q["field"]) for q in queries]
    assert len(set(ids)) == len(ids) > 10
    assert all(q["message_en"] and any("\u4e00" <= c <= "\u9fff" for c in q["message_zh"]) for q in queries)


def test_every_flag_of_the_checks_has_its_question(root) -> None:
    source = "".join(path.read_text("utf-8") for path in sorted((root / "src/trialbook/eligibility").rglob("*.py")))
    assert all(source.count(f'"{flag}"') >= 2 for flag in DOUBTS)


def test_every_criterion_of_the_protocol_has_a_check(protocol) -> None:
    assert {criterion.check for criterion in protocol.criteria} == set(CHECKS)
    assert len(protocol.audit_columns) == 26


def test_what_to_look_at_holds_everything_but_passes(protocol, analysis) -> None:
    adsl, adie = audited_trial(mixed(), protocol, analysis)
    shown = tables.to_look_at(adie, adsl)
    assert shown[["SUBJID", "CRITCD", "RESULT"]].values.tolist() == [
        ["S01", "EX04A", "CONFLICT"], ["S01", "EX04E", "NE"], ["S02", "EX12", "FAIL"],
    ]  # fmt: skip


def test_a_listing_that_is_cut_keeps_the_infused_and_the_unmet_and_says_what_it_leaves_out() -> None:
    adsl = pd.DataFrame({"SUBJID": ["S1", "S2", "S3", "S4"], "SAFFL": ["N", "Y", "N", "Y"]})
    rows = pd.DataFrame({
        "SUBJID": ["S1", "S2", "S2", "S3", "S4"], "RESULT": ["FAIL", "PENDING", "NE", "CONFLICT", "FAIL"],
    })  # fmt: skip
    kept = [tables.first_rows(rows, adsl, most).to_numpy().tolist() for most in (1, 2, 4)]
    assert kept[0] == [["S4", "FAIL"]]
    assert kept[1] == [["S2", "NE"], ["S4", "FAIL"]], "in the order of the listing"
    assert kept[2] == [["S1", "FAIL"], ["S2", "PENDING"], ["S2", "NE"], ["S4", "FAIL"]]
    (note,) = tables.rows_left_out(rows, adsl, 2)
    assert note.startswith("2 of 5 rows are shown: first those of infused subjects, then by result (")
    assert "(violated by the data, " in note
    assert "Not shown: 1 of infused subjects and 2 of others" in note
    assert tables.rows_left_out(rows, adsl, 5) == []
    # Subjects without a result of their own: who is in which set, screen failures.
    assert tables.first_rows(adsl, adsl, 3)["SUBJID"].tolist() == ["S1", "S2", "S4"]
    assert "by result" not in tables.rows_left_out(adsl, adsl, 3)[0]


def test_the_matrix_shows_those_with_findings_first(protocol, analysis) -> None:
    book = mixed()
    form(screened(book, "S03")).infused(0)
    adsl, adie = audited_trial(book, protocol, analysis)
    cells = tables.matrix(adie, adsl, protocol, most_subjects=2)
    assert sorted(set(cells["subject"])) == ["S01", "S02"]
    assert tables.left_out_note(adie, 2)[0].startswith("Of 3 subjects the 2 with most")
    assert list(tables.matrix_table(cells).columns) == ["subject", "level", *protocol.audit_columns]


def test_the_sentence_says_what_was_found_or_why_nothing_could_be(protocol, analysis) -> None:
    adsl, adie = audited_trial(mixed(), protocol, analysis)
    said = tables.audit_sentence(adie, adsl, protocol)
    assert said.startswith("Infused subjects: 1; checks: 26. Violations: 0; form and data contradict each other: 1;")
    adsl, adie = audited_trial(trial(), protocol, analysis)
    assert tables.audit_sentence(adie, adsl, protocol) == "There is no screened subject to audit at this cut."
    bare = protocol.model_copy(update={"criteria": []})
    assert "not an endpoint of this trial" in tables.audit_sentence(adie, adsl, bare)
    waiting = form(screened(actual="NOTTRT"))
    adsl, adie = audited_trial(waiting, protocol, analysis)
    assert tables.audit_sentence(adie, adsl, protocol).startswith("No subject has been treated at this cut")
