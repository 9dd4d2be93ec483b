"""Reported numbers of laboratory results: worst grades against baseline, and the hepatic screen (§3.2, §3.3)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.safety.behind import Sets, record_sets
from trialbook.safety.counting import at_levels, set_sizes
from trialbook.safety.ctcae_table import TERMS, Term
from trialbook.safety.listings import subject_ids

NOT_EVALUABLE = "missing"
RISEN = ("worse than baseline", "newly grade 3 or 4")
_BOTH_WAYS = {t.test for t in TERMS if len({other.direction for other in TERMS if other.test == t.test}) > 1}
WORST_COLUMNS = [
    "USUBJID", "TRT01A", "VARIABLE", "PARAMCD", "DIRECTION", "BGRADE", "WORST", "AVALOP", "AVAL", "AVALU", "ADT",
    "RELDAY", "ATOXDRV", "CLINFL",
]  # fmt: skip
GRADE_COLUMNS = ("ATOXGRL", "ATOXGRH", "BTOXGRL", "BTOXGRH")


def open_text(size: int) -> str:
    """What stands for a count of subjects that no delivered result can give: `not evaluable (0 to 12 of 12)`."""
    return f"not evaluable (0 to {size} of {size})" if size else "not evaluable"


def shift_variable(test: str, direction: str) -> str:
    """Name of a graded test in LAB_SHIFT: its code, with _LOW or _HIGH where CTCAE grades it in both directions."""
    return f"{test}_{'LOW' if direction == 'L' else 'HIGH'}" if test in _BOTH_WAYS else test


def worst_grades(adlb: pd.DataFrame) -> pd.DataFrame:
    """Worst grade after the first infusion against baseline: one row per treated subject and graded test.

    Columns: USUBJID TRT01A VARIABLE PARAMCD DIRECTION BGRADE WORST (Int64, missing = not evaluable) and AVALOP AVAL
    AVALU ADT RELDAY ATOXDRV CLINFL of the first result with the worst grade. Subjects with no result after
    the infusion have no row.
    """
    after = adlb[(adlb["APOBLFL"] == "Y") & (adlb["SAFFL"] == "Y") & adlb["AVAL"].notna()]
    after = after[[name for name in (*WORST_COLUMNS, *GRADE_COLUMNS) if name in after]]
    return pd.concat([_worst_of_term(after[after["PARAMCD"] == term.test], term) for term in TERMS], ignore_index=True)


def _worst_of_term(rows: pd.DataFrame, term: Term) -> pd.DataFrame:
    """Of each subject the first row with the highest grade; `rows` stand in the order of ADLB."""
    grade, base = rows[f"ATOXGR{term.direction}"], rows[f"BTOXGR{term.direction}"]
    subject = pd.factorize(rows["USUBJID"])[0]
    order = np.lexsort([-grade.to_numpy("float64", na_value=-1), subject])
    worst = order[np.unique(subject[order], return_index=True)[1]]
    named = rows.assign(VARIABLE=shift_variable(term.test, term.direction), DIRECTION=term.direction)
    return named.assign(WORST=grade, BGRADE=base).iloc[worst][WORST_COLUMNS]


def shift_rows(worst: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """LAB_SHIFT: subjects by worst grade after the infusion (level) and baseline grade (context), by dose level.

    Only combinations that occur in Total have rows; a grade that is not evaluable is `missing`.
    """
    counts = at_levels(in_words(worst)).groupby(["VARIABLE", "BGRADE", "WORST", "LEVEL"]).size().to_dict()
    order = {shift_variable(t.test, t.direction): k for k, t in enumerate(TERMS)}
    occurring = sorted({key[:3] for key in counts}, key=lambda key: (order[key[0]], key[1:]))
    return [
        ard_row("LAB_SHIFT", level, test, "n", counts.get((test, base, grade, level), 0),
                variable_level=grade, context=base)
        for test, base, grade in occurring
        for level in [*protocol.level_ids, TOTAL]
    ]  # fmt: skip


def in_words(worst: pd.DataFrame) -> pd.DataFrame:
    """The rows of `worst_grades` with both grades as text, `missing` where not evaluable."""
    return worst.assign(**{name: _grade_words(worst[name]) for name in ("BGRADE", "WORST")})


def worst_grade_rows(
    worst: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, delivered: bool = True
) -> list[ArdRow]:  # fmt: skip
    """LAB_WORST: subjects evaluated, worse than baseline, and newly grade 3 or 4, by test and dose level.

    A result counts as treatment-emergent only when its grade exceeds the grade at baseline (§3.2). Where LB was not
    delivered, no count is evaluable: null, with its bounds in words, and never 0 (§14.2).
    """
    if not delivered:
        sizes = set_sizes(adsl, protocol.level_ids)
        return [
            ard_row("LAB_WORST", level, test, "n", None, context=words, stat_text=open_text(size))
            for test in dict.fromkeys(shift_variable(term.test, term.direction) for term in TERMS)
            for words in RISEN
            for level, size in sizes.items()
        ]
    masks = worse_than_baseline(worst)
    counted = {words: at_levels(worst[mask]).groupby(["VARIABLE", "LEVEL"]).size() for words, mask in masks.items()}
    return [
        ard_row("LAB_WORST", level, test, "n", int(counted[words].get((test, level), 0)), context=words)
        for test in worst["VARIABLE"].drop_duplicates()
        for words in masks
        for level in [*protocol.level_ids, TOTAL]
    ]


def worse_than_baseline(worst: pd.DataFrame) -> dict[str, pd.Series]:
    """Which rows of `worst_grades` each row of LAB_WORST counts; without a baseline any grade is worse than it."""
    worse = (worst["WORST"] > worst["BGRADE"].fillna(0)).fillna(False).astype(bool)
    severe = worse & (worst["WORST"] >= 3).fillna(False).astype(bool)
    return {"evaluated": worst["WORST"].notna(), **dict(zip(RISEN, (worse, severe), strict=True))}


def shift_frame(ard: pd.DataFrame, level: str = TOTAL) -> pd.DataFrame:
    """LAB_SHIFT rows of one level as a table to read: test and baseline grade, then a column per worst grade."""
    rows = ard[(ard["analysis_id"] == "LAB_SHIFT") & (ard["group1_level"] == level)]
    keys = ["variable", "context"]
    wide = rows.pivot(index=keys, columns="variable_level", values="stat").fillna(0).astype("int64")
    wide = wide.reindex(pd.MultiIndex.from_frame(rows[keys].drop_duplicates())).reset_index()
    return wide.rename_axis(columns=None).rename(columns={"variable": "test", "context": "baseline grade"})


def worst_sets(worst: pd.DataFrame) -> Sets:
    """The rows of `worst_grades` behind each number of LAB_WORST: key = test, words, level."""
    masks = worse_than_baseline(worst)
    return {
        (key[0], words, key[1]): found
        for words, mask in masks.items()
        for key, found in record_sets(worst[mask], ["VARIABLE"]).items()
    }


def shift_sets(worst: pd.DataFrame, table: pd.DataFrame) -> dict[tuple[int, str], tuple[int, ...]]:
    """The rows of `worst_grades` behind each number of `shift_frame`, by position of the row and column."""
    sets = record_sets(in_words(worst), ["VARIABLE", "BGRADE", "WORST"])
    if table.empty:
        return {}
    return {
        (position, str(column)): sets[(*row, str(column), TOTAL)]
        for position, row in enumerate(table[["test", "baseline grade"]].itertuples(index=False, name=None))
        for column in table.columns
        if (*row, str(column), TOTAL) in sets
    }


def hepatic_screen(adlb: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Peaks of transaminases and bilirubin after the infusion, one row per treated subject with both.

    Columns: USUBJID TRT01A TA_PEAK BILI_PEAK (multiples of ULN), TA_BASE BILI_BASE (baseline, multiples of ULN),
    TA_RISE BILI_RISE (peak as multiple of baseline), MET `Y`: both criteria within the days of `hepatic_screen`,
    bilirubin on or after the transaminase. MET asks for clinical review; it is no diagnosis (§3.3).
    """
    limits = analysis.hepatic_screen
    ratio = adlb["AVAL"] / adlb["ANRHI"]
    rows = adlb.assign(RATIO=ratio)[(adlb["SAFFL"] == "Y") & ratio.notna() & (adlb["AVALOP"] != "<")]
    kind = rows["PARAMCD"].map({"ALT": "TA", "AST": "TA", "BILI": "BILI"})
    rows = rows.assign(KIND=kind)[kind.notna()]
    after = rows[rows["APOBLFL"] == "Y"]
    peak = after.groupby(["USUBJID", "KIND"])["RATIO"].max().unstack("KIND").reindex(columns=["TA", "BILI"])
    base = rows[rows["ABLFL"] == "Y"].groupby(["USUBJID", "KIND"])["RATIO"].max().unstack("KIND")
    base = base.reindex(index=peak.index, columns=["TA", "BILI"])
    found = pd.DataFrame({
        "TRT01A": after.groupby("USUBJID")["TRT01A"].first(),
        "TA_PEAK": peak["TA"], "BILI_PEAK": peak["BILI"], "TA_BASE": base["TA"], "BILI_BASE": base["BILI"],
        "TA_RISE": peak["TA"] / base["TA"], "BILI_RISE": peak["BILI"] / base["BILI"],
    })  # fmt: skip
    high_ta = after[(after["KIND"] == "TA") & (after["RATIO"] >= limits.transaminase_uln)]
    high_bili = after[(after["KIND"] == "BILI") & (after["RATIO"] >= limits.bilirubin_uln)]
    pairs = high_ta[["USUBJID", "ADT"]].merge(high_bili[["USUBJID", "ADT"]], on="USUBJID", suffixes=("_TA", "_BILI"))
    gap = (pairs["ADT_BILI"] - pairs["ADT_TA"]) / pd.Timedelta(days=1)
    met = set(pairs.loc[gap.between(0, limits.days), "USUBJID"])
    found["MET"] = ["Y" if subject in met else "" for subject in found.index]
    found = found.dropna(subset=["TA_PEAK", "BILI_PEAK"]).astype({"MET": "str"})
    return found.rename_axis("USUBJID").reset_index().sort_values("USUBJID", ignore_index=True)


