"""Subjects and records that a condition selects, by any group, and by class and term (§3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.analyses.population import PUBLISHED, Population, declared_for, group_masks
from trialbook.analyses.result import Counted, Result, added_context, result_of, stop_if_no_id, wide
from trialbook.analyses.selection import Condition, select
from trialbook.core.errors import StopError, UsageError
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows

SAFETY_SET = "SAFFL == 'Y'"
EPISODE = "EPISODE"
COLUMNS = ("n", "n_high", "N", "share", "events")
# The term of a row that is about all terms of its class.
ANY = ""
Key = tuple[str, str]
# Subjects, subjects at most, and events.
Numbers = tuple[int, int, int]


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
    records = frame.assign(_group=population.of_subjects(frame, by) if by else "", _yes=chosen.yes)
    records = records[inside & chosen.maybe]
    with_events = bool(frame["USUBJID"].duplicated().any()) or EPISODE in frame
    keys = [population.of_subjects(records, name) for name in names]
    found = _numbers(records, keys)
    rows: list[ArdRow] = []
    shown: list[dict[str, object]] = []
    for key in _places(keys, names, found, population):
        for level, size in sizes.items():
            n, high, events = found.get((*key, level), (0, 0, 0))
            variable, variable_level = _place(key, names, id)
            place = {"variable_level": variable_level, "context": added_context(declared is None)}
            made = proportion_rows(id, level, variable, n, size, events if with_events else None, **place)
            if declared is None and high > n:
                made.append(ard_row(id, level, variable, "n.high", high, **place))
            rows += [ArdRow(**{**row, "group1": by or "TRT01A"}) for row in made]
            line: dict[str, object] = dict(zip(names, key, strict=False))
            shown.append(
                line | {by or "group": level, "n": n, "n_high": high if high > n else None, "N": size,
                        "share": n / size if size else None, "events": events if with_events else None}
            )  # fmt: skip
    words = PUBLISHED[id].words if declared else f"the subjects of ADSL with {of}"
    counted = Counted(id, "count", tuple(rows), by, tuple(sizes), words, declared is None)
    return result_of(wide(shown, [*names, by or "group", *COLUMNS]), counted, frame)


def _sizes(members: pd.DataFrame, by: str, population: Population) -> dict[str, int]:
    """Subjects of the set in each group, and in Total."""
    groups = population.of_subjects(members, by) if by else pd.Series("", index=members.index)
    levels = population.levels_of(by, groups) if by else []
    return {level: int(inside.sum()) for level, inside in group_masks(groups, levels)}


def _numbers(records: pd.DataFrame, keys: Sequence[pd.Series]) -> dict[tuple[str, ...], Numbers]:
    """Subjects, subjects at most, and events by class, term (blank = any of the class) and group, and in Total.

    `records`: those that count, or may (`_yes`), with their group (`_group`); `keys`: class and term of each.
    """
    names = [f"_{position}" for position in range(len(keys))]
    episode = [EPISODE] if EPISODE in records else []
    slim = records[["USUBJID", *episode, "_group", "_yes"]].assign(**dict(zip(names, keys, strict=True)))
    parts = [slim, slim.assign(_1=ANY)] if len(names) > 1 else [slim]
    both = pd.concat([part.assign(_group=group) for part in parts for group in (part["_group"], TOTAL)])
    by, certain = [*names, "_group"], both["_yes"]
    of_subject = [*by, "USUBJID"]
    events = both[certain].drop_duplicates([*of_subject, *episode]) if episode else both[certain]
    counted = (both[certain].drop_duplicates(of_subject), both.drop_duplicates(of_subject), events)
    sizes = [part.groupby(by, sort=False).size() for part in counted]
    wide = pd.concat(sizes, axis=1).fillna(0).astype("int64")
    places = [place if isinstance(place, tuple) else (place,) for place in wide.index]
    return {place: (n, high, of) for place, (n, high, of) in zip(places, wide.to_numpy().tolist(), strict=True)}


def _places(
    keys: Sequence[pd.Series], names: Sequence[str], found: Mapping[tuple[str, ...], Numbers], population: Population
) -> list[tuple[str, ...]]:
    """The rows of the table in their order: groups of subjects in their own; classes, and terms within a class, by
    subjects, the most frequent first, then by name.
    """
    if not keys:
        return [()]

    def ranked(values: set[tuple[str, ...]], rest: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        return sorted(values, key=lambda key: (-found[(*key, *rest, TOTAL)][0], key))

    outer: list[tuple[str, ...]]
    if names[0] in population.adsl:
        outer = [(value,) for value in population.levels_of(names[0], keys[0])]
    else:
        outer = ranked({(value,) for value in keys[0]}, (ANY,) * (len(names) - 1))
    if len(names) == 1:
        return outer
    terms: dict[str, set[tuple[str, ...]]] = {}
    for pair in zip(*keys, strict=True):
        terms.setdefault(pair[0], set()).add(pair)
    return [place for (value,) in outer for place in ((value, ANY), *ranked(terms.get(value, set())))]


def _place(key: tuple[str, ...], names: Sequence[str], analysis_id: str) -> Key:
    """Variable and level of a row of the results: class and term, column and value, or the analysis itself."""
    if len(names) == 2:
        return key[0], key[1]
    return (names[0], key[0]) if names else (analysis_id, "")
