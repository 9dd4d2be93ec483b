"""Values that a rule needs from elsewhere: a date as read, or what another dataset says of the same subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date
from trialbook.core.errors import UsageError
from trialbook.protocol.models import Protocol

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


# ----------------------------------------------------------------------------------------------------
# Lists of codes that follow from the protocol file: a new criterion then needs no new contract.


# The lists by name, each with what it holds in words.
LISTS = {
    "criteria": "the criteria of the protocol, each part of one by itself",
    "form_criteria": "the criteria of the protocol",
    "dose_levels": "the dose levels of the protocol",
}
_COLUMNS = {"criteria": "CRITCD", "form_criteria": "IETESTCD", "dose_levels": "TRT01A"}


def protocol_lists(protocol: Protocol) -> dict[str, pd.DataFrame]:
    """Each list as a dataset of one column, by the name under which rules refer to it (`protocol/criteria`).

    Columns: CRITCD, the audit columns; IETESTCD, the ids of the criteria, as the eligibility form has them; TRT01A, the
    ids of the dose levels.
    """
    codes = {
        "criteria": protocol.audit_columns,
        "form_criteria": [criterion.id for criterion in protocol.criteria],
        "dose_levels": protocol.level_ids,
    }
    return {f"protocol/{name}": pd.DataFrame({_COLUMNS[name]: pd.Series(codes[name], dtype="str")}) for name in LISTS}


def codes_of(codelist: Any, datasets: Mapping[str, pd.DataFrame]) -> list[str] | None:
    """The values of a code list of a contract; None where it follows from a protocol that is not at hand.

    >>> codes_of(["Y", "N"], {})
    ['Y', 'N']
    >>> codes_of({"protocol": "dose_levels", "also": [""]}, {}) is None
    True
    >>> codes_of({"protocol": "dose_levels", "also": [""]}, {"protocol/dose_levels": pd.DataFrame({"TRT01A": ["DL1"]})})
    ['DL1', '']
    """
    if not isinstance(codelist, Mapping):
        return list(codelist or [])
    frame = datasets.get(f"protocol/{codelist['protocol']}")
    return None if frame is None else [*frame.iloc[:, 0].tolist(), *codelist.get("also", [])]


def codes_in_words(codelist: Any) -> str:
    """A code list as a person reads it.

    >>> codes_in_words(["Y", ""])
    'Y, (blank)'
    """
    if not isinstance(codelist, Mapping):
        return ", ".join(str(code) or "(blank)" for code in codelist or [])
    return ", ".join([LISTS[codelist["protocol"]], *(str(code) or "(blank)" for code in codelist.get("also", []))])


def is_code_list(codelist: Any) -> bool:
    """Whether it is a list of values, or a list of the protocol with further values.

    >>> is_code_list(["Y", "N"]), is_code_list({"protocol": "dose_levels"}), is_code_list("Y")
    (True, True, False)
    """
    if not isinstance(codelist, Mapping):
        return isinstance(codelist, Sequence) and not isinstance(codelist, str)
    return (
        codelist.get("protocol") in list(LISTS)
        and set(codelist) <= {"protocol", "also"}
        and isinstance(codelist.get("also", []), list)
    )
