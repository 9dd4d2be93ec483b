"""Which records stand behind each number of a table: positions of records by the key of the cell."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.results.ard import TOTAL
from trialbook.safety.counting import ANY_EVENT, OVERALL, at_levels, by_maximum, slim, stacked

Sets = dict[tuple[str, ...], tuple[int, ...]]


def record_sets(records: pd.DataFrame, by: list[str]) -> Sets:
    """The positions of the records behind each cell: key = values of `by`, then the level (and Total).

    `records` keep the index 0, 1, 2 ... of the frame that their lines stand in; one may stand there more than once.
    """
    both = at_levels(records[["TRT01A", *by]])
    grouped = both.groupby([*by, "LEVEL"], sort=False).indices
    labels = both.index.to_numpy()
    return {_key(key): tuple(sorted(set(labels[found].tolist()))) for key, found in grouped.items()}


def mask_sets(records: pd.DataFrame, masks: Mapping[str, pd.Series]) -> Sets:
    """The positions behind each row of an overview: key = name of the mask, then the level (and Total)."""
    return record_sets(stacked(records, masks), ["ROW"])


def term_sets(records: pd.DataFrame) -> Sets:
    """The positions behind a table by class and term: key = class, term (blank = any of the class), level."""
    records = slim(records, ["ABODSYS", "ADECOD"])
    both = pd.concat([records.assign(ADECOD=""), records])
    return record_sets(both, ["ABODSYS", "ADECOD"])


def maximum_sets(records: pd.DataFrame, rank: pd.Series, words: Mapping[int, str]) -> Sets:
    """The positions behind a table by maximum: key = class (TEAE = all), term (blank = any), maximum, level."""
    return record_sets(by_maximum(records, rank, words), ["ABODSYS", "ADECOD", "MAXIMUM"])


def all_sets(records: pd.DataFrame, word: str) -> Sets:
    """The positions of all records in the keys of `maximum_sets`, under one word."""
    return record_sets(
        by_maximum(records, pd.Series(0, index=records.index), {0: word}), ["ABODSYS", "ADECOD", "MAXIMUM"]
    )


def overall_sets(maxima: Sets) -> Sets:
    """Of the sets by maximum those over all events of a subject: key = maximum, level."""
    return {key[2:]: found for key, found in maxima.items() if key[:2] == (OVERALL, "")}


def column_sets(maxima: Sets, table: pd.DataFrame) -> dict[tuple[int, str], tuple[int, ...]]:
    """The sets by maximum in Total under the position of the row and the column, for a table of `maximum_frame`."""
    if table.empty:
        return {}
    rows = table[["variable", "variable_level"]].replace({"variable_level": {ANY_EVENT: ""}})
    return {
        (position, str(column)): maxima[(*row, str(column), TOTAL)]
        for position, row in enumerate(rows.itertuples(index=False, name=None))
        for column in table.columns
        if (*row, str(column), TOTAL) in maxima
    }


def _key(key: object) -> tuple[str, ...]:
    return tuple(str(part) for part in key) if isinstance(key, tuple) else (str(key),)
