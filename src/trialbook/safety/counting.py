"""Counts subjects and events by dose level, class and term, with the records behind each number (§3.4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Sized

import numpy as np
import pandas as pd

from trialbook.core.messages import msg
from trialbook.results.ard import TOTAL, ArdRow, proportion_rows

# ----------------------------------------------------------------------------------------------------

NONE = (0, 0)
# The class of the rows by maximum that count all events of a subject.
OVERALL = "TEAE"
# How a table names the row of a class that counts all its terms.
ANY_EVENT = msg("Any event")
SUBJECT_EVENT = ["USUBJID", "EPISODE"]
CLASS_TERM = ["ABODSYS", "ADECOD"]
Cells = dict[tuple[str, ...], tuple[int, int]]
# A column as numbers, and what each number means.
Coded = tuple[np.ndarray, Sized]


def set_sizes(adsl: pd.DataFrame, levels: Sequence[str]) -> dict[str, int]:
    """Subjects of the safety set by level, and in Total.

    >>> adsl = pd.DataFrame({"SAFFL": ["Y", "Y", ""], "TRT01A": ["DL1", "DL2", ""]})
    >>> set_sizes(adsl, ["DL1", "DL2", "DL3"])
    {'DL1': 1, 'DL2': 1, 'DL3': 0, 'Total': 2}
    """
    treated = adsl[adsl["SAFFL"] == "Y"]
    sizes = {level: int((treated["TRT01A"] == level).sum()) for level in levels}
    return {**sizes, TOTAL: len(treated)}


def slim(records: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Only the columns that are counted: subject, episode, level and those of `by`."""
    return records[[*SUBJECT_EVENT, "TRT01A", *by]]


