"""The eligibility audit of the demo cuts, cell by cell against a second implementation in SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference.eligibility_sql import CRITERIA, Eligibility
from support.fixtures import DEMO_CUTS
from trialbook.core.datasets import read_dataset

pytestmark = pytest.mark.build
SAID_BY_THE_DEMO = {"PASS", "FAIL", "NE", "ATT-PASS", "ATT-FAIL", "CONFLICT", "WAIVED", "PENDING"}


def _second(clean: Path, cut: str, root: Path) -> Eligibility:
    return Eligibility(clean, cut, root / "params" / "protocol.yaml", root / "data" / "demo" / cut / "dm.csv")


@pytest.fixture(params=DEMO_CUTS, scope="module")
def build(demo: Path, request: pytest.FixtureRequest) -> Path:
    return demo / request.param


@pytest.fixture(scope="module")
def second(build: Path, root: Path) -> dict[tuple[str, str], tuple[str, str, str]]:
    return _second(build / "data" / "clean", build.name, root).cells()


def test_every_cell_of_the_audit_is_that_of_the_second_implementation(
    build: Path, second: dict[tuple[str, str], tuple[str, str, str]]
) -> None:
    adie = read_dataset(build / "data" / "adie.parquet")
    own = dict(
        zip(
            zip(adie["USUBJID"], adie["CRITCD"], strict=True),
            zip(adie["RESULT"], adie["DATARESULT"], adie["PROTVER"], strict=True),
            strict=True,
        )
    )
    assert len(own) == len(adie)
    differences = {
        cell: (own.get(cell), second.get(cell)) for cell in {*own, *second} if own.get(cell) != second.get(cell)
    }
    assert differences == {}


def test_the_second_implementation_covers_every_column_of_every_subject(
    build: Path, second: dict[tuple[str, str], tuple[str, str, str]]
) -> None:
    subjects = read_dataset(build / "data" / "clean" / "dm.parquet")["USUBJID"]
    assert len(CRITERIA) == 26
    assert set(second) == {(subject, column) for subject in subjects for column in CRITERIA}


def test_the_three_cuts_together_hold_every_result_code_in_both_implementations(demo: Path, root: Path) -> None:
    clean = {cut: demo / cut / "data" / "clean" for cut in DEMO_CUTS}
    told = {result for cut, folder in clean.items() for result, *_ in _second(folder, cut, root).cells().values()}
    assert told == SAID_BY_THE_DEMO
