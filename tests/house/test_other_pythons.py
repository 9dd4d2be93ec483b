"""`.ci/pythons.py` uses the Pythons that are here, says which, and fails where one of them did not give the same."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

OWN = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def script(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("pythons", root / ".ci" / "pythons.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "run", lambda words, cwd=None: Path(words[-2], "trialbook.whl").touch())
    return module


@pytest.fixture
def runs(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[str]]]:
    """Runs the script with these Pythons here; returns its exit status, and those under which it built."""

    def called(here: list[str], *options: str, differing: list[str] | None = None) -> tuple[int, list[str]]:
        used: list[str] = []

        def build(version: str, *_: object) -> list[str]:
            used.append(version)
            return differing or []

        monkeypatch.setattr(script, "pythons", lambda: dict.fromkeys([*here, OWN], Path("python")))
        monkeypatch.setattr(script, "build_under", build)
        monkeypatch.setattr(sys, "argv", ["pythons.py", *options])
        return script.main(), used

    return called


def test_one_other_python_every_day_and_all_of_them_on_request(
    runs: Callable[..., tuple[int, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["3.98.1", "3.99.0"]
    assert runs(here) == (0, ["3.99.0"])
    said = capsys.readouterr().out
    assert "Pythons here: 3.98.1, 3.99.0" in said
    assert "Python 3.99.0: 2025-03-31 built from the wheel; the same results" in said
    assert "not used here: 3.98.1" in said
    assert runs(here, "--all") == (0, here)
    assert "not used" not in capsys.readouterr().out


def test_without_another_python_it_says_so(
    runs: Callable[..., tuple[int, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert runs([]) == (0, [])
    assert "there is no other Python" in capsys.readouterr().out


def test_another_byte_and_a_python_that_cannot_be_used_fail(
    runs: Callable[..., tuple[int, list[str]]], script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs(["3.99.0"], differing=["results/ard.json"]) == (1, ["3.99.0"])
    monkeypatch.undo()
    with pytest.raises(SystemExit, match="exit status 3"):
        script.run([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_build_needs_a_closed_part_of_the_lock(script: ModuleType, root: Path) -> None:
    entries = script.lock()
    names = re.findall(r"^([a-z0-9-]+)==", entries, flags=re.MULTILINE)
    assert {"pandas", "papermill", "great-expectations", "jupyterlab", "tinycss2"} <= set(names)
    assert not {"playwright", "mypy", "sphinx", "hypothesis"} & set(names)
    assert all("--hash=sha256:" in part for part in re.split(r"^(?=[a-z0-9])", entries, flags=re.MULTILINE)[1:])
    assert entries.count("==") < (root / "requirements.lock").read_text(encoding="utf-8").count("==")


def test_interpreters_are_asked_for_their_version(script: ModuleType) -> None:
    found = script.pythons()
    assert len({version.rpartition(".")[0] for version in found}) == len(found)
    assert all(re.fullmatch(r"3\.1[123]\.\d+", version) for version in found)
