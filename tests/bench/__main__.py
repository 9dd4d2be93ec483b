"""Measures the workbook on this machine: `python -m bench time` and `python -m bench scale`, with PYTHONPATH=tests.

With `--write` the table replaces the one in docs/performance.md; without it, it is printed only.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench import design_simulator
from bench.benches import BENCHES, run_bench
from bench.project_copy import ROOT, ProjectCopy
from bench.scale import SIZES, build_of_size
from bench.tables import bench_table, scale_table, simulator_table, write_between

PAGE = "docs/performance.md"
MARKERS = {"time": "bench", "scale": "scale"}


def main() -> int:
    """Runs the benchmarks that were asked for; the exit status is 1 when a ratio is missed."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="trialbook-bench-") as folder:
        project = ProjectCopy(Path(folder))
        if asked.what == "time":
            lines = []
            for bench in BENCHES:
                lines.append(run_bench(bench, project, asked.repeats or bench.repeats))
                _tell(bench.name, lines[-1].found.seconds)
            table, base = bench_table(lines), lines[0].found.seconds
            missed = [line.bench.name for line in lines if base / line.found.seconds < (line.bench.at_least or 0)]
            rows = design_simulator.measure()
            table = f"{table}\n\n{simulator_table(rows)}"
            missed += [
                str(row["how"]) for row in rows if float(row.get("times_the_simulator", 0)) < row.get("at_least", 0)
            ]
        else:
            sizes = []
            for subjects in asked.sizes:
                sizes.append(build_of_size(project, subjects))
                _tell(f"{subjects} subjects", sizes[-1].whole.seconds)
            table, missed = scale_table(sizes), []
    print(table)
    if asked.write:
        write_between(ROOT / PAGE, MARKERS[asked.what], table)
    for name in missed:
        _tell(f"slower than asked: {name}")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", choices=sorted(MARKERS))
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE}")
    parser.add_argument("--repeats", type=int, default=0, help="runs of each benchmark (default: its own number)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="subjects of `scale`")
    return parser.parse_args()


def _tell(what: str, seconds: float | None = None) -> None:
    print(what if seconds is None else f"{seconds:8.2f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
