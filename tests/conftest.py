"""Fixtures that every test may use: the project's root, the parameter files, and the independent oracles."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from support.paths import ROOT
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values, load_protocol
from trialbook.protocol.models import Protocol

pytest_plugins = ["support.fixtures"]
# How long an example takes says something of the machine, not of the code.
settings.register_profile("trialbook", deadline=None)
settings.load_profile("trialbook")
# Trials of tests are small: their text is kept as a build of such a trial keeps it (see workbook/string_storage).
pd.set_option("mode.string_storage", "python")
CASES = Path(os.environ.get("TRIALBOOK_CASES") or ROOT.parent / "shared" / "cases")
ORACLES = Path(os.environ.get("TRIALBOOK_ORACLES") or ROOT.parent / "shared" / "oracles")

# What takes long comes first, so that no process waits for another at the end (`make test` keeps the order of files).
LONG_FIRST = ("builds", "failures", "browser", "properties")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the kinds of tests that take long before the others; the order within a kind stays."""

    def place(item: pytest.Item) -> int:
        kind = item.path.relative_to(ROOT / "tests").parts[0] if item.path.is_relative_to(ROOT / "tests") else ""
        return LONG_FIRST.index(kind) if kind in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What has been imported and collected stays: nobody need look through it for garbage (a tenth of the time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def oracles() -> Path:
    """The folder of independent expected results; where it is absent the test is skipped, in CI it fails."""
    if not ORACLES.is_dir():
        reason = "the folder of independent expected results (TRIALBOOK_ORACLES) is not here"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    return ORACLES


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of public cases, one folder each with its expected outcome; where it is absent the test is skipped."""
    if not CASES.is_dir():
        pytest.skip("the folder of public cases (TRIALBOOK_CASES) is not here")
    return CASES


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    """The trial's protocol file."""
    return load_protocol(ROOT / "params" / "protocol.yaml")


@pytest.fixture(scope="session")
def analysis(protocol: Protocol) -> Analysis:
    """The protocol's analysis keys; `analysis.model_copy(update={...})` gives others."""
    return analysis_values(protocol, {}, "protocol.yaml")
