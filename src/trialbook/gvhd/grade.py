"""Overall acute GVHD grade (MAGIC) from organ stages, and its bounds where an organ is missing (rulebook §2.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ORGANS = ("SKIN", "LIVER", "UGI", "LGI")
HIGHEST_STAGE = {"SKIN": 4, "LIVER": 4, "UGI": 1, "LGI": 4}
GRADES = ("0", "I", "II", "III", "IV")


def agvhd_grade(skin: Any, liver: Any, ugi: Any, lgi: Any) -> np.ndarray:
    """Overall grade 0 to 4 of organ stages (scalars or arrays), NaN where an organ is missing (§2.2.1).

    1. stage 4 of skin, liver or lower GI -> IV
    2. stage 2-3 of liver or lower GI -> III
    3. stage 3 of skin, or stage 1 of liver, upper or lower GI -> II
    4. stage 1-2 of skin -> I
    5. else 0. The grade is not the highest stage: skin 3 alone is II, lower GI 2 alone is III.

    >>> float(agvhd_grade(skin=3, liver=0, ugi=0, lgi=0)), float(agvhd_grade(skin=0, liver=0, ugi=0, lgi=2))
    (2.0, 3.0)
    >>> float(agvhd_grade(skin=1, liver=np.nan, ugi=0, lgi=0))
    nan
    """
    s, v, u, g = (np.asarray(x, dtype="float64") for x in np.broadcast_arrays(skin, liver, ugi, lgi))
    grade = np.select(
        [
            (s == 4) | (v == 4) | (g == 4),
            np.isin(v, (2, 3)) | np.isin(g, (2, 3)),
            (s == 3) | (v == 1) | (u == 1) | (g == 1),
            np.isin(s, (1, 2)),
        ],
        [4.0, 3.0, 2.0, 1.0],
        0.0,
    )
    missing = np.isnan(s) | np.isnan(v) | np.isnan(u) | np.isnan(g)
    return np.where(missing, np.nan, grade)


def stage_range(stages: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest possible stage of every organ, as two arrays of n x 4: skin, liver, upper GI, lower GI.

    Taken from <organ>LO and <organ>HI where `stages` has them (`derive_stages`); else a missing stage ranges from 0 to
    4 (upper GI to 1), as A-45 says.

    >>> low, high = stage_range(pd.DataFrame({"SKIN": [2], "LIVER": [np.nan], "UGI": [0], "LGI": [np.nan]}))
    >>> low.tolist(), high.tolist()
    ([[2.0, 0.0, 0.0, 0.0]], [[2.0, 4.0, 0.0, 4.0]])
    """
    low = [_end(stages, organ, "LO", 0) for organ in ORGANS]
    high = [_end(stages, organ, "HI", HIGHEST_STAGE[organ]) for organ in ORGANS]
    return np.column_stack(low), np.column_stack(high)


def _end(stages: pd.DataFrame, organ: str, end: str, unknown: int) -> np.ndarray:
    if f"{organ}{end}" in stages:
        return stages[f"{organ}{end}"].to_numpy("float64")
    stage = stages[organ].to_numpy("float64")
    return np.where(np.isnan(stage), unknown, stage)


def grade_bounds(stages: pd.DataFrame) -> pd.DataFrame:
    """The lowest and highest grade that the known stages allow (§2.2.3, A-45).

    `stages`: SKIN LIVER UGI LGI (and <organ>LO, <organ>HI). Returns GRADELO GRADEHI, and GRADE: their value where they
    agree, else NaN (reported as NE with both bounds); same index.

    >>> stages = pd.DataFrame({"SKIN": [4, 1], "LIVER": [np.nan, np.nan], "UGI": [0, 0], "LGI": [0, 0]})
    >>> grade_bounds(stages).values.tolist()
    [[4.0, 4.0, 4.0], [1.0, 4.0, nan]]
    """
    low, high = stage_range(stages)
    lowest, highest = agvhd_grade(*low.T), agvhd_grade(*high.T)
    grade = np.where(lowest == highest, lowest, np.nan)
    return pd.DataFrame({"GRADELO": lowest, "GRADEHI": highest, "GRADE": grade}, index=stages.index)


def grade_text(grade: pd.Series) -> pd.Series:
    """Grades 0 to 4 as 0, I, II, III, IV; NE where missing.

    >>> grade_text(pd.Series([0.0, 2.0, np.nan])).tolist()
    ['0', 'II', 'NE']
    """
    return grade.map(dict(enumerate(GRADES))).astype("str").fillna("NE")
