"""The examples in docstrings are run, and there are many of them."""

from __future__ import annotations

import ast
import doctest
import importlib
from functools import cached_property
from pathlib import Path

import pytest

from support.paths import ROOT

PROMPT = ">>> "
# Fewer public functions with an example than this fail the test; raise it as examples are added.
FEWEST = 250
SRC = ROOT / "src"
# Modules with an example that are not run here, each with the reason: importing them does more than define names.
NOT_RUN = {"trialbook": "its example opens a step of a cut that has been built"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


def public_functions(body: list[ast.stmt], owner: str = "") -> list[tuple[str, str]]:
    """Name and docstring of each public function and method of public classes."""
    found = []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            found.append((owner + node.name, ast.get_docstring(node) or ""))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += public_functions(node.body, f"{owner}{node.name}.")
    return found


MODULES = [
    module_name(path)
    for path in sorted((SRC / "trialbook").rglob("*.py"))
    if PROMPT in path.read_text(encoding="utf-8") and module_name(path) not in NOT_RUN
]


def source_of(module: str) -> str:
    place = SRC.joinpath(*module.split("."))
    return (place / "__init__.py" if place.is_dir() else place.with_suffix(".py")).read_text(encoding="utf-8")


def with_example(module: str) -> set[str]:
    """The public functions of a module whose docstring has an example."""
    functions = public_functions(ast.parse(source_of(module)).body)
    return {name for name, text in functions if PROMPT in text}


def of_cached_properties(module: str) -> list[doctest.DocTest]:
    """The examples of properties that are worked out once, which doctest passes over."""
    found = importlib.import_module(module)
    kinds = [kind for kind in vars(found).values() if isinstance(kind, type) and kind.__module__ == module]
    return [
        example
        for kind in kinds for name, value in vars(kind).items() if isinstance(value, cached_property)
        for example in doctest.DocTestFinder().find(value.func, f"{module}.{kind.__name__}.{name}", found)
    ]  # fmt: skip


def test_many_public_functions_have_an_example() -> None:
    assert sum(len(with_example(module)) for module in MODULES) >= FEWEST


@pytest.mark.parametrize("module", MODULES)
def test_examples_show_what_the_code_returns(module: str) -> None:
    examples = [*doctest.DocTestFinder().find(importlib.import_module(module)), *of_cached_properties(module)]
    found = {example.name.removeprefix(f"{module}.") for example in examples if example.examples}
    assert with_example(module) <= found, "doctest does not see these"
    failures: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for example in examples:
        runner.run(example, out=failures.append)
    assert not failures, "".join(failures)
