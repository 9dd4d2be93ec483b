"""Every audit column with one subject for each result that it can have, and why it cannot have the others (§1.0)."""

from __future__ import annotations

import pytest

from support.eligibility_cases import Case, Make, audit_of, bare, base, history, lab, of_case, trial_of, without_form
from support.eligible_subject import CUT, INCLUSIONS
from trialbook.eligibility.adie import Audit, audit
from trialbook.eligibility.audit_results import RESULTS
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

ABSENT = "that no record is found proves nothing, so that the form decides"
FORM_ONLY = "no data can test the criterion"
ALWAYS_DATA = "the data always decide or leave it open: there is nothing the form alone could decide"
DM_RECORD = "the demography record is always there, so that the subject is never without data"
FORM_DECIDES = "where the data leave it open the form decides (A-19)"

# Per column the subjects whose data show that it is satisfied, that it is violated, that it is left open, and that no
# data can test it; in place of a subject the reason why there is none.
PASS, FAIL, OPEN, BY_FORM = range(4)
Ways = tuple[Make | str, Make | str, Make | str, Make | str]
CLEAN = base()
NO_LIMIT = {"unit": "U/L", "high": None}


def _improving() -> Make:
    """Steroids for ten days on which skin improves from stage 3 to 1: no rule of refractoriness holds."""
    return bare(
        lambda book: book.drug("Methylprednisolone", -10, dose=120)
        .add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(-10))
        .stages(-10, 3, 0, 0, 0).stages(-6, 2, 0, 0, 0).stages(-4, 1, 0, 0, 0)
    )  # fmt: skip


def _stages(*stages: int | None) -> Make:
    return base(without=("STAGES",), then=lambda book: book.stages(-1, *stages))


def _ecog(score: int) -> Make:
    return base(
        without=("ECOG101",),
        then=lambda book: book.add("RS", RSCAT="ECOG", RSTESTCD="ECOG101", RSORRES=score, RSDTC=book.date(-1)),
    )


def _drug(name: str, start: int | str, end: int | str | None = None) -> Make:
    return base(then=lambda book: book.drug(name, start, end=end))


def _lvef(value: str) -> Make:
    return base(
        then=lambda book: book.add("VS", VSTESTCD="LVEF", VSORRES=value, VSORRESU="%", VSDTC=book.date(-3))
    )  # fmt: skip


def _hcg(result: str | None) -> Make:
    return base(sex="F", then=lambda book: book.lab("HCG", result, -2, unit="") if result else None)


def _serology(gone: tuple[str, ...], **results: str) -> Make:
    def add(book):
        for test, result in results.items():
            book.lab(test, result, -5, unit="")

    return base(without=gone, then=add)


