"""Subjects and records that a condition selects, by any group, and by class and term (§3.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from trialbook.analyses.population import PUBLISHED, Population, declared_for, group_masks
from trialbook.analyses.result import Counted, Result, added_context, result_of, stop_if_no_id, wide
from trialbook.analyses.selection import Condition, Selection, select
from trialbook.core.errors import StopError, UsageError
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows

SAFETY_SET = "SAFFL == 'Y'"
EPISODE = "EPISODE"
COLUMNS = ("n", "n_high", "N", "share", "events")
# What a row of a table by class stands for where it is about all terms of the class.
ANY = ""
Key = tuple[str, str]


def count(
    frame: pd.DataFrame,
    *,
    id: str,
    population: Population,
    by: str = "TRT01A",
    where: Condition | None = None,
    per: str | Sequence[str] = (),
    of: str = SAFETY_SET,
) -> Result:
    """Subjects with at least one row that `where` selects, and their events, by the levels of `by` and in Total.

    `frame` holds records of subjects (USUBJID); of those outside the set `of`, a query over ADSL, none is counted.
    `per` is a column, or a class and a term within it, each value of which has a row: a subject counts once per row.
    Classes and terms come in descending order of subjects, groups of subjects in their own; with class and term the
    class has a row of its own (term blank). Events are episodes where the frame has EPISODE, else records; left out
    where the frame has one row per subject. Statistics: n, N (subjects of the set in the group), p (null with N = 0),
    events.

    Subjects of whom `where` cannot say (a grade that is missing) are not in n: n.high counts them as well.

    Raises StopError for a published id with other records than its own, UsageError for columns that do not exist.
    """
    stop_if_no_id(id)
    declared = declared_for(id, population, by, None)
    if declared is not None and (not declared.records or where != declared.records or of != SAFETY_SET):
        raise StopError(
            f"{id} is a published analysis that counts the records {declared.records or 'which the library chooses'}",
            file="notebook", value=id, next_step=f"give this analysis an id of its own, such as MY_{id}",
        )  # fmt: skip
    names = [per] if isinstance(per, str) else list(per)
    unknown_column = [name for name in ("USUBJID", *names) if name not in frame]
    if unknown_column:
        raise UsageError(
            f"the frame has no column {unknown_column[0]}", file="notebook", column=unknown_column[0],
            next_step=f"its columns are {', '.join(map(str, frame.columns))}",
        )  # fmt: skip
    members = population.members(of)
    sizes = _sizes(members, by, population)
    inside = frame["USUBJID"].isin(members["USUBJID"])
    chosen = select(frame, where, population.names)
    records = frame.assign(_group=population.of_subjects(frame, by) if by else "")[inside]
    selection = Selection(chosen.yes[inside], chosen.unknown[inside])
    with_events = bool(frame["USUBJID"].duplicated().any()) or EPISODE in frame
    rows: list[ArdRow] = []
    shown: list[dict[str, object]] = []
    for key, part in _parts(records, selection, names, population):
        for level, size in sizes.items():
            here = part if level == TOTAL else part[part["_group"].eq(level)]
            certain = here[selection.yes[here.index]]
            n, events = certain["USUBJID"].nunique(), _events(certain) if with_events else None
            high = here["USUBJID"].nunique()
            variable, variable_level = _place(key, names, id)
            place = {"variable_level": variable_level, "context": added_context(declared is None)}
            found = proportion_rows(id, level, variable, n, size, events, **place)
            if declared is None and high > n:
                found.append(ard_row(id, level, variable, "n.high", high, **place))
            rows += [ArdRow(**{**row, "group1": by or "TRT01A"}) for row in found]
            line: dict[str, object] = dict(zip(names, key, strict=False))
            shown.append(
                line | {by or "group": level, "n": n, "n_high": high if high > n else None, "N": size,
                        "share": n / size if size else None, "events": events}
            )  # fmt: skip
    words = PUBLISHED[id].words if declared else f"the subjects of ADSL with {of}"
    counted = Counted(id, "count", tuple(rows), by, tuple(sizes), words, declared is None)
    return result_of(wide(shown, [*names, by or "group", *COLUMNS]), counted, frame)


def _sizes(members: pd.DataFrame, by: str, population: Population) -> dict[str, int]:
    """Subjects of the set in each group, and in Total."""
    groups = population.of_subjects(members, by) if by else pd.Series("", index=members.index)
    levels = population.levels_of(by, groups) if by else []
    return {level: int(inside.sum()) for level, inside in group_masks(groups, levels)}


def _events(records: pd.DataFrame) -> int:
    return len(records.drop_duplicates(["USUBJID", EPISODE])) if EPISODE in records else len(records)


def _parts(
    records: pd.DataFrame, selection: Selection, names: list[str], population: Population
) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """The records that count, or may count, of each row of the table, with its class and term."""
    possible = records[selection.maybe]
    if not names:
        yield (), possible
        return
    keys = {name: population.of_subjects(possible, name) for name in names}
    outer = keys[names[0]]
    is_group = names[0] in population.adsl
    for value in _ordered(possible, outer, selection, natural=is_group, population=population, name=names[0]):
        of_class = possible[outer.eq(value)]
        yield (value, ANY)[: len(names)], of_class
        if len(names) > 1:
            terms = keys[names[1]][of_class.index]
            for term in _ordered(of_class, terms, selection, natural=False, population=population, name=names[1]):
                yield (value, term), of_class[terms.eq(term)]


def _ordered(
    records: pd.DataFrame, values: pd.Series, selection: Selection, *, natural: bool, population: Population, name: str
) -> list[str]:
    """Groups of subjects in their own order; terms by subjects, the most frequent first, then by name."""
    if natural:
        return population.levels_of(name, values)
    certain = records[selection.yes[records.index]]
    n = certain["USUBJID"].groupby(values[certain.index]).nunique()
    return sorted(set(values), key=lambda value: (-int(n.get(value, 0)), value))


def _place(key: tuple[str, ...], names: Sequence[str], analysis_id: str) -> Key:
    """Variable and level of a row of the results: class and term, column and value, or the analysis itself."""
    if len(names) == 2:
        return key[0], key[1]
    return (names[0], key[0]) if names else (analysis_id, "")