def hepatic_points(found: pd.DataFrame, adsl: pd.DataFrame, unit: Literal["ULN", "baseline"]) -> pd.DataFrame:
    """The points that the hepatic figure draws, as multiples of ULN or of baseline: SUBJECT TRT01A X Y X0 Y0.

    X is the peak transaminase, Y the peak bilirubin, X0 and Y0 the baseline. Subjects without both are left out.
    """
    names = ("TA_PEAK", "BILI_PEAK", "TA_BASE", "BILI_BASE") if unit == "ULN" else ("TA_RISE", "BILI_RISE")
    columns = dict(zip(names, ("X", "Y", "X0", "Y0"), strict=False))
    points = found[["TRT01A", *names]].rename(columns=columns)
    points.insert(0, "SUBJECT", subject_ids(found, adsl))
    if unit == "baseline":
        points = points.assign(X0=1.0, Y0=1.0)
    # Without a baseline the arrow has no length.
    points = points.assign(X0=points["X0"].fillna(points["X"]), Y0=points["Y0"].fillna(points["Y"]))
    drawn = (points[["X", "Y", "X0", "Y0"]] > 0).all(axis=1)
    return points[drawn].reset_index(drop=True)


def _grade_words(grade: pd.Series) -> pd.Series:
    return grade.astype("Int64").astype("str").where(grade.notna(), NOT_EVALUABLE).astype("str")
