"""The form, the waiver and what was not delivered: how they meet the data in a whole audit."""

from __future__ import annotations

from support.eligible_subject import audited, eligible, form, judged_each, screened
from support.trial_builder import trial
from trialbook.core.domains import Domains

FORM_ONLY = {"EX01", "EX02", "EX03", *(f"EX{k:02d}" for k in range(5, 12)), "EX14", "EX15", "EX16", "EX17"}


def test_a_subject_who_meets_everything_passes_by_data_or_by_form(protocol, analysis) -> None:
    found = audited(eligible().domains(), protocol, analysis)
    assert len(found) == 26
    expected = {column: "ATT-PASS" if column in FORM_ONLY else "PASS" for column in found.index}
    assert found["RESULT"].to_dict() == expected


def test_the_form_decides_where_no_data_can(protocol, analysis) -> None:
    no, blank = dict.fromkeys(FORM_ONLY, "Y"), dict.fromkeys(FORM_ONLY, "")
    failed = audited(form(screened(), **no).infused(0).domains(), protocol, analysis).loc[sorted(FORM_ONLY)]
    assert set(failed["RESULT"]) == {"ATT-FAIL"}
    assert set(failed["FORMANSWER"]) == {"Y"}
    waiting = audited(form(screened(), **blank).infused(0).domains(), protocol, analysis).loc[sorted(FORM_ONLY)]
    assert set(waiting["RESULT"]) == {"PENDING"}


def test_the_last_answer_of_a_form_counts(protocol, analysis) -> None:
    changed = eligible()
    changed.add("IE", IETESTCD="EX14", IEORRES="Y", IEDTC=changed.date(-4))
    assert judged_each([changed], protocol, analysis, "EX14")["RESULT"].tolist() == ["ATT-PASS"]


def test_what_is_written_beside_an_answer_is_told_verbatim(protocol, analysis) -> None:
    book = form(screened(), EX17="").infused(0)
    book.add("IE", IETESTCD="EX17", IEORRES="Y", IEDTC="2025-01-09", IECOM="Lives too far away")
    found = judged_each([book], protocol, analysis, "EX17").iloc[0]
    assert found["RESULT"] == "ATT-FAIL"
    assert found["EVIDENCE"] == "by the form only; form: Y of 2025-01-09: Lives too far away"


def test_without_data_or_form_nothing_passes_but_age_and_consent(protocol, analysis) -> None:
    found = audited(trial().subject("S01").infused(0).domains(), protocol, analysis)
    assert found["RESULT"].value_counts().to_dict() == {"NE": 24, "PASS": 2}
    assert list(found.index[found["RESULT"] == "PASS"]) == ["IN01", "IN02"]


def test_a_documented_waiver_makes_a_criterion_waived(protocol, analysis) -> None:
    terms = ["Waiver of EX16: approved", "EX16 WAIVER", "豁免 EX16", "Waiver of EX1", "Subject enrolled although EX16"]
    books = [form(screened(), EX16="Y").infused(0).add("DV", DVTERM=term) for term in terms]
    found = judged_each(books, protocol, analysis, "EX16")["RESULT"].tolist()
    assert found == ["WAIVED", "WAIVED", "WAIVED", "ATT-FAIL", "ATT-FAIL"]


def test_a_waiver_of_a_whole_criterion_waives_the_parts_that_fail(protocol, analysis) -> None:
    book = form(screened(without=("ALT",)), EX04="Y").lab("ALT", 92, -1, high=40).infused(0)
    found = audited(book.add("DV", DVTERM="WAIVER EX04").domains(), protocol, analysis)
    assert list(found.loc["EX04A":"EX04E", "RESULT"]) == ["WAIVED", "PASS", "PASS", "PASS", "PASS"]
    assert (found["RESULT"] == "WAIVED").sum() == 1


def test_a_violation_the_form_admits_is_a_fail_of_the_part_that_fails(protocol, analysis) -> None:
    book = form(screened(without=("ALT",)), EX04="Y").lab("ALT", 92, -1, high=40).infused(0)
    found = audited(book.domains(), protocol, analysis)
    assert list(found.loc["EX04A":"EX04E", "RESULT"]) == ["FAIL", "PASS", "PASS", "PASS", "PASS"]


def test_a_form_that_says_violated_contradicts_five_passing_parts(protocol, analysis) -> None:
    found = audited(form(screened(), EX04="Y").infused(0).domains(), protocol, analysis)
    assert list(found.loc["EX04A":"EX04E", "RESULT"]) == ["CONFLICT"] * 5


def test_a_domain_that_was_not_delivered_never_turns_into_a_pass(protocol, analysis) -> None:
    domains = eligible().add("MH", MHTERM="Acute myeloid leukaemia", MHSTDTC="2024").domains()
    full = audited(domains, protocol, analysis)["RESULT"]
    for missing in ("MH", "RS", "LB", "IE"):
        delivered = Domains({code: domains[code] for code in domains if code != missing})
        reduced = audited(delivered, protocol, analysis)["RESULT"]
        changed = reduced[reduced != full]
        assert set(changed) <= {"NE", "ATT-PASS"}, missing
        by_form = full[changed.index] == "ATT-PASS"
        assert set(changed[by_form]) <= {"NE"}, missing
        assert ("NE" in set(changed)) == (missing != "MH"), missing


def test_laboratory_results_that_were_not_delivered_are_not_evaluable(protocol, analysis) -> None:
    domains = eligible().domains()
    found = audited(Domains({code: domains[code] for code in domains if code != "LB"}), protocol, analysis)
    assert set(found.loc[["EX04A", "EX04B", "EX04C", "EX04D", "EX04E", "EX12", "EX13"], "RESULT"]) == {"NE"}
