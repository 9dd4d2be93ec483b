"""Proves a build by making it again in a scratch folder and comparing every byte."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from trialbook.errors import UsageError
from trialbook.protocol.models import Trial
from trialbook.runner.build import Options, build_cut
from trialbook.runner.compare import compare_builds


def verify_build(trial: Trial, root: Path, out: Path, jobs: int) -> list[str]:
    """Differences between the build that stands and a rebuild of the same cut, one line each.

    The rebuild sees the same previous build, and draws its charts the same way. Raises UsageError when there is no
    complete build.
    """
    standing = out / trial.cut.cut_id
    if not (standing / "manifest.json").is_file():
        raise UsageError("there is no complete build of this cut", file=str(standing), next_step="build it first")
    with tempfile.TemporaryDirectory(prefix=".verify-", dir=out) as place:
        scratch = Path(place)
        previous = trial.cut.previous_cut
        if previous and (out / previous).is_dir():
            shutil.copytree(out / previous, scratch / previous)
        rebuilt = build_cut(trial, root, Options(scratch, jobs, _charts(standing)))
        return compare_builds(standing, rebuilt)


def _charts(standing: Path) -> Literal["live", "static"]:
    """How the standing build drew its charts; live where its manifest does not say."""
    try:
        manifest = json.loads((standing / "manifest.json").read_text(encoding="utf-8"))
    except ValueError:
        return "live"
    return "static" if manifest.get("sources", {}).get("charts") == "static" else "live"
