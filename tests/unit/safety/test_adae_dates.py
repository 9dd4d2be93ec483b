"""Partial AE dates: imputed conservatively, flagged, and never against what is known (rulebook §3.7)."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.safety.adae import impute_end, impute_start

TRTSDT = "2025-03-15"


def _dates(*texts: str) -> pd.Series:
    return pd.to_datetime(pd.Series(texts)).astype("datetime64[s]")


def _text(dates: pd.Series) -> list[str]:
    return dates.dt.strftime("%Y-%m-%d").fillna("").tolist()


# Start, end, imputed start, flag; first infusion 2025-03-15.
STARTS = [
    ("2025-04-02", "", "2025-04-02", ""),
    ("2025-04", "", "2025-04-01", "D"),
    ("2025-03", "", "2025-03-15", "D"),  # the month of the infusion
    ("2025-02", "", "2025-02-01", "D"),
    ("2025-03", "2025-03-10", "2025-03-10", "D"),  # never after the end
    ("2025", "", "2025-03-15", "M"),
    ("2024", "", "2024-01-01", "M"),
    ("2026", "", "2026-01-01", "M"),
    ("", "", "2025-03-15", "Y"),
    ("", "2025-03-14", "", ""),  # known to have ended before the infusion
    ("", "2025-03-15", "2025-03-15", "Y"),
    ("", "2025", "2025-03-15", "Y"),
]


@pytest.mark.parametrize(("start", "end", "imputed", "flag"), STARTS)
def test_a_partial_start_is_the_first_day_on_treatment_that_it_may_mean(
    start: str, end: str, imputed: str, flag: str
) -> None:
    made = impute_start(
        pd.Series([start], dtype="str"), pd.Series([end], dtype="str"), _dates(TRTSDT), "admiral_conservative"
    )
    assert (_text(made["ASTDT"])[0], made["ASTDTF"][0]) == (imputed, flag)


def test_without_imputation_only_complete_starts_are_dates() -> None:
    start = pd.Series(["2025-04-02T08:00", "2025-04", "2025", ""], dtype="str")
    made = impute_start(start, pd.Series([""] * 4, dtype="str"), _dates(*[TRTSDT] * 4), "none")
    assert _text(made["ASTDT"]) == ["2025-04-02", "", "", ""]
    assert set(made["ASTDTF"]) == {""}


# End, caps (death or last contact, cut), imputed end, flag; start 2019-01-05.
ENDS = [
    ("2019-02", ["2019-01-14", "2019-02-25"], "2019-02-25", "D"),  # a cap outside the month is ignored
    ("2019-02", ["2019-03-14", "2019-04-25"], "2019-02-28", "D"),
    ("2019", ["2019-06-20", "2020-01-01"], "2019-06-20", "M"),
    ("2019-02-10", ["2019-02-01", "2019-02-01"], "2019-02-10", ""),  # a complete date is never moved
    ("", ["2019-02-01", "2019-02-01"], "", ""),  # ongoing or asked about
]


@pytest.mark.parametrize(("end", "caps", "imputed", "flag"), ENDS)
def test_a_partial_end_is_the_last_day_it_may_mean_capped_inside_that_range(
    end: str, caps: list[str], imputed: str, flag: str
) -> None:
    made = impute_end(pd.Series([end], dtype="str"), [_dates(cap) for cap in caps], _dates("2019-01-05"))
    assert (_text(made["AENDT"])[0], made["AENDTF"][0]) == (imputed, flag)


def test_an_imputed_end_before_the_start_becomes_the_start_and_is_flagged() -> None:
    ends = pd.Series(["2018-12", "2018-12-30"], dtype="str")
    made = impute_end(ends, [], _dates("2019-01-05", "2019-01-05"))
    assert _text(made["AENDT"]) == ["2019-01-05", "2018-12-30"]  # a complete one is the site's to correct (P19)
    assert made["NEGDUR"].tolist() == [True, False]
