"""What is open is shown as open: one answer for five tests, a missing age, steroids without stages at their start."""

from __future__ import annotations

import pytest

from support.eligible_subject import eligible, form, judged, screened
from support.trial_builder import TrialBuilder, trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol


def never_infused(without: tuple[str, ...], **high: float) -> TrialBuilder:
    """A screen failure whose form answers EX04 with yes; `high`: results far above their limit."""
    book = form(screened(level="SCRNFAIL", without=(*without, *high)), EX04="Y")
    for test, value in high.items():
        book.lab(test, value, -2, unit="U/L", high=40.0)
    return book.add("DS", DSDECOD="SCREEN FAILURE", DSSTDTC=book.date(-1))


def test_an_answered_form_is_not_pending_where_one_of_its_tests_was_never_done(
    protocol: Protocol, analysis: Analysis
) -> None:
    book = never_infused(("ALT",), AST=200.0)
    assert judged(book, protocol, analysis, "EX04B")["RESULT"] == "FAIL"
    assert judged(book, protocol, analysis, "EX04A")["RESULT"] == "NE"


def test_a_yes_that_an_unknown_result_may_explain_contradicts_no_other_result(
    protocol: Protocol, analysis: Analysis
) -> None:
    book = never_infused(("ALT",))
    assert judged(book, protocol, analysis, "EX04A")["RESULT"] == "ATT-FAIL"
    assert judged(book, protocol, analysis, "EX04B")["RESULT"] == "PASS"


def test_a_yes_that_no_result_explains_contradicts_all_of_them(protocol: Protocol, analysis: Analysis) -> None:
    for column in ("EX04A", "EX04B", "EX04C", "EX04D", "EX04E"):
        assert judged(never_infused(()), protocol, analysis, column)["RESULT"] == "CONFLICT"


@pytest.mark.parametrize(("birth", "result"), [("2021-01", "NE"), ("1950", "PASS")])
def test_who_may_be_a_child_does_not_pass_without_a_guardian(
    protocol: Protocol, analysis: Analysis, birth: str, result: str
) -> None:
    book = eligible(BRTHDTC=birth, AGE=31.0)
    assert judged(book, protocol, analysis, "IN01")["DATARESULT"] == result


@pytest.mark.parametrize(("skin", "holds"), [(2, "PASS"), (0, "FAIL")])
def test_lasting_disease_after_28_days_of_steroids_needs_no_stages_at_their_start(
    protocol: Protocol, analysis: Analysis, skin: int, holds: str
) -> None:
    book = trial().subject("S01").add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC="2025-01-07")
    book.drug("Methylprednisolone", -40, dose=30).stages(-1, skin, 0, 0, 0)
    assert judged(form(book).infused(0), protocol, analysis, "IN03")["DATARESULT"] == holds


def test_a_product_of_unknown_start_that_goes_on_is_not_known_to_precede_consent(
    protocol: Protocol, analysis: Analysis
) -> None:
    ongoing = eligible().add("CM", CMTRT="Investigational drug X", CMENRTPT="ONGOING")
    ended = eligible()
    ended.add("CM", CMTRT="Investigational drug X", CMENDTC=ended.date(-20))
    assert judged(ongoing, protocol, analysis, "EX16")["DATARESULT"] == "NE"
    assert judged(ended, protocol, analysis, "EX16")["DATARESULT"] == "FAIL"
