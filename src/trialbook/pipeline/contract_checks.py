"""Checks what was delivered, or what a step has written, against its contracts, in a background process."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trialbook.contracts.allow_list import allow_list
from trialbook.contracts.gate import Gate
from trialbook.contracts.gx_engine import Verdict
from trialbook.contracts.lookups import protocol_lists
from trialbook.contracts.odcs import Contract
from trialbook.core.datasets import read_dataset
from trialbook.core.errors import StopError
from trialbook.core.fast_imports import import_when_used, only_what_is_used
from trialbook.pipeline.dependencies import Ingredients
from trialbook.protocol.models import Trial
from trialbook.results.ard import to_ard
from trialbook.results.recount import subjects_counted
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.delivery import handed_over
from trialbook.workbook.steps import DELIVERY, OWN_DATASETS, RAW_CONTRACTS, RESULTS_CONTRACTS, SIGNALS, Piece, StepSpec
from trialbook.workbook.string_storage import choose_text_storage

# ----------------------------------------------------------------------------------------------------

# The analysis keys that decide which rules hold.
KEYS = ("dor_start",)


@dataclass(frozen=True)
class Look:
    """What to check: the snapshot as it was delivered (`kind` raw), or datasets that a step has written.

    `paths`: the datasets by name, also those that rules may refer to; `checked`: those to be checked; `inputs`: the
    sha256 of every delivered file, as the runner has seen it; `reported`: the files with the numbers of the steps;
    `delivery`: where the delivery is, if this build was handed it.
    """

    trial: Trial
    contracts: Mapping[str, Contract]
    kind: str
    paths: Mapping[str, Path] = field(default_factory=dict)
    checked: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    reported: Sequence[Path] = ()
    delivery: Path | None = None


@dataclass(frozen=True)
class Found:
    """The verdict of each dataset, and the delivered file of each raw dataset."""

    verdicts: list[Verdict]
    files: dict[str, str] = field(default_factory=dict)


def check(look: Look) -> Found:
    """Checks in this process. Raises StopError when a delivered file is no longer what the runner has seen."""
    import_great_expectations()
    choose_text_storage(look.trial)
    protocol, analysis = look.trial.protocol, look.trial.analysis
    gate = Gate(look.contracts, list(protocol.study.endpoints), keys={key: getattr(analysis, key) for key in KEYS})
    if look.kind != "raw":
        frames = {name: read_dataset(path) for name, path in look.paths.items()}
        frames |= protocol_lists(protocol)
        if look.reported:
            frames["results/subjects"] = subjects_counted(frames)
            frames["ard"] = to_ard([row for path in look.reported for row in json.loads(path.read_text("utf-8"))])
        return Found(gate.check(look.kind, frames, look.checked))
    given = None if look.delivery is None else handed_over(look.delivery)
    snapshot = given.snapshot if given else read_snapshot(look.trial, allow_list(look.contracts, look.trial.protocol))
    tables = snapshot.tables
    for name, found in snapshot.hashes.items():
        if look.inputs.get(name, found) != found:
            raise StopError(
                "the file changed while the build was reading it", file=name,
                next_step="wait until the transfer is complete, then build again",
            )  # fmt: skip
    files = {f"raw/{code.lower()}": table.file for code, table in tables.items()}
    delivered = {code.lower(): table.frame for code, table in tables.items()}
    return Found(gate.check("raw", delivered | protocol_lists(protocol)), files)


def import_great_expectations() -> None:
    """The slowest import of a build: a third faster without `scipy.stats`, of which two expectations on distributions
    make use.
    """
    if "great_expectations.expectations" not in sys.modules:
        import_when_used("scipy.stats")
        with only_what_is_used():
            importlib.import_module("great_expectations.expectations")


# ----------------------------------------------------------------------------------------------------
# What a piece that checks contracts looks at, and what its verdicts depend on.


# The lists that contracts take from the protocol (`contracts.lookups`), and the endpoints that decide on rules.
FROM_PROTOCOL = ("protocol.study.endpoints", "protocol.criteria", "protocol.dose_levels")


class NoContractError(StopError):
    """A notebook writes datasets (`datasets`) that no contract describes."""

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


def _stop_if_own_lack(contracts: Mapping[str, Contract]) -> None:
    """Raises StopError where a dataset that the workbook itself derives has no contract."""
    for name in OWN_DATASETS:
        if f"analysis/{name}" not in contracts:
            raise StopError(
                f"the dataset {name} has no contract, so that nothing would check what is published",
                file=f"data_contracts/analysis/{name}.yaml",
                next_step=f"copy data_contracts/analysis/{name}.yaml from the workbook that you started from",
            )


def look_for(
    piece: Piece, trial: Trial, contracts: Mapping[str, Contract], ingredients: Ingredients, scratch: Path
) -> tuple[Look, list[str]]:
    """What a piece checks, and the ingredients of its verdicts besides code and environment.

    Raises NoContractError where a dataset of the step has no contract.
    """
    if piece.name == RAW_CONTRACTS:
        names = [f"contract {name}" for name in ingredients.contracts("raw")]
        names += ["contracts raw", *(f"input {name}" for name in ingredients.inputs), "inputs", *FROM_PROTOCOL]
        return Look(trial, contracts, "raw", inputs=ingredients.inputs, delivery=scratch / DELIVERY), names
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
    if piece.step == SIGNALS:
        _stop_if_own_lack(contracts)
        return "analysis", {name: name for name in ("adsl", *OWN_DATASETS)}, list(OWN_DATASETS)
    clean = sorted(Path(name).stem for name in ingredients.left if name.startswith("data/clean/"))
    spec = graph.step(piece.step)
    if spec.clean:
        return "clean", {name: f"clean/{name}" for name in clean}, clean
    stop_if_no_contract(spec, contracts)
    checked = list(spec.datasets)
    others = [name for name in spec.compared if not name.startswith("clean/") or name[6:] in clean]
    return "analysis", {name: name for name in dict.fromkeys([*others, *checked])}, checked
