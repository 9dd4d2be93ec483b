"""What a piece that checks contracts looks at, and what its verdicts depend on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trialbook.contracts.odcs import Contract
from trialbook.errors import StopError
from trialbook.protocol.models import Trial
from trialbook.runner.checker import KEYS, Look
from trialbook.runner.graph import RAW_CONTRACTS, RESULTS_CONTRACTS, Piece, StepSpec
from trialbook.runner.ingredients import Ingredients

# The lists that contracts take from the protocol (`contracts.protocol_lists`), and the endpoints that decide on rules.
FROM_PROTOCOL = ("protocol.study.endpoints", "protocol.criteria", "protocol.dose_levels")


class NoContractError(StopError):
    """A notebook leaves datasets (`datasets`) that no contract describes."""

    def __init__(self, spec: StepSpec, datasets: list[str]) -> None:
        several = len(datasets) > 1
        super().__init__(
            f"the dataset{'s' if several else ''} {', '.join(datasets)} {'have' if several else 'has'} no contract, so "
            "that nothing would check what is published",
            file=spec.file,
            next_step=f"run `trialbook draft-contract {datasets[0]}`, go through the draft "
            f"data_contracts/analysis/{datasets[0]}.yaml, and build again",
        )
        self.datasets = datasets


def stop_if_no_contract(spec: StepSpec, contracts: Mapping[str, Contract]) -> None:
    """Raises NoContractError where no contract describes a dataset of a step."""
    lacking = [name for name in spec.datasets if f"analysis/{name}" not in contracts]
    if lacking:
        raise NoContractError(spec, lacking)


def look_for(
    piece: Piece, trial: Trial, contracts: Mapping[str, Contract], ingredients: Ingredients, scratch: Path
) -> tuple[Look, list[str]]:
    """What a piece checks, and the ingredients of its verdicts besides code and environment.

    Raises NoContractError where a dataset of the step has no contract.
    """
    if piece.name == RAW_CONTRACTS:
        names = [f"contract {name}" for name in ingredients.contracts("raw")]
        names += ["contracts raw", *(f"input {name}" for name in ingredients.inputs), "inputs", *FROM_PROTOCOL]
        return Look(trial, contracts, "raw", inputs=ingredients.inputs), names
    kind, datasets, checked = _datasets_of(piece, contracts, ingredients)
    reported = [f".steps/{step}/ard.json" for step in ingredients.graph.counted] if kind == "results" else []
    names = [f"step {piece.step}", *FROM_PROTOCOL, *(f"data {name}" for name in reported)]
    names += [f"analysis.{key}" for key in KEYS] if kind != "clean" else ["data data/clean/"]
    names += [f"data data/{path}.parquet" for path in datasets.values()]
    names += [f"contract {kind}/{name}.yaml" for name in checked]
    paths = {name: scratch / "data" / f"{path}.parquet" for name, path in datasets.items()}
    return Look(trial, contracts, kind, paths, checked, reported=[scratch / name for name in reported]), names


def _datasets_of(
    piece: Piece, contracts: Mapping[str, Contract], ingredients: Ingredients
) -> tuple[str, dict[str, str], list[str]]:
    """The kind of contract, the datasets that rules may refer to (name and path), and those that are checked."""
    graph = ingredients.graph
    if piece.name == RESULTS_CONTRACTS:
        return "results", {name: name for name in graph.counted_from}, ["ard"]
    clean = sorted(Path(name).stem for name in ingredients.left if name.startswith("data/clean/"))
    spec = graph.step(piece.step)
    if spec.clean:
        return "clean", {name: f"clean/{name}" for name in clean}, clean
    stop_if_no_contract(spec, contracts)
    checked = list(spec.datasets)
    others = [name for name in spec.compared if not name.startswith("clean/") or name[6:] in clean]
    return "analysis", {name: name for name in dict.fromkeys([*others, *checked])}, checked
