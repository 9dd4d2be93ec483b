"""Everything that a build writes is described: each dataset by a contract, each column with type and meaning."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support.fixtures import DEMO_CUTS
from trialbook.contracts.compile import compile_rules
from trialbook.contracts.gx_engine import evaluate
from trialbook.contracts.odcs import Column, load_contracts
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.datasets import read_dataset

pytestmark = pytest.mark.build
TYPES = {"string": "OSU", "date": "M", "number": "fi", "integer": "fi"}


@pytest.fixture(scope="module")
def datasets(demo: Path) -> dict[tuple[str, str], pd.DataFrame]:
    """Every dataset of the demo builds by cut and contract."""
    found = {}
    for cut in DEMO_CUTS:
        data = demo / cut / "data"
        for path in sorted(data.rglob("*.parquet")):
            name = path.relative_to(data).with_suffix("").as_posix()
            found[cut, name if "/" in name else f"analysis/{name}"] = read_dataset(path)
    return found


def fits(column: Column, values: pd.Series, kind: str) -> bool:
    """Whether the values are of the type that the contract says; dates of clean domains are ISO text."""
    expected = "OSU" if column.logicalType == "date" and kind != "analysis" else TYPES[column.logicalType]
    return values.dtype.kind in expected or bool(values.isna().all())


def test_every_dataset_has_a_contract_and_every_column_is_described(
    root: Path, datasets: dict[tuple[str, str], pd.DataFrame]
) -> None:
    contracts = load_contracts(root / "data_contracts")
    undescribed, mistyped = set(), set()
    for (_, key), frame in datasets.items():
        assert key in contracts, f"{key} has no contract"
        for name in frame.columns:
            column = contracts[key].dataset.column(name)
            if column is None:
                undescribed.add(f"{key} {name}")
            elif not fits(column, frame[name], key.split("/")[0]):
                mistyped.add(f"{key} {name}: {column.logicalType}, {frame[name].dtype}")
    assert sorted(undescribed) == []
    assert sorted(mistyped) == []


def test_every_contract_is_of_a_dataset_that_is_written(
    root: Path, datasets: dict[tuple[str, str], pd.DataFrame]
) -> None:
    """But for domains that may be delivered and are not in the demo, and for the results, which lie elsewhere."""
    contracts = load_contracts(root / "data_contracts")
    may_come = {f"clean/{key[4:]}" for key in contracts if key.startswith("raw/")}
    described = {key for key in contracts if not key.startswith("raw/")} - {"results/ard"}
    written = {key for _, key in datasets}
    assert written <= described
    assert described - written <= may_come


def test_both_engines_give_the_same_verdict_on_damaged_analysis_datasets(
    root: Path, datasets: dict[tuple[str, str], pd.DataFrame]
) -> None:
    contracts = load_contracts(root / "data_contracts")
    adsl = datasets["2025-09-30", "analysis/adsl"]
    damaged = pd.concat([adsl, adsl.iloc[:1]], ignore_index=True)
    damaged.loc[1, "SAFFL"], damaged.loc[2, "AGE"], damaged.loc[3, "SUBJID"] = "N", 130, None
    damaged.loc[4, "TRTSDT"] = pd.Timestamp("2030-01-01")
    damaged.loc[5, "DTHFL"], damaged.loc[5, "DTHDT"] = "Y", pd.NaT
    suite = compile_rules(contracts["analysis/adsl"], "analysis", ["OS"], {"adsl": damaged})
    quick = evaluate_quickly("analysis/adsl", damaged, suite.rules, ["USUBJID"])
    assert quick == evaluate("analysis/adsl", damaged, suite.rules, ["USUBJID"])
    broken = {failure.rule.partition(".")[2] for failure in quick.failures}
    assert broken >= {"key", "SAFFL.codelist", "AGE.range", "SUBJID.required", "TRTSDT.before_cut", "DTHDT.known"}