def stacked(records: pd.DataFrame, masks: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The records that each mask selects, one mask below the other, its name in ROW; the index is kept."""
    chosen = {name: np.flatnonzero(mask.to_numpy(dtype=bool)) for name, mask in masks.items()}
    names = np.repeat(np.array(list(chosen), dtype=object), [len(found) for found in chosen.values()])
    positions = np.concatenate([*chosen.values(), np.empty(0, dtype="int64")]).astype("int64")
    return slim(records).take(positions).assign(ROW=pd.array(names, dtype="str"))


def mask_counts(records: pd.DataFrame, masks: Mapping[str, pd.Series]) -> Cells:
    """n and events of each mask by level (and Total) and its name, in one pass.

    >>> records = pd.DataFrame({"USUBJID": ["001", "002"], "EPISODE": [1, 1], "TRT01A": ["DL1", "DL2"]})
    >>> mask_counts(records, {"SAE": pd.Series([True, False])})
    {('DL1', 'SAE'): (1, 1), ('Total', 'SAE'): (1, 1)}
    """
    return counts(stacked(records, masks), ["ROW"])


def at_levels(records: pd.DataFrame) -> pd.DataFrame:
    """Every record twice: at its dose level and at Total, named in LEVEL."""
    return pd.concat([records.assign(LEVEL=records["TRT01A"]), records.assign(LEVEL=TOTAL)])


def counts(records: pd.DataFrame, by: list[str]) -> Cells:
    """n (subjects) and events (episodes) by level (and Total) and the values of the columns `by`.

    >>> records = pd.DataFrame({"USUBJID": ["001", "001"], "EPISODE": [1, 2], "TRT01A": "DL1", "ADECOD": "Rash"})
    >>> counts(records, ["ADECOD"])
    {('DL1', 'Rash'): (1, 2), ('Total', 'Rash'): (1, 2)}
    """
    codes = {name: pd.factorize(records[name], use_na_sentinel=False) for name in (*SUBJECT_EVENT, "TRT01A", *by)}
    subject, episode = ([codes[name]] for name in SUBJECT_EVENT)
    found: Cells = {}
    for level in ([codes["TRT01A"]], []):
        parts = [*level, *(codes[name] for name in by)]
        first, group = _groups(parts, len(records))
        n, events = (_distinct(group, of, len(first)) for of in (subject, subject + episode))
        values = zip(*(np.asarray(names, dtype=object)[code[first]] for code, names in parts), strict=True)
        keys = values if level else ((TOTAL, *key) for key in values)
        found |= dict(zip(keys, zip(n, events, strict=True), strict=True))
    return found


def _groups(parts: Sequence[Coded], size: int) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each combination of codes that occurs, and the number of each row's combination."""
    number = np.zeros(size, dtype="int64")
    for code, names in parts:
        number = number * len(names) + code
    _, first, group = np.unique(number, return_index=True, return_inverse=True)
    return first, group


def _distinct(group: np.ndarray, of: Sequence[Coded], size: int) -> list[int]:
    """How many different combinations of codes each group holds."""
    first, _ = _groups([(group, range(size)), *of], len(group))
    return np.bincount(group[first], minlength=size).tolist()


def class_and_term_counts(records: pd.DataFrame) -> Cells:
    """Counts by class and term, and by class with the term blank (any event of the class)."""
    return counts(records.assign(ADECOD=""), CLASS_TERM) | counts(records, CLASS_TERM)


def highest(records: pd.DataFrame, rank: pd.Series) -> pd.DataFrame:
    """The records of each subject, class and term whose `rank` is the highest there.

    >>> records = pd.DataFrame({"USUBJID": "001", "ABODSYS": "Skin", "ADECOD": "Rash", "GRADE": [1, 3, 2]})
    >>> highest(records, records["GRADE"])["GRADE"].tolist()
    [3]
    """
    highest_rank = rank.groupby([records[name] for name in ("USUBJID", "ABODSYS", "ADECOD")]).transform("max")
    return records[rank == highest_rank]


def ranked(counted: Cells) -> list[tuple[str, str]]:
    """(class, term) pairs in the order of a table: classes and terms by subjects in Total, descending, then by name.

    `counted`: `class_and_term_counts`.

    >>> records = pd.DataFrame({
    ...     "USUBJID": ["001", "002", "001"], "EPISODE": [1, 1, 2], "TRT01A": "DL1",
    ...     "ABODSYS": ["Skin", "Skin", "Blood"], "ADECOD": ["Rash", "Rash", "Anaemia"],
    ... })
    >>> ranked(class_and_term_counts(records))
    [('Skin', ''), ('Skin', 'Rash'), ('Blood', ''), ('Blood', 'Anaemia')]
    """
    total = {(key[1], key[2]): n for key, (n, _) in counted.items() if key[0] == TOTAL}
    return sorted(total, key=lambda row: (-total[row[0], ""], row[0], row[1] != "", -total[row], row[1]))


def maximum_rows(
    analysis_id: str, records: pd.DataFrame, rank: pd.Series, words: Mapping[int, str], sizes: Mapping[str, int],
    seldom: Collection[int] = (), *, sparse: bool = False,
) -> list[ArdRow]:  # fmt: skip
    """Subjects by the MAXIMUM rank of their records, overall (variable TEAE), in each class and in each term.

    `words` gives the context of each rank, in the order of the columns; a record of another rank counts nowhere, but
    its class and term keep their place. Ranks that are `seldom` have rows only where one of them is a maximum.
    `sparse`: classes and terms have rows only for the maxima that occur in Total.
    """
    order = ranked(class_and_term_counts(records))
    both = by_maximum(records, rank, words)
    counted = counts(both, [*CLASS_TERM, "MAXIMUM"])
    occurring = set(both["MAXIMUM"])
    contexts = [text for number, text in words.items() if number not in seldom or text in occurring]
    rows: list[ArdRow] = []
    for soc, term in [(OVERALL, ""), *order]:
        for context in contexts:
            if sparse and soc != OVERALL and (TOTAL, soc, term, context) not in counted:
                continue
            for level, size in sizes.items():
                n, events = counted.get((level, soc, term, context), NONE)
                rows += proportion_rows(analysis_id, level, soc, n, size, events, variable_level=term, context=context)
    return rows


def by_maximum(records: pd.DataFrame, rank: pd.Series, words: Mapping[int, str]) -> pd.DataFrame:
    """The records with the highest rank of their subject, overall (class TEAE), per class (term blank) and per term.

    MAXIMUM holds the words of the rank; records whose rank has none are left out. A record is there up to three times,
    with the index of `records`.
    """
    records = slim(records, ["ABODSYS", "ADECOD"])[rank.loc[records.index].isin(list(words))]
    frames = (records.assign(ABODSYS=OVERALL, ADECOD=""), records.assign(ADECOD=""), records)
    both = pd.concat([highest(frame, rank.loc[records.index]) for frame in frames])
    return both.assign(MAXIMUM=rank.loc[both.index].map(dict(words)).astype("str").to_numpy())


# ----------------------------------------------------------------------------------------------------
# Which records are behind each number of a table: positions of records by the key of the cell.


Sets = dict[tuple[str, ...], tuple[int, ...]]


def record_sets(records: pd.DataFrame, by: list[str]) -> Sets:
    """The positions of the records behind each cell: key = values of `by`, then the level (and Total).

    `records` keep the index 0, 1, 2 ... of the frame with their lines; one may be there more than once.
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
