"""The tables of `tests/spec/` as pages: what the tests prove, case by case, as a reader of the rules looks it up."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pandas as pd

from sitebuilder.markdown import code, escaped, page, table

# A table of more rows than this is shown by its beginning; the file has them all.
ROWS = 200


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


def title_of(module: ModuleType) -> str:
    """The title of the page of a spec module."""
    return _sentence(module.__name__)


def target_of(module: ModuleType) -> str:
    """The target of the page of a spec module."""
    return "spec-" + module.__name__.removeprefix("test_").replace("_", "-")


def spec_page(module: ModuleType) -> str:
    """One page of a spec module: its first sentence, each test with the table of its cases, then the other tables."""
    first = (module.__doc__ or "").strip().split("\n")[0]
    blocks = [escaped(first), f"Proved by `tests/spec/{module.__name__}.py`."]
    shown: list[Any] = []
    for test in _tests(module):
        blocks.append(f"## {_sentence(test.__name__)}")
        if test.__doc__:
            blocks.append(escaped(inspect.cleandoc(test.__doc__)))
        blocks += list(_tables(test, shown)) or ["One case; see the file."]
    rest = list(_constants(module, shown))
    return page(
        title_of(module), *blocks, *(["## Tables that the tests read", *rest] if rest else []),
        target=target_of(module), of="One of the pages of [the specification by example](#spec-list).",
    )  # fmt: skip


def _tests(module: ModuleType) -> Iterator[FunctionType]:
    for name, value in vars(module).items():
        if name.startswith("test_") and isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield value


def _tables(test: FunctionType, seen: list[Any]) -> Iterator[str]:
    """The cases of a test; `seen` takes the tables that were shown."""
    for mark in getattr(test, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        names, cases = mark.args[0], list(mark.args[1])
        seen.append(mark.args[1])
        heads = [part.strip() for part in names.split(",")] if isinstance(names, str) else list(names)
        if len(heads) == 1 and cases == list(range(len(cases))):
            yield f"{len(cases)} cases, of a table below."
            continue
        rows = [_row(case, len(heads)) for case in cases]
        yield _rows_table([head.replace("_", " ") for head in heads], rows) or (
            f"{len(cases)} cases, each a study of its own; see the file."
        )


def _constants(module: ModuleType, seen: Sequence[Any]) -> Iterator[str]:
    """The tables of a module that no test names in its cases, each under the comment above it."""
    lines = inspect.getsource(module).split("\n")
    for name, value in vars(module).items():
        place = next((k for k, line in enumerate(lines) if re.match(rf"{name}\b[^=]*=", line)), None)
        if not name.isupper() or place is None or any(value is other for other in seen):
            continue
        if isinstance(value, str) and value.count("\n") > 2:
            yield f"{_comment(lines, place, name)}\n\n```text\n{value.strip()}\n```".strip()
            continue
        rows = [_row(case, len(case)) for case in _records(value)]
        if len(rows) < 3 or len({len(row) for row in rows}) != 1:
            continue
        found = _rows_table([""] * len(rows[0]), rows)
        if found:
            yield f"{_comment(lines, place, name)}\n\n{found}".strip()


def _records(value: Any) -> list[tuple[Any, ...]]:
    """The rows of a table: a list of tuples, or a map of them with the key in front."""
    if isinstance(value, list | tuple):
        return [tuple(row) for row in value] if all(isinstance(row, tuple) for row in value) else []
    if not isinstance(value, dict):
        return []
    rows: list[tuple[Any, ...]] = []
    for key, part in value.items():
        below = _records(part) if isinstance(part, list) else []
        rows += [(key, *row) for row in below] if below else [(key, *part) if isinstance(part, tuple) else (key, part)]
    return rows


def _comment(lines: Sequence[str], place: int, name: str) -> str:
    """The comment above a constant, and one in its first line."""
    first = place
    while lines[first - 1].startswith("#"):
        first -= 1
    inside = [line for line in lines[place + 1 : place + 2] if line.strip().startswith("#")]
    words = [line.strip().lstrip("# ") for line in [*lines[first:place], *inside]]
    return escaped(" ".join(words)) or escaped(name.replace("_", " ").capitalize())


def _rows_table(heads: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """A table of the columns that say something; blank where none does."""
    shown = [k for k in range(len(heads)) if any(row[k] is not None for row in rows)]
    if not shown:
        return ""
    cells = [[code(row[k]) if row[k] is not None else "(a study of its own)" for k in shown] for row in rows[:ROWS]]
    text = table([escaped(heads[k]) for k in shown], cells)
    return f"{text}\n\nThe first {ROWS} of {len(rows)} rows." if len(rows) > ROWS else text


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
