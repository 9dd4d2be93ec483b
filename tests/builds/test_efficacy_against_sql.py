"""ORR and OS of the demo cuts against a second implementation in SQL, to the last digit shown."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from reference.efficacy_sql import DAYS, Efficacy
from support.fixtures import DEMO_CUTS
from trialbook.core.datasets import read_dataset

pytestmark = pytest.mark.build
LEVELS = ("DL1", "DL2", "DL3", "Total")


@pytest.fixture(params=DEMO_CUTS, scope="module")
def build(demo: Path, request: pytest.FixtureRequest) -> Path:
    return demo / request.param


@pytest.fixture(scope="module")
def second(build: Path) -> Efficacy:
    return Efficacy(build / "data" / "clean", build.name)


def texts(build: Path, level: str, **where: str) -> dict[str, str]:
    """Statistics of one analysis as the product wrote them."""
    ard = read_dataset(build / "results" / "ard.parquet")
    own = ard[ard["group1_level"] == level]
    for column, value in where.items():
        own = own[own[column] == value]
    return dict(zip(own["stat_name"], own["stat_text"], strict=True))


def test_every_subject_has_the_category_of_the_second_implementation(build: Path, second: Efficacy) -> None:
    adrs = read_dataset(build / "data" / "adrs.parquet")
    own = adrs[adrs["PARAMCD"] == "RSP28"]
    told = own["REASON"].where(own["REASON"] != "", own["AVALC"])
    assert dict(zip(own["USUBJID"], zip(own["TRT01A"], told, strict=True), strict=True)) == second.categories()


@pytest.mark.parametrize(("analysis_id", "success"), [("ORR_D28", ("CR", "PR")), ("CR_D28", ("CR",))])
def test_response_rates_and_their_intervals_are_the_same(
    build: Path, second: Efficacy, analysis_id: str, success: tuple[str, ...]
) -> None:
    categories = second.categories()
    for level in LEVELS:
        shown = texts(build, level, analysis_id=analysis_id, context="clopper_pearson")
        assert shown == second.response_rate(level, success, categories).texts(), level


def test_survival_at_each_day_and_its_intervals_are_the_same(build: Path, second: Efficacy) -> None:
    for level in LEVELS:
        for day in DAYS:
            shown = texts(build, level, analysis_id="OS_KM", context="log-log", variable_level=str(day))
            assert shown == second.survival(level, day), f"{level}, day {day}"


def test_every_stage_is_that_of_the_second_implementation(build: Path, second: Efficacy) -> None:
    adrs = read_dataset(build / "data" / "adrs.parquet")
    wide = adrs[adrs["PARAMCD"].isin(["SKIN", "LIVER", "UGI", "LGI"])].pivot(
        index=["USUBJID", "ADT"], columns="PARAMCD", values="AVAL"
    )
    found = second.stages()
    assert len(found) > 0
    for subject, day, *stages in found:
        own = wide.loc[(subject, pd.Timestamp(day)), ["SKIN", "LIVER", "UGI", "LGI"]]
        assert [None if pd.isna(s) else s for s in own] == stages, f"{subject} {day}"
