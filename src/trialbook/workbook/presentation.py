"""How a result, rows of the results or a frame become a table of the page: all that the cell need not say.

Labels and decimals come from the dictionary of columns, heads with their N from the result, links to profiles and the
order of long listings from the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialbook.analyses.result import ADDED, Counted, Result
from trialbook.core.messages import as_text, msg
from trialbook.display.columns import column_decimals, column_labels
from trialbook.protocol.models import DoseLevel
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.results.bounds import with_bounds

INTERVAL_NAMES = {
    "clopper_pearson": msg("Exact (Clopper-Pearson)"), "wilson": msg("Wilson"), "jeffreys": msg("Jeffreys"),
    "midp": "Mid-P", "beta_binomial": msg("Beta posterior (mean and limits)"),
}  # fmt: skip
ESTIMATE = "{estimate} ({conf.low} to {conf.high})"
COUNT = "{n} ({p}) [{events}]<, up to {n.high}>"
LIMITS = ("conf.low", "conf.high")
# Analyses of times to an event, whose estimates say nothing of one or two subjects.
OVER_TIME = ("_KM", "_MEDIAN", "_RKM", "CIF")


def is_ard(frame: pd.DataFrame) -> bool:
    """Whether a frame holds rows of the results."""
    return {"analysis_id", "stat_name", "stat_text"} <= set(frame.columns)


def result_view(result: Result, reported: pd.DataFrame, only: str = "") -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of a result that its table shows, and how: headers with N, row labels, pattern, note.

    `only`: the analysis of several that is shown, as OS_KM; `reported`: all rows that the step has reported; where n is
    not evaluable, their BOUNDS are beside it.
    """
    counted = result.counted
    rows = result.ard
    kinds = {"rate": _rate_view, "count": _count_view, "survival": _survival_view}
    shown, look = kinds[counted.kind](rows[rows["analysis_id"].eq(only)] if only else rows, counted)
    sizes = rows if counted.kind == "survival" else shown
    shown = shown if counted.added else with_bounds(shown, reported, counted.id)
    look = {"columns": list(counted.levels), "headers": headers(sizes, counted.levels), **look}
    if counted.added:
        look["notes"] = [f"An added analysis, not one of the protocol. Counted: {counted.denominator}.", *unknown(rows)]
    if counted.median_notes and shown["analysis_id"].str.endswith("_MEDIAN").any():
        look["notes"] = [*look.get("notes", []), *counted.median_notes]
    return shown, look


def _rate_view(rows: pd.DataFrame, counted: Counted) -> tuple[pd.DataFrame, dict[str, Any]]:
    method = rows["context"].str.removeprefix(f"{ADDED}, ")
    shown = rows[method.isin(list(INTERVAL_NAMES)) & rows["stat_name"].ne("prob_gt_orr0")]
    labels = {context: INTERVAL_NAMES[name] for context, name in zip(rows["context"], method, strict=True)
              if name in INTERVAL_NAMES}  # fmt: skip
    return shown, {"stats": ESTIMATE, "row": "context", "row_labels": labels, "stub": msg("95% interval")}


def _count_view(rows: pd.DataFrame, counted: Counted) -> tuple[pd.DataFrame, dict[str, Any]]:
    classes = rows["variable"].nunique() > 1
    if classes:
        return rows, {"stats": COUNT, "group": "variable", "row": "variable_level", "row_labels": {"": "Any"}}
    return rows, {"stats": COUNT, "row": "variable_level", "row_labels": {"": msg("Subjects")}}


def _survival_view(rows: pd.DataFrame, counted: Counted) -> tuple[pd.DataFrame, dict[str, Any]]:
    exact = rows["context"].str.contains("clopper_pearson")
    shown = with_known_limits(rows[~rows["analysis_id"].str.endswith("_EVENTS") & ~exact])
    return shown, {"stats": ESTIMATE, "row": "variable_level", "row_labels": _level_labels(shown)}


def _level_labels(rows: pd.DataFrame) -> dict[str, str]:
    """Words for days, and for the row of a median beside them."""
    levels = [level for level in dict.fromkeys(rows["variable_level"]) if level]
    median = "Median (95% interval), days" if levels else msg("Median (95% interval)")
    return {level: msg("Day {level}", level=level) for level in levels if level.isdigit()} | {"": median}


