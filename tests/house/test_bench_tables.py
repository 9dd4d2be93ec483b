"""What the benchmarks print is what was measured, and goes only between its markers in docs/performance.md."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.__main__ import MARKERS, PAGE
from bench.benches import BENCHES, Bench, Line
from bench.measured import CommandError, Measured, measure
from bench.project_copy import ProjectCopy
from bench.scale import Size, steps_of
from bench.tables import bench_table, growth, scale_table, simulator_table, write_between


def line(name: str, seconds: float, at_least: float | None = None) -> Line:
    return Line(Bench(name, lambda project, repeats: iter(()), at_least=at_least), Measured(seconds, 100.0), 3)


def test_each_line_is_compared_with_the_first() -> None:
    table = bench_table([line("naive", 120.0), line("cold", 8.0, 12), line("nothing", 0.5, 120)])
    assert "| naive | 120.0 | 100 MiB | 1 |  |" in table
    assert "| cold | 8.00 | 100 MiB | 15.0 | ≥ 12 |" in table
    assert "| nothing | 0.50 | 100 MiB | 240.0 | ≥ 120 |" in table


def test_the_simulator_is_compared_with_loops() -> None:
    rows = [
        {"rule": "3+3", "how": "simulator", "seconds_per_10000_trials": 0.04, "times_the_simulator": 1.0},
        {
            "rule": "3+3",
            "how": "a loop",
            "seconds_per_10000_trials": 4.0,
            "times_the_simulator": 100.0,
            "at_least": 50.0,
        },
        {"rule": "CRM", "how": "simulator", "seconds_per_10000_trials": 2.0},
    ]
    table = simulator_table(rows)
    assert "| 3+3, a loop | 4.0 | 100.0 | ≥ 50 |" in table
    assert "| CRM, simulator | 2.0 |  |  |" in table


def test_growth_is_the_exponent_between_the_two_largest_sizes() -> None:
    def size(subjects: int, seconds: float) -> Size:
        return Size(subjects, Measured(seconds, 1.0), {"01_cleaning": (seconds, 200.0)}, 1_000_000)

    assert growth([size(12, 5.0), size(120, 2.0), size(1200, 20.0)], "01_cleaning") == "1.00"
    assert growth([size(12, 1.0), size(120, 100.0)], "01_cleaning") == "2.00"
    assert "| 01_cleaning | 2.0, 200 | 20.0, 200 | 1.00 |" in scale_table([size(120, 2.0), size(1200, 20.0)])


def test_the_steps_of_a_build_are_read_from_its_run_file(tmp_path: Path) -> None:
    run = {"seconds": {"01_cleaning": 2.5, "06_os": 1.0}, "peak_mib": {"01_cleaning": 310.0}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert steps_of(tmp_path / "run.json") == {"01_cleaning": (2.5, 310.0), "06_os": (1.0, 0.0)}


def test_the_table_replaces_only_what_stands_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n", encoding="utf-8")
    write_between(page, "bench", "new")
    assert page.read_text(encoding="utf-8") == "before\n<!-- bench:start -->\nnew\n<!-- bench:end -->\nafter\n"
    with pytest.raises(ValueError, match="no place"):
        write_between(page, "scale", "new")


def test_the_page_of_the_tables_has_the_markers_of_every_benchmark(tmp_path: Path, root: Path) -> None:
    page = tmp_path / "page.md"
    page.write_bytes((root / PAGE).read_bytes())
    for marker in MARKERS.values():
        write_between(page, marker, f"measured: {marker}")
    assert "measured: bench" in page.read_text(encoding="utf-8")
    assert "measured: scale" in page.read_text(encoding="utf-8")


def test_a_benchmark_of_a_command_that_fails_is_no_benchmark(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the reason"):
        measure([sys.executable, "-c", "import sys; sys.exit('the reason')"], {}, tmp_path)


def test_the_memory_of_a_child_process_counts(tmp_path: Path) -> None:
    child = "import time; held = b'x' * 150_000_000; time.sleep(1)"
    holding = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    found = measure([sys.executable, "-c", holding], {}, tmp_path)
    assert 150 < found.peak_mib < 250
    assert found.seconds > 1


def test_editing_a_copied_notebook_leaves_the_clone_as_it_is(tmp_path: Path, root: Path) -> None:
    before = (root / "notebooks" / "06_os.ipynb").read_bytes()
    project = ProjectCopy(tmp_path)
    project.edit("06_os.ipynb", "a remark")
    assert b"# a remark" in (project.root / "notebooks" / "06_os.ipynb").read_bytes()
    assert (root / "notebooks" / "06_os.ipynb").read_bytes() == before


def test_every_ratio_that_was_asked_for_has_its_benchmark() -> None:
    assert [bench.at_least for bench in BENCHES if bench.at_least] == [12, 30, 120]
