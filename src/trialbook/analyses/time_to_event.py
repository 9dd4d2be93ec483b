"""Survival by any group of subjects: Kaplan-Meier estimates at given days, medians and events (§5.2)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.analyses.population import Population, declared_for, group_masks, stop_if_not_declared
from trialbook.analyses.result import Counted, Result, added_context, result_of, stop_if_no_id, wide
from trialbook.analyses.selection import Condition, select
from trialbook.core.errors import StopError, UsageError
from trialbook.core.messages import msg
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, TOTAL, ArdRow, ard_row, proportion_rows
from trialbook.statistics.intervals import Interval, clopper_pearson, clopper_pearson_lower
from trialbook.statistics.kaplan_meier import KaplanMeier, Transform, kaplan_meier

NOT_REACHED = "not reached"
# With the number of events, as cells show it: for the catalogue of texts.
NOT_REACHED_PATTERNS = ("not reached [{n}]",)
COLUMNS = ("N", "events", "day", "n_risk", "n_event", "survival", "low", "high", "median")


def survival(
    frame: pd.DataFrame,
    *,
    id: str,
    population: Population,
    by: str = "TRT01A",
    where: Condition | None = None,
    at: Sequence[int] | None = None,
    evaluable: bool = True,
) -> Result:
    """Survival of the subjects of `frame` by the levels of `by` and in Total, at the days `at` (`os_days` without it).

    `frame` has one row per subject: USUBJID, AVAL (days) and CNSR (0 = event), as ADTTE with one PARAMCD. The rows of
    the results are `<id>_EVENTS` (n, N, p), `<id>_KM` (S(t) with its limits, n.risk just before t, n.event up to t;
    only where follow-up reaches t or every subject had the event, else "not reached") and `<id>_MEDIAN` (the first day
    on which S(t) is below 0.5; where S(t) is just 0.5 from one day to another, the middle of the two). The frame has a
    row per group and day: `events` are all events of the group, `n_risk` and `n_event` those of the rows of the
    results. `where` narrows the subjects. `evaluable` False: a domain that decides the event was not delivered; all
    but N is null, with the text NE.

    Raises StopError for a published id (OS, FFS, DOR) with other subjects or days than its own, UsageError for two rows
    of one subject and for a time that is not known.
    """
    stop_if_no_id(id)
    declared = declared_for(id, population, by, where)
    days = list(dict.fromkeys(population.analysis.os_days if at is None else at))
    if declared is not None:
        _stop_if_other_days(id, days, population)
        absent = not population.protocol.has_endpoint(declared.endpoint) or (evaluable and frame.empty and id != "OS")
        if absent:
            counted = Counted(id, "survival", (), by, (), declared.words, False)
            return result_of(wide([], [by or "group", *COLUMNS]), counted)
    chosen = select(frame, where, population.names)
    subjects = frame[chosen.yes]
    _stop_if_unusable(subjects)
    if declared is not None and evaluable:
        stop_if_not_declared(id, subjects["USUBJID"], population)
    if not evaluable and subjects.empty and declared is not None:
        subjects = population.members(declared.condition)
    groups = population.of_subjects(subjects, by) if by else pd.Series("", index=subjects.index)
    levels = population.levels_of(by, groups) if by else []
    rows: list[ArdRow] = []
    shown: list[dict[str, object]] = []
    flat: list[str] = []
    variable = declared.variable if declared else id
    for level, inside in group_masks(groups, levels):
        if not evaluable:
            found = not_evaluable_rows(id, level, variable, int(inside.sum()), days, population.analysis.km_ci)
        else:
            group = subjects[inside]
            curve = kaplan_meier(group["AVAL"].tolist(), [int(code == 0) for code in group["CNSR"]])
            if curve.ends_at_half and (level == TOTAL or curve.n >= population.analysis.km_level_min_n):
                flat.append(level)
            found = curve_rows(curve, id, level, variable, days, population.analysis.km_ci)
            shown += _lines(curve, by or "group", level, days, population.analysis.km_ci)
            unknown = int(chosen.unknown.sum()) if level == TOTAL else 0
            if unknown:
                found.append(ard_row(f"{id}_EVENTS", level, variable, "unknown", unknown))
        rows += [
            ArdRow(**{**row, "group1": by or "TRT01A", "context": added_context(declared is None, row["context"])})
            for row in found
        ]
    words = (
        declared.words if declared else "the subjects of the frame" + (f" with {where}" if where is not None else "")
    )
    notes = (flat_note(flat),) if flat else ()
    counted = Counted(id, "survival", tuple(rows), by, (*levels, TOTAL), words, declared is None, notes)
    return result_of(wide(shown, [by or "group", *COLUMNS]), counted, frame)


def flat_note(groups: Sequence[str]) -> str:
    """What the median is in groups whose curve ends at exactly 0.5."""
    return msg(
        "{groups}: the curve does not fall below 0.5. The median given is the middle between the first day at 0.5 and "
        "the last day of follow-up, as R's survfit has it.",
        groups=", ".join(groups),
    )


def _stop_if_other_days(analysis_id: str, days: Sequence[int], population: Population) -> None:
    if days != list(population.analysis.os_days):
        raise StopError(
            f"{analysis_id} is published at the days {', '.join(map(str, population.analysis.os_days))}",
            file="notebook", column="at", value=", ".join(map(str, days)),
            next_step=f"give this analysis an id of its own, such as MY_{analysis_id}, or set overrides: {{os_days: "
            "[...]} in the cut file",
        )  # fmt: skip


def _stop_if_unusable(subjects: pd.DataFrame) -> None:
    missing = [name for name in ("USUBJID", "AVAL", "CNSR") if name not in subjects]
    if missing:
        raise UsageError(
            f"a survival time needs the column {missing[0]}", file="notebook", column=missing[0],
            next_step="take the rows of one endpoint of ADTTE, as in adtte.query(\"PARAMCD == 'OS'\")",
        )  # fmt: skip
    twice = subjects[subjects.duplicated("USUBJID")]
    if len(twice):
        raise UsageError(
            f"survival counts a subject once, and {twice['USUBJID'].iloc[0]} has two rows", file="notebook",
            column="USUBJID", next_step="take the rows of one endpoint, as in adtte.query(\"PARAMCD == 'OS'\")",
        )  # fmt: skip
    unknown = subjects[subjects["AVAL"].isna() | subjects["CNSR"].isna()]
    if len(unknown):
        raise UsageError(
            f"the survival time of {unknown['USUBJID'].iloc[0]} is not known", file="notebook", column="AVAL",
            next_step="count only subjects with a time, and say beside it who is left out",
        )  # fmt: skip


def _lines(curve: KaplanMeier, by: str, level: str, days: Sequence[int], method: Transform) -> list[dict[str, object]]:
    """The lines of the small frame of one group, a line per day."""
    lines: list[dict[str, object]] = []
    for day in days:
        at = curve.at(day, method)
        shown = at.survival if curve.reaches(day) else Interval(None, None, None, method)
        lines.append(
            {by: level, "N": curve.n, "events": sum(curve.n_event), "day": day, "n_risk": at.n_risk,
             "n_event": at.n_event, "survival": shown.estimate, "low": shown.low, "high": shown.high,
             "median": curve.median(method).estimate}
        )  # fmt: skip
    return lines


# ----------------------------------------------------------------------------------------------------
# The rows of the results of one curve.


def curve_rows(
    curve: KaplanMeier, prefix: str, level: str, variable: str, days: Sequence[int], method: Transform
) -> list[ArdRow]:
    """`<prefix>_EVENTS`, `_KM` at each day and `_MEDIAN` of one curve, with limits by `method` (§5.2, A-80, A-81)."""
    rows = proportion_rows(f"{prefix}_EVENTS", level, variable, sum(curve.n_event), curve.n)
    for day in days:
        rows += _survival_at(curve, prefix, level, variable, day, method)
    return rows + time_rows(f"{prefix}_MEDIAN", level, variable, curve.median(method), curve, method)


def not_evaluable_rows(
    prefix: str, level: str, variable: str, followed: int, days: Sequence[int], method: Transform
) -> list[ArdRow]:
    """The rows of `curve_rows` without a number but N: nobody's end is known, so N counts who is followed at all."""
    rows = []
    for name, value in (("n", None), ("N", followed), ("p", None)):
        words = NOT_EVALUABLE if value is None else None
        rows.append(ard_row(f"{prefix}_EVENTS", level, variable, name, value, stat_text=words))
    nothing = Interval(None, None, None, method)
    for day in days:
        rows += _interval_rows(f"{prefix}_KM", level, variable, nothing, method, str(day), NOT_EVALUABLE)
        rows += [
            ard_row(f"{prefix}_KM", level, variable, name, None, variable_level=str(day), context=method,
                    stat_text=NOT_EVALUABLE)
            for name in ("n.risk", "n.event")
        ]  # fmt: skip
    return rows + unknown_time(f"{prefix}_MEDIAN", level, variable, method)


