"""Proves a build: its files against its manifest, its sources against today's, its bytes against a rebuild."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from trialbook.core.errors import TrialbookError, UsageError, not_built
from trialbook.diff.builds import compare_builds
from trialbook.pipeline.build import Options, build_cut
from trialbook.pipeline.dependencies import Ingredients
from trialbook.pipeline.manifest import MANIFEST, sources
from trialbook.pipeline.manifest_check import standing_differences
from trialbook.pipeline.publish import VERIFY, one_builder
from trialbook.pipeline.superseded import (
    SHORT,
    SUPERSEDED,
    named_seal,
    read_manifest,
    section_of,
    superseded_place,
    touched_before,
)
from trialbook.protocol.load import find_cut_file, load_trial, make_trial
from trialbook.protocol.models import CUT_ID, Trial
from trialbook.provenance.source_drift import made_of_differences

Charts = Literal["live", "static"]


@dataclass(frozen=True)
class Proof:
    """What was found, in three parts; `rebuilt` says whether the build was made again."""

    standing: list[str] = field(default_factory=list)
    made_of: list[str] = field(default_factory=list)
    rebuild: list[str] = field(default_factory=list)
    rebuilt: bool = False

    @property
    def parts(self) -> dict[str, list[str]]:
        """The differences by what they were found against, in the order of the search."""
        return {
            "The build against its manifest": self.standing,
            "Its sources against those of today": self.made_of,
            "The build against its rebuild": self.rebuild,
        }

    @property
    def differences(self) -> list[str]:
        """All differences, one line each."""
        return [line for lines in self.parts.values() for line in lines]


def trial_of(name: str, root: Path, out: Path) -> Trial:
    """The trial of a cut file or id; of a build that has none, as a case of a grid, the one that its manifest names."""
    standing = out / name
    own = CUT_ID.fullmatch(name) and not (root / "params" / "cuts" / f"{name}.yaml").is_file()
    if not own or not (standing / MANIFEST).is_file():
        return load_trial(find_cut_file(name, root), root)
    cut = _sources(standing).get("cut")
    content = {key: value for key, value in cut.items() if value is not None} if isinstance(cut, dict) else cut
    return make_trial(content, str(standing / MANIFEST), root)


def verify_build(trial: Trial, root: Path, out: Path, jobs: int = 2, *, quick: bool = False) -> Proof:
    """The proof of the build published in `out`; with `quick` without building it again.

    The rebuild uses no kept piece of an earlier build, sees the same previous build and draws its charts the same way.
    While it runs no build of this cut can replace the published one. Raises UsageError when there is none.
    """
    standing = out.resolve() / trial.cut.cut_id
    if not (standing / MANIFEST).is_file():
        raise not_built(standing)
    if quick:
        return Proof(*look(trial, root, standing))
    with one_builder(out, trial.cut.cut_id):
        found = look(trial, root, standing)
        with rebuilt(trial, root, standing, jobs) as other:
            places = [f"the rebuild stopped: {other}"] if isinstance(other, str) else compare_builds(standing, other)
    return Proof(*found, places, rebuilt=True)


def look(trial: Trial, root: Path, standing: Path) -> tuple[list[str], list[str]]:
    """What can be seen without a rebuild: the build against its manifest, and its sources.

    The previous build and those that were superseded are looked at too, each against its own manifest.
    """
    own = standing_differences(standing)
    previous = trial.cut.previous_cut
    if previous and (standing.parent / previous / MANIFEST).is_file():
        own += [f"previous cut {previous}, {line}" for line in standing_differences(standing.parent / previous)]
    own += kept_differences(standing.parent, standing.name, (read_manifest(standing) or {}).get("supersedes"))
    return own, source_differences(trial, root, standing)


def source_differences(trial: Trial, root: Path, standing: Path) -> list[str]:
    """The sources that the manifest names against those of today; nothing where it cannot be read."""
    then = _sources(standing)
    if not then:
        return []
    ingredients = Ingredients(trial, root, standing.parent, _charts(then))
    # As the manifest would hold it: JSON knows no tuples.
    try:
        now = json.loads(json.dumps(sources(trial, root, standing.parent, ingredients)))
    except UsageError as error:
        # The notebooks of today are no steps of a build any more; what there was is still proved by its files.
        return [f"the cut cannot be built today: {error}"]
    return made_of_differences(then, now, standing, trial, root)


@contextmanager
def rebuilt(trial: Trial, root: Path, standing: Path, jobs: int) -> Iterator[Path | str]:
    """A rebuild of the cut in a folder that is gone afterwards, or why there is none."""
    builds = standing.parent
    with one_builder(builds / VERIFY, trial.cut.cut_id):
        place = builds / VERIFY / trial.cut.cut_id
        # Only the holder of the lock is here: anything here is from a verification that was killed.
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        try:
            previous = trial.cut.previous_cut
            if previous and (builds / previous).is_dir():
                shutil.copytree(builds / previous, place / previous, symlinks=True)
            named = (read_manifest(standing) or {}).get("supersedes")
            charts = _charts(_sources(standing))
            options = Options(place, jobs, charts, force=True, supersedes=named, study_page=False)
            yield _build_anew(trial, root, options)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _build_anew(trial: Trial, root: Path, options: Options) -> Path | str:
    try:
        return build_cut(trial, root, options)
    except TrialbookError as error:
        return str(error)


def _sources(standing: Path) -> dict[str, Any]:
    return section_of(read_manifest(standing) or {}, "sources")


def _charts(made_of: dict[str, Any]) -> Charts:
    """How the published build drew its charts; live where its manifest does not say."""
    return "static" if made_of.get("charts") == "static" else "live"


# ----------------------------------------------------------------------------------------------------
# The superseded builds of a cut that are kept (`.superseded`): whether they are still as they were then.


def kept_differences(out: Path, cut_id: str, supersedes: Any) -> list[str]:
    """One line for everything in the kept builds of a cut that was changed since; `supersedes`: a seal, or None.

    Each is held against its own manifest, which must carry the seal that its folder is named by. What a person had
    changed before the build was kept is no change. One that the published manifest names (`supersedes`) must be there.
    """
    folder = out / SUPERSEDED / cut_id
    places = sorted(path for path in folder.glob("[!.]*") if path.is_dir()) if folder.is_dir() else []
    lines = [f"{_named(out, place)}, {line}" for place in places for line in _differences(place, cut_id)]
    if isinstance(supersedes, str):
        place = superseded_place(out, cut_id, supersedes)
        if place not in places:
            lines.append(f"{_named(out, place)}: is missing")
    return lines


def _differences(place: Path, cut_id: str) -> list[str]:
    if place.is_symlink():
        return ["the folder: is a link"]
    if not (place / MANIFEST).is_file():
        return [f"{MANIFEST}: is missing"]
    before = touched_before(place)
    found = [line for line in standing_differences(place, cut_id) if line not in before]
    seal = named_seal(read_manifest(place) or {})[:SHORT]
    if place.name.partition("-")[0] != seal:
        found.append(f"{MANIFEST}: is of the build {seal}: another one was put here")
    return found


def _named(out: Path, place: Path) -> str:
    return place.relative_to(out).as_posix()