def with_known_limits(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without limits of which neither is a number, so that a cell is the estimate alone."""
    limit = rows["stat_name"].isin(LIMITS)
    keys = ["analysis_id", "group1_level", "variable", "variable_level", "context"]
    known = (limit & rows["stat"].notna()).groupby([rows[key] for key in keys])
    return rows[~limit | known.transform("any")]


def without_few(
    rows: pd.DataFrame, reported: pd.DataFrame, look: dict[str, Any], few: int
) -> tuple[pd.DataFrame, dict[str, Any]]:  # fmt: skip
    """Estimates over time of a dose level with fewer than `few` subjects are not shown: a dash, and a note on it.

    The number of subjects is that of the `_EVENTS` rows in `rows` or `reported`; the results keep every number.
    """
    own = rows["analysis_id"].str.endswith(OVER_TIME) & rows["group1_level"].ne(TOTAL)
    if not own.any() or "{estimate}" not in str(look.get("stats", "")):
        return rows, look
    sizes = pd.concat([rows, reported], ignore_index=True)
    sizes = sizes[sizes["analysis_id"].str.endswith("_EVENTS") & sizes["stat_name"].eq("N") & sizes["stat"].lt(few)]
    small = set(zip(sizes["variable"], sizes["group1_level"], strict=True))
    # Cumulative incidence is of the subjects whose survival is followed.
    followed = rows["variable"].mask(rows["analysis_id"].eq("CIF"), "OS")
    pairs = zip(followed, rows["group1_level"], strict=True)
    mine = own & pd.Series([pair in small for pair in pairs], index=rows.index, dtype="bool")
    if not mine.any():
        return rows, look
    kept = rows[~(mine & rows["stat_name"].isin(LIMITS))]
    dash = mine[kept.index] & kept["stat_name"].eq("estimate")
    note = msg("-: fewer than {few} subjects at that dose level, no estimate is shown.", few=few)
    shown = kept.assign(stat_text=kept["stat_text"].mask(dash, NOT_ESTIMABLE))
    return shown, {**look, "notes": [*look.get("notes", []), note]}


def headers(rows: pd.DataFrame, levels: Sequence[str]) -> dict[str, str]:
    """Heads of the columns by level: `DL1: 2 of 3` where one share is shown, else `DL1 (N=3)`, else the level."""
    sizes = rows[rows["stat_name"].eq("N")].groupby("group1_level", sort=False)["stat_text"].unique()
    found = {level: level for level in levels}
    for level in levels:
        size = list(sizes.get(level, []))
        n = rows[rows["stat_name"].eq("n") & rows["group1_level"].eq(level)]["stat_text"].unique()
        if len(size) != 1:
            continue
        if "estimate" in set(rows["stat_name"]) and len(n) == 1 and "n.event" not in set(rows["stat_name"]):
            known = n[0] != NOT_EVALUABLE
            head = msg("Total") if level == TOTAL else level
            found[level] = (
                msg("{head}: {n} of {total}", head=head, n=n[0], total=size[0])
                if known
                else f"{level}: {NOT_EVALUABLE_WORDS}, N={size[0]}"
            )
        else:
            found[level] = f"{level} (N={size[0]})"
    return found


def with_doses(look: dict[str, Any], levels: Sequence[DoseLevel]) -> dict[str, Any]:
    """The look of a table whose heads of dose levels also give the dose, on a line of its own."""
    doses = {level.id: level.printed_dose for level in levels if level.printed_dose}
    heads = {
        name: {
            column: msg("{level}\n{dose}", level=head, dose=as_text(doses[column])) if column in doses else head
            for column, head in look[name].items()
        }
        for name in ("headers", "labels") if look.get(name)
    }  # fmt: skip
    return look | heads


def unknown(rows: pd.DataFrame) -> list[str]:
    """A note on those of whom it is not known whether they are counted."""
    own = rows[rows["stat_name"].eq("unknown") & rows["group1_level"].eq(TOTAL)]
    if own.empty:
        return []
    return [f"Of {own['stat_text'].iloc[0]} subjects it is not known whether they belong here; they are left out."]


def ard_look(rows: pd.DataFrame, levels: Sequence[str], reported: pd.DataFrame) -> dict[str, Any]:
    """How rows of the results are shown where the cell does not say: what tells rows apart, and which numbers.

    `reported`: all rows that the step has reported; where the rows themselves have no N, the heads
    give the number followed.
    """
    names = set(rows["stat_name"])
    followed = reported[reported["analysis_id"].isin([f"{name}_EVENTS" for name in rows["variable"].unique()])]
    followed = followed if len(followed) else reported[reported["analysis_id"].eq("OS_EVENTS")]
    heads = headers(rows if names & {"N", "n"} else followed[followed["stat_name"].eq("N")], [*levels, TOTAL])
    one_size = all(head != level for level, head in heads.items())
    heads = heads if one_size else {level: level for level in heads}
    look: dict[str, Any] = {"columns": list(heads), "headers": heads}
    varying = [name for name in ("variable", "variable_level", "context") if rows[name].nunique() > 1]
    if len(varying) > 1:
        row = "variable_level" if "variable_level" in varying else "context"
        look |= {"row": row, "group": next(name for name in varying if name != row)}
    else:
        look |= {"row": varying[0] if varying else "stat_label" if len(names) == 1 else "variable"}
    if look["row"] == "variable_level" and rows["variable_level"].str.fullmatch(r"\d+").all():
        look["row_labels"] = _level_labels(rows)
    elif look["row"] == "variable":
        look["row_labels"] = dict.fromkeys(rows["variable"], _single(rows, names)) if not varying else {}
    return look | {"stats": _pattern(names, one_size)}


def _single(rows: pd.DataFrame, names: set[str]) -> str:
    """The head of the only row of a table."""
    if "estimate" in names:
        time = rows["analysis_id"].str.contains("MEDIAN|RKM").all()
        return msg("Median (95% interval)") if time else "Estimate (95% interval)"
    return msg("Median (range)") if "median" in names else msg("Range") if "min" in names else msg("Subjects")


def _pattern(names: set[str], one_size: bool) -> str:
    """The statistics of a cell, by those that there are."""
    if len(names) == 1:
        return f"{{{next(iter(names))}}}"
    if "estimate" in names:
        beside = " [{n.event}]" if "n.event" in names and "n.risk" not in names else ""
        of = "{n} of {N} ({conf.low} to {conf.high})"
        return of if "n" in names and not one_size else ESTIMATE + beside
    if "median" in names:
        return "{median} ({min} to {max}), n={n}" if "n" in names else "{median} ({min} to {max})"
    if "min" in names:
        return "{min} to {max}"
    return COUNT if "events" in names else "{n} ({p})" if one_size else "{n} of {N} ({p})"


def frame_look(frame: pd.DataFrame, own: Mapping[str, Any]) -> dict[str, Any]:
    """Labels and decimals of a frame from the dictionary of columns; what the cell says (`own`) goes before."""
    return {
        **own,
        "labels": column_labels(frame.columns, own.get("labels")),
        "digits": {**column_decimals(frame.columns), **(own.get("digits") or {})},
    }


def cards(result: Result) -> list[tuple[str, str, str]]:
    """Headline numbers of a result in Total: how many, of whom, and the estimate with its limits."""
    rows = result.ard
    total = rows[rows["group1_level"].eq(TOTAL)].drop_duplicates("stat_name")
    text = dict(zip(total["stat_name"], total["stat_text"], strict=True))
    if not text:
        return []
    n = NOT_EVALUABLE_WORDS if text.get("n") == NOT_EVALUABLE else f"{text.get('n', '-')} of {text.get('N', '-')}"
    bounds = f"{text['n.low']} to {text['n.high']} of {text['N']}" if "n.low" in text else ""
    known = text.get("estimate") not in (None, NOT_EVALUABLE, "-")
    estimate = f"{text['estimate']} ({text.get('conf.low', '-')} to {text.get('conf.high', '-')})" if known else ""
    return [(result.counted.id.replace("_", " "), n, "; ".join(part for part in (estimate, bounds) if part))]
