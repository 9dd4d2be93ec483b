"""Cohort rules decide on completed cohorts, exclude from three evaluable subjects on, select as published (§4.5)."""

from __future__ import annotations

import pandas as pd
import pytest

from support.default_keys import keys
from support.dose_paths import history
from trialbook.core.errors import UsageError
from trialbook.dlt.advice import advice, trial_history
from trialbook.dlt.designs.cohorts import CohortRule, select_mtd
from trialbook.dlt.designs.design import Cap, History, Outcome, Pending
from trialbook.dlt.designs.interval import Boin, Keyboard
from trialbook.dlt.designs.registry import RULE_NAMES, make_rule
from trialbook.dlt.over_time import advice_over_time
from trialbook.protocol.models import Protocol

TODAY = pd.Timestamp("2025-06-30")
DUE = pd.Timestamp("2025-07-10")
IDS = ("DL1", "DL2", "DL3")
COHORT_RULES = [name for name in RULE_NAMES if name not in ("3+3", "Rolling6")]
COUNTING = [name for name in COHORT_RULES if "CRM" not in name]


def rule_of(name: str, **values: object) -> CohortRule:
    found = make_rule(name, keys(**values), 3)
    assert isinstance(found, CohortRule)
    return found


def code(rule: CohortRule, path: str, pending: tuple[int, ...] = (), replaced: tuple[int, ...] = ()) -> str:
    """The advice after a path, with pending (half of the window followed) and replaced subjects at these levels."""
    past = history(path, 3)
    last = [*([] if past.current is None else [past.current]), *pending, *replaced][-1:]
    full = History(past.ids, past.outcomes, replaced, last[0] if last else None)
    return rule.next_action(full, tuple(Pending(k, 0.5, DUE) for k in pending), TODAY).code(IDS)


@pytest.mark.parametrize("name", COHORT_RULES)
@pytest.mark.parametrize("seen", ["2T", "2N", "2TN", "2NN"])
def test_no_rule_moves_in_the_middle_of_a_cohort(name: str, seen: str) -> None:
    assert code(rule_of(name), f"1NNN {seen}") == "ONGOING(ENROL DL2)"


@pytest.mark.parametrize("name", COHORT_RULES)
def test_an_open_place_is_filled_before_a_pending_subject_matters(name: str) -> None:
    assert code(rule_of(name), "1NNN 2T", pending=(1,)) == "ONGOING(ENROL DL2)"


@pytest.mark.parametrize("name", COUNTING)
def test_a_level_that_is_returned_to_gets_a_whole_cohort_again(name: str) -> None:
    """2 of 3 and one pending: two places of the second cohort are open; 2 of 6 means stay."""
    rule = rule_of(name)
    assert code(rule, "1NNN 2NTT") == "ONGOING(DE_ESCALATE DL1)"
    assert code(rule, "1NNN 2NTT 1NNN") == "ONGOING(ESCALATE DL2)"
    assert code(rule, "1NNN 2NTT 1NNN", pending=(1,)) == "ONGOING(ENROL DL2)"
    assert code(rule, "1NNN 2NTT 1NNN 2NN") == "ONGOING(ENROL DL2)"


def test_two_of_six_at_the_level_returned_to_means_stay() -> None:
    assert code(Boin(0.30), "1NNN 2NTT 1NNN 2NNN") == "ONGOING(ENROL DL2)"
    assert Boin(0.30).decision(2, 6) == "S"


@pytest.mark.parametrize("name", COHORT_RULES)
def test_the_place_of_a_replaced_subject_is_filled_again(name: str) -> None:
    rule = rule_of(name)
    assert code(rule, "1NNN 2NN", replaced=(1,)) == "ONGOING(ENROL DL2)"
    # A level without an evaluable subject holds no complete cohort.
    assert code(rule, "1NNN", replaced=(1,)) == "ONGOING(ENROL DL2)"


