"""Emergence and date imputation agree with admiral on its own grids, wherever our rule is the same."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.safety.adae import impute_partial
from trialbook.safety.emergence import grade_rose, moment_range, treatment_emergent

pytestmark = pytest.mark.oracle


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, na_values=["<NA>", ""], keep_default_na=False)


def _moment(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text).astype("datetime64[s]")


def _window_end(treatment_end: pd.Series, days: int | None) -> pd.Series:
    """Last date of emergence: some days after the last treatment, or NaT for no end."""
    if days is None:
        return pd.Series(pd.NaT, index=treatment_end.index, dtype="datetime64[s]")
    return _moment(treatment_end).dt.normalize() + pd.Timedelta(days=days)


@pytest.mark.parametrize(
    ("column", "days", "worsening"),
    [
        ("no_window", None, False),
        ("w0", 0, False),
        ("w28", 28, False),
        ("w30", 30, False),
        ("no_window_worsen", None, True),
        ("w30_worsen", 30, True),
    ],
)
def test_every_row_of_the_date_grid_has_the_same_flag(
    oracles: Path, column: str, days: int | None, worsening: bool
) -> None:
    grid = _read(oracles / "viii_admiral" / "trtemfl_grid.csv")
    window_end = _window_end(grid["TRTEDT"], days)
    rose = grade_rose(pd.to_numeric(grid["ITOX"]), pd.to_numeric(grid["TOX"]))
    ours = treatment_emergent(
        moment_range(grid["ASTDT"]),
        moment_range(grid["AENDT"]),
        _moment(grid["TRTSDT"]),
        window_end,
        rose & worsening,
    )
    assert len(grid) == 1536
    assert ours.tolist() == grid[column].fillna("").tolist()


@pytest.mark.parametrize(("column", "days"), [("no_window", None), ("w10_ignore_time", 10)])
def test_every_row_of_the_datetime_grid_has_the_same_flag(oracles: Path, column: str, days: int | None) -> None:
    grid = _read(oracles / "viii_admiral" / "trtemfl_datetime_grid.csv")
    window_end = _window_end(grid["TRTEDTM"], days)
    ours = treatment_emergent(
        moment_range(grid["ASTDTM"]),
        moment_range(grid["AENDTM"]),
        _moment(grid["TRTSDTM"]),
        window_end,
        pd.Series(False, index=grid.index),
    )
    assert ours.tolist() == grid[column].fillna("").tolist()


@pytest.mark.parametrize("edge", ["first", "last"])
def test_partial_dates_are_imputed_as_admiral_does_with_highest_imputation_month(oracles: Path, edge: str) -> None:
    grid = _read(oracles / "viii_admiral" / "date_imputation_grid.csv")
    grid = grid[(grid["highest_imputation"] == "M") & (grid["date_imputation"] == edge) & (grid["preserve"] == "FALSE")]
    # A day without its month, or a month without its year, is no date of ours: cleaning asks the site instead.
    grid = grid[grid["dtc"].fillna("").str.fullmatch(r"([0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9:]+)?)?)?)?")]
    grid = grid.reset_index(drop=True)
    ours = impute_partial(
        grid["dtc"],
        edge,
        lower=[_moment(grid["min_date"])],
        upper=[_moment(grid["max_date"])],  # type: ignore[arg-type]
    )
    assert len(grid) > 40
    assert ours.dt.strftime("%Y-%m-%d").fillna("").tolist() == grid["dt"].fillna("").tolist()
