"""The build of the previous cut, as the notebooks of a later one read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from trialbook.core.datasets import read_dataset
from trialbook.core.domains import AGES
from trialbook.core.errors import StopError
from trialbook.core.files import is_recorded, records


class PreviousCut:
    """A complete earlier build, read only."""

    def __init__(self, folder: Path, note: Callable[[str], None]) -> None:
        self._folder, self._note = folder, note

    def read(self, name: str) -> pd.DataFrame | None:
        """A dataset of that build (`adsl`, `clean/dm`), or None when it had none."""
        return self._read(f"data/{name}.parquet")

    def _read(self, name: str) -> pd.DataFrame | None:
        self._note(f"previous {name}")
        path = self._folder / name
        if not path.is_file():
            return None
        if records() and not is_recorded(path):
            raise StopError(
                "the build of the previous cut did not write this file", file=str(path),
                next_step="move it away, or build the previous cut again",
            )  # fmt: skip
        return read_dataset(path)

    def clean(self) -> dict[str, pd.DataFrame]:
        """The clean domains of that build by upper-case code."""
        # The manifest names every file of that build: what it says decides which domains there are.
        self._note("previous manifest.json")
        names = sorted(path.stem for path in (self._folder / "data" / "clean").glob("*.parquet"))
        return {name.upper(): self.read(f"clean/{name}") for name in names if name.upper() != AGES}

    def results(self) -> pd.DataFrame:
        """The ARD of that build."""
        found = self._read("results/ard.parquet")
        if found is None:
            raise StopError("the previous build has no results", file=str(self._folder), next_step="build it again")
        return found