@pytest.mark.parametrize("name", COHORT_RULES)
def test_a_cohort_that_the_cap_cuts_short_is_judged_by_what_there_is(name: str) -> None:
    rule = rule_of(name, n_cap=5)
    assert code(rule, "1NNN 2N") == "ONGOING(ENROL DL2)"
    assert code(rule, "1NNN 2NN").startswith("MTD_DECLARED(")


def test_a_level_is_left_early_only_when_the_rest_of_the_cohort_cannot_change_that_it_is_too_toxic() -> None:
    """At 0.30, 4 of 6 exclude: with 4 of 4 or 4 of 5 the last place changes nothing, with 3 of 4 it does."""
    boin = Boin(0.30)
    assert code(boin, "1NNN 2NNT 2TTT") == "ONGOING(DE_ESCALATE DL1)"
    assert code(boin, "1NNN 2NTT 1NNN 2TT") == "ONGOING(DE_ESCALATE DL1)"
    assert code(boin, "1NNN 2NTT 1NNN 2T") == "ONGOING(ENROL DL2)"
    early = boin.next_action(history("1NNN 2NTT 1NNN 2TT", 3), (), TODAY)
    assert early.excluded_from == 1
    assert code(Boin(0.30, cap=Cap(11)), "1NNN 2NTT 1NNN 2T") == "ONGOING(ENROL DL2)"


@pytest.mark.parametrize("name", COUNTING)
@pytest.mark.parametrize("target", [0.25, 0.30])
def test_two_of_two_and_a_replaced_subject_are_no_reason_to_stop(name: str, target: float) -> None:
    """Exclusion needs three evaluable subjects; one who was replaced is none of them."""
    rule = rule_of(name, dlt_target=target)
    assert code(rule, "1TT", replaced=(0,)) == "ONGOING(ENROL DL1)"
    assert code(rule, "1NNN 2TT", replaced=(1, 1)) == "ONGOING(ENROL DL2)"


def test_at_a_target_of_020_no_third_outcome_could_save_two_of_two() -> None:
    """2 of 3 exclude at 0.20: the third place would be filled in vain."""
    assert code(Boin(0.20), "1TT", replaced=(0,)) == "NO_DOSE"
    assert code(Boin(0.20), "1TT", pending=(0,)) == "NO_DOSE"
    assert code(Boin(0.20, cohort=2), "1TT").startswith("ONGOING"), "a cohort of two is below the published minimum"


def test_the_margins_of_the_keys_of_the_keyboard() -> None:
    """Target 0.25, margin 0.10: the keys are 0 to 0.15 (cut short), 0.15 to 0.35, ...; 0 of 12 escalates."""
    wide = Keyboard(0.25, margin=0.10)
    assert [wide.decision(0, n) for n in range(1, 13)] == ["E"] * 12
    unequal = make_rule("keyboard", keys(interval_margin=0.05, interval_margin_above=0.10), 3)
    assert isinstance(unequal, Keyboard)
    assert (unequal.margin, unequal.margin_above) == (0.05, 0.10)


@pytest.mark.parametrize("margins", [(0.30, 0.0), (0.05, 0.70)])
def test_an_interval_that_leaves_0_to_1_is_a_usage_error(margins: tuple[float, float]) -> None:
    values = keys(interval_margin=margins[0], interval_margin_above=margins[1])
    with pytest.raises(UsageError, match="between 0 and 1"):
        make_rule("keyboard", values, 3)


