"""`make golden`: accepts what the builds in build/ hold as the golden files that the tests compare with."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

from test_demo_cuts import COLUMNS, CUTS, golden_rows

import frozen

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Writes tests/golden/<cut>.csv from build/<cut>, and the hashes of all builds."""
    (ROOT / "tests" / "golden").mkdir(exist_ok=True)
    for cut in CUTS:
        with (ROOT / "tests" / "golden" / f"{cut}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([c for c in COLUMNS if c not in ("stat", "stat_label")])
            writer.writerows(golden_rows(ROOT / "build" / cut))
    for name in (*CUTS, "cdisc-pilot"):
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