def unknown_time(analysis_id: str, level: str, variable: str, context: str) -> list[ArdRow]:
    """The rows of a time that is not evaluable."""
    texts = {"estimate": NOT_EVALUABLE, "conf.low": NOT_ESTIMABLE, "conf.high": NOT_ESTIMABLE}
    return [days_row(analysis_id, level, variable, name, None, context, text) for name, text in texts.items()]


def _survival_at(
    curve: KaplanMeier, prefix: str, level: str, variable: str, day: int, method: Transform
) -> list[ArdRow]:  # fmt: skip
    """The rows of S(day) and, where the transform has no limits or nobody was censored, exact ones beside it."""
    at = curve.at(day, method)
    reached = curve.reaches(day)
    shown = at.survival if reached else Interval(None, None, None, method)
    text = NOT_REACHED if curve.n and not reached else None
    rows = _interval_rows(f"{prefix}_KM", level, variable, shown, method, str(day), text)
    for name, number in (("n.risk", at.n_risk), ("n.event", at.n_event)):
        rows.append(ard_row(f"{prefix}_KM", level, variable, name, number, variable_level=str(day), context=method))
    for exact in _exact_beside(curve, at.survival.estimate, at.n_risk, at.n_event, day) if reached else []:
        rows += _interval_rows(f"{prefix}_KM", level, variable, exact, exact.method, str(day), None)
    return rows


