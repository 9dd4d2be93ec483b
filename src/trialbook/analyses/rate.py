"""The rate of an event with its intervals, by any group of subjects (§5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.analyses.population import (
    Population,
    declared_for,
    group_masks,
    stop_if_not_declared,
    stop_if_other_subjects,
)
from trialbook.analyses.result import Counted, Result, added_context, result_of, stop_if_no_id, wide
from trialbook.analyses.selection import Condition, Selection, columns_named, select
from trialbook.core.errors import UsageError
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row, ard_row_or_ne
from trialbook.statistics.intervals import PROPORTION_INTERVALS, Interval, beta_binomial, prob_greater

PENDING = "PENDING"
# The first of several choices of rules: the one that is reported with every interval.
PRIMARY = "primary"
BETA = "beta_binomial"
COLUMNS = ("n", "n_low", "n_high", "N", "pending", "unknown", "estimate", "low", "high")


@dataclass(frozen=True)
class Counts:
    """Subjects with the event (`n`), counted (`size`) and pending; whether the first and the second are known.

    `high`: subjects who have the event or may have it; `unknown`: of whom it is not known whether they are counted.
    """

    n: int
    size: int
    pending: int
    known: bool = True
    sized: bool = True
    high: int = 0
    unknown: int = 0


def rate(
    frame: pd.DataFrame,
    event: Condition,
    *,
    id: str,
    population: Population,
    by: str = "TRT01A",
    of: Condition | None = None,
    where: Condition | None = None,
    each: str = "",
    open: Condition | None = None,
    pending: Condition | None = None,
    intervals: Sequence[str] | None = None,
) -> Result:
    """The share of subjects with `event` among those counted, by the levels of `by` and in Total, with its limits.

    `frame` has one row per subject (USUBJID), or one per subject and value of the column `each`: choices of rules, of
    which `primary` comes first. `by` is a column of the frame or of ADSL; blank: Total alone. `of` is the denominator,
    all rows without it; `where` narrows the subjects. Conditions are pandas queries, masks or functions of the frame.

    Who is `pending` (PENDING in a column of `event`, without it) is counted beside, never in the denominator. Where it
    is not known of a counted subject whether it had the event (`open`; else what `event` cannot say), n and the
    estimate are null with the text NE, and n.low and n.high bound n; where it is not known whether such a subject is
    counted, N is NE as well.

    `intervals`: names of `PROPORTION_INTERVALS`; the one of the protocol (`ci_primary_orr`) for an analysis of one's
    own, all and the Beta posterior for a published one. An added analysis is marked in the context of its rows.

    Raises StopError for a published id with other subjects than its declared set, UsageError for a frame with two rows
    of one subject, and for conditions or columns that do not exist.
    """
    stop_if_no_id(id)
    declared = declared_for(id, population, by, where)
    if declared is not None and not population.protocol.has_endpoint(declared.endpoint):
        return result_of(wide([], [by or "group", *COLUMNS]), Counted(id, "rate", (), by, (), declared.words, False))
    chosen = select(frame, where, population.names)
    waiting = _waiting(frame, event, pending, population)
    counted, occurred = _sorted_out(frame, event, of, open, waiting, population)
    subjects = frame[chosen.yes]
    groups = population.of_subjects(subjects, by) if by else pd.Series("", index=subjects.index)
    levels = population.levels_of(by, groups) if by else []
    rows: list[ArdRow] = []
    shown: list[dict[str, object]] = []
    variable = declared.variable if declared else _variable(frame, id)
    for choice in _choices(subjects, each):
        part = subjects[subjects[each].eq(choice)] if each else subjects
        _stop_if_twice(part)
        if declared is not None and population.checked:
            _stop_if_other(id, part, counted.yes[part.index], choice, population)
        methods = _methods(population.analysis, intervals, published=declared is not None, primary=choice == PRIMARY)
        for level, inside in group_masks(groups[part.index], levels):
            unknown = int(chosen.unknown.sum()) if level == TOTAL else 0
            found = _counts(part.index[inside], waiting, counted, occurred, unknown)
            estimates = {name: _interval(name, found, population.analysis) for name in methods}
            place = (id, level, variable, by or "TRT01A")
            for name, interval in estimates.items():
                context = added_context(declared is None, name if choice == PRIMARY else choice)
                rows += [*_rows(place, context, found, interval)]
                rows += [*_beside(place, context, found)] if declared is None else []
            if BETA in methods:
                rows.append(_above(place, added_context(declared is None, BETA), found, population.analysis))
            if choice == PRIMARY:
                first = population.analysis.ci_primary_orr
                shown.append(_line(by, level, found, estimates.get(first, estimates[methods[0]])))
    words = declared.words if declared else _words(of, where)
    what = Counted(id, "rate", tuple(rows), by, (*levels, TOTAL), words, declared is None)
    return result_of(wide(shown, [by or "group", *COLUMNS]), what, frame)


def _variable(frame: pd.DataFrame, analysis_id: str) -> str:
    """What the results call the thing counted: the parameter of the frame where it holds only one."""
    names = set(frame["PARAMCD"]) if "PARAMCD" in frame else set()
    return str(names.pop()) if len(names) == 1 else analysis_id


def _stop_if_twice(part: pd.DataFrame) -> None:
    twice = part[part.duplicated("USUBJID")] if "USUBJID" in part else part.head(0)
    if "USUBJID" not in part or len(twice):
        what = f"{twice['USUBJID'].iloc[0]} has two rows" if len(twice) else "the frame has no column USUBJID"
        raise UsageError(
            f"a rate counts subjects, and {what}", file="notebook", column="USUBJID",
            next_step="choose a row per subject, as in .query(\"PARAMCD == 'RSP28'\"), or count records with tb.count",
        )  # fmt: skip


def _choices(subjects: pd.DataFrame, each: str) -> list[str]:
    """The choices of rules in their order: of a categorical column all of them, also where no subject is."""
    if not each:
        return [PRIMARY]
    if isinstance(subjects[each].dtype, pd.CategoricalDtype):
        return list(subjects[each].cat.categories)
    return list(dict.fromkeys(subjects[each]))


def _waiting(frame: pd.DataFrame, event: Condition, pending: Condition | None, population: Population) -> pd.Series:
    if pending is not None:
        return select(frame, pending, population.names).yes
    found = pd.Series(False, index=frame.index)
    for name in columns_named(frame, event):
        found = found | frame[name].eq(PENDING).fillna(False).astype(bool)
    return found


def _sorted_out(
    frame: pd.DataFrame, event: Condition, of: Condition | None, open_: Condition | None, waiting: pd.Series,
    population: Population,
) -> tuple[Selection, Selection]:  # fmt: skip
    """Who is counted, and who had the event; neither holds of those who wait."""
    counted, occurred = select(frame, of, population.names), select(frame, event, population.names)
    if open_ is not None:
        occurred = Selection(occurred.yes, select(frame, open_, population.names).yes & ~occurred.yes)
    return tuple(Selection(found.yes & ~waiting, found.unknown & ~waiting) for found in (counted, occurred))  # type: ignore[return-value]


def _stop_if_other(
    analysis_id: str, part: pd.DataFrame, counted: pd.Series, choice: str, population: Population
) -> None:
    """A published rate asks for every treated subject; of the primary choice the denominator is that of ADSL."""
    treated = population.members("SAFFL == 'Y'")["USUBJID"]
    words = "the treated subjects (SAFFL of ADSL), the pending ones counted beside"
    stop_if_other_subjects(analysis_id, part["USUBJID"], treated, population.adsl, words)
    if choice == PRIMARY:
        stop_if_not_declared(analysis_id, part.loc[counted, "USUBJID"], population)


def _counts(inside: pd.Index, pending: pd.Series, counted: Selection, occurred: Selection, unknown: int) -> Counts:
    """The counts of the rows `inside`."""
    waits, yes, open_ = pending[inside], counted.yes[inside], occurred.unknown[inside]
    n = int((occurred.yes[inside] & yes).sum())
    return Counts(
        n=n, size=int(yes.sum()), pending=int(waits.sum()), known=not open_.any(),
        sized=not (open_ & ~yes).any() and not counted.unknown[inside].any(), high=n + int(open_.sum()),
        unknown=unknown,
    )  # fmt: skip


def _methods(analysis: Analysis, asked: Sequence[str] | None, *, published: bool, primary: bool) -> list[str]:
    if asked is not None:
        wrong = [name for name in asked if name not in (*PROPORTION_INTERVALS, BETA)]
        if wrong:
            raise UsageError(
                "there is no interval of this name", file="notebook", column="intervals", value=wrong[0],
                next_step=f"name some of {', '.join((*PROPORTION_INTERVALS, BETA))}",
            )  # fmt: skip
    if not primary:
        return [analysis.ci_primary_orr]
    return list(asked) if asked else [*PROPORTION_INTERVALS, BETA] if published else [analysis.ci_primary_orr]


def _interval(method: str, found: Counts, analysis: Analysis) -> Interval:
    if method == BETA:
        return beta_binomial(found.n, found.size, (analysis.beta_prior[0], analysis.beta_prior[1]))
    return PROPORTION_INTERVALS[method](found.n, found.size, 0.95)


Place = tuple[str, str, str, str]


def _rows(place: Place, context: str, found: Counts, interval: Interval) -> Iterator[ArdRow]:
    analysis_id, level, variable, by = place
    stats: list[tuple[str, float | None, bool]] = [
        ("n", found.n, found.known), ("N", found.size, found.sized), ("pending", found.pending, True),
        ("estimate", interval.estimate, found.known), ("conf.low", interval.low, found.known),
        ("conf.high", interval.high, found.known),
    ]  # fmt: skip
    for stat, value, known in stats:
        row = ard_row_or_ne(analysis_id, level, variable, stat, value, known, context=context)
        yield ArdRow(**{**row, "group1": by})


def _beside(place: Place, context: str, found: Counts) -> Iterator[ArdRow]:
    """What is open of an analysis of one's own: the bounds of n, and who may belong to it."""
    analysis_id, level, variable, by = place
    open_ = [] if found.known else [("n.low", found.n), ("n.high", found.high)]
    for stat, value in [*open_, *([("unknown", found.unknown)] if found.unknown else [])]:
        yield ard_row(analysis_id, level, variable, stat, value, context=context, group1=by)


