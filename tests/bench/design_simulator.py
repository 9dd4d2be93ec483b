"""How fast the design simulator is against plain Python loops that make the same decisions (issue 7).

`measure()` gives rows; run alone it prints them. Both sides draw their own patients, and both ends are tested to be
the same trial by trial (tests/unit/escalation_simulation/test_operating_characteristics.py).
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reference.escalation_loop import Decide, asking, by_table, one_trial
from reference.three_plus_three import Counts, advised
from support.default_keys import keys
from trialbook.escalation_simulation.plan import Plan, make_plan
from trialbook.escalation_simulation.summary import design_oc

RATES = (0.05, 0.15, 0.30)
TRIALS, LOOP_TRIALS = 10_000, 300
SMALLEST_GAIN = 50.0
Row = dict[str, str | int | float]


def measure() -> list[Row]:
    """Processor seconds per 10,000 trials: each rule's simulator, the loops of the 3+3, and how many times its time."""
    plan = make_plan("3+3", RATES, keys(), arrivals="queue", accrual_days=21.0)
    design_oc([plan], 100, 1)
    fast = min(_seconds(lambda: design_oc([plan], TRIALS, 1)) for _ in range(3))
    rows: list[Row] = [_row("3+3", "simulator", fast, 1.0)]
    loops: dict[str, Decide] = {
        "loop that asks the same rule": asking(plan.rule, plan),
        "loop with the 3+3 as a table": by_table(advised, Counts, plan),
    }
    for name, decide in loops.items():
        slow = _seconds(lambda decide=decide: _loop(plan, decide)) * TRIALS / LOOP_TRIALS  # type: ignore[misc]
        rows.append(_row("3+3", name, slow, slow / fast))
    for rule in ("Rolling6", "BOIN", "CRM", "TITE-BOIN", "TITE-CRM"):
        other = make_plan(rule, RATES, keys())
        rows.append(_row(rule, "simulator", _seconds(lambda other=other: design_oc([other], TRIALS, 1)), 0.0))  # type: ignore[misc]
    return rows


def _loop(plan: Plan, decide: Decide) -> None:
    rng = random.Random(1)  # noqa: S311 (made-up patients)
    for _ in range(LOOP_TRIALS):
        places = range(plan.cap.limit)
        dlt, loss = [rng.random() for _ in places], [1.0 for _ in places]
        day = [rng.randrange(plan.window + 1) for _ in places]
        gap = [rng.expovariate(1 / plan.accrual_days) for _ in places]
        one_trial(plan, dlt, day, loss, gap, decide)


def _seconds(work: Callable[[], object]) -> float:
    """Processor seconds of this process: what else the machine does is left out. All works on one core."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _row(rule: str, how: str, seconds: float, times: float) -> Row:
    found: Row = {"rule": rule, "how": how, "seconds_per_10000_trials": float(np.round(seconds, 3))}
    if not times:
        return found
    asked = {"at_least": SMALLEST_GAIN} if how != "simulator" else {}
    return {**found, "times_the_simulator": float(np.round(times, 1)), **asked}


if __name__ == "__main__":
    for row in measure():
        print(row)
