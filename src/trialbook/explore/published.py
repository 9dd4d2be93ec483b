"""A published build as it is read from Python: found by its id, opened without waiting, every file held against the
manifest before a number of it is shown.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialbook.core.environment_variables import BUILD
from trialbook.core.errors import StopError, UsageError
from trialbook.core.nearest import nearest_first
from trialbook.explore.names import Named, no_such

if TYPE_CHECKING:
    # A build is opened before any of these is needed.
    import pandas as pd

    from trialbook.diff.built_cut import BuiltCut
    from trialbook.protocol.models import Trial
    from trialbook.snapshot import Snapshot

MANIFEST = "manifest.json"


class Published:
    """One published build: its folder and manifest; files are read when they are asked for, once.

    Raises UsageError where there is no build of this cut, StopError where its manifest cannot be read.
    """

    def __init__(self, cut_id: str | None, build: str | os.PathLike[str] | None = None) -> None:
        self.folder = _folder_of(cut_id, build)
        try:
            self.manifest: dict[str, Any] = json.loads((self.folder / MANIFEST).read_bytes())
            self.sources: Mapping[str, Any] = self.manifest["sources"]
            self._outputs: dict[str, str] = {
                name: entry["sha256"] for name, entry in self.manifest["outputs"].items()
            }  # fmt: skip
            self.cut_id: str = self.sources["cut"]["cut_id"]
            self.cut_date: str = self.sources["cut"]["cut_date"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise StopError(
                f"the manifest of this build cannot be read ({type(error).__name__})",
                file=str(self.folder / MANIFEST), next_step="build this cut again with --force",
            ) from error  # fmt: skip

    # ------------------------------------------------------------------------------------------------
    # What the build says of itself.

    @property
    def study(self) -> Mapping[str, Any]:
        """The study as its protocol file names it: registry_id, title and so on."""
        found: Mapping[str, Any] = self.sources["protocol"]["study"]
        return found

    @property
    def origin(self) -> list[Any]:
        """What its frames carry along: the study, the cut date, and whether the data are synthetic."""
        return [str(self.study.get("id", "")), self.cut_date, bool(self.sources.get("synthetic"))]

    @cached_property
    def built(self) -> str:
        """When it was built, as ISO text in UTC; blank where nobody noted it (`run.json` is no part of the proof)."""
        try:
            ended = str(json.loads((self.folder / "run.json").read_bytes())["ended"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        return ended[:16].replace("T", " ")

    def altered(self) -> list[str]:
        """The files that are no longer what the build wrote: `trialbook verify` would refuse it. Empty when all are."""
        return [name for name, then in self._outputs.items() if _sha256(self.folder / name) != then]

    def records(self, name: str) -> Any:
        """The content of a JSON file of the build, such as `signals.json`; an empty list where it has none."""
        return json.loads(self.content(name)) if name in self._outputs else []

    @cached_property
    def query_rows(self) -> list[dict[str, str]]:
        """The rows of the query list."""
        text = self.content("queries.csv").decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def content(self, name: str) -> bytes:
        """A file of the build; raises StopError where it is not what the build wrote."""
        try:
            content = (self.folder / name).read_bytes()
        except OSError as error:
            raise self._refused(name, f"cannot be read ({type(error).__name__})") from error
        if hashlib.sha256(content).hexdigest() != self._outputs.get(name):
            raise self._refused(name, "was changed after the build")
        return content

    def _refused(self, name: str, problem: str) -> StopError:
        return StopError(
            f"this file of the published build {problem}: `trialbook verify` would refuse the build",
            file=str(self.folder / name), next_step=f"build the cut again: trialbook build {self.cut_id} --force",
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------
    # What it holds.

    @cached_property
    def datasets(self) -> Named[pd.DataFrame]:
        """The analysis datasets by name."""
        names = sorted(name[5:-8] for name in self._outputs if name.startswith("data/") and name.count("/") == 1)
        return Named("dataset", names, lambda name: self.frame(f"data/{name}.parquet"), str.lower)

    @cached_property
    def clean(self) -> Named[pd.DataFrame]:
        """The clean domains by their upper-case code, cut at the data cut."""
        from trialbook.core.domains import AGES

        names = sorted(name[11:-8].upper() for name in self._outputs if name.startswith("data/clean/"))
        read = lambda code: self.frame(f"data/clean/{code.lower()}.parquet")  # noqa: E731
        return Named("clean domain", [name for name in names if name != AGES], read, str.upper)

    @cached_property
    def ages(self) -> pd.DataFrame | None:
        """The ages that took the place of the birth dates; None where the build holds none."""
        name = "data/clean/ages.parquet"
        return self.frame(name) if name in self._outputs else None

    @cached_property
    def ard(self) -> pd.DataFrame:
        """Every reported number."""
        return self.frame("results/ard.parquet")

    def _proved(self, name: str) -> None:
        self.content(name)

    def frame(self, name: str) -> pd.DataFrame:
        """A parquet file of the build; raises StopError where it is not what the build wrote."""
        from trialbook.core.datasets import read_dataset

        self.content(name)
        return read_dataset(self.folder / name)

    @cached_property
    def raw(self) -> Named[pd.DataFrame]:
        """The domains as delivered, everything as text, personal data masked as in a build."""
        snapshot = self._snapshot
        return Named("delivered domain", sorted(snapshot.tables), lambda code: snapshot.tables[code].frame, str.upper)

    @cached_property
    def _snapshot(self) -> Snapshot:
        from trialbook.contracts.allow_list import allow_list, contracts_folder
        from trialbook.contracts.odcs import load_contracts
        from trialbook.snapshot import read_snapshot

        trial = self.trial
        snapshot = read_snapshot(trial, allow_list(load_contracts(contracts_folder(), ["raw"]), trial.protocol))
        then: Mapping[str, str] = self.sources.get("inputs") or {}
        for name, digest in sorted(snapshot.hashes.items()):
            if then.get(name) != digest:
                raise StopError(
                    "this delivered file is not the one that the build was made from", file=name,
                    next_step=f"put back what was delivered, or build the cut again: trialbook build {self.cut_id}",
                )  # fmt: skip
        return snapshot

    @cached_property
    def trial(self) -> Trial:
        """The cut, protocol and analysis keys of the build, from the parameter files that it was made from.

        Raises StopError where these were changed after the build: what is derived under other keys would differ from
        the published set for a second reason.
        """
        from trialbook.protocol.load import find_cut_file, load_trial, make_trial, project_root

        root = project_root()
        standing = self.sources["cut"]
        if (root / "params" / "cuts" / f"{self.cut_id}.yaml").is_file():
            trial = load_trial(find_cut_file(self.cut_id, root), root)
        else:
            content = {key: value for key, value in standing.items() if value is not None}
            trial = make_trial(content, str(self.folder / MANIFEST), root)
        differing = [key for key, value in trial.cut.model_dump(mode="json").items() if standing.get(key) != value]
        now, then = trial.analysis.model_dump(mode="json"), self.sources["analysis"]
        differing += [key for key, value in now.items() if key != "drugs" and then.get(key) != value]
        if differing:
            raise StopError(
                f"the parameters were changed after the build: {', '.join(differing[:4])}", file=str(self.folder),
                next_step=f"build the cut again: trialbook build {self.cut_id}",
            )  # fmt: skip
        return trial

    @cached_property
    def compared(self) -> BuiltCut:
        """The build as comparisons read it; every file that is read is held against the manifest."""
        from trialbook.diff.built_cut import BuiltCut

        found = BuiltCut.at(self.folder, self._proved)
        if found is None:
            raise StopError("there is no complete build here", file=str(self.folder), next_step="build this cut first")
        return found


def _folder_of(cut_id: object, build: str | os.PathLike[str] | None) -> Path:
    """The folder of the published build of a cut; raises UsageError, naming the built cuts, where there is none."""
    place = _builds(build)
    if not isinstance(cut_id, str) or not cut_id:
        there = f"; built are {', '.join(_built(place))}" if _built(place) else ""
        raise UsageError(
            f"a cut is named by its id{there}", value=cut_id,
            next_step=f'write trialbook.cut("{(_built(place) or ["2025-09-30"])[-1]}")',
        )  # fmt: skip
    if (place / MANIFEST).is_file() and place.name == cut_id:
        return place
    if (place / cut_id / MANIFEST).is_file() and Path(cut_id).name == cut_id:
        return place / cut_id
    built = _built(place)
    if (place.parent / "params" / "cuts" / f"{cut_id}.yaml").is_file():
        ready = f"; built are {', '.join(nearest_first(cut_id, built))}" if built else ""
        raise UsageError(
            f"the cut {cut_id} has not been built{ready}", file=str(place),
            next_step=f"run `trialbook build {cut_id}`",
        )  # fmt: skip
    raise no_such("built cut", cut_id, built, f"look into {place}" if built else "run `trialbook build` first")


def _built(place: Path) -> list[str]:
    """The ids of the built cuts in a folder."""
    return sorted(path.parent.name for path in place.glob(f"[!.]*/{MANIFEST}"))


def _builds(build: str | os.PathLike[str] | None) -> Path:
    """The folder that holds the builds: as given, as the environment says, or `build/` of the project."""
    if build is not None:
        if not isinstance(build, (str, os.PathLike)):
            raise UsageError(
                "the folder of the builds is named by its path", value=build,
                next_step='write trialbook.cut("2025-09-30", build="path/to/build")',
            )  # fmt: skip
        return Path(build).expanduser().resolve()
    named = os.environ.get(BUILD)
    if named:
        return Path(named).resolve()
    from trialbook.protocol.load import project_root

    try:
        return project_root() / "build"
    except UsageError as error:
        raise UsageError(
            error.problem, file=error.file,
            next_step="run Python in the folder of the workbook, or name the folder of the builds: "
            'trialbook.cut("2025-09-30", build="path/to/build")',
        ) from None  # fmt: skip


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