VIRUS = ("HIVAB", "TPAB")
HEPATITIS = ("HBSAG", "HCVAB")
WAYS: dict[str, Ways] = {
    "IN01": (CLEAN, base(RFICDTC="2025-01-11"), base(RFICDTC="2025-01"), base(age=7)),
    "IN02": (CLEAN, base(BRTHDTC="2022-05-01"), base(BRTHDTC="2021"), ALWAYS_DATA),
    "IN03": (CLEAN, _improving(), FORM_DECIDES, bare()),
    "IN04": (CLEAN, _ecog(3), base(without=("ECOG101",)), ALWAYS_DATA),
    "IN05": (CLEAN, _stages(0, 0, 0, 0), _stages(2, 0, None, 0), ALWAYS_DATA),
    "EX01": (ABSENT, _drug("Remestemcel-L", -400), _drug("Mesenchymal stem cells", "2025-01"), CLEAN),
    "EX02": (ABSENT, history("Allergy to rabbit ATG", -900), history("Allergic reaction to plasma", -900), CLEAN),
    "EX03": (FORM_ONLY, FORM_ONLY, FORM_ONLY, CLEAN),
    "EX04A": (CLEAN, lab("ALT", 81, high=40.0), lab("ALT", 30, high=None), ALWAYS_DATA),
    "EX04B": (CLEAN, lab("AST", 81, high=40.0), lab("AST", 30, high=None), ALWAYS_DATA),
    "EX04C": (CLEAN, lab("CREATCLR", 30, gone=("CREAT",), unit="mL/min"), lab("CREAT", 80, unit=""), ALWAYS_DATA),
    "EX04D": (CLEAN, lab("UREA", 17, unit="mmol/L", high=8.0), lab("UREA", 5, unit="mmol/L"), ALWAYS_DATA),
    "EX04E": (CLEAN, lab("INR", 1.9, unit="", high=1.2), lab("INR", 1.0, unit=""), ALWAYS_DATA),
    "EX05": (ABSENT, history("Sinusoidal obstruction syndrome", -20, ongoing=True, MHTOXGR="3"),
             history("HVOD", -20, MHTOXGR="3"), CLEAN),
    "EX06": (ABSENT, history("Pneumonia", -5, ongoing=True, MHTOXGR="3"), history("肺炎", -5, MHTOXGR="3"), CLEAN),
    "EX07": (ABSENT, _lvef("39"), _lvef(">30"), CLEAN),
    "EX08": (ABSENT, history("Resistant hypertension", -300, ongoing=True),
             history("难治性高血压", -900, end="2024"), CLEAN),
    "EX09": (ABSENT, history("Portal vein thrombosis", -9, ongoing=True), history("Thrombosis", -9), CLEAN),
    "EX10": (ABSENT, history("Breast cancer", "2022-05", ongoing=True), history("胃癌", "2015", end="2020"), CLEAN),
    "EX11": (ABSENT, history("Alcohol dependence", "2019"), history("Bipolar disorder", "2025"), CLEAN),
    "EX12": (CLEAN, _serology(VIRUS, HIVAB="POSITIVE", TPAB="NEGATIVE"), _serology(VIRUS, HIVAB="NEGATIVE"),
             ALWAYS_DATA),
    "EX13": (CLEAN, _serology(HEPATITIS, HBSAG="POSITIVE", HBVDNA="2000", HCVAB="NEGATIVE"),
             _serology(HEPATITIS, HBSAG="POSITIVE", HCVAB="NEGATIVE"), ALWAYS_DATA),
    "EX14": (FORM_ONLY, FORM_ONLY, FORM_ONLY, CLEAN),
    "EX15": ("contraception is known to the form alone", _hcg("POSITIVE"), _hcg(None), CLEAN),
    "EX16": (_drug("Investigational drug", -300, -290), _drug("Study drug", -50, -40),
             _drug("Study drug", -300, "2024-10"), CLEAN),
    "EX17": (FORM_ONLY, FORM_ONLY, FORM_ONLY, CLEAN),
}  # fmt: skip
# Where the column waits for data: a subject in screening of whom nothing has come that the column could look at.
WAITING: dict[str, Make] = {
    **dict.fromkeys(["IN04", "IN05", "EX04A", "EX04B", "EX04C", "EX04D", "EX04E", "EX12", "EX13"], bare()),
}


def _answers(column: str) -> tuple[str, str]:
    """The answers on the form that say satisfied and violated."""
    return ("Y", "N") if column[:4] in INCLUSIONS else ("N", "Y")


def _cases() -> tuple[list[Case], dict[tuple[str, str], str]]:
    """One case for each column and result that can be, and the reason for each that cannot."""
    cases: list[Case] = []
    never: dict[tuple[str, str], str] = {}
    for column, ways in WAYS.items():
        good, bad = _answers(column)
        passing, failing, left_open, by_form = ways
        att_fail = by_form if not isinstance(by_form, str) else left_open
        waiting = WAITING.get(column, by_form)
        # result -> (whose data, the answer on the form, infused, waived)
        wanted: dict[str, tuple[Make | str, str, bool, bool]] = {
            "PASS": (passing, good, True, False),
            "FAIL": (failing, bad, True, False),
            "NE": (left_open, good, True, False),
            "ATT-PASS": (by_form, good, True, False),
            "ATT-FAIL": (att_fail, bad, True, False),
            "CONFLICT": (failing, good, True, False),
            "WAIVED": (failing if not isinstance(failing, str) else by_form, bad, True, True),
            "PENDING": (DM_RECORD if column == "IN02" else waiting, "", False, False),
        }
        for result, (make, answer, infused, waived) in wanted.items():
            if isinstance(make, str):
                never[column, result] = make
            else:
                cases.append(
                    Case(column, "table", make, result=result, answer=answer, infused=infused, waived=waived)
                )  # fmt: skip
    return cases, never


