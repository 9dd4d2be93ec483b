"""Values that a rule needs from elsewhere: a date as read, or what another dataset says of the same subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date
from trialbook.core.errors import UsageError

READS: Mapping[str, Callable[[pd.Series], pd.Series]] = {
    "": lambda values: values,
    "earliest": earliest_date,
    "latest": latest_date,
    "complete": complete_date,
}
TAKES = ("smallest", "largest", "count")
# The arguments of an expectation that may be a lookup.
COLUMN_KEYS = ("column", "column_A", "column_B")
KEYS = {"dataset", "column", "read", "take", "by", "where"}


@dataclass(frozen=True)
class Lookup:
    """A column that is joined to a dataset before its rules are evaluated.

    Without `dataset` it is a column of the dataset itself, read as a date. With it, the records of that dataset that
    have the same values in `by` (own column, other column) and fulfil `where` are looked up, and the `take` of their
    values is used: the smallest, the largest, or how many there are. With an empty `by` every record belongs to each.
    """

    column: str
    read: str = ""
    dataset: str = ""
    take: str = "smallest"
    by: tuple[tuple[str, str], ...] = (("USUBJID", "USUBJID"),)
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def name(self) -> str:
        """Name of the joined column: what it is, in words.

        >>> Lookup("DTHDTC", read="date", dataset="dm").name
        'DM.DTHDTC (date, smallest)'
        """
        place = f"{self.dataset.upper()}." if self.dataset else ""
        how = [self.read] if self.read else []
        how += [self.take] if self.dataset else []
        how += [f"{column} {'/'.join(values)}" for column, values in self.where]
        how += [own for own, _ in self.by if own != "USUBJID"] if self.by else ["all"]
        return f"{place}{self.column}" + (f" ({', '.join(how)})" if how else "")

    def missing(self, frame: pd.DataFrame, datasets: Mapping[str, pd.DataFrame]) -> str:
        """What is not there to look up (`dm` or `dm.DTHDTC`), or blank.

        >>> ae = pd.DataFrame({"USUBJID": ["001"]})
        >>> Lookup("DTHDTC", dataset="dm").missing(ae, {"dm": ae}), Lookup("USUBJID").missing(ae, {})
        ('dm.DTHDTC', '')
        """
        if not self.dataset:
            return "" if self.column in frame.columns else self.column
        other = datasets.get(self.dataset)
        if other is None:
            return self.dataset
        wanted = [self.column, *(theirs for _, theirs in self.by), *(column for column, _ in self.where)]
        absent = [f"{self.dataset}.{name}" for name in wanted if name not in other.columns]
        absent += [own for own, _ in self.by if own not in frame.columns]
        return absent[0] if absent else ""

    def values(self, frame: pd.DataFrame, datasets: Mapping[str, pd.DataFrame]) -> pd.Series:
        """The looked-up value of each record of the frame; missing where no record is found (0 for `count`).

        >>> ae = pd.DataFrame({"USUBJID": ["001", "002"]})
        >>> dm = pd.DataFrame({"USUBJID": ["001"], "ARMCD": ["DL1"]})
        >>> Lookup("ARMCD", dataset="dm", take="count").values(ae, {"dm": dm}).tolist()
        [1.0, 0.0]
        """
        if not self.dataset:
            return READS[self.read](frame[self.column])
        rows = datasets[self.dataset]
        for column, wanted in self.where:
            rows = rows[rows[column].astype("str").isin(wanted)]
        values = READS[self.read](rows[self.column])
        known = values.groupby(_keys(rows, [theirs for _, theirs in self.by]))
        found = {"smallest": known.min, "largest": known.max, "count": known.count}[self.take]()
        looked_up = found.reindex(_keys(frame, [own for own, _ in self.by])).set_axis(frame.index)
        return looked_up.fillna(0) if self.take == "count" else looked_up


def parse_lookup(entry: Any, place: str) -> Lookup:
    """The lookup of a contract file; raises UsageError, naming the rule, for one that cannot be understood.

    >>> parse_lookup({"column": "DTHDTC", "dataset": "dm"}, "ae.AEENDTC.not_after_death").by
    (('USUBJID', 'USUBJID'),)
    """
    by, where = entry.get("by", ["USUBJID"]), entry.get("where", {})
    formed = (
        set(entry) <= KEYS and entry.get("column") and entry.get("read", "") in list(READS)
        and entry.get("take", "smallest") in TAKES and isinstance(by, list | Mapping)
        and isinstance(where, Mapping) and all(isinstance(values, list) for values in where.values())
    )  # fmt: skip
    if not formed:
        raise UsageError(
            f"the lookup {dict(entry)} cannot be understood", rule=place,
            next_step=f"use the keys {', '.join(sorted(KEYS))}; read {', '.join(filter(None, READS))}; "
            f"take {', '.join(TAKES)}; by is a list of columns, where has a list of values for each column",
        )  # fmt: skip
    return Lookup(
        column=str(entry["column"]),
        read=entry.get("read", ""),
        dataset=entry.get("dataset", ""),
        take=entry.get("take", "smallest"),
        by=_pairs(by),
        where=tuple((column, tuple(map(str, values))) for column, values in where.items()),
    )


def joined(frame: pd.DataFrame, lookups: list[Lookup], datasets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The frame with one more column per lookup."""
    return frame.assign(**{lookup.name: lookup.values(frame, datasets) for lookup in lookups})


def _pairs(by: Any) -> tuple[tuple[str, str], ...]:
    return tuple(by.items()) if isinstance(by, Mapping) else tuple((name, name) for name in by)


def _keys(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """One text key per record; missing where any part is, so that what has no key matches nothing."""
    if not columns:
        return pd.Series("", index=frame.index, dtype="str")
    key = frame[columns[0]].astype("str")
    for name in columns[1:]:
        key = key + "\x1f" + frame[name].astype("str")
    return key
