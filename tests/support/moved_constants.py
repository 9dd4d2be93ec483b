"""Rewrites the library at random, without changing what it means: a constant moves to a file of its own."""

from __future__ import annotations

import ast
import random
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from trialbook.core.file_marks import PACKAGE
from trialbook.workbook.import_closure import Library

# How the module that had a constant takes it from where it is now: {new} is the module, {dots} its place, {name} its
# name here, {there} its name there.
WAYS = {
    "relative": "from .{new} import {there} as {name}",
    "absolute": "from {package}.{new} import {there} as {name}",
    "module": "from . import {new} as _{new}\n{name} = _{new}.{there}",
    "in a function": "def _taken_{new}():\n    from .{new} import {there}\n    return {there}\n{name} = _taken_{new}()",
    "by its name": "import importlib as _importlib\n{name} = _importlib.import_module('{package}.{new}').{there}",
    "re-exported": "from .{new} import {there} as {name}",
}


@dataclass(frozen=True)
class Moved:
    """A constant that was moved: from which module, how it is taken now, the file that holds it, its name there."""

    module: str
    way: str
    file: str
    name: str
    users: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.module}.{self.name} ({self.way})"


class Rewritten:
    """A copy of the library under another name, that can be imported beside it, and is rewritten step by step."""

    def __init__(self, folder: Path, seed: int, name: str = "rewritten_library") -> None:
        self.name, self.folder = name, folder / name
        shutil.copytree(PACKAGE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        for path in self.folder.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace("trialbook.", f"{name}.").replace("from trialbook ", f"from {name} "), "utf-8")
        sys.path.insert(0, str(folder))
        self._random = random.Random(seed)  # noqa: S311 - which constant is moved, no secret
        self._count = 0
        self._before = Library(name, self.folder)
        self._after: Library | None = None

    def reachable(self, module: str) -> list[str]:
        """What a module reaches in the library as it is now."""
        if self._after is None:
            self._after = Library(self.name, self.folder)
        return self._after.reachable([module])

    def move_constants(self, count: int) -> list[Moved]:
        """Moves as many constants, each of another module; `users` are modules that reached the module it was in."""
        paths = [path for path in sorted(self.folder.rglob("*.py")) if path.name != "__init__.py"]
        with_constants = [path for path in paths if constants_of(path.read_text(encoding="utf-8"))]
        return [self._move_one(path) for path in self._random.sample(with_constants, count)]

    def _move_one(self, path: Path) -> Moved:
        text = path.read_text(encoding="utf-8")
        constants = constants_of(text)
        way, constant = self._random.choice(sorted(WAYS)), self._random.choice(constants)
        self._count += 1
        file = move(path, text, constant, way, f"moved_{self._count}", self._dotted(path.parent))
        self._after = None
        module = self._dotted(path.with_suffix(""))
        above = sorted(self._random.sample(self._modules, 4))
        own = path.relative_to(self.folder).as_posix()
        users = [name for name in above if own in self._before.reachable([name])]
        return Moved(module, way, file.relative_to(self.folder).as_posix(), constant.targets[0].id, (module, *users))  # type: ignore[attr-defined]

    @property
    def _modules(self) -> list[str]:
        return sorted(self._dotted(path.with_suffix("")) for path in self.folder.rglob("*.py") if path.stem[0] != "_")

    def _dotted(self, place: Path) -> str:
        return ".".join([self.name, *place.relative_to(self.folder).parts])


def constants_of(text: str) -> list[ast.Assign]:
    """The constants of a module whose value is written out, as a literal or as a message."""
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "msg" and len(value.args) == 1:
                value = value.args[0]
            try:
                ast.literal_eval(value)
            except ValueError:
                continue
            if node.targets[0].id.isupper():
                found.append(node)
    return found


def move(path: Path, text: str, constant: ast.Assign, way: str, new: str, package: str) -> Path:
    """Moves a constant of a module to the file `new` beside it; returns the file that holds it now."""
    name = constant.targets[0].id  # type: ignore[attr-defined]
    there = f"THE_{name}" if way != "by its name" else name
    lines = text.splitlines(keepends=True)
    value = ast.get_source_segment(text, constant.value)
    taken = WAYS[way].format(new=new, package=package, name=name, there=there)
    lines[constant.lineno - 1 : constant.end_lineno] = [f"{taken}\n"]
    path.write_text("".join(lines), encoding="utf-8")
    file = path.with_name(f"{new}.py")
    if way == "re-exported":
        file = path.with_name(new) / "inner.py"
        file.parent.mkdir()
        (file.parent / "__init__.py").write_text(f"from .inner import {there}\n", encoding="utf-8")
    takes = f"from {package.partition('.')[0]}.core.messages import msg\n" if "msg(" in str(value) else ""
    file.write_text(f"{takes}{there} = ({value})\n", encoding="utf-8")
    return file
