"""Other readings of the assumptions: each alternative alone, which results it would change, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest

from support.eligible_subject import CUT, eligible, form, screened
from support.trial_builder import TrialBuilder, trial
from trialbook.eligibility.adie import audit, audit_with_evidence
from trialbook.eligibility.refractory import all_definitions
from trialbook.eligibility.registry import CHECKS
from trialbook.eligibility.what_if import CHANGES, REACH, Outlook, alternatives, outlook
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects


def looked_at(book: TrialBuilder, protocol: Protocol, analysis: Analysis) -> Outlook:
    domains = book.domains()
    core = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    found = audit_with_evidence(core, StudyData(domains, protocol, analysis, CUT))
    rules = all_definitions(core, StudyData(domains, protocol, analysis, CUT))
    return outlook(found.adie, found.evidence, rules, core, StudyData(domains, protocol, analysis, CUT))


def turned(book: TrialBuilder, protocol: Protocol, analysis: Analysis, assumption: str) -> list[tuple[str, ...]]:
    """(criterion, alternative, from, to) of the changes under one assumption."""
    changes = looked_at(book, protocol, analysis).changes
    own = changes[changes["ASSUMPTION"].eq(assumption)]
    return list(own[["CRITCD", "ALTERNATIVE", "FROM", "TO"]].itertuples(index=False, name=None))


def of_70() -> TrialBuilder:
    return form(screened(BRTHDTC="1954-06-01")).infused(0)


def old_lab() -> TrialBuilder:
    """ALT was measured 10 days before the infusion only, outside the window of 7 days."""
    return form(screened(without=("ALT",)).lab("ALT", 30, -10, high=40.0)).infused(0)


def worse_before() -> TrialBuilder:
    """ALT above the limit 4 days before, below it 2 days before."""
    return form(screened().lab("ALT", 90, -4, high=40.0)).infused(0)


def carrier() -> TrialBuilder:
    book = screened(without=("HBSAG",)).lab("HBSAG", "POSITIVE", -5, unit="").lab("HBVDNA", "<20", -5, unit="IU/mL")
    return form(book).infused(0)


def lansky() -> TrialBuilder:
    book = screened(without=("ECOG101",), age=8)
    return form(book.add("RS", RSCAT="LANSKY", RSTESTCD="LANSKY", RSORRES=80, RSDTC=book.date(-1))).infused(0)


def rabbit() -> TrialBuilder:
    """A mild allergy to rabbit ATG: any grade counts for heterologous protein, unless 'severe' is read for both."""
    book = screened().add("MH", MHTERM="Allergy to rabbit ATG", MHTOXGR="1", MHSTDTC="2020-03-01")
    return form(book, EX02="Y").infused(0)


def other_drug() -> TrialBuilder:
    """Another trial's drug, last given on the 84th day before consent."""
    book = screened()
    return form(book.drug("Investigational drug", -120, end=-91), EX16="Y").infused(0)


def one_mg() -> TrialBuilder:
    """Steroids of 1 mg/kg/day: worse on day 4, so refractory by the Chinese consensus alone."""
    book = trial().subject("S01").infused(0).drug("Methylprednisolone", -10, dose=60)
    book.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(-3))
    return form(book.stages(-10, 2, 0, 0, 0).stages(-6, 3, 0, 0, 0).stages(-1, 3, 0, 0, 0))


def bilirubin_34() -> TrialBuilder:
    """Bilirubin 34.1 umol/L is stage 0 at 34.2 and stage 1 at 34: no grade II without it."""
    book = screened(without=("STAGES",)).lab("BILI", 34.1, -1, unit="umol/L", high=21.0)
    for code, stage in (("SKINSTG", 1), ("UGISTG", 0), ("LGISTG", 0)):
        book.add("RS", RSCAT="MAGIC", RSTESTCD=code, RSORRES=stage, RSDTC=book.date(-1))
    return form(book, IN05="N").infused(0)


CASES = [
    ("A-18", of_70, ("IN02", "age_rule = strict_70", "PASS", "CONFLICT")),
    ("A-10", old_lab, ("EX04A", "lab_window_days = 14", "NE", "PASS")),
    ("A-11", worse_before, ("EX04A", "the worst result in the window decides", "PASS", "CONFLICT")),
    ("A-20", lansky, ("IN04", "IN04: a Lansky score does not stand for an ECOG score", "PASS", "NE")),
    ("A-33", carrier, ("EX13", "EX13: HBsAg or an HCV antibody alone counts as active", "PASS", "CONFLICT")),
    ("A-24", rabbit, ("EX02", "EX02: 'severe' applies to heterologous protein as well", "FAIL", "ATT-FAIL")),
    ("A-35", other_drug, ("EX16", "EX16: the 84th day before consent itself does not count", "FAIL", "CONFLICT")),
    ("A-19", one_mg, ("IN03", "sr_definition = CN-2024", "CONFLICT", "PASS")),
    ("A-43", bilirubin_34, ("IN05", "bili_cut_umol = 34, 51, 102, 255", "FAIL", "CONFLICT")),
]  # fmt: skip


