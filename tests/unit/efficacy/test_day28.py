"""The response at day 28: baseline, window, maturity, and each reason of non-response (§2.5-2.7)."""

from __future__ import annotations

import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.core.domains import Domains
from trialbook.efficacy.day28 import day28_response
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = "2025-09-30"


@pytest.fixture
def respond(protocol, analysis):
    """The day-28 row of the only treated subject."""

    def derive(built: TrialBuilder | Domains, cut: str = CUT, **keys):
        domains = built if isinstance(built, Domains) else built.delivers("CM").domains()
        changed = type(analysis).model_validate({**analysis.model_dump(), **keys})
        subjects = derive_subjects(StudyData(domains, protocol, changed, as_date(cut)))
        (row,) = day28_response(subjects, StudyData(domains, protocol, changed, as_date(cut))).to_dict("records")
        return row

    return derive


def infused(start: str | None = None) -> TrialBuilder:
    """A subject with skin 3, liver 1, lower GI 2 on the day before the infusion."""
    return trial().subject("S01", start=start).infused(0).stages(-1, 3, 1, 0, 2)


def outcome(row) -> tuple[str, str]:
    return row["AVALC"], row["REASON"]


def test_a_complete_response_at_day_28(respond) -> None:
    row = respond(infused().stages(28, 0, 0, 0, 0))
    assert outcome(row) == ("CR", "")
    assert (row["RELDAY"], row["ADY"], row["MAT28FL"], row["EVAL28FL"]) == (28, 29, "Y", "Y")


@pytest.mark.parametrize(("day", "found"), [(24, False), (25, True), (31, True), (32, False), (33, False)])
def test_the_window_is_day_25_to_31(respond, day, found) -> None:
    assert outcome(respond(infused().stages(day, 0, 0, 0, 0))) == (("CR", "") if found else ("NR", "MISSING"))


def test_a_wider_window_finds_the_visit_of_day_33(respond) -> None:
    assert outcome(respond(infused().stages(33, 0, 0, 0, 0), d28_window=[21, 35])) == ("CR", "")


def test_the_assessment_closest_to_day_28_counts_and_of_two_the_later(respond) -> None:
    assert respond(infused().stages(27, 0, 0, 0, 0).stages(30, 3, 1, 0, 2))["AVALC"] == "CR"
    assert respond(infused().stages(27, 0, 0, 0, 0).stages(29, 3, 1, 0, 2))["AVALC"] == "NR"


def test_under_cdisc_numbering_the_window_lies_one_day_earlier(respond) -> None:
    built = infused().stages(24, 0, 0, 0, 0)
    assert outcome(respond(built)) == ("NR", "MISSING")
    assert outcome(respond(built, day_numbering="CDISC")) == ("CR", "")


@pytest.mark.parametrize(("start", "mature"), [("2025-08-30", True), ("2025-08-31", False)])
def test_maturity_is_day_31_by_the_cut_whatever_the_outcome(respond, start, mature) -> None:
    row = respond(infused(start).stages(28, 0, 0, 0, 0))
    assert outcome(row) == (("CR", "") if mature else ("PENDING", ""))
    assert row["MAT28FL"] == ("Y" if mature else "")


@pytest.mark.parametrize(
    ("keys", "start", "mature"),
    [({"d28_window": [34, 45]}, "2025-08-16", True), ({"d28_window": [34, 45]}, "2025-08-17", False),
     ({"d28_window": [34, 45], "day_numbering": "CDISC"}, "2025-08-17", True)],
)  # fmt: skip
def test_nobody_is_mature_before_the_window_ends(respond, keys, start, mature) -> None:
    assert outcome(respond(infused(start), **keys)) == (("NR", "MISSING") if mature else ("PENDING", ""))


def test_an_early_death_stays_pending_until_the_subject_would_be_mature(respond) -> None:
    assert outcome(respond(infused("2025-09-10").died(3))) == ("PENDING", "")


@pytest.mark.parametrize(("day", "expected"), [(28, ("NR", "DEATH")), (29, ("CR", ""))])
def test_death_by_day_28_is_a_non_response_even_after_an_assessment(respond, day, expected) -> None:
    assert outcome(respond(infused().stages(26, 0, 0, 0, 0).died(day))) == expected


def test_a_death_after_the_cut_is_not_known(respond) -> None:
    built = infused("2025-08-20").stages(28, 0, 0, 0, 0).died(60)
    assert outcome(respond(built)) == ("CR", "")


def test_no_assessment_is_missing_and_outside_the_evaluable_set(respond) -> None:
    row = respond(infused())
    assert outcome(row) == ("NR", "MISSING")
    assert (row["MAT28FL"], row["EVAL28FL"]) == ("Y", "")


def test_a_death_without_assessment_stays_in_the_evaluable_set(respond) -> None:
    assert respond(infused().died(10))["EVAL28FL"] == "Y"


