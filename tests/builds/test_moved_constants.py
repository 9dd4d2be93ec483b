"""A constant that was moved to a file of its own, in any way that Python knows, is still an ingredient of a build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from support.moved_constants import WAYS, constants_of, move
from support.notebooks_by_hand import copied_project

# Every day unit/workbook/test_import_closure.py proves the same of the ingredients, without builds.
pytestmark = [pytest.mark.build, pytest.mark.soak]
CUT = "2025-03-31"
# Module, constant, and what it becomes; each shows on a page of the first demo cut.
CHANGED = (
    ("display/charts/cleaning.py", "ROW", "17"),
    ("eligibility/tables.py", "FORM", '"Data decide first. "'),
    ("safety/adae.py", "HOURS_DIGITS", "0"),
    ("safety/counting.py", "ANY_EVENT", '"Any event at all"'),
    ("safety/exposure.py", "DAYS_PER_YEAR", "360.0"),
    ("dlt/advice.py", "COMMITTEE", '"The committee decides."'),
    ("efficacy/response_tables.py", "LABEL", '"of others, not comparable"'),
    ("efficacy/response_tables.py", "THIS_TRIAL", '"the trial itself"'),
    ("display/charts/survival.py", "WIDTH", "500"),
    ("display/charts/response.py", "SET_APART", "0.3"),
)

# Where each shows.
SHOWN_IN = (
    "01_cleaning.html", "02_eligibility.html", "adae.parquet", "03_safety.html", "03_safety_tables.html",
    "04_dlt.html",
    "05_orr.html", "05_orr.html", "06_os.html", "05_orr.html",
)  # fmt: skip
# Which of them change at a time: each in a notebook that no other of its round can rebuild, so that one that is left
# stale shows in the last comparison.
ROUNDS = [(0, 5), (1, 6), (2, 7), (3, 8), (4, 9)]


def build(project: Path, out: Path) -> dict[str, bytes]:
    """The pages and datasets of a build with the library of this project, without what names the code."""
    environment = {**os.environ, "TRIALBOOK_ROOT": str(project)}
    command = [str(project / "env" / "bin" / "python"), "-c", "from trialbook.cli import main; main()", "build", CUT]
    done = subprocess.run(
        [*command, "--out", str(out), "--charts", "static"], cwd=project, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.name: path.read_bytes() for path in (out / CUT).glob("0*.html")}
    notebooks = {path.name: path.read_bytes() for path in (out / CUT / "notebooks").glob("*.ipynb")}
    data = {path.name: path.read_bytes() for path in (out / CUT / "data").rglob("*.parquet")}
    results = {
        "ard": (out / CUT / "results" / "ard.json").read_bytes(),
        "log": (out / CUT / "changelog.csv").read_bytes(),
    }
    return {**{name: _without_mark(page) for name, page in pages.items()}, **notebooks, **data, **results}


def environment_of(project: Path) -> None:
    """An interpreter that has this project's library, and every other package from ours: kernels are given no path."""
    venv.create(project / "env")
    ours, theirs = (sysconfig.get_path("purelib", vars=of) for of in (None, {"base": str(project / "env")}))
    Path(theirs, "library.pth").write_text(f"{project / 'src'}\n{ours}\n", encoding="utf-8")


def _without_mark(page: bytes) -> bytes:
    """A page without the fingerprint of its build, which every change of the code changes."""
    return b"\n".join(line for line in page.split(b"\n") if b"fingerprint" not in line.lower())


def test_no_result_is_stale_after_rewrites(demo: Path, root: Path, tmp_path: Path) -> None:
    project = copied_project(tmp_path / "project", root, demo)
    shutil.copytree(root / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    environment_of(project)
    library = project / "src" / "trialbook"
    places: list[Path] = []
    for number, (name, constant, _) in enumerate(CHANGED):
        text = (library / name).read_text(encoding="utf-8")
        found = next(node for node in constants_of(text) if node.targets[0].id == constant)  # type: ignore[attr-defined]
        package = ".".join(["trialbook", *Path(name).parent.parts])
        way = sorted(WAYS)[number % len(WAYS)]
        places.append(move(library / name, text, found, way, f"moved_{number}", package))
    before = build(project, tmp_path / "build")
    for together in ROUNDS:
        for number in together:
            there = places[number].read_text(encoding="utf-8").partition(" = ")[0]
            places[number].write_text(f"{there} = {CHANGED[number][2]}\n", encoding="utf-8")
        now = build(project, tmp_path / "build")
        changed = {file for file in now if now[file] != before.get(file)}
        for number in together:
            name, constant, _ = CHANGED[number]
            assert SHOWN_IN[number] in changed, f"{name}: {constant} changed nothing of {SHOWN_IN[number]}"
        before = now
    anew = build(project, tmp_path / "anew")
    assert [file for file in anew if anew[file] != before.get(file)] == []
