"""The contracts as a user's own script would run them: one Great Expectations checkpoint for each dataset of a step.

Run as `python naive_contracts.py raw|clean|analysis FOLDER NAME...`; the rules are those of the same contract files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

from trialbook.contracts.compile import Rule, compile_rules
from trialbook.contracts.lookups import joined, protocol_lists
from trialbook.contracts.odcs import load_contracts
from trialbook.protocol.load import load_protocol, project_root


def main(kind: str, folder: Path, names: list[str]) -> int:
    """Validates the datasets; returns how many rules were evaluated."""
    root = project_root()
    contracts = load_contracts(root / "data_contracts")
    protocol = load_protocol(root / "params" / "protocol.yaml")
    endpoints = list(protocol.study.endpoints)
    frames = {path.stem: _read(path) for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".parquet")}
    frames |= protocol_lists(protocol)
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_pandas("frames")
    evaluated = 0
    for name in names or sorted(frames):
        if name not in frames or f"{kind}/{name}" not in contracts:
            continue
        suite = compile_rules(contracts[f"{kind}/{name}"], kind, endpoints, frames)
        frame = joined(frames[name], suite.lookups, frames)
        whole = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(name)
        expectations = context.suites.add(
            gx.ExpectationSuite(name, expectations=[_expectation(r) for r in suite.rules])
        )
        validation = gx.ValidationDefinition(name=name, data=whole, suite=expectations)
        checkpoint = gx.Checkpoint(name=name, validation_definitions=[context.validation_definitions.add(validation)])
        result = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
        evaluated += sum(found.statistics["evaluated_expectations"] for found in result.run_results.values())
    return evaluated


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])


def _expectation(rule: Rule) -> gxe.Expectation:
    kind = getattr(gxe, "".join(part.capitalize() for part in rule.expectation.split("_")))
    return kind(**rule.kwargs, severity=rule.severity)


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]), "rules evaluated")