def test_a_baseline_assessment_before_day_minus_7_is_none(respond) -> None:
    built = trial().subject("S01").infused(0).stages(-8, 3, 0, 0, 0).stages(28, 0, 0, 0, 0)
    assert outcome(respond(built)) == ("NR", "MISSING")


@pytest.mark.parametrize(("day", "kind"), [(-3, "WINDOW"), (-4, "WIDE"), (-7, "WIDE"), (0, "UNTIMED")])
def test_the_baseline_is_looked_for_in_its_window_then_wider(respond, day, kind) -> None:
    built = trial().subject("S01").infused(0).stages(day, 3, 0, 0, 0).stages(28, 0, 0, 0, 0)
    row = respond(built)
    assert (row["AVALC"], row["BASETYPE"]) == ("CR", kind)


def test_the_last_complete_baseline_comes_before_a_later_incomplete_one(respond) -> None:
    built = trial().subject("S01").infused(0).stages(-3, 2, 0, 0, 0).stages(-1, 4, None, 0, 0).stages(28, 3, 0, 0, 0)
    row = respond(built)
    assert (row["BASESTG"], row["AVALC"]) == ("2-0-0-0", "PD")


def test_an_assessment_after_the_infusion_is_no_baseline(respond) -> None:
    built = trial().subject("S01").infused(0).stages("2025-01-10T18:00", 3, 0, 0, 0).stages(28, 0, 0, 0, 0)
    assert outcome(respond(built)) == ("NR", "MISSING")


def test_a_time_before_the_infusion_makes_a_baseline_of_day_0(respond) -> None:
    built = trial().subject("S01").infused(0).stages("2025-01-10T08:00", 3, 0, 0, 0).stages(28, 0, 0, 0, 0)
    row = respond(built)
    assert (row["AVALC"], row["BASETYPE"]) == ("CR", "WINDOW")


def test_without_an_involved_organ_there_is_nothing_to_respond(respond) -> None:
    row = respond(trial().subject("S01").infused(0).stages(-1, 0, 0, 0, 0).stages(28, 0, 0, 0, 0))
    assert (*outcome(row), row["RSPSTG"]) == ("NR", "", "NE")


@pytest.mark.parametrize(
    ("day28", "expected"),
    [
        ((0, None, 0, 0), ("NR", "INCOMPLETE")),  # CR or MR
        ((3, None, 0, 3), ("PD", "")),  # worse, whatever the liver: MR or PD are both no response
        ((4, 2, 0, None), ("PD", "")),
        ((None, None, None, None), ("NR", "MISSING")),
    ],
)
def test_a_missing_organ_counts_only_where_it_could_change_the_class(respond, day28, expected) -> None:
    assert outcome(respond(infused().stages(28, *day28))) == expected


def test_cn_rules_ask_every_involved_organ_to_improve(respond) -> None:
    built = infused().stages(28, 1, 1, 0, 2)
    assert respond(built)["AVALC"] == "PR"
    assert respond(built, response_rules="CN")["AVALC"] == "NR"


def test_relapse_leaves_the_response_unless_the_strategy_is_composite(respond) -> None:
    built = infused().stages(28, 0, 0, 0, 0).add("CE", CETERM="RELAPSE", CESTDTC="2025-01-30")
    row = respond(built)
    assert (row["AVALC"], row["RELAPFL"]) == ("CR", "Y")
    assert outcome(respond(built, relapse_strategy_orr="composite")) == ("NR", "")


def without(built: TrialBuilder, *codes: str) -> Domains:
    """The domains of a trial without these, as if the site had not delivered them."""
    domains = built.delivers("CM", "FA").domains()
    return Domains({code: domains[code] for code in domains if code not in codes})


@pytest.mark.parametrize("codes", [("CM",), ("DS",), ("RS", "FA")])
def test_what_a_missing_domain_could_undo_is_not_evaluable(respond, codes) -> None:
    responder, worse = infused().stages(28, 0, 0, 0, 0), infused().stages(28, 4, 1, 0, 2)
    assert outcome(respond(without(responder, *codes))) == ("NE", "UNDELIVERED")
    # A non-response by stages stays one, whatever therapy or withdrawal would come to light.
    assert outcome(respond(without(worse, *codes))) == (("NE", "UNDELIVERED") if "RS" in codes else ("PD", ""))


@pytest.mark.parametrize("codes", [("CM",), ("DS",), ("RS", "FA")])
def test_certain_facts_stay_certain_without_a_domain(respond, codes) -> None:
    assert outcome(respond(without(infused().died(10), *codes))) == ("NR", "DEATH")
    if codes != ("CM",):
        assert outcome(respond(without(infused().drug("ruxolitinib", 20), *codes))) == ("NR", "NEWTX")