@pytest.mark.parametrize(
    ("target", "stops"),
    [(0.20, "2 2 2 3 3 3 4 4 4 4"), (0.25, "2 3 3 3 4 4 4 5 5 5"), (0.30, "2 3 3 4 4 4 5 5 6 6"),
     (0.33, "3 3 3 4 4 5 5 6 6 6")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["BOIN", "TITE-BOIN", "keyboard"])
def test_extrasafe_stops_the_trial_at_the_lowest_level_earlier(name: str, target: float, stops: str) -> None:
    """Whole cohorts of n: the fewest DLTs at the lowest level that leave no dose (§4.5)."""
    found = []
    for n in range(3, 13):
        rule = rule_of(name, dlt_target=target, extrasafe=True, cohort_size=n, n_cap=40)
        states = [History(IDS, tuple(Outcome(0, k < x) for k in range(n)), (), 0) for x in range(n + 1)]
        found.append(next(x for x, past in enumerate(states) if rule.next_action(past, (), TODAY).outcome == "NO_DOSE"))
    assert " ".join(map(str, found)) == stops


def test_extrasafe_excludes_no_level_but_the_lowest_sooner() -> None:
    strict = rule_of("BOIN", extrasafe=True)
    assert strict.next_action(history("1NNN 2NTT", 3), (), TODAY).excluded_from == 3
    assert code(strict, "1NTT") == "NO_DOSE"
    assert code(rule_of("BOIN"), "1NTT") == "ONGOING(ENROL DL1)"
    assert code(rule_of("BOIN", extrasafe=True, extrasafe_offset=0.01), "1NTT") == "ONGOING(ENROL DL1)"


def test_bound_mtd_declares_no_level_at_or_above_the_de_escalation_boundary() -> None:
    """3 of 6 at the lowest level: 0.50 is the closest rate and above lambda_d of 0.359."""
    path = "1NNT 1NTT"
    assert code(rule_of("BOIN", n_cap=6), path) == "MTD_DECLARED(DL1)"
    for name in ("BOIN", "TITE-BOIN"):
        assert code(rule_of(name, n_cap=6, bound_mtd=True), path) == "NO_DOSE"
    assert select_mtd([6, 6], [1, 3], 0.30, 2) == 0
    assert select_mtd([6, 6], [2, 3], 0.45, 2) == 1
    assert select_mtd([6, 6], [2, 3], 0.45, 2, below=0.40) == 0


@pytest.mark.parametrize(
    ("target", "path", "pending", "expected"),
    [
        (0.30, "1NN", 1, "ONGOING(ESCALATE DL2)"),
        (0.30, "1N", 2, "ONGOING(WAIT DL1)"),
        (0.30, "1N", 1, "ONGOING(ENROL DL1)"),
        (0.30, "1NNN 2NT", 1, "ONGOING(DE_ESCALATE DL1)"),
        (0.30, "1NNN 2TT", 1, "ONGOING(DE_ESCALATE DL1)"),
        (0.30, "1NNN 2T", 1, "ONGOING(ENROL DL2)"),
        (0.30, "1NNN 2NNT 2NN", 1, "ONGOING(ESCALATE DL3)"),
        (0.30, "1NNN 2NNT 2N", 1, "ONGOING(ENROL DL2)"),
        (0.25, "1NNN 2NNT 2", 3, "ONGOING(ENROL DL2)"),
        (0.30, "1NNN 2NT", 4, "ONGOING(WAIT DL2)"),
        (0.30, "1NNN 2TT", 4, "ONGOING(WAIT DL2)"),
        (0.30, "1NNN 2TTT", 3, "ONGOING(DE_ESCALATE DL1)"),
    ],
)
def test_tite_boin_reads_pending_subjects_of_a_full_cohort_only(
    target: float, path: str, pending: int, expected: str
) -> None:
    """Half of each open window was followed; the rows of n = 3 and n = 6 of the table in §4.9."""
    level = int(path.split()[-1][0]) - 1
    assert code(rule_of("TITE-BOIN", dlt_target=target), path, pending=(level,) * pending) == expected


@pytest.mark.parametrize("name", COHORT_RULES)
@pytest.mark.parametrize("pending", [0, 1, 2])
def test_the_order_of_outcomes_within_a_complete_cohort_says_nothing(name: str, pending: int) -> None:
    """The DLT of the first cohort at the level as its first, second or third outcome; in the second cohort too."""
    first = ["TNN", "NTN", "NNT"]
    second = {0: ["NNT", "NTN", "TNN"], 1: ["NN"], 2: ["N"]}[pending]
    found = {
        code(rule_of(name, dlt_target=0.25), f"1NNN 2{before} 2{after}", pending=(1,) * pending)
        for before in first
        for after in second
    }
    assert len(found) == 1


def test_tite_crm_asks_for_the_last_cohort_not_for_the_last_known_outcomes() -> None:
    """A DLT as the last outcome of the first cohort no longer bars the way up when the second is free of DLT so far."""
    rule = rule_of("TITE-CRM")
    past = history("1NNN 2NNT 2NN", 3)
    nearly = (Pending(1, 0.95, DUE),)
    assert rule.next_action(past, nearly, TODAY).code(IDS) == "ONGOING(ESCALATE DL3)"
    # The same counts, but the DLT is in the second cohort, and the pending subject in the first.
    known = History(IDS, history("1NNN 2NNNNT", 3).outcomes, (), 1, (True, True, False, True, True, True))
    assert known.last_cohort(nearly, 1, 3) == (False, False, True)
    assert rule.next_action(known, nearly, TODAY).code(IDS) == "ONGOING(ENROL DL2)"


def addlt(subjects: list[tuple[str, str]]) -> pd.DataFrame:
    """ADDLT of subjects treated a week apart: (level, status); half of an open window was followed."""
    starts = pd.date_range("2025-01-06", periods=len(subjects), freq="7D").astype("datetime64[s]")
    ids = [f"S{k:02d}" for k in range(len(subjects))]
    ends = starts + pd.Timedelta(days=28)
    return pd.DataFrame({
        "USUBJID": ids, "SUBJID": ids, "TRT01A": [level for level, _ in subjects], "TRTSDT": starts, "WINENDT": ends,
        "DLTSTAT": [status for _, status in subjects], "FUPFRAC": 0.5, "STATDT": ends,
    })  # fmt: skip


def test_the_advice_of_a_cut_and_over_time_fills_the_cohort_first(protocol: Protocol) -> None:
    """0 of 3 at the first level, then a DLT of the first subject at the second: no reason to go down yet."""
    free, dlt, left = ("DL1", "NO-DLT"), ("DL2", "DLT"), ("DL2", "NOT-EVAL")
    values, cut = keys(escalation_rule="BOIN"), pd.Timestamp("2025-06-30")
    expected = {"": "ENROL DL2", "one more": "ENROL DL2", "whole": "DE_ESCALATE DL1"}
    more = {"": [], "one more": [left, dlt], "whole": [left, dlt, ("DL2", "NO-DLT")]}
    for name, further in more.items():
        frame = addlt([free] * 3 + [dlt, *further])
        assert advice(frame, protocol, values, cut).code == f"ONGOING({expected[name]})", name
        assert advice_over_time(frame, protocol, values, cut)["code"].iloc[-1] == f"ONGOING({expected[name]})", name
    found = advice(addlt([free] * 3 + [dlt]), protocol, values, cut)
    assert "DL2: 1 of 1 DLT, 1 of 3 places of the cohort filled: enrol at DL2" in found.sentence


def test_the_order_of_treatment_tells_who_is_in_the_last_cohort() -> None:
    """The third subject at the level is pending and of the first cohort; a replaced one takes no place."""
    marks = ["NO-DLT", "NO-DLT", "PENDING", "NOT-EVAL", "NO-DLT", "DLT", "PENDING"]
    past, pending = trial_history(addlt([("DL1", mark) for mark in marks]), list(IDS))
    assert past.known == (True, True, False, True, True, False)
    assert past.last_cohort(pending, 0, 3) == (False, True)
    assert past.resolved(pending, dlt=True).known == ()
