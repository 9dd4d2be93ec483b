"""How an export has changed since the previous cut: columns, kinds of values, codes and units (P34)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from trialbook.cleaning.columns import kind_of
from trialbook.core.dates import DTC_PATTERN
from trialbook.core.described import described
from trialbook.core.messages import enumerated, joined, msg

COLUMNS = ["domain", "column", "change", "before", "now"]
_DATE, _YEAR = re.compile(DTC_PATTERN.pattern.strip("^$")), re.compile(r"[0-9]{1,4}")
_NUMBER = re.compile(r"[<>]?\s*[+-]?[0-9]+(?:[.,][0-9]+)?")
# Fewer values than this say nothing of the kind of a column.
_FEW = 3
# A share of the values that two columns must have in common, or that must be of one kind.
_MOST = 0.8
_CODED = re.compile(r"(TESTCD|CAT|EVAL|QNAM|SEX|STAT)$")


def export_drift(previous: Mapping[str, pd.DataFrame], current: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What differs in the shape of two exports: domain, column, change, before, now.

    Both mappings hold the domains as text or clean, by code. Only what can be shown is shown: names of columns, codes
    and units, never free text.

    | change                | means                                                                        |
    |-----------------------|------------------------------------------------------------------------------|
    | new domain, lost domain | a whole domain came or went                                                |
    | new column            | a column that was not delivered before                                       |
    | lost column           | a column with values that is not delivered any more, or is empty throughout  |
    | renamed column        | a lost and a new column that hold the same values                            |
    | other kind of values  | numbers became text, dates another format                                    |
    | new code              | a code that this column never held                                           |
    | new unit              | a unit that this test never had                                              |
    """
    rows = [
        row
        for code in sorted({*previous, *current})
        for row in _domain_drift(code, previous.get(code), current.get(code))
    ]
    labels = {
        "domain": msg("Domain"), "column": msg("Variable"), "change": msg("Change"), "before": msg("Before"),
        "now": msg("Now"),
    }  # fmt: skip
    drift = pd.DataFrame(rows, columns=COLUMNS, dtype="str")
    return described(drift, labels=labels, empty=msg("The shape of the data has not changed."))


def drift_sentence(found: pd.DataFrame, previous_cut: str | None, *, known: bool) -> str:
    """Whether the export still has the shape of the previous one, or why that cannot be said."""
    if not previous_cut or not known:
        return msg("There is no previous export to compare the shape of this one with.")
    if found.empty:
        return msg(
            "The export has the same columns, kinds of values, codes and units as at the cut {previous_cut}.",
            previous_cut=previous_cut,
        )
    counts = found["change"].value_counts().sort_index()
    listed = enumerated([joined([kind, str(n)], ": ") for kind, n in counts.items()])
    return msg("Against the export of {previous_cut}: {listed}.", previous_cut=previous_cut, listed=listed)


def _domain_drift(
    code: str, old: pd.DataFrame | None, new: pd.DataFrame | None
) -> Iterator[tuple[str, str, str, str, str]]:
    if old is None or new is None:
        if old is not None or new is not None:
            yield code, "", "new domain" if old is None else "lost domain", "", ""
        return
    if old.empty or new.empty:
        return  # nothing to compare: a domain grows from no record to the first
    came = [name for name in new.columns if name not in old.columns]
    gone = [name for name in old.columns if old[name].notna().any() and not _filled(new, name)]
    renamed = dict(_renamed(old, new, gone, came))
    for name in gone:
        change = "renamed column" if name in renamed else "lost column"
        yield code, name, change, name, renamed.get(name, "")
    for name in came:
        if name not in renamed.values():
            yield code, name, "new column", "", name
    for name in [name for name in new.columns if name in old.columns and name not in gone]:
        before, now = _kind(old[name]), _kind(new[name])
        if before and now and before != now:
            yield code, name, "other kind of values", before, now
        if kind_of(code, name) in ("code", "unit") or _CODED.search(name):
            yield from _new_codes(code, name, old[name], new[name])
    yield from _new_units(code, old, new)


def _filled(frame: pd.DataFrame, name: str) -> bool:
    return name in frame.columns and bool(frame[name].notna().any())


def _renamed(old: pd.DataFrame, new: pd.DataFrame, gone: list[str], came: list[str]) -> Iterator[tuple[str, str]]:
    """Lost columns with the new column that holds most of their values; each new column is taken once."""
    free = list(came)
    for name in gone:
        values = set(old[name].dropna().astype("str"))
        shares = {other: len(values & set(new[other].dropna().astype("str"))) / len(values) for other in free}
        best = max(free, key=lambda other: shares[other], default=None)
        if best is not None and len(values) > 1 and shares[best] >= _MOST:
            free.remove(best)
            yield name, best


def _kind(values: pd.Series) -> str:
    """Whether a column holds numbers, ISO dates or text; blank when it holds too little to say."""
    codes, different = pd.factorize(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(different)).tolist()
    total, known = sum(counts), list(zip(pd.Series(different).astype("str").tolist(), counts, strict=True))
    if total < _FEW:
        return ""

    def share(pattern: re.Pattern[str]) -> float:
        return sum(n for text, n in known if pattern.fullmatch(text)) / total

    for name, pattern in (("dates", _DATE), ("numbers", _NUMBER)):
        if share(pattern) >= _MOST:
            # A year alone is a number and a date; the other values decide.
            return "numbers" if name == "dates" and share(_YEAR) >= _MOST else name
    return "text"


def _new_codes(code: str, name: str, old: pd.Series, new: pd.Series) -> Iterator[tuple[str, str, str, str, str]]:
    known = set(old.dropna().astype("str"))
    if name.endswith(("ORRESU", "STRESU")) or not known:
        return  # units are judged by test
    for value in sorted(set(new.dropna().astype("str")) - known):
        yield code, name, msg("new code"), ", ".join(sorted(known)[:6]), value


def _new_units(code: str, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[tuple[str, str, str, str, str]]:
    test, unit = f"{code}TESTCD", f"{code}ORRESU"
    if not {test, unit} <= set(old) & set(new):
        return
    before = old.dropna(subset=[test, unit]).groupby(test)[unit].unique()
    now = new.dropna(subset=[test, unit]).groupby(test)[unit].unique()
    for name in [name for name in now.index if name in before.index]:
        for value in sorted(set(now[name]) - set(before[name])):
            yield code, unit, "new unit", f"{name}: {', '.join(sorted(before[name]))}", f"{name}: {value}"
