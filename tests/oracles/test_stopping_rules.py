"""Safety stopping boundaries and their operating characteristics agree with the R package stoppingrule (xii)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.statistics.stopping_rules import (
    BetaBinomial,
    Method,
    Pocock,
    StoppingRule,
    WangTsiatis,
    calibrated_rule,
    operating_characteristics,
)
from trialbook.statistics.stopping_rules_survival import (
    PocockSurvival,
    calibrated_survival_rule,
    survival_characteristics,
)

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def folder(oracles: Path) -> Path:
    return oracles / "xii_stopping_rules"


def method(kind: str, param: str) -> Method:
    if kind == "BB":
        a, b = param.split(";")
        return BetaBinomial((float(a), float(b)))
    return {"Pocock": Pocock, "WT": lambda: WangTsiatis(float(param))}[kind]()


def rules(table: pd.DataFrame) -> dict[str, StoppingRule]:
    """The rule of each case, from the inputs that its rows print."""
    inputs = table.drop_duplicates("case").itertuples()
    return {row.case: calibrated_rule(method(row.type, row.param), row.n_max, row.p0, row.alpha) for row in inputs}


@pytest.fixture(scope="module")
def boundaries(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "boundaries.csv", keep_default_na=False)


def test_boundaries_are_those_of_r(boundaries: pd.DataFrame) -> None:
    found = rules(boundaries)
    assert len(found) == 5
    for row in boundaries.itertuples():
        rule, n = found[row.case], row.n_evaluable
        assert (rule.stop_at(n), rule.can_stop(n)) == (row.stop_if_events_at_least, row.can_stop), (row.case, n)


def test_critical_values_are_those_of_r(boundaries: pd.DataFrame) -> None:
    """To the tolerance of R's root finder, by which its boundary is found. Pocock is printed as a p-value there."""
    found = rules(boundaries)
    for row in boundaries.drop_duplicates("case").itertuples():
        ours = found[row.case].critical_value
        assert (1 - ours if row.type == "Pocock" else ours) == pytest.approx(float(row.cval), abs=1e-6), row.case


def test_operating_characteristics_are_those_of_r(boundaries: pd.DataFrame, folder: Path) -> None:
    expected = pd.read_csv(folder / "operating_characteristics.csv", skipinitialspace=True)
    assert len(expected) == 25
    found = rules(boundaries)
    for row in expected.itertuples():
        ours = operating_characteristics(found[row.case], row.p)
        assert ours.stop_probability == pytest.approx(float(row.reject_prob), abs=1e-9), (row.case, row.p)
        assert ours.expected_events == pytest.approx(float(row.expected_events), abs=1e-9), (row.case, row.p)


def test_limits_of_the_follow_up_are_those_of_r(folder: Path) -> None:
    expected = pd.read_csv(folder / "survival_boundaries.csv", skipinitialspace=True, keep_default_na=False)
    assert set(expected["type"]) == {"Pocock"}
    for case, rows in expected.groupby("case"):
        first = rows.iloc[0]
        rule = calibrated_survival_rule(
            PocockSurvival(), first["n_max"], first["tau_days"], first["p0"], first["alpha"]
        )
        limits = [float(limit) for limit in rows["stop_if_total_followup_days_at_most"]]
        assert list(range(rule.first_event, rule.first_event + len(rule.limits))) == rows["events"].tolist(), case
        assert rule.limits == pytest.approx(limits, rel=1e-6), case
        assert survival_characteristics(rule, first["p0"]).stop_probability == pytest.approx(first["alpha"], abs=1e-9)
