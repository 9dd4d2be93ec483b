"""Tests lie where the product lies: one folder of unit tests per folder of the product, helpers in one place."""

from __future__ import annotations

import ast

from support.paths import ROOT, TESTS

# Folders that are proved by whole builds alone, and by which tests.
BY_BUILDS = {"provenance": "builds/test_verify_tampering.py"}
OTHER_NAMES = {"demo": "trialbook_demo"}


def folders(place: str) -> set[str]:
    return {path.name for path in (ROOT / place).iterdir() if path.is_dir() and any(path.glob("*.py"))}


def test_each_folder_of_the_product_has_its_folder_of_unit_tests() -> None:
    assert folders("tests/unit") - set(OTHER_NAMES) | set(BY_BUILDS) == folders("src/trialbook")
    assert set(OTHER_NAMES.values()) <= folders("src")
    for test in BY_BUILDS.values():
        assert (TESTS / test).is_file(), test


def test_nothing_lies_loose() -> None:
    assert [path.name for path in TESTS.glob("*.py")] == ["conftest.py"]
    assert list((TESTS / "unit").glob("*.py")) == []


def imported(text: str) -> set[str]:
    """Every module and every name that a file may import, dotted."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def test_each_helper_is_used_and_no_test_imports_another() -> None:
    files = [path for path in TESTS.rglob("*.py") if "bench" not in path.parts]
    used = {path: imported(path.read_text(encoding="utf-8")) for path in files}
    everything = {name for names in used.values() for name in names}
    for folder in ("support", "reference"):
        for path in (TESTS / folder).rglob("*.py"):
            name = ".".join(path.relative_to(TESTS).with_suffix("").parts)
            assert path.name == "__init__.py" or name in everything, f"{name} is used by nobody"
    assert {name for name in everything if name.rpartition(".")[2].startswith("test_")} == set()


def test_the_readme_names_every_folder_and_every_helper() -> None:
    text = (TESTS / "README.md").read_text(encoding="utf-8")
    for path in TESTS.iterdir():
        assert not path.is_dir() or path.name == "__pycache__" or f"`{path.name}/" in text, path.name
    for path in (TESTS / "support").iterdir():
        assert path.name.startswith("__") or path.stem == "paths" or path.stem in text, path.name
