"""How a build grows with the trial: the same build over synthetic snapshots of more and more subjects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.benches import TRIALBOOK
from bench.measured import Measured, measure
from bench.project_copy import ProjectCopy

SIZES = (12, 120, 1_200, 12_000)
# Seconds and peak memory (MiB) by name of the step.
Steps = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Size:
    """What a build of this many subjects took: all of it, each step, and its largest page in bytes."""

    subjects: int
    whole: Measured
    steps: Steps
    largest_page: int


def build_of_size(project: ProjectCopy, subjects: int) -> Size:
    """Simulates a trial with this many treated subjects and builds it from nothing."""
    snapshot = project.root / "data" / f"of-{subjects}"
    measure([TRIALBOOK, "simulate", "--out", snapshot, "--subjects", str(subjects)], project.env, project.root)
    cut_id = f"subjects-{subjects}"
    cut = {"cut_id": cut_id, "cut_date": "2025-12-31", "snapshot": f"data/{snapshot.name}",
           "protocol": "params/protocol.yaml"}  # fmt: skip
    cut_file = project.root / "params" / "cuts" / f"{cut_id}.yaml"
    cut_file.write_text(yaml.safe_dump(cut), encoding="utf-8")
    whole = measure([TRIALBOOK, "build", cut_file, "--out", project.out], project.env, project.root)
    built = project.out / cut_id
    largest = max(page.stat().st_size for page in built.glob("*.html"))
    return Size(subjects, whole, steps_of(built / "run.json"), largest)


def steps_of(run_file: Path) -> Steps:
    """Seconds and peak memory of each step, as the build itself noted them."""
    run = json.loads(run_file.read_text(encoding="utf-8"))
    peaks = run.get("peak_mib", {})
    return {name: (float(seconds), float(peaks.get(name, 0.0))) for name, seconds in run["seconds"].items()}