def everyone() -> TrialBuilder:
    """All the subjects above in one trial, each under a number of its own."""
    book = trial()
    for make in (of_70, old_lab, worse_before, carrier, lansky, rabbit, other_drug, one_mg, bilirubin_34, eligible):
        one = make()
        for code, records in one._records.items():
            book._records.setdefault(code, []).extend({**r, "USUBJID": make.__name__} for r in records)
        book._records["DM"][-1]["SUBJID"] = make.__name__
    return book


@pytest.fixture(scope="module")
def of_everyone(protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """The changes of all these subjects under every alternative, looked at once."""
    return looked_at(everyone(), protocol, analysis).changes


@pytest.mark.parametrize(("assumption", "book", "change"), CASES, ids=[case[0] for case in CASES])
def test_each_alternative_changes_the_result_that_rests_on_it(assumption, book, change, of_everyone) -> None:
    own = of_everyone[of_everyone["ASSUMPTION"].eq(assumption) & of_everyone["SUBJID"].eq(book.__name__)]
    found = own[["CRITCD", "ALTERNATIVE", "FROM", "TO"]].itertuples(index=False, name=None)
    assert change in list(found)


def test_a_waived_criterion_stays_waived_under_every_alternative(protocol, analysis) -> None:
    book = other_drug().add("DV", DVTERM="Waiver of EX16", DVDECOD="EX16", DVCAT="WAIVER", DVSTDTC="2025-01-09")
    assert turned(book, protocol, analysis, "A-35") == []


def test_the_shortcut_says_what_a_whole_audit_under_each_alternative_says(protocol, analysis, of_everyone) -> None:
    """The alternatives run only what can change; here every one is audited as a whole and compared."""
    domains = everyone().domains()
    core = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    usual = audit(core, StudyData(domains, protocol, analysis, CUT))[["USUBJID", "CRITCD", "RESULT"]]
    short = of_everyone
    seen = 0
    for other in alternatives(protocol, analysis):
        read = {criterion.id: criterion for criterion in other.protocol.criteria}
        whole = protocol.model_copy(update={"criteria": [read.get(c.id, c) for c in protocol.criteria]})
        again = audit(core, StudyData(domains, whole, other.analysis, CUT))[["USUBJID", "CRITCD", "RESULT"]]
        both = usual.merge(again, on=["USUBJID", "CRITCD"], suffixes=("", "_OTHER"))
        differ = both[both["RESULT"] != both["RESULT_OTHER"]]
        own = short[short["ALTERNATIVE"].eq(other.says)]
        found = own[["SUBJID", "CRITCD", "FROM", "TO"]].itertuples(index=False, name=None)
        assert sorted(found) == sorted(differ.itertuples(index=False, name=None)), other.says
        seen += len(differ)
    assert seen > 8


def test_what_is_in_force_is_no_alternative(protocol, analysis) -> None:
    named = [one.says for one in alternatives(protocol, analysis.model_copy(update={"age_rule": "strict_70"}))]
    assert "age_rule = strict_70" not in named
    assert "age_rule = strict_70" in [one.says for one in alternatives(protocol, analysis)]


def test_every_alternative_of_the_protocol_file_can_be_worked_out(protocol, analysis) -> None:
    """Keys with alternatives reach checks that exist; readings set parameters that the criterion has."""
    keys = {key for key, entry in protocol.analysis.items() if entry.alternatives}
    assert keys == set(REACH)
    assert {check for checks in REACH.values() for check in checks} <= set(CHECKS)
    for criterion in protocol.criteria:
        for reading in criterion.alternatives:
            assert set(reading.parameters) <= set(criterion.parameters), criterion.id
            assert reading.assumption.startswith("A-")
    assert len(alternatives(protocol, analysis)) == 22


def test_the_summary_names_every_alternative_with_what_is_in_force(protocol, analysis) -> None:
    found = looked_at(eligible(), protocol, analysis)
    assert len(found.summary) == 1 + len(alternatives(protocol, analysis))
    assert set(found.summary["CHANGED"]) == {"none"}
    assert found.changes.empty
    row = looked_at(of_70(), protocol, analysis).summary.set_index("ASSUMPTION").loc["A-18"]
    assert row["INFORCE"] == "age_rule = completed_years_inclusive"
    assert row["CHANGED"] == "1 of 1 subject"


def test_without_subjects_or_criteria_there_is_nothing_to_change(protocol, analysis) -> None:
    for book, plan in ((trial(), protocol), (eligible(), protocol.model_copy(update={"criteria": []}))):
        found = looked_at(book, plan, analysis)
        assert list(found.changes.columns) == CHANGES
        assert found.changes.empty
        assert found.summary.empty


def test_an_alternative_is_worked_out_for_the_subjects_asked_for_only(protocol, analysis) -> None:
    book = of_70()
    form(screened(book, "S02", BRTHDTC="1954-06-01")).infused(0)
    domains = book.domains()
    core = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    found = audit_with_evidence(core, StudyData(domains, protocol, analysis, CUT))
    rules = all_definitions(core, StudyData(domains, protocol, analysis, CUT))
    first = outlook(found.adie, found.evidence, rules, core.head(1), StudyData(domains, protocol, analysis, CUT))
    assert set(first.changes["SUBJID"]) == {"S01"}
    assert pd.Series(first.changes["ASSUMPTION"]).eq("A-18").any()
