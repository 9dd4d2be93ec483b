"""`make golden`: accepts what the builds in build/ hold as the golden files that the tests compare with."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

from support import frozen_hashes as frozen
from support.fixtures import DEMO_CUTS
from support.paths import ROOT, TESTS
from trialbook.core.datasets import read_dataset
from trialbook.results.ard import COLUMNS


def golden_rows(build: Path) -> list[list[str]]:
    """The results of a build as the golden files hold them."""
    frame = read_dataset(build / "results" / "ard.parquet")
    return frame[[c for c in COLUMNS if c not in ("stat", "stat_label")]].astype("str").to_numpy().tolist()


def main() -> None:
    """Writes tests/golden/<cut>.csv from build/<cut>, and the hashes of all builds."""
    (TESTS / "golden").mkdir(exist_ok=True)
    for cut in DEMO_CUTS:
        with (TESTS / "golden" / f"{cut}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([c for c in COLUMNS if c not in ("stat", "stat_label")])
            writer.writerows(golden_rows(ROOT / "build" / cut))
    for name in (*DEMO_CUTS, "cdisc-pilot"):
        frozen.record(name, ROOT / "build" / name)
    with tempfile.TemporaryDirectory() as alone:
        # As in the test: without the build of an earlier cut beside it, with which it would be compared.
        cut = ROOT / "params" / "site-export" / "cut.yaml"
        subprocess.run(
            [Path(sys.executable).with_name("trialbook"), "build", cut, "--out", alone], check=True, cwd=ROOT
        )
        frozen.record("2025-06-30-site-export", Path(alone) / "2025-06-30-site-export")


if __name__ == "__main__":
    main()
