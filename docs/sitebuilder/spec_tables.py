"""The tables of `tests/spec/` as pages: what the tests prove, case by case, as a reader of the rules looks it up."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pandas as pd

from sitebuilder.markdown import code, escaped, page, table

# A table of more rows than this is shown by its beginning; the file has them all.
ROWS = 60


def spec_modules(root: Path) -> list[ModuleType]:
    """The modules of `tests/spec/`, imported, in the order of their names."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    sys.path[:0] = [path for name in settings["pythonpath"] if (path := str(root / name)) not in sys.path]
    return [_imported(path) for path in sorted((root / "tests" / "spec").glob("test_*.py"))]


def _imported(path: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(path.stem, path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} is no module")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def spec_page(module: ModuleType) -> str:
    """One page of a spec module: its first sentence, then each test with the table of its cases."""
    name = module.__name__.removeprefix("test_")
    first = (module.__doc__ or "").strip().split("\n")[0]
    blocks = [escaped(first), f"Proved by `tests/spec/{module.__name__}.py`."]
    for test in _tests(module):
        blocks.append(f"## {_sentence(test.__name__)}")
        if test.__doc__:
            blocks.append(escaped(inspect.cleandoc(test.__doc__)))
        blocks += list(_tables(test)) or ["One case; see the file."]
    return page(_sentence(name), *blocks, target=f"spec-{name.replace('_', '-')}")


def _tests(module: ModuleType) -> Iterator[FunctionType]:
    for name, value in vars(module).items():
        if name.startswith("test_") and isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield value


def _tables(test: FunctionType) -> Iterator[str]:
    for mark in getattr(test, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        names, cases = mark.args[0], list(mark.args[1])
        heads = [part.strip() for part in names.split(",")] if isinstance(names, str) else list(names)
        rows = [_row(case, len(heads)) for case in cases]
        shown = [k for k in range(len(heads)) if any(row[k] is not None for row in rows)]
        if not shown:
            yield f"{len(cases)} cases, each a study of its own; see the file."
            continue
        yield table(
            [escaped(heads[k].replace("_", " ")) for k in shown],
            [[code(row[k]) if row[k] is not None else "(a study of its own)" for k in shown] for row in rows[:ROWS]],
        )
        if len(rows) > ROWS:
            yield f"The first {ROWS} of {len(rows)} cases."


def _row(case: Any, width: int) -> list[str | None]:
    values = getattr(case, "values", None) if type(case).__name__ == "ParameterSet" else None
    parts = list(values) if values is not None else [case] if width == 1 else list(case)
    return [_text(part) for part in parts]


def _text(value: Any) -> str | None:
    """A value as text; None where it is a function or an object that says nothing to a reader."""
    if (
        callable(value)
        or isinstance(value, pd.DataFrame)
        or (hasattr(value, "__dict__") and type(value).__module__ != "builtins")
    ):
        return None
    if isinstance(value, tuple | list) and not isinstance(value, str):
        parts = [_text(part) for part in value]
        return None if any(part is None for part in parts) else ", ".join(str(part) for part in parts)
    if isinstance(value, dict):
        inner = {key: _text(part) for key, part in value.items()}
        return None if any(part is None for part in inner.values()) else ", ".join(f"{k} {v}" for k, v in inner.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return None
    return "(blank)" if value == "" else str(value)


def _sentence(name: str) -> str:
    words = name.removeprefix("test_").replace("_", " ")
    return words[:1].upper() + words[1:]
