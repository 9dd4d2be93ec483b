"""`make golden`: accepts the results of the demo builds as the golden files that the tests compare with."""

from __future__ import annotations

import csv
from pathlib import Path

from test_demo_cuts import COLUMNS, CUTS, golden_rows

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Writes tests/golden/<cut>.csv from build/<cut>."""
    (ROOT / "tests" / "golden").mkdir(exist_ok=True)
    for cut in CUTS:
        with (ROOT / "tests" / "golden" / f"{cut}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([c for c in COLUMNS if c not in ("stat", "stat_label")])
            writer.writerows(golden_rows(ROOT / "build" / cut))


if __name__ == "__main__":
    main()