def _above(place: Place, context: str, found: Counts, analysis: Analysis) -> ArdRow:
    analysis_id, level, variable, by = place
    prior = (analysis.beta_prior[0], analysis.beta_prior[1])
    above = prob_greater(found.n, found.size, analysis.orr0, prior) if found.known else None
    return ard_row(
        analysis_id, level, variable, "prob_gt_orr0", above, context=context, group1=by,
        stat_label=f"Pr(rate > {analysis.orr0:g})", stat_text=None if found.known else NOT_EVALUABLE,
    )  # fmt: skip


def _line(by: str, level: str, found: Counts, interval: Interval) -> dict[str, object]:
    known, bounds = found.known, not found.known
    return {
        by or "group": level, "n": found.n if known else None, "n_low": found.n if bounds else None,
        "n_high": found.high if bounds else None, "N": found.size if found.sized else None,
        "pending": found.pending or None, "unknown": found.unknown or None,
        "estimate": interval.estimate if known else None, "low": interval.low if known else None,
        "high": interval.high if known else None,
    }  # fmt: skip


def _words(of: Condition | None, where: Condition | None) -> str:
    said = [
        text if isinstance(text, str) else "a selection of the notebook" for text in (of, where) if text is not None
    ]
    return " and ".join(said) if said else "all rows of the frame"