CASES, NEVER = _cases()


@pytest.fixture(scope="module")
def audited(protocol: Protocol) -> Audit:
    return audit_of(CASES, protocol, analysis_values(protocol, {}, "protocol.yaml"))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(case) for case in CASES])
def test_each_column_has_each_of_its_results(number: int, audited: Audit) -> None:
    case = CASES[number]
    row = of_case(audited.adie, number, case.column).iloc[0]
    assert row["RESULT"] == case.result, row["EVIDENCE"]


def test_the_table_covers_26_columns_and_8_codes(protocol: Protocol) -> None:
    assert list(WAYS) == protocol.audit_columns
    there = {(case.column, case.result) for case in CASES}
    assert not there & set(NEVER)
    assert there | set(NEVER) == {(column, code) for column in WAYS for code in RESULTS}


def test_what_cannot_be_is_said_and_few_enough(protocol: Protocol) -> None:
    reasons = {ABSENT, FORM_ONLY, ALWAYS_DATA, DM_RECORD, FORM_DECIDES, "contraception is known to the form alone"}
    assert set(NEVER.values()) == reasons
    assert len(CASES) == 26 * 8 - len(NEVER)


def test_each_result_carries_its_evidence(audited: Audit, protocol: Protocol) -> None:
    adie, evidence = audited.adie, audited.evidence.all()
    assert adie["EVIDENCE"].str.len().gt(0).all()
    assert adie["RULE"].ne("").all()
    assert adie["PROTVER"].eq(protocol.version).all()
    told = adie[adie["RESULT"].isin(["PASS", "FAIL", "CONFLICT", "ATT-PASS", "ATT-FAIL"])]
    assert told["SRCDOM"].ne("").all(), told[told["SRCDOM"].eq("")][["CRITCD", "RESULT", "EVIDENCE"]]
    decided = evidence[evidence["ROLE"].eq("decides")].groupby(["USUBJID", "CRITCD"]).size()
    assert (decided == 1).all()
    with_source = adie[adie["SRCDOM"].ne("")].set_index(["USUBJID", "CRITCD"]).index
    assert with_source.difference(decided.index).empty, with_source.difference(decided.index)[:5]


def test_a_result_that_is_open_or_pending_says_where_was_looked(audited: Audit) -> None:
    rows = audited.adie[audited.adie["RESULT"].isin(["NE", "PENDING"]) & audited.adie["SRCDOM"].eq("")]
    days = r"[0-9]{4}-[0-9]{2}-[0-9]{2} to [0-9]{4}-[0-9]{2}-[0-9]{2}"
    measured = rows[rows["CRITCD"].str.match("IN04|IN05|EX04|EX12|EX13")]
    assert len(measured) > 9
    assert measured["EVIDENCE"].str.contains(days).all()
    pending = audited.adie[audited.adie["RESULT"].eq("PENDING")]
    assert pending["EVIDENCE"].str.contains("no answer on the form").all()


def test_a_waived_result_names_the_waiver(audited: Audit) -> None:
    rows = audited.adie[audited.adie["RESULT"].eq("WAIVED")]
    assert rows["EVIDENCE"].str.contains("waived: Waiver of").all()
    evidence = audited.evidence.all()
    waiver = evidence[evidence["ROLE"].eq("waiver")]
    assert set(waiver["CRITCD"]) >= set(WAYS)
    assert waiver["SRCDOM"].eq("DV").all()
    assert waiver["SRCSEQ"].notna().all()


def test_without_a_form_what_it_alone_could_decide_is_not_evaluable(protocol: Protocol) -> None:
    analysis = analysis_values(protocol, {}, "protocol.yaml")
    domains = without_form(trial_of([Case("EX01", "no form", CLEAN), Case("IN03", "no form", bare())]).domains())
    adie = audit(
        derive_subjects(StudyData(domains, protocol, analysis, CUT)), StudyData(domains, protocol, analysis, CUT)
    )
    by_form = [column for column, ways in WAYS.items() if not isinstance(ways[BY_FORM], str)]
    rows = adie[adie["CRITCD"].isin(by_form) & adie["DATARESULT"].eq("")]
    assert set(rows["CRITCD"]) == set(by_form) - {"IN01"}
    assert set(rows["RESULT"]) == {"NE"}
