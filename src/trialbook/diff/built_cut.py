"""A published cut as comparisons and the study page read it: its datasets, results and the keys of its own time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.core.datasets import LazyFrames, read_dataset
from trialbook.core.domains import AGES
from trialbook.core.errors import StopError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Cut, Protocol


@dataclass(frozen=True)
class BuiltCut:
    """One build: the cut file, protocol and analysis keys of its time; datasets are read when they are asked for.

    `seal` is the hash over every file of the build, which documents call its build; `fingerprint` the one over its
    sources and results, which its pages and the decision log name. Both blank for one that is being made.
    `note` hears of each file that is read, by its name in the build.
    Raises StopError where a file that the build must have cannot be read.
    """

    folder: Path
    cut: Cut
    protocol: Protocol
    analysis: Analysis
    synthetic: bool = False
    seal: str = ""
    note: Callable[[str], None] = lambda name: None
    fingerprint: str = ""

    @classmethod
    def at(cls, folder: Path, note: Callable[[str], None] = lambda name: None) -> BuiltCut | None:
        """The complete build in a folder, as its manifest describes it; None where there is none.

        The manifest holds the drug dictionary by its hash only: protocol and keys are without it.
        """
        place = folder / "manifest.json"
        if not place.is_file():
            return None
        try:
            manifest = json.loads(place.read_text(encoding="utf-8"))
            sources = manifest["sources"]
            return cls(
                folder,
                Cut.model_validate(sources["cut"]),
                Protocol.model_validate(_without_drugs(sources["protocol"])),
                Analysis.model_validate(_without_drugs(sources["analysis"])),
                bool(sources.get("synthetic")),
                str(manifest.get("seal", "")),
                note,
                str(manifest.get("fingerprint", "")),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unreadable(place, error) from error

    @cached_property
    def ard(self) -> pd.DataFrame:
        """The results."""
        return self._read("results/ard.parquet")

    @cached_property
    def clean(self) -> Mapping[str, pd.DataFrame]:
        """The clean domains by upper-case code."""
        names = sorted(path.stem for path in (self.folder / "data" / "clean").glob("*.parquet"))
        codes = [name.upper() for name in names if name.upper() != AGES]
        return LazyFrames(codes, lambda code: self._read(f"data/clean/{code.lower()}.parquet"))

    @cached_property
    def datasets(self) -> Mapping[str, pd.DataFrame]:
        """The analysis datasets by name."""
        names = sorted(path.stem for path in (self.folder / "data").glob("*.parquet"))
        return LazyFrames(names, lambda name: self._read(f"data/{name}.parquet"))

    @cached_property
    def signals(self) -> list[dict[str, Any]] | None:
        """What a committee had to look at first; None for a build of a version that did not say so."""
        place = self.folder / "signals.json"
        self.note("signals.json")
        if not place.is_file():
            return None
        try:
            found: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _unreadable(place, error) from error
        return found

    def _read(self, name: str) -> pd.DataFrame:
        self.note(name)
        try:
            return read_dataset(self.folder / name)
        except (OSError, ValueError) as error:
            raise _unreadable(self.folder / name, error) from error


def _without_drugs(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in keys.items() if name != "drugs"}


def _unreadable(place: Path, error: Exception) -> StopError:
    return StopError(
        f"this file of a published build cannot be read ({type(error).__name__})", file=str(place),
        next_step="build this cut again with --force",
    )  # fmt: skip
