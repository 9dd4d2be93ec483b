"""BOIN, mTPI-2, keyboard, CRM and TITE-CRM against the R packages BOIN, escalation, Keyboard and dfcrm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.default_keys import keys
from trialbook.dlt.designs.cohorts import IntervalRule, too_toxic
from trialbook.dlt.designs.crm import posterior, rates
from trialbook.dlt.designs.design import History, Outcome
from trialbook.dlt.designs.interval import Boin, Keyboard, Mtpi2, boundaries
from trialbook.dlt.designs.registry import make_rule

pytestmark = pytest.mark.oracle
TODAY = pd.Timestamp("2025-06-30")


@pytest.fixture
def folder(oracles: Path) -> Path:
    return oracles / "v_dose_escalation"


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False)


def numbers(text: str) -> list[float]:
    return [float(part) for part in text.split("|")]


def test_lambdas_of_boin(folder: Path) -> None:
    for row in read(folder / "boin_lambda.csv").itertuples():
        up, down = boundaries(float(row.target))
        assert (up, down) == (
            pytest.approx(float(row.lambda_e), abs=1e-7),
            pytest.approx(float(row.lambda_d), abs=1e-7),
        )


@pytest.mark.parametrize(("name", "rule"), [("boin", Boin), ("keyboard", Keyboard)])
def test_printed_boundaries(name: str, rule: type[IntervalRule], folder: Path) -> None:
    table = read(folder / f"{name}_boundaries.csv")
    if "extrasafe" in table.columns:
        table = table[table["extrasafe"] == "FALSE"]
    assert len(table) >= 180
    for row in table.itertuples():
        n = int(row.n)
        letters = [rule(float(row.target)).decision(x, n) for x in range(n + 1)]
        escalate = max((x for x in range(n + 1) if letters[x] == "E"), default=-1)
        deescalate = next((x for x in range(n + 1) if letters[x] in ("D", "DU")), None)
        exclude = next((x for x in range(n + 1) if letters[x] == "DU"), None)
        shown = (str(escalate), *("" if x is None else str(x) for x in (deescalate, exclude)))
        assert shown == (row.escalate_if_le, row.deescalate_if_ge, row.eliminate_if_ge), row


def test_extra_safe_stopping_is_the_same_tail_with_another_certainty(folder: Path) -> None:
    for path in sorted(folder.glob("boin_extrasafe_stop_*.csv")):
        target = float(path.stem.rsplit("_", 1)[1])
        for _, n, printed in read(path).itertuples(index=False):
            found = next((x for x in range(int(n) + 1) if too_toxic(x, int(n), target, 0.90, 3)), None)
            assert ("NA" if found is None else str(found)) == printed, (path.name, n)


@pytest.mark.parametrize(("name", "rule"), [("mTPI-2", Mtpi2), ("BOIN(escalation)", Boin)])
def test_decisions_of_the_escalation_package(name: str, rule: type[IntervalRule], folder: Path) -> None:
    cells = read(folder / "interval_design_decisions.csv")
    cells = cells[cells["design"] == name]
    assert len(cells) == 360
    for row in cells.itertuples():
        assert rule(float(row.target)).decision(int(row.tox), int(row.n)) == row.decision, row


def test_selection_of_the_mtd(folder: Path) -> None:
    """All 125 published selections, with `extrasafe` (offset 0.05) and `boundMTD` on and off, by the rule itself."""
    cases = read(folder / "boin_select_mtd.csv")
    assert len(cases) == 125
    assert set(zip(cases["extrasafe"], cases["boundMTD"], strict=True)) >= {("TRUE", "FALSE"), ("FALSE", "TRUE")}
    for row in cases.itertuples():
        n, x = ([int(v) for v in numbers(text)] for text in (row.npts, row.ntox))
        values = keys(
            dlt_target=float(row.target), n_cap=sum(n), extrasafe=row.extrasafe == "TRUE",
            bound_mtd=row.boundMTD == "TRUE",
        )  # fmt: skip
        outcomes = tuple(Outcome(level, k < x[level]) for level in range(len(n)) for k in range(n[level]))
        ids = tuple(f"DL{k + 1}" for k in range(len(n)))
        for name in ("BOIN", "TITE-BOIN"):
            ended = make_rule(name, values, len(n)).next_action(History(ids, outcomes, (), 0), (), TODAY)
            assert ended.outcome == ("NO_DOSE" if row.MTD == "99" else "MTD_DECLARED"), row
            assert ended.level == (None if row.MTD == "99" else int(row.MTD) - 1), row


@pytest.mark.parametrize("file", ["crm_dfcrm.csv", "titecrm_dfcrm.csv"])
def test_posterior_of_the_power_model(file: str, folder: Path) -> None:
    cases = read(folder / file)
    cases = cases[cases["model"] == "empiric"]
    if "method" in cases.columns:
        cases = cases[cases["method"] == "bayes"].assign(weights="")
        variances = [float(s) ** 2 for s in cases["scale"]]
    else:
        variances = [1.34] * len(cases)
    assert len(cases) >= 14
    for row, variance in zip(cases.itertuples(), variances, strict=True):
        skeleton, tox = numbers(row.prior), numbers(row.tox)
        weights = numbers(row.weights) if row.weights else [1.0] * len(tox)
        subjects = [
            (int(level) - 1, y == 1, 1.0 if y == 1 and not row.weights else w)
            for level, y, w in zip(numbers(row.level), tox, weights, strict=True)
        ]
        found = posterior(skeleton, subjects, variance)
        ptox = rates(skeleton, found.mean)
        assert found.mean == pytest.approx(float(row.estimate), abs=1e-5), row.id
        assert found.variance == pytest.approx(float(row.post_var), abs=1e-4), row.id
        assert ptox == pytest.approx(numbers(row.ptox), abs=1e-5), row.id
        distances = [abs(p - float(row.target)) for p in ptox]
        assert distances.index(min(distances)) + 1 == int(row.mtd), row.id


def test_the_neuenschwander_data_of_bcrm(folder: Path) -> None:
    """Mean, deviation and quantiles of each DLT rate, power model, lognormal(0, 1.34^2); next dose the ninth.

    The data of bcrm.Rd: 3, 4, 5, 4 and 2 patients at the doses 1 to 4 and 7; DLTs are the last two.
    """
    table = read(folder / "bcrm_neuenschwander_power_exact.csv")
    skeleton = [float(p) for p in table["p_tox0"]]
    levels = [0] * 3 + [1] * 4 + [2] * 5 + [3] * 4 + [6] * 2
    found = posterior(skeleton, [(level, k >= 16, 1.0) for k, level in enumerate(levels)], 1.34**2)
    means = []
    for p, row in zip(skeleton, table.to_dict("records"), strict=True):
        rate = p ** np.exp(found.nodes)
        mean = float(found.mass @ rate)
        means.append(mean)
        assert mean == pytest.approx(float(row["post_mean"]), abs=1e-4)
        deviation = float(found.mass @ (rate - mean) ** 2) ** 0.5
        assert deviation == pytest.approx(float(row["post_sd"]), abs=1e-4)
        # The rate falls as beta rises, so its lower quantile is that of the upper tail of beta.
        above = np.cumsum(found.mass[::-1])[::-1] - found.mass / 2
        for name, share in (("2.5%", 0.025), ("50%", 0.5), ("97.5%", 0.975)):
            assert float(np.interp(-share, -above, rate)) == pytest.approx(float(row[name]), abs=2e-3)
    nearest = [abs(mean - 0.30) for mean in means]
    assert nearest.index(min(nearest)) + 1 == int(table["next_dose_index"].iloc[0])