def test_a_therapy_after_the_first_day_of_the_window_may_follow_the_assessment(respond) -> None:
    """Day 28 decides where there was no assessment; where none was delivered, one on day 25 may have come first."""
    assert outcome(respond(infused().drug("ruxolitinib", 27))) == ("NR", "NEWTX")
    assert outcome(respond(without(infused().drug("ruxolitinib", 27), "RS", "FA"))) == ("NE", "UNDELIVERED")


def test_findings_alone_are_a_delivered_assessment(respond) -> None:
    built = trial().subject("S01").infused(0).delivers("CM")
    for test, before, after in (("RASHBSA", 60, 0), ("NAUSEA", "NONE", "NONE"), ("STOOLVOL", 0, 0)):
        built.finding(test, before, -1).finding(test, after, 28)
    row = respond(Domains({code: frame for code, frame in built.domains().items() if code != "RS"}))
    assert outcome(row) == ("NR", "INCOMPLETE")


def test_a_domain_without_records_was_delivered(respond) -> None:
    built = infused().delivers("CM")
    empty = Domains({code: frame.head(0) if code == "RS" else frame for code, frame in built.domains().items()})
    assert outcome(respond(empty)) == ("NR", "MISSING")


def test_a_drug_that_is_ignored_need_not_be_known(respond) -> None:
    row = respond(without(infused().stages(28, 0, 0, 0, 0), "CM"), newtx_strategy_orr="treatment_policy")
    assert outcome(row) == ("CR", "")


def test_relapse_that_counts_must_be_known(respond) -> None:
    built = infused().stages(28, 0, 0, 0, 0).delivers("CE")
    assert outcome(respond(without(built, "CE"))) == ("CR", "")
    assert outcome(respond(without(built, "CE"), relapse_strategy_orr="composite")) == ("NE", "UNDELIVERED")


@pytest.mark.parametrize(
    ("day", "expected"), [(15, ("NR", "MISSING")), (27, ("NR", "MISSING")), (28, ("CR", "")), (40, ("CR", ""))]
)
def test_an_assessment_after_the_withdrawal_of_consent_does_not_count(respond, day, expected) -> None:
    built = infused().stages(28, 0, 0, 0, 0)
    built.add("DS", DSCAT="DISPOSITION EVENT", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC=built.date(day))
    assert outcome(respond(built)) == expected


def test_an_assessment_before_the_withdrawal_counts_and_a_later_one_does_not(respond) -> None:
    built = infused().stages(26, 3, 1, 0, 2).stages(28, 0, 0, 0, 0)
    built.add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC=built.date(26))
    assert (outcome(respond(built)), respond(built)["RELDAY"]) == (("NR", ""), 26)


@pytest.mark.parametrize(
    "said",
    [
        {"DSDECOD": "WITHDRAWAL BY SUBJECT"}, {"DSDECOD": "WITHDRAWAL BY PARENT/GUARDIAN"},
        {"DSTERM": "Patient withdrew consent"}, {"DSTERM": "撤回知情同意"},
        {"DSCAT": "DISPOSITION EVENT"},  # an end of study of which nobody wrote what it was
    ],
)  # fmt: skip
def test_how_a_withdrawal_is_recorded(respond, said) -> None:
    built = infused().stages(28, 0, 0, 0, 0)
    built.add("DS", **said, DSSTDTC=built.date(15))
    assert outcome(respond(built)) == ("NR", "MISSING")


@pytest.mark.parametrize("said", ["LOST TO FOLLOW-UP", "COMPLETED", "PHYSICIAN DECISION"])
def test_another_end_of_study_is_no_withdrawal_of_consent(respond, said) -> None:
    built = infused().stages(28, 0, 0, 0, 0)
    built.add("DS", DSCAT="DISPOSITION EVENT", DSDECOD=said, DSSTDTC=built.date(15))
    assert outcome(respond(built)) == ("CR", "")


@pytest.mark.parametrize("date", ["2025-02", "2025", None])
def test_a_withdrawal_without_a_complete_date_counts_from_the_first_day_it_may_have_been(respond, date) -> None:
    built = infused().stages(28, 0, 0, 0, 0).add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC=date)
    assert outcome(respond(built)) == ("NR", "MISSING")


def test_a_withdrawal_after_the_cut_is_not_known_yet(respond) -> None:
    built = infused().stages(28, 0, 0, 0, 0).add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-12")
    assert outcome(respond(built)) == ("CR", "")


def test_a_therapy_after_the_withdrawal_is_no_reason(respond) -> None:
    built = infused().add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-01-20")
    assert outcome(respond(built.drug("ruxolitinib", 20))) == ("NR", "MISSING")


def test_a_trial_without_the_endpoint_has_no_rows(protocol, analysis) -> None:
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    other = protocol.model_copy(update={"study": study})
    domains = infused().stages(28, 0, 0, 0, 0).domains()
    subjects = derive_subjects(StudyData(domains, other, analysis, as_date(CUT)))
    assert len(day28_response(subjects, StudyData(domains, other, analysis, as_date(CUT)))) == 0
