"""Which record of this cut is which record of the previous one, also where an export has numbered its records anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pandas as pd

RECORD = "--RECORD"
# What tells a record apart from the others of its subject whatever its number, from the most telling on.
_EVENTS = {"AE": "AETERM", "MH": "MHTERM", "CE": "CETERM", "DV": "DVTERM", "DS": "DSDECOD"}
_TREATMENTS = {"CM": "CMTRT", "EX": "EXTRT", "PR": "PRTRT", "SU": "SUTRT"}
_FINDINGS = ("LB", "VS", "RS", "FA", "QS", "MB", "IS")


def natural_keys(code: str) -> list[list[str]]:
    """Columns that, beside USUBJID, tell the records of a domain apart without its --SEQ; none where there is none.

    | domain | first                     | then                 | last          |
    |--------|---------------------------|----------------------|---------------|
    | AE     | AESPID AETERM AESTDTC     | AETERM AESTDTC       | AESPID AETERM |
    | CM     | CMTRT CMSTDTC CMDOSE      | CMTRT CMSTDTC        |               |
    | LB     | LBTESTCD LBDTC VISIT      | LBTESTCD LBDTC       |               |
    """
    if code == "AE":
        return [["AESPID", "AETERM", "AESTDTC"], ["AETERM", "AESTDTC"], ["AESPID", "AETERM"]]
    if code in _EVENTS:
        return [[_EVENTS[code], f"{code}STDTC"]]
    if code in _TREATMENTS:
        return [[_TREATMENTS[code], f"{code}STDTC", f"{code}DOSE"], [_TREATMENTS[code], f"{code}STDTC"]]
    if code in _FINDINGS:
        return [
            [f"{code}CAT", f"{code}TESTCD", f"{code}DTC", "VISIT", f"{code}TPT"], [f"{code}TESTCD", f"{code}DTC"]
        ]  # fmt: skip
    return []


def match_records(code: str, old: pd.DataFrame, new: pd.DataFrame) -> list[tuple[int, int]]:
    """Positions (old, new) of the records that are the same; both frames are text with `subject` and RECORD.

    In this order, each only among records that are still unmatched:
    1. the same number and the same natural key;
    2. the same natural key, where it is unique on both sides: the export has numbered its records anew;
    3. the same number, where part of the natural key, the coded term or the end still agrees: it was corrected;
    4. the same key but for a date in it that was completed (`SSDTC=2025-05` to `SSDTC=2025-05-11`).
    What is left over has come or gone.
    """
    shared = [name for name in new.columns if name in old.columns]
    ladder = [[name for name in columns if name in shared] for columns in natural_keys(code)]
    ladder = [columns for columns in ladder if columns]
    matching = _Matching(old, new)
    if not ladder:
        matching.by([RECORD])
    else:
        matching.by([RECORD, *ladder[0]])
        for columns in ladder:
            matching.by(columns)
        coded = [name for name in (f"{code}DECOD", f"{code}ENDTC") if name in shared]
        matching.by([RECORD], agreeing=[*ladder[0], *coded])
    matching.by_completed_dates()
    return sorted(matching.pairs)


class _Matching:
    """The records that are matched so far, and those that are free."""

    def __init__(self, old: pd.DataFrame, new: pd.DataFrame) -> None:
        self._old, self._new = old, new
        self._free_old, self._free_new = list(range(len(old))), list(range(len(new)))
        self.pairs: list[tuple[int, int]] = []

    def by(self, columns: list[str], agreeing: Sequence[str] = ()) -> None:
        """Matches free records with equal, complete and unique values in these columns."""
        if not self._free_old or not self._free_new:
            return
        before = dict(_unique(self._old, self._free_old, columns))
        after = dict(_unique(self._new, self._free_new, columns))
        found = [(before[key], after[key]) for key in before if key in after]
        if agreeing:
            found = [pair for pair in found if self._agree(pair, agreeing)]
        self._take(found)

    def by_completed_dates(self) -> None:
        """Matches free records whose key differs only in a date that was completed."""
        open_ones: dict[str, list[int]] = {}
        for position in self._free_new:
            open_ones.setdefault(str(self._new["subject"].iat[position]), []).append(position)
        found = []
        for position in self._free_old:
            record = str(self._old[RECORD].iat[position])
            later = [
                other
                for other in open_ones.get(str(self._old["subject"].iat[position]), [])
                if record.rpartition(" ")[2].partition("=")[0].endswith("DTC")
                and str(self._new[RECORD].iat[other]).startswith(f"{record}-")
            ]
            found += [(position, later[0])] if len(later) == 1 else []
        self._take(found)

    def _agree(self, pair: tuple[int, int], columns: Sequence[str]) -> bool:
        old, new = pair
        return any(self._old[c].iat[old] == self._new[c].iat[new] != "" for c in columns)

    def _take(self, found: list[tuple[int, int]]) -> None:
        self.pairs += found
        old, new = {a for a, _ in found}, {b for _, b in found}
        self._free_old = [k for k in self._free_old if k not in old]
        self._free_new = [k for k in self._free_new if k not in new]


def _unique(frame: pd.DataFrame, free: list[int], columns: list[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Key and position of free records whose values in these columns are theirs alone, and not all blank."""
    values = [frame[name].tolist() for name in ("subject", *columns)]
    keys = list(zip(*([column[k] for k in free] for column in values), strict=True))
    counts = Counter(keys)
    whole = columns == [RECORD]  # DM has one record per subject, with a blank key
    for key, position in zip(keys, free, strict=True):
        if counts[key] == 1 and (whole or any(key[1:])):
            yield key, position
