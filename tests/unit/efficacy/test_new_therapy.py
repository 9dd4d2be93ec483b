"""New systemic anti-aGVHD therapy as non-response: drugs, routes, dates, continuation, steroids (§2.7)."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.core.terms import find_term
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.day28 import day28_response
from trialbook.efficacy.queries import response_queries
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")


@pytest.fixture
def respond(protocol, analysis):
    def derive(built: TrialBuilder, **keys):
        domains = built.delivers("CM").domains()
        changed = analysis.model_copy(update=keys)
        subjects = derive_subjects(StudyData(domains, protocol, changed, CUT))
        (row,) = day28_response(subjects, StudyData(domains, protocol, changed, CUT)).to_dict("records")
        return row

    return derive


def responder() -> TrialBuilder:
    """A subject whose stages alone are a complete response on day 28, weight 60 kg."""
    built = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2).stages(28, 0, 0, 0, 0)
    return built.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC="2025-01-09")


def is_new(row) -> bool:
    assert (row["AVALC"], row["REASON"]) in {("CR", ""), ("NR", "NEWTX")}
    assert row["RSPSTG"] == "CR"
    return row["REASON"] == "NEWTX"


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("ruxolitinib", True), ("RUXOLITINIB PHOSPHATE", True), ("芦可替尼片", True), ("巴利昔单抗", True),
        ("Anti-thymocyte globulin", True), ("ATG", True), ("MMF", True), ("mycophenolate mofetil", True),
        ("alpha 1-antitrypsin", True), ("Thymoglobuline", True), ("tacrolimus", False), ("ursodiol", False),
        ("budesonide", False), ("beclomethasone", False), ("MMFX-101", False),
    ],
)  # fmt: skip
def test_which_drugs_are_anti_gvhd_therapy(respond, name, new) -> None:
    assert is_new(respond(responder().drug(name, 20))) == new


def test_a_procedure_counts_like_a_drug(respond) -> None:
    built = responder().add("PR", PRTRT="Extracorporeal photopheresis", PRSTDTC="2025-01-25")
    row = respond(built)
    assert is_new(row)
    assert row["EVNTSRC"] == "PRSEQ=1"


@pytest.mark.parametrize(("day", "new"), [(-5, False), (0, False), (1, True), (20, True), (28, True), (29, False)])
def test_the_start_lies_after_the_infusion_and_by_the_assessment(respond, day, new) -> None:
    assert is_new(respond(responder().drug("ruxolitinib", day))) == new


def test_a_start_on_the_day_of_infusion_is_new_when_its_time_is_later(respond) -> None:
    assert is_new(respond(responder().drug("ruxolitinib", "2025-01-10T16:00")))
    assert not is_new(respond(responder().drug("ruxolitinib", "2025-01-10T06:00")))


def test_the_assessment_of_day_30_extends_the_time_that_is_looked_at(respond) -> None:
    built = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2).stages(30, 0, 0, 0, 0).drug("ruxolitinib", 30)
    assert is_new(respond(built))


def test_without_an_assessment_a_start_by_day_28_is_the_reason(respond) -> None:
    built = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2)
    assert respond(built.drug("ruxolitinib", 28))["REASON"] == "NEWTX"
    later = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2)
    assert respond(later.drug("ruxolitinib", 29))["REASON"] == "MISSING"


@pytest.mark.parametrize("route", ["TOPICAL", "INTRATHECAL", "外用"])
def test_a_local_route_is_no_systemic_therapy(respond, route) -> None:
    assert not is_new(respond(responder().drug("methotrexate", 5, CMROUTE=route)))


@pytest.mark.parametrize(
    ("start", "new"),
    [("2025-01", True), ("2025", True), ("2025-02", True), (None, True), ("2024", False), ("2024-12", False),
     ("2025-03", False)],
)  # fmt: skip
def test_a_partial_start_counts_when_any_day_it_may_mean_does(respond, start, new) -> None:
    built = responder().add("CM", CMTRT="ruxolitinib", CMDECOD="RUXOLITINIB", CMSTDTC=start)
    row = respond(built)
    assert is_new(row) == new
    assert row["EVNTCERT"] == ""


def test_a_partial_start_that_decides_is_questioned(protocol, analysis) -> None:
    domains = responder().add("CM", CMTRT="ruxolitinib", CMDECOD="RUXOLITINIB", CMSTDTC="2025-01").domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    arguments = subjects, StudyData(domains, protocol, analysis, CUT)
    queries = response_queries(
        derive_adrs(*arguments), day28_response(*arguments), subjects, domains, protocol, analysis
    )  # fmt: skip
    assert [(q["rule"], q["record"]) for q in queries] == [("P30-CM-PARTIAL-START", "CMSEQ=1")]


def test_a_drug_that_ran_at_the_infusion_and_goes_on_at_the_same_dose_is_not_new(respond) -> None:
    ongoing = responder().drug("ruxolitinib", -20, dose=10)
    assert not is_new(respond(ongoing))
    split = responder().drug("ruxolitinib", -20, end=5, dose=10).drug("ruxolitinib", 6, end=15, dose=10)
    assert not is_new(respond(split.drug("ruxolitinib", 16, dose=5)))


def test_a_higher_dose_or_a_gap_makes_it_new(respond) -> None:
    higher = responder().drug("ruxolitinib", -20, end=5, dose=10).drug("ruxolitinib", 6, dose=20)
    assert is_new(respond(higher))
    gap = responder().drug("ruxolitinib", -20, end=5, dose=10).drug("ruxolitinib", 12, dose=10)
    assert is_new(respond(gap))


def test_treatment_policy_ignores_the_drug(respond) -> None:
    assert not is_new(respond(responder().drug("ruxolitinib", 20), newtx_strategy_orr="treatment_policy"))


@pytest.mark.parametrize(("last", "new"), [(11, False), (12, True)])
def test_steroids_above_the_baseline_dose_for_three_days_are_new_therapy(respond, last, new) -> None:
    built = responder().drug("prednisone", -10, end=9, dose=1, unit="mg/kg/day")
    built.drug("prednisone", 10, end=last, dose=2, unit="mg/kg/day")
    assert is_new(respond(built)) == new


def test_three_single_days_are_not_three_days_running(respond) -> None:
    built = responder().drug("prednisone", -10, dose=1, unit="mg/kg/day")
    for day in (5, 10, 15):
        built.drug("hydrocortisone", day, end=day, dose=100, unit="mg")
    assert not is_new(respond(built))


def test_a_taper_or_the_same_dose_is_no_escalation_and_the_rule_can_be_switched_off(respond) -> None:
    taper = responder().drug("prednisone", -10, end=9, dose=2, unit="mg/kg/day")
    assert not is_new(respond(taper.drug("prednisone", 10, dose=1, unit="mg/kg/day")))
    rise = responder().drug("prednisone", -10, end=9, dose=1, unit="mg/kg/day").drug("prednisone", 10, dose=120)
    assert is_new(respond(rise))
    assert not is_new(respond(rise, steroid_escalation_is_newtx=False))


def test_terms_start_a_word_and_short_ones_are_whole_words() -> None:
    names = pd.Series(["ATG-FRESENIUS", "PLATGLOBIN", "antithymocyte", "Anti-Thymocyte", "间充质干细胞", None, "ATGX"])
    found = find_term(names, ["ATG", "antithymocyte", "间充质"])
    assert found.tolist() == ["ATG", "", "antithymocyte", "", "间充质", "", ""]