def _exact_beside(curve: KaplanMeier, estimate: float | None, n_risk: int, n_event: int, day: int) -> list[Interval]:
    """A-80: the one-sided bound of those at risk while nobody died; the exact interval when nobody was censored."""
    exact = [clopper_pearson_lower(n_risk, n_risk)] if estimate == 1 and n_risk else []
    if curve.fully_followed_to(day):
        exact.append(clopper_pearson(curve.n - n_event, curve.n))
    return exact


def _interval_rows(
    analysis_id: str, level: str, variable: str, interval: Interval, context: str, day: str, text: str | None
) -> list[ArdRow]:
    stats = (
        ("estimate", interval.estimate, text),
        ("conf.low", interval.low, None),
        ("conf.high", interval.high, None),
    )
    return [
        ard_row(analysis_id, level, variable, name, value, variable_level=day, context=context, stat_text=words)
        for name, value, words in stats
    ]


def time_rows(
    analysis_id: str, level: str, variable: str, time: Interval, curve: KaplanMeier, context: str
) -> list[ArdRow]:
    """A quantile of time: what the curve (or its band) does not come down to is not reached, not unknown."""
    still_open = bool(curve.n) and curve.survival[-1] > 0
    missing = {"estimate": NOT_REACHED if curve.n else NOT_ESTIMABLE, "conf.low": NOT_ESTIMABLE,
               "conf.high": NOT_REACHED if still_open else NOT_ESTIMABLE}  # fmt: skip
    values = {"estimate": time.estimate, "conf.low": time.low, "conf.high": time.high}
    return [
        days_row(analysis_id, level, variable, name, value, context, missing[name]) for name, value in values.items()
    ]


def days_row(
    analysis_id: str, level: str, variable: str, name: str, days: float | None, context: str,
    missing: str = NOT_ESTIMABLE,
) -> ArdRow:  # fmt: skip
    """A number of days, written without the decimals that it does not have."""
    text = missing if days is None else f"{float(days):g}"
    return ard_row(analysis_id, level, variable, name, days, context=context, stat_text=text)
