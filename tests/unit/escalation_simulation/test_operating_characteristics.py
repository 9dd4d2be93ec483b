"""Operating characteristics: exact, simulated, and trial by trial against a plain loop (§4.4.1)."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reference.escalation_loop import asking, by_table, one_trial
from reference.three_plus_three import Counts, advised
from support.default_keys import keys
from trialbook.commands.design_oc import plans_of, run_exactly, run_on_cluster, run_plans, short_table
from trialbook.core.errors import UsageError
from trialbook.dlt.designs.design import History, Outcome, Pending
from trialbook.dlt.designs.registry import RULE_NAMES
from trialbook.dlt.pathways import chance_still
from trialbook.escalation_simulation.exact import exact_characteristics
from trialbook.escalation_simulation.plan import Plan, make_plan
from trialbook.escalation_simulation.simulation import draw, simulate
from trialbook.escalation_simulation.states import Lookup
from trialbook.escalation_simulation.summary import BLOCK, design_oc
from trialbook.protocol.analysis import Analysis

SEED = 20240321
# rates, cap -> what the rulebook prints in §4.4.1.
PRINTED = [
    (
        (0.05, 0.10, 0.20), 12, 11.74,
        {"MTD_DECLARED(DL3)": 0.410, "MTD_DECLARED(DL2)": 0.079, "MTD_DECLARED(DL1)": 0.091, "NO_DOSE": 0.027,
         "CAP_REACHED(DL2)": 0.157, "CAP_REACHED(DL1)": 0.085, "CAP_REACHED(none)": 0.152},
    ),
    (
        (0.05, 0.10, 0.20), 18, 13.05,
        {"MTD_DECLARED(DL3)": 0.578, "MTD_DECLARED(DL2)": 0.297, "MTD_DECLARED(DL1)": 0.098, "NO_DOSE": 0.027},
    ),
    (
        (0.10, 0.20, 0.35), 12, 11.07,
        {"MTD_DECLARED(DL3)": 0.119, "MTD_DECLARED(DL2)": 0.135, "MTD_DECLARED(DL1)": 0.258, "NO_DOSE": 0.100,
         "CAP_REACHED(DL2)": 0.138, "CAP_REACHED(DL1)": 0.091, "CAP_REACHED(none)": 0.160},
    ),
    (
        (0.10, 0.20, 0.35), 18, None,
        {"MTD_DECLARED(DL3)": 0.205, "MTD_DECLARED(DL2)": 0.404, "MTD_DECLARED(DL1)": 0.290, "NO_DOSE": 0.101},
    ),
    ((0.01, 0.02, 0.05), 12, None, {"MTD_DECLARED(DL3)": 0.883}),
    ((0.25, 0.40, 0.55), 12, None, {"NO_DOSE": 0.446, "MTD_DECLARED(DL1)": 0.369}),
]  # fmt: skip
Expected = tuple[tuple[float, ...], int, float | None, dict[str, float]]


def plan(rule: str = "3+3", rates: tuple[float, ...] = (0.10, 0.20, 0.35), **how: object) -> Plan:
    return make_plan(rule, rates, keys(), **how)


def three(rates: tuple[float, ...], cap: int, **how: object) -> Plan:
    return make_plan("3+3", rates, keys(n_cap=cap), **how)


def value(table: pd.DataFrame, measure: str, level: str, column: str = "estimate") -> float:
    found = table[table["measure"].eq(measure) & table["level"].eq(level)][column]
    return float(found.iloc[0]) if len(found) else 0.0


@pytest.mark.parametrize("case", PRINTED)
def test_enumeration_gives_the_printed_cap_probabilities_to_three_decimals(case: Expected) -> None:
    rates, cap, size, expected = case
    table = exact_characteristics(three(rates, cap))
    # Half a unit of the third decimal, as printed values are rounded.
    for code, probability in expected.items():
        assert value(table, "outcome", code) == pytest.approx(probability, abs=0.00051), code
    assert table.loc[table["measure"].eq("outcome"), "estimate"].sum() == pytest.approx(1)
    if size is not None:
        assert value(table, "treated", "Total") == pytest.approx(size, abs=0.0051)


@pytest.mark.parametrize("case", PRINTED)
def test_simulation_gives_them_within_monte_carlo_error(case: Expected) -> None:
    """Patients abound, so that cohorts are treated whole; four standard errors on either side."""
    rates, cap, _, _ = case
    exact = exact_characteristics(three(rates, cap))
    found = design_oc([three(rates, cap, accrual_days=0.0)], 10_000, SEED)
    for measure in ("outcome", "selected", "undecided", "treated", "dlts", "treated_above_target"):
        for row in exact[exact["measure"].eq(measure)].itertuples():
            error = max(value(found, measure, row.level, "mc_error"), 1e-4)
            assert abs(value(found, measure, row.level) - row.estimate) < 4 * error, (measure, row.level)


ONE_BY_ONE = [(name, False) for name in RULE_NAMES]
# Enumeration closes all windows of a cohort at once, which a rule that reads follow-up can tell apart.
WHOLE_COHORTS = [(name, True) for name in RULE_NAMES if not name.startswith("TITE")]


@pytest.mark.parametrize(("name", "together"), [*ONE_BY_ONE, *WHOLE_COHORTS])
def test_simulation_agrees_with_enumeration_for_every_rule(name: str, together: bool) -> None:
    # With replacements the CRM knows more states than are worth the time of a test.
    leaving = 0.0 if together or "CRM" in name else 0.1
    one = plan(name, accrual_days=0.0, stagger_days=0 if together else 29, not_evaluable=leaving)
    exact = exact_characteristics(one, together=together)
    found = design_oc([one], 3_000, SEED)
    for row in exact[exact["measure"].isin(["outcome", "treated", "not_evaluable"])].itertuples():
        error = max(value(found, row.measure, row.level, "mc_error"), 1e-3)
        assert abs(value(found, row.measure, row.level) - row.estimate) < 4.5 * error, (row.measure, row.level)


@pytest.mark.parametrize("name", [n for n in RULE_NAMES if not n.startswith("TITE")])
@pytest.mark.parametrize(("size", "cap", "target"), [(2, 7, 0.25), (3, 10, 0.20), (4, 9, 0.33)])
def test_so_it_does_with_other_cohorts_and_a_cap_that_cuts_the_last_one(
    name: str, size: int, cap: int, target: float
) -> None:
    values = keys(cohort_size=size, n_cap=cap, dlt_target=target, extrasafe=True, bound_mtd=True)
    one = make_plan(name, (0.15, 0.30, 0.45), values, accrual_days=0.0)
    exact = exact_characteristics(one)
    found = design_oc([one], 3_000, SEED)
    assert exact.loc[exact["measure"].eq("outcome"), "estimate"].sum() == pytest.approx(1)
    for row in exact[exact["measure"].isin(["outcome", "treated", "dlts"])].itertuples():
        error = max(value(found, row.measure, row.level, "mc_error"), 1e-3)
        assert abs(value(found, row.measure, row.level) - row.estimate) < 4.5 * error, (row.measure, row.level)


@pytest.mark.parametrize("name", RULE_NAMES)
def test_each_trial_ends_as_in_a_plain_loop_with_the_same_draws(name: str) -> None:
    number = 60 if name.startswith("TITE") else 150
    one = plan(name, arrivals="queue", accrual_days=9.0, not_evaluable=0.15, stagger_days=2)
    seed = np.random.SeedSequence(7)
    many = simulate(one, number, seed)
    draws = draw(one, (one.cap.limit, number), np.random.default_rng(np.random.SeedSequence(7)))
    for k in range(number):
        ended = one_trial(one, *(part[:, k].tolist() for part in draws), asking(one.rule, one))
        assert one.codes[many.ending[k]] == ended.code
        assert many.days[k] == ended.days
        assert many.treated[:, k].tolist() == ended.treated
        assert many.dlts[:, k].tolist() == ended.dlts


def test_the_second_writing_of_the_3_plus_3_ends_each_trial_alike() -> None:
    one = plan(arrivals="queue", accrual_days=12.0)
    many = simulate(one, 400, np.random.SeedSequence(3))
    draws = draw(one, (12, 400), np.random.default_rng(np.random.SeedSequence(3)))
    decide = by_table(advised, Counts, one)
    ends = [one_trial(one, *(part[:, k].tolist() for part in draws), decide) for k in range(400)]
    assert [one.codes[code] for code in many.ending] == [end.code for end in ends]
    assert many.days.tolist() == [end.days for end in ends]


def test_results_depend_on_seed_and_trials_only_not_on_who_works() -> None:
    plans = [plan(), plan("BOIN", (0.05, 0.15, 0.30))]
    trials = 2 * BLOCK + 17
    alone = design_oc(plans, trials, SEED)

    def elsewhere(run: Callable[..., object], tasks: Sequence[object]) -> list[object]:
        """Workers get pickled tasks, in another order, and send pickled tallies back."""
        parcels = [(k, pickle.dumps((run, task))) for k, task in enumerate(tasks)]
        done = {}
        for k, parcel in reversed(parcels):
            function, task = pickle.loads(parcel)  # noqa: S301 (our own bytes)
            done[k] = pickle.loads(pickle.dumps(function(task)))  # noqa: S301
        return [done[k] for k in range(len(tasks))]

    pd.testing.assert_frame_equal(alone, design_oc(plans, trials, SEED, elsewhere))
    together = pd.concat([design_oc([one], trials, SEED) for one in plans], ignore_index=True)
    pd.testing.assert_frame_equal(alone, together)
    assert not alone.equals(design_oc(plans, trials, SEED + 1))


def test_more_processes_change_no_digit() -> None:
    plans = [plan(), plan("TITE-BOIN")]
    pd.testing.assert_frame_equal(run_plans(plans, 3_000, 5, jobs=1), run_plans(plans, 3_000, 5, jobs=2))


def test_a_cluster_gives_the_same_digits(root: Path) -> None:
    from distributed import LocalCluster

    plans = [plan(), plan("BOIN")]
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
    ) as cluster:  # fmt: skip
        found = run_on_cluster(plans, 1_000, 5, cluster.scheduler_address, root, 30)
    pd.testing.assert_frame_equal(found, run_plans(plans, 1_000, 5))


def test_ten_thousand_trials_of_the_3_plus_3_take_seconds_at_most() -> None:
    """Measured 0.1 s; the bound is loose because a busy machine is no defect."""
    start = time.process_time()
    design_oc([plan()], 10_000, SEED)
    assert time.process_time() - start < 3


def test_replacement_uses_the_cap_unless_only_evaluable_subjects_count() -> None:
    treated = design_oc([plan(not_evaluable=0.4)], 2_000, SEED)
    assert value(treated, "treated", "Total") <= 12
    one = make_plan("3+3", (0.1, 0.2, 0.35), keys(cap_counts="evaluable"), not_evaluable=0.4)
    assert value(design_oc([one], 2_000, SEED), "treated", "Total") > 13


def test_a_slow_accrual_lasts_longer_and_waiting_patients_shorten_it() -> None:
    slow = design_oc([plan(accrual_days=60.0)], 1_000, SEED)
    fast = design_oc([plan(accrual_days=10.0)], 1_000, SEED)
    queue = design_oc([plan(accrual_days=10.0, arrivals="queue")], 1_000, SEED)
    assert value(slow, "days", "mean") > value(fast, "days", "mean") > value(queue, "days", "mean")


def test_a_rate_of_zero_or_one_is_certain() -> None:
    never = design_oc([plan(rates=(0.0, 0.0, 0.0))], 50, SEED)
    assert value(never, "selected", "DL3") == 1
    always = design_oc([plan(rates=(1.0, 1.0, 1.0))], 50, SEED)
    assert value(always, "outcome", "NO_DOSE") == 1
    assert value(always, "treated_above_target", "Total") == value(always, "treated", "Total")


def test_the_rest_of_a_trial_is_enumerated_from_its_present_state() -> None:
    """DL1 0/3, DL2 1/6 and one of two at DL3 pending: the cap leaves no place, so one answer decides (§4.4.1)."""
    outcomes = [Outcome(0, False)] * 3 + [Outcome(1, True)] + [Outcome(1, False)] * 5 + [Outcome(2, False)]
    past = History(("DL1", "DL2", "DL3"), tuple(outcomes), (0,), 2)
    table = exact_characteristics(plan(), past, [Pending(2, 0.5)])
    assert value(table, "outcome", "CAP_REACHED(DL2)") == pytest.approx(1)
    assert value(table, "treated", "Total") == 0
    assert value(table, "dlts", "DL3") == pytest.approx(chance_still(0.35, 0.5))


def test_a_share_of_the_window_followed_lowers_the_chance_of_a_dlt() -> None:
    assert chance_still(0.30, 0.0) == pytest.approx(0.30)
    # 0.30 x 1/2 of those who were free of DLT in the first half: 0.15 / 0.85.
    assert chance_still(0.30, 0.5) == pytest.approx(0.15 / 0.85)
    assert chance_still(0.30, 1.0) == 0
    assert chance_still(1.0, 1.0) == 0


def test_equal_states_are_asked_about_once_however_many_numbers_they_have() -> None:
    asked: list[tuple[int, ...]] = []

    def decide(state: tuple[int, ...]) -> int:
        asked.append(state)
        return sum(state)

    rng = np.random.default_rng(1)
    rows = [rng.integers(0, 3, 500) for _ in range(9)]
    for bits in (2, 20):
        asked.clear()
        look_up = Lookup(decide)
        for _ in range(2):
            assert look_up(rows, [bits] * 9).tolist() == np.sum(rows, axis=0).tolist()
        assert len(asked) == len(set(asked)) == len({tuple(column) for column in np.transpose(rows).tolist()})


def test_no_two_states_are_taken_for_one_where_both_halves_of_a_key_are_long() -> None:
    """More states than the bits that a wide number leaves: as with a cap above 15, several levels, 10,000 trials."""
    rng = np.random.default_rng(5)
    rows = [rng.integers(0, 2**52, 5_000) >> rng.integers(0, 52) for _ in range(5)]

    def decide(state: tuple[int, ...]) -> int:
        return sum(state) % 2**62

    assert Lookup(decide)(rows, [52] * 5).tolist() == np.sum(rows, axis=0).tolist()


@pytest.mark.parametrize("rule", ["3+3", "BOIN"])
def test_a_trial_of_five_levels_and_30_subjects_runs_to_its_end(rule: str) -> None:
    """Its states need more bits than one number has; every 80th trial is compared with the plain loop."""
    one = make_plan(rule, (0.13, 0.28, 0.41, 0.50, 0.60), keys(n_cap=30), arrivals="queue", accrual_days=0.0)
    many = simulate(one, 4_000, np.random.SeedSequence(7))
    draws = draw(one, (30, 4_000), np.random.default_rng(np.random.SeedSequence(7)))
    for k in range(0, 4_000, 80):
        ended = one_trial(one, *(part[:, k].tolist() for part in draws), asking(one.rule, one))
        assert (one.codes[many.ending[k]], many.treated[:, k].tolist()) == (ended.code, ended.treated)


def test_the_command_takes_rules_rates_and_a_cap_or_the_protocols(analysis: Analysis) -> None:
    both = plans_of(analysis, ["3+3", "CRM"], ["0.05,0.15,0.30", "0.1,0.2,0.35"], cap=18, stagger_days=7)
    assert [(p.rule_name, p.scenario, p.cap.limit) for p in both] == [
        ("3+3", "0.05/0.15/0.30", 18), ("CRM", "0.05/0.15/0.30", 18), ("3+3", "0.10/0.20/0.35", 18),
        ("CRM", "0.10/0.20/0.35", 18),
    ]  # fmt: skip
    assert all(p.rule.cap == p.cap for p in both)  # type: ignore[attr-defined]
    own = plans_of(analysis, [], [])
    assert {p.rule_name for p in own} == {analysis.escalation_rule}
    assert [p.rates for p in own] == [tuple(rates) for rates in analysis.oc_scenarios.values()]
    # The protocol's levels name the plans, and of its sets of rates those that fit them are taken.
    mixed = analysis.model_copy(update={"oc_scenarios": {"two": [0.1, 0.2], "three": [0.1, 0.2, 0.3]}})
    assert [(p.ids, p.rates) for p in plans_of(mixed, [], [], levels=["D2", "D4"])] == [(("D2", "D4"), (0.1, 0.2))]
    with pytest.raises(UsageError, match=r"oc_scenarios \(two: 2, three: 3 rates\) has one per dose level \(4\)"):
        plans_of(mixed, [], [], levels=["A", "B", "C", "D"])
    four = plans_of(analysis, ["CRM"], ["0.05,0.1,0.2,0.3"], skeleton="0.05,0.1,0.2,0.3")
    assert len(four[0].ids) == 4
    short = short_table(run_exactly(plans_of(analysis, ["3+3"], ["0.05,0.10,0.20"])))
    assert short.loc[0, ["MTD DL3", "undecided at the cap", "treated", "days"]].tolist() == [
        "0.410", "0.393", "11.737", "-",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rates": ["0.1,x"]}, "not numbers"),
        ({"rates": ["0.1,1.2,0.3"]}, "between 0 and 1"),
        ({"rates": ["0.1,0.2"], "rules": ["CRM"]}, "one prior DLT rate per dose level"),
        ({"cap": 0}, "cap must leave a trial"),
        ({"accrual_days": -1.0}, "number of days"),
        ({"not_evaluable": 1.5}, "between 0 and 1"),
    ],
)
def test_a_wrong_option_is_a_usage_error(change: dict[str, object], message: str, analysis: Analysis) -> None:
    given = {"rules": ["3+3"], "rates": ["0.1,0.2,0.3"], **change}
    rules, rates = given.pop("rules"), given.pop("rates")
    with pytest.raises(UsageError, match=message):
        plans_of(analysis, rules, rates, **given)  # type: ignore[arg-type]


def test_too_many_states_are_simulated_not_enumerated(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match="too many states"):
        run_exactly(plans_of(analysis, ["3+3"], ["0.1,0.2,0.3"], cap=40))


def test_the_command_leaves_a_table_and_says_who_decides(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from trialbook.cli import app

    out = tmp_path / "oc.csv"
    words = ["design-oc", "--rule", "3+3", "--rates", "0.05,0.15,0.30", "--trials", "500", "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(out)
    assert set(table["measure"]) >= {"outcome", "selected", "undecided", "treated", "days"}
    assert table.loc[table["measure"].eq("outcome"), "estimate"].sum() == pytest.approx(1, abs=1e-5)


def test_the_command_names_the_levels_of_the_protocol_and_takes_the_rates_that_fit_them(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from trialbook.cli import app

    own = Path("params/phase1/protocol.yaml").resolve()
    text = own.read_text(encoding="utf-8")
    other = tmp_path / "protocol.yaml"
    scenarios = "oc_scenarios: {default: {"
    other.write_text(text.replace(scenarios, f"{scenarios}three levels: [0.1, 0.2, 0.3], "))
    out = tmp_path / "oc.csv"
    words = ["design-oc", "--trials", "100", "--protocol", str(other), "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, (done.output, done.exception)
    table = pd.read_csv(out)
    named = set(table["level"].dropna())
    assert named >= {"D2", "D4", "D10", "D12_5", "D20", "MTD_DECLARED(D20)"}
    assert "DL1" not in named
    assert table["scenario"].nunique() == 2
