"""The same cuts under many parameter sets: reads a grid file, makes the trial of each, and tables headline results."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator

from trialbook.core.datasets import read_dataset
from trialbook.core.errors import UsageError
from trialbook.diff.headlines import headlines
from trialbook.pipeline.cut_queue import Outcome
from trialbook.protocol.load import analysis_values, find_cut_file, load_trial
from trialbook.protocol.models import CUT_ID, Trial
from trialbook.protocol.yaml_file import read_yaml, validated

BETWEEN = "--"
PLAIN = re.compile(r"[A-Za-z0-9.]+")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(_Model):
    """One parameter set: its id and the analysis keys that differ from the cut file."""

    id: str
    overrides: dict[str, Any] = {}

    @field_validator("id")
    @classmethod
    def _safe_id(cls, value: str) -> str:
        if not CUT_ID.fullmatch(value):
            raise ValueError("the id of a case is 1 to 64 of A-Z a-z 0-9 . _ - without a leading dot")
        return value


class Grid(_Model):
    """A grid file: cuts, and parameter sets as all combinations of `overrides`, as explicit `cases`, or both."""

    grid_id: str
    cuts: Annotated[list[str], Field(min_length=1)]
    overrides: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    cases: list[Case] = []

    @field_validator("grid_id")
    @classmethod
    def _safe_id(cls, value: str) -> str:
        if not CUT_ID.fullmatch(value):
            raise ValueError("a grid id is 1 to 64 of A-Z a-z 0-9 . _ - without a leading dot")
        return value


def read_grid(path: Path) -> Grid:
    """The grid file, typed; raises UsageError, naming the key, for a wrong one or one without any case."""
    if not path.is_file():
        raise UsageError("there is no such grid file", file=str(path))
    grid = validated(Grid, read_yaml(path), str(path))
    if not grid.overrides and not grid.cases:
        raise UsageError("a grid needs overrides or cases", file=str(path), next_step="add one of the two keys")
    return grid


def grid_cases(grid: Grid, file: str) -> list[Case]:
    """Every parameter set: all combinations in the order of the file, then the explicit cases; ids are unique.

    >>> grid = Grid(grid_id="response", cuts=["2025-06-30"], overrides={"response_rules": ["CN", "CIBMTR"]})
    >>> [case.overrides for case in grid_cases(grid, "grid.yaml")]
    [{'response_rules': 'CN'}, {'response_rules': 'CIBMTR'}]
    """
    names = list(grid.overrides)
    combined = itertools.product(*grid.overrides.values()) if names else iter(())
    cases = [_combination(dict(zip(names, values, strict=True)), grid, file) for values in combined]
    cases += grid.cases
    ids = [case.id for case in cases]
    twice = next((ident for ident in ids if ids.count(ident) > 1), None)
    if twice is not None:
        raise UsageError(f"the case {twice} occurs twice", file=file, column="cases", next_step="give each its own id")
    return cases


def _combination(overrides: Mapping[str, Any], grid: Grid, file: str) -> Case:
    """One combination, named by its keys and values; values that cannot be in a name are counted."""
    parts = [f"{key}-{_short(value, grid.overrides[key])}" for key, value in overrides.items()]
    return validated(Case, {"id": "_".join(parts), "overrides": dict(overrides)}, file, within="overrides")


def _short(value: Any, values: list[Any]) -> str:
    pieces = [str(piece) for piece in value] if isinstance(value, list) else [str(value)]
    if pieces and all(PLAIN.fullmatch(piece) for piece in pieces):
        return "-".join(pieces)
    return f"v{values.index(value) + 1}"


def grid_trials(grid: Grid, file: str, root: Path) -> list[tuple[Case, Trial]]:
    """The trials of every case, case by case, each checked; raises UsageError before anything is built.

    A cut of a case is named `<cut>--<case>`. Its previous cut is that of the same case when the grid has the previous
    cut too, so that like is compared with like; else the previous cut as it is.
    """
    bases = [load_trial(find_cut_file(name, root), root) for name in grid.cuts]
    ids = {trial.cut.cut_id for trial in bases}
    return [(case, _trial(trial, case, ids, file)) for case in grid_cases(grid, file) for trial in bases]


def _trial(base: Trial, case: Case, ids: set[str], file: str) -> Trial:
    cut_id = f"{base.cut.cut_id}{BETWEEN}{case.id}"
    if not CUT_ID.fullmatch(cut_id):
        raise UsageError(
            f"the id of the build would be {cut_id}, which is too long", file=file, column="overrides",
            next_step="list this parameter set under cases, with a short id",
        )  # fmt: skip
    previous = base.cut.previous_cut
    overrides = {**base.cut.overrides, **case.overrides}
    cut = base.cut.model_copy(
        update={
            "cut_id": cut_id,
            "previous_cut": f"{previous}{BETWEEN}{case.id}" if previous in ids else previous,
            "overrides": overrides,
        }
    )
    return Trial(
        cut=cut, protocol=base.protocol, analysis=analysis_values(base.protocol, overrides, file), root=base.root,
        read=base.read,
    )  # fmt: skip


def grid_table(trials: Sequence[tuple[Case, Trial]], outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """One row per build: its cut and case, the keys that differ, its outcome, and its headline results."""
    by_id = {outcome.cut_id: outcome for outcome in outcomes}
    rows = [_row(case, trial, by_id[trial.cut.cut_id]) for case, trial in trials]
    keys = list(dict.fromkeys(key for case, _ in trials for key in case.overrides))
    first = ["build", "cut_date", "case", *keys, "status", "reason"]
    found = list(dict.fromkeys(name for row in rows for name in row if name not in first))
    return pd.DataFrame(rows, columns=[*first, *found], dtype="str").fillna("")


def _row(case: Case, trial: Trial, outcome: Outcome) -> dict[str, str]:
    return {
        "build": trial.cut.cut_id,
        "cut_date": trial.cut.cut_date,
        "case": case.id,
        **{key: _plain(value) for key, value in case.overrides.items()},
        "status": "built" if outcome.built else "not built",
        "reason": outcome.reason,
        **(_results(outcome, trial) if outcome.built else {}),
    }


def _results(outcome: Outcome, trial: Trial) -> dict[str, str]:
    return headlines(read_dataset(Path(outcome.index).parent / "results" / "ard.parquet"), trial.analysis)


def _plain(value: Any) -> str:
    return " ".join(_plain(piece) for piece in value) if isinstance(value, list) else str(value)


def write_grid_table(table: pd.DataFrame, out: Path, grid_id: str) -> Path:
    """Writes the table beside the builds, as a whole or not at all: `<out>/<grid_id>.csv`."""
    from trialbook.queries.files import write_csv

    path = out / f"{grid_id}.csv"
    half = out / f".{grid_id}.csv.half"
    write_csv(table, half)
    os.replace(half, path)
    return path
