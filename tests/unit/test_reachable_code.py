"""What code a notebook or module can reach is told from its imports, without running it."""

from __future__ import annotations

import json
from pathlib import Path

from trialbook.runner.reach import PACKAGE, imported_names, notebook_imports, reachable_files, written_imports

ROOT = Path(__file__).resolve().parents[2]


def test_imports_within_functions_count_and_those_for_type_checking_do_not() -> None:
    source = """
import trialbook.units
import pandas
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from trialbook.display import page
def later():
    from trialbook.statistics import intervals
"""
    assert imported_names(source) == ["trialbook.statistics", "trialbook.statistics.intervals", "trialbook.units"]


def test_the_imports_read_from_the_text_of_each_file_of_the_library_are_those_of_its_syntax_tree() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        assert sorted(written_imports(source)) == imported_names(source), path.relative_to(PACKAGE)


def test_imports_are_read_from_text_over_several_lines_and_without_their_comments() -> None:
    source = """
from trialbook.units import (
    one,  # (not two, three)
    four as five,
)
import trialbook.dates as days
"""
    assert sorted(written_imports(source)) == imported_names(source)


def test_a_module_reaches_itself_its_packages_and_what_these_import() -> None:
    found = reachable_files(["trialbook.statistics.intervals"])
    assert {"__init__.py", "statistics/__init__.py", "statistics/intervals.py"} <= set(found)
    assert not [name for name in found if name.startswith(("display/", "runner/", "safety/"))]


def test_a_package_reaches_its_templates() -> None:
    assert "display/templates/page.css" in reachable_files(["trialbook.display.page"])


def test_the_survival_notebook_does_not_reach_what_only_safety_uses() -> None:
    survival = set(reachable_files(notebook_imports((ROOT / "notebooks" / "06_os.ipynb").read_bytes())))
    assert {"efficacy/survival.py", "statistics/kaplan_meier.py", "runner/step.py"} <= survival
    assert "safety/adlb.py" not in survival
    assert "dlt/designs/boin.py" not in survival


def test_what_a_notebook_can_reach_holds_all_that_a_real_run_of_its_imports_loads(tmp_path: Path) -> None:
    """The static answer against a real one: modules that Python has loaded after the notebook's own imports."""
    import subprocess
    import sys

    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        lines = [
            line.strip()
            for cell in cells
            if cell["cell_type"] == "code"
            for line in "".join(cell["source"]).splitlines()
            if line.startswith(("import ", "from "))
        ]
        script = "\n".join([*lines, "import sys, trialbook.runner.step", "print(*[n for n in sys.modules])"])
        loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        files = {
            path.relative_to(PACKAGE).as_posix()
            for name in loaded.split()
            if name.split(".")[0] == "trialbook"
            for path in _file_of(name)
        }
        assert files <= set(reachable_files(notebook_imports(notebook.read_bytes()))), notebook.name


def _file_of(module: str) -> list[Path]:
    place = PACKAGE.joinpath(*module.split(".")[1:])
    return [place / "__init__.py"] if place.is_dir() else [place.with_suffix(".py")]
