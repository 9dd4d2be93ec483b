"""BOIN, keyboard and CRM against R's get.oc and an enumeration from the papers (tests/reference/cohort_enumeration.py).

The shares of BOIN::get.oc (CRAN 2.7.2, 20,000 trials, target 0.30, cohorts of 3, cap 12, true rates 0.13, 0.28, 0.41)
were run apart from this project; three standard errors of such a run are 0.011 at most.
"""

from __future__ import annotations

from itertools import pairwise
from math import exp

import pytest
from scipy.integrate import quad

from reference.cohort_enumeration import (
    Design,
    all_counts,
    boin_letter,
    crm_design,
    de_escalation_boundary,
    enumerate_trials,
    interval_design,
    isotonic_mtd,
    keyboard_letter,
    lowest_excluded,
)
from support.default_keys import keys
from trialbook.dlt.designs.cohorts import select_mtd
from trialbook.dlt.designs.crm import posterior
from trialbook.dlt.designs.design import History, Outcome
from trialbook.dlt.designs.interval import Boin, Keyboard, boundaries
from trialbook.escalation_simulation.exact import exact_characteristics
from trialbook.escalation_simulation.plan import Plan, make_plan
from trialbook.escalation_simulation.summary import design_oc

pytestmark = pytest.mark.oracle

SEED = 20240321
IDS = ("DL1", "DL2", "DL3")
RATES = (0.13, 0.28, 0.41)
# MTD at the three levels, and no dose: BOIN::get.oc, 20,000 trials; and enumerated by another hand.
OF_R, BY_HAND = (0.214, 0.519, 0.260, 0.007), (0.212, 0.519, 0.262)
R_TRIALS = 20_000
SKELETON, VARIANCE = (0.12, 0.25, 0.40), 1.34
SCENARIOS = [RATES, (0.05, 0.10, 0.20), (0.25, 0.40, 0.55)]


def reference(name: str, target: float, margin: float = 0.05) -> Design:
    if name == "CRM":
        return crm_design(target, SKELETON, VARIANCE)
    return interval_design(boin_letter(target) if name == "BOIN" else keyboard_letter(target, margin, margin), target)


def plan(name: str, rates: tuple[float, ...] = RATES, accrual_days: float = 0.0, **values: object) -> Plan:
    return make_plan(name, rates, keys(**values), accrual_days=accrual_days)


def values(table: object, measure: str, column: str = "estimate") -> list[float]:
    rows = table[table["measure"].eq(measure)].set_index("level")[column]  # type: ignore[index]
    return [float(rows.get(level, 0.0)) for level in IDS]


def test_boin_reproduces_get_oc() -> None:
    """Enumerated to the printed digits; simulated within four standard errors of two simulations."""
    course = enumerate_trials(reference("BOIN", 0.30), RATES, 12)
    exact = values(exact_characteristics(plan("BOIN")), "selected")
    for product, own, printed, of_r in zip(exact, course.mtd, BY_HAND, OF_R, strict=False):
        assert product == pytest.approx(own, abs=1e-9)
        assert product == pytest.approx(printed, abs=0.0006)
        assert abs(product - of_r) < 4 * (of_r * (1 - of_r) / R_TRIALS) ** 0.5
    assert course.mtd[3] == pytest.approx(OF_R[3], abs=0.0024)


@pytest.mark.parametrize("accrual_days", [0.0, 21.0])
def test_so_does_the_simulation_with_patients_at_once_and_one_every_three_weeks(accrual_days: float) -> None:
    found = design_oc([plan("BOIN", accrual_days=accrual_days)], R_TRIALS, SEED)
    for share, error, of_r in zip(values(found, "selected"), values(found, "selected", "mc_error"), OF_R, strict=False):
        both = (error**2 + of_r * (1 - of_r) / R_TRIALS) ** 0.5
        assert abs(share - of_r) < 4 * both


SETTINGS = [
    (name, rates, target, 0.05, cap)
    for name in ("BOIN", "keyboard", "CRM")
    for rates in SCENARIOS
    for target, cap in ((0.30, 12), (0.25, 12), (0.30, 11))
]
SETTINGS += [("keyboard", rates, 0.25, 0.10, 12) for rates in SCENARIOS]


@pytest.mark.parametrize(("name", "rates", "target", "margin", "cap"), SETTINGS)
def test_enumeration_agrees_with_the_papers(
    name: str, rates: tuple[float, ...], target: float, margin: float, cap: int
) -> None:
    """MTD, subjects and DLTs by level; with a cap of 11 the last cohort is cut short."""
    own = enumerate_trials(reference(name, target, margin), rates, cap)
    table = exact_characteristics(plan(name, rates, dlt_target=target, interval_margin=margin, n_cap=cap))
    assert values(table, "selected") == pytest.approx(own.mtd[:3], abs=1e-9)
    assert values(table, "treated") == pytest.approx(own.treated, abs=1e-9)
    assert values(table, "dlts") == pytest.approx(own.dlts, abs=1e-9)


