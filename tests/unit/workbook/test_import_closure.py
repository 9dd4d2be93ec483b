"""The code that a notebook or module can reach is found from its imports, without running it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.moved_constants import Rewritten
from support.paths import ROOT
from trialbook.core.file_marks import PACKAGE
from trialbook.workbook.import_closure import Library, imported_names, notebook_imports, reachable_files


def reached(folder: Path, name: str, files: dict[str, str], module: str = "one") -> set[str]:
    """What a module reaches in a package of these files."""
    for place, text in {"__init__.py": "", **files}.items():
        path = folder / name / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        return set(Library(name, folder / name).reachable([f"{name}.{module}"])) - {"__init__.py"}


WAYS = {
    "absolute": ("from {me}.two import X", {"two.py"}),
    "relative": ("from .two import X", {"two.py"}),
    "relative module": ("from . import two", {"two.py"}),
    "whole": ("import {me}.two", {"two.py"}),
    "renamed": ("from {me} import two as other", {"two.py"}),
    "star": ("from {me}.two import *", {"two.py"}),
    "several lines": ("from {me}.two import (\n    X,  # not ten\n)", {"two.py"}),
    "in a function": ("def f():\n    from {me}.two import X\n    return X", {"two.py"}),
    "in a try": ("try:\n    from .two import X\nexcept ImportError:\n    X = 1", {"two.py"}),
    "after a semicolon": ("a = 1; from .two import X", {"two.py"}),
    "continued": ("from .two \\\n    import X", {"two.py"}),
    "by its name": ("import importlib\nX = importlib.import_module('{me}.two').X", {"two.py"}),
    "re-exported": ("from .four import X", {"four/__init__.py", "four/five.py", "two.py"}),
    "for types alone": ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .two import X", set()),
    "its data": ("from . import six", {"six/__init__.py", "six/list.csv", "six/deep/more.txt"}),
    "data of another": ("from importlib.resources import files\nX = files('{me}.six') / 'list.csv'",
                        {"six/__init__.py", "six/list.csv", "six/deep/more.txt"}),
    "one file by its path": ("X = 'six/deep/more.txt'", {"six/deep/more.txt"}),
    "a package but for what is named": ("from . import six\nX = 'no/such.txt'; Y = 'six/list.csv'",
                                        {"six/__init__.py", "six/list.csv", "six/deep/more.txt"}),
    "not in words": ("# import_module(name), eval(text) and from .two import X\nframe.eval('a + b')", set()),
}  # fmt: skip
OTHERS = {
    "two.py": "X = 1", "ten.py": "", "four/__init__.py": "from .five import X", "four/five.py": "from ..two import X",
    "six/__init__.py": "", "six/list.csv": "a", "six/deep/more.txt": "b",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_import_counts(tmp_path: Path, way: str) -> None:
    name = f"reach_{list(WAYS).index(way)}"
    source, files = WAYS[way]
    assert reached(tmp_path, name, {**OTHERS, "one.py": source.format(me=name)}) == {"one.py", *files}


def test_a_file_that_a_module_names_by_its_path_is_no_file_of_every_user_of_the_package(tmp_path: Path) -> None:
    files = {**OTHERS, "one.py": "from . import six", "namer.py": "X = 'six/list.csv'"}
    assert reached(tmp_path, "reach_named", files) == {"one.py", "six/__init__.py", "six/deep/more.txt"}
    assert reached(tmp_path, "reach_namer", files, "namer") == {"namer.py", "six/list.csv"}


@pytest.mark.parametrize(
    "source",
    ["import importlib\ndef f(n): return importlib.import_module(n)", "X = __import__(NAME)", "exec(open(p).read())",
     "import runpy\nrunpy.run_path(p)", "from importlib import import_module as load\nimport_module(n)"],
)  # fmt: skip
def test_what_imports_by_a_name_it_works_out_reaches_everything(tmp_path: Path, source: str) -> None:
    name = f"reach_all_{abs(hash(source))}"
    assert reached(tmp_path, name, {**OTHERS, "one.py": source}) == {"one.py", *OTHERS}


def test_imports_of_a_notebook_are_those_of_its_cells() -> None:
    source = "import trialbook.core.units\nimport pandas\ndef later():\n    from trialbook.statistics import intervals"
    assert imported_names(source) == ["trialbook.core.units", "trialbook.statistics", "trialbook.statistics.intervals"]


def test_a_module_reaches_itself_its_packages_and_what_these_import() -> None:
    found = reachable_files(["trialbook.statistics.intervals"])
    assert {"__init__.py", "statistics/__init__.py", "statistics/intervals.py"} <= set(found)
    assert not [name for name in found if name.startswith(("display/", "pipeline/", "safety/"))]


def test_a_package_reaches_its_templates() -> None:
    assert "display/templates/page.css" in reachable_files(["trialbook.display.page"])


def test_the_survival_notebook_does_not_reach_what_only_safety_uses() -> None:
    survival = set(reachable_files(notebook_imports((ROOT / "notebooks" / "06_os.ipynb").read_bytes())))
    assert {"efficacy/survival.py", "statistics/kaplan_meier.py", "workbook/step.py"} <= survival
    assert "safety/adlb.py" not in survival
    assert "dlt/designs/interval.py" not in survival
    assert "interactive/step_by_hand.py" not in survival


def notebook_of(*cells: str) -> bytes:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}).encode()


NAMES = {
    "by the alias": ["import trialbook as tb", "tb.survival(times)"],
    "by the name": ["import trialbook", "trialbook.survival(times)"],
    "imported": ["from trialbook import survival"],
    "in a function": ["import trialbook as tb\ndef later():\n    return tb.survival"],
    "by getattr": ["import trialbook as tb", "found = getattr(tb, name)"],
    "handed on": ["import trialbook as tb", "other = tb"],
    "all of them": ["from trialbook import *"],
}


@pytest.mark.parametrize("way", NAMES)
def test_a_name_that_a_notebook_uses_is_what_it_rests_on(way: str) -> None:
    """An edit of survival makes a notebook again that uses `tb.survival`, in whatever way it names it."""
    assert "analyses/time_to_event.py" in reachable_files(notebook_imports(notebook_of(*NAMES[way])))


def test_a_name_that_a_notebook_does_not_use_leaves_it_alone() -> None:
    for cells in (["import trialbook as tb", "tb.rate(rows)"], ["import trialbook as tb", "x.survival(1)"]):
        found = reachable_files(notebook_imports(notebook_of(*cells)))
        assert not {"analyses/time_to_event.py", "statistics/kaplan_meier.py", "efficacy/adtte.py"} & set(found)
    rests_on = {
        name: reachable_files(notebook_imports((ROOT / "notebooks" / f"{name}.ipynb").read_bytes()))
        for name in ("01_cleaning", "05_orr", "06_os")
    }
    assert [name for name, files in rests_on.items() if "analyses/time_to_event.py" in files] == ["06_os"]
    assert [name for name, files in rests_on.items() if "analyses/rate.py" in files] == ["05_orr"]


def test_two_hundred_rewrites_of_the_library_lose_nothing(tmp_path: Path) -> None:
    """Constants split out, renamed, re-exported, imported in functions: code that used one reaches its new place."""
    library = Rewritten(tmp_path, seed=20261129)
    lost = []
    for _ in range(4):
        for moved in library.move_constants(50):
            lost += [f"{moved}: {user}" for user in moved.users if moved.file not in library.reachable(user)]
    assert lost == []


def test_what_a_notebook_can_reach_holds_all_that_a_real_run_of_its_imports_loads() -> None:
    """The static answer against a real one: modules that Python has loaded after the notebook's own imports."""
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        lines = [
            ast.unparse(statement)
            for cell in cells
            if cell["cell_type"] == "code"
            for statement in ast.parse("".join(cell["source"])).body
            if isinstance(statement, ast.Import | ast.ImportFrom)
        ]
        script = "\n".join([*lines, "import sys, trialbook.workbook.step", "print(*[n for n in sys.modules])"])
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
