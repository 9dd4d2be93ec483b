"""Checks what was delivered, or what a step has left, against its contracts; done aside, in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trialbook.contracts.allow_list import allow_list
from trialbook.contracts.gate import Gate
from trialbook.contracts.odcs import Contract
from trialbook.contracts.protocol_lists import protocol_lists
from trialbook.contracts.verdicts import Verdict
from trialbook.datasets import read_dataset
from trialbook.errors import StopError
from trialbook.fast_imports import import_when_used, only_what_is_used
from trialbook.protocol.models import Trial
from trialbook.results.ard import to_ard
from trialbook.results.recount import subjects_counted
from trialbook.runner.text_storage import choose_text_storage
from trialbook.snapshot import read_snapshot

# The analysis keys that decide which rules hold.
KEYS = ("dor_start",)


@dataclass(frozen=True)
class Look:
    """What to check: the snapshot as it was delivered (`kind` raw), or datasets that a step has left.

    `paths`: the datasets by name, also those that rules may refer to; `checked`: those to be checked; `inputs`: the
    sha256 of every delivered file, as the runner has seen it; `reported`: the files with the numbers of the steps.
    """

    trial: Trial
    contracts: Mapping[str, Contract]
    kind: str
    paths: Mapping[str, Path] = field(default_factory=dict)
    checked: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    reported: Sequence[Path] = ()


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
    tables = read_snapshot(look.trial, allow_list(look.contracts, look.trial.protocol)).tables
    for table in tables.values():
        if look.inputs.get(table.file, table.sha256) != table.sha256:
            raise StopError(
                "the file changed while the build was reading it", file=table.file,
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
            import great_expectations.expectations  # noqa: F401