@pytest.mark.parametrize("name", ["BOIN", "keyboard", "CRM"])
def test_simulation_agrees_with_the_papers(name: str) -> None:
    own = enumerate_trials(reference(name, 0.30), RATES, 12)
    table = design_oc([plan(name)], 10_000, SEED)
    for measure, expected in (("selected", own.mtd[:3]), ("treated", own.treated), ("dlts", own.dlts)):
        errors = values(table, measure, "mc_error")
        for found, error, right in zip(values(table, measure), errors, expected, strict=True):
            assert abs(found - right) < 4 * error, measure


def test_five_levels_and_30_subjects() -> None:
    """Too many states for the product's enumeration: its simulation against the one from the papers."""
    rates = (0.13, 0.28, 0.41, 0.50, 0.60)
    own = enumerate_trials(reference("BOIN", 0.30), rates, 30)
    assert own.treated[0] == pytest.approx(8.92, abs=0.01)
    table = design_oc([plan("BOIN", rates, n_cap=30)], 10_000, SEED)
    for measure, expected in (("selected", own.mtd[:5]), ("treated", own.treated)):
        rows = table[table["measure"].eq(measure) & table["level"].ne("Total")]
        for row, right in zip(rows.itertuples(), expected, strict=True):
            assert abs(row.estimate - right) < 4 * row.mc_error, (measure, row.level)


@pytest.mark.parametrize("target", [0.15, 0.20, 0.25, 0.30, 0.33])
@pytest.mark.parametrize("margins", [(0.05, 0.05), (0.10, 0.10), (0.04, 0.09), (0.03, 0.06)])
def test_the_keys_of_the_keyboard(target: float, margins: tuple[float, float]) -> None:
    """As the R package lays them, with the end keys that are cut short, for other margins than the printed 0.05."""
    letter = keyboard_letter(target, *margins)
    rule = Keyboard(target, margin=margins[0], margin_above=margins[1])
    cells = [(x, n) for n in range(1, 31) for x in range(n + 1)]
    assert [rule.letter(x, n) for x, n in cells] == [letter(x, n) for x, n in cells]
    assert rule.letter(0, 12) == "E"


def test_elimination_and_selection_with_both_keys() -> None:
    """Every count of two levels up to 6 and a third of 3: the MTD with and without `extrasafe` and `boundMTD`."""
    bound = de_escalation_boundary(0.30)
    assert boundaries(0.30)[1] == pytest.approx(bound, abs=1e-12)
    compared = 0
    for n, x in all_counts(3, 6):
        if any(a < b for a, b in pairwise(n)) or not sum(n):
            continue
        for extra, below in ((0.0, 1.0), (0.05, 1.0), (0.0, bound), (0.05, bound)):
            excluded = Boin(0.30, extrasafe_offset=extra).excluded_from(_history(n, x), ())
            assert excluded == lowest_excluded(n, x, 0.30, extra=extra)
            assert select_mtd(n, x, 0.30, excluded, below) == isotonic_mtd(n, x, 0.30, extra, below), (n, x)
            compared += 1
    assert compared > 1_000


@pytest.mark.parametrize(("n", "x"), [(3, 2), (6, 3), (12, 7), (12, 0)])
def test_the_tail_of_the_crm_does_not_depend_on_where_its_nodes_lie(n: int, x: int) -> None:
    """Pr(beta < limit) against an integral by adaptive quadrature; counting nodes alone is wrong by up to 0.02."""
    subjects = [(0, k < x, 1.0) for k in range(n)]
    found = posterior(SKELETON, subjects, VARIANCE)

    def density(beta: float) -> float:
        rate = SKELETON[0] ** exp(beta)
        return exp(-(beta**2) / (2 * VARIANCE)) * rate**x * (1 - rate) ** (n - x)

    below, above = (lambda b: quad(density, -12, b, limit=200)[0]), (lambda b: quad(density, b, 12, limit=200)[0])
    for limit in (found.mean + shift for shift in (-0.5, -0.21, -0.013, 0.0, 0.007, 0.3)):
        assert found.below(limit) == pytest.approx(below(limit) / (below(limit) + above(limit)), abs=1e-4)
    assert (found.below(-99.0), found.below(99.0)) == (0.0, 1.0)


def _history(n: tuple[int, ...], x: tuple[int, ...]) -> History:
    """A history with these counts."""
    outcomes = tuple(Outcome(level, k < y) for level, (m, y) in enumerate(zip(n, x, strict=True)) for k in range(m))
    return History(IDS, outcomes, (), outcomes[-1].level)
