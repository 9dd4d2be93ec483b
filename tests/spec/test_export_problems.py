"""The forty problems (§9): each is fixed, asked, or left alone, on both sides of its rule; nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.export_problems import p01_to_p20, p21_to_p40
from support.export_problems.checks import check_problem, check_words, clean_export
from support.export_problems.export import A, B, Export, examine

PLANTS = {**p01_to_p20.PLANTS, **p21_to_p40.PLANTS}


@pytest.mark.parametrize("problem", list(PLANTS))
def test_a_problem_is_fixed_or_asked_and_nothing_else_is_touched(problem: str, tmp_path: Path) -> None:
    check_problem(problem, PLANTS[problem], tmp_path)


def test_p36_a_reported_value_that_reads_otherwise_now_is_asked_and_one_filled_in_is_not(tmp_path: Path) -> None:
    export = Export()
    export.of("ae")["AETOXGR"] = "2"
    export.of("ae", B)["AEACN"] = "DRUG WITHDRAWN"
    found = examine(export.write(tmp_path / "s"), (), previous=clean_export().domains)
    assert found.asked() == [("P36-RESTATED", A, "AE", "AESEQ=1")]
    assert found.queries["observed"].tolist() == ["1 -> 2"]
    check_words(found.queries)


def test_every_problem_that_does_not_only_stop_or_compare_cuts_is_planted() -> None:
    assert {f"P{k:02d}" for k in range(1, 41)} - set(PLANTS) == {"P35", "P36"}


def test_the_clean_export_has_nothing_to_fix_and_nothing_to_ask() -> None:
    assert clean_export().fixed() == []
    assert clean_export().asked() == []
