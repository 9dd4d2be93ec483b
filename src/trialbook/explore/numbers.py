"""A number of the results, however it is named, and the records behind it.

A number is named by a row of the results, by a dict of their columns, or in words: the analysis first, then whatever
else tells it from others, as in `ORR_D28 / DL2 / n` or `TEAE_OVERVIEW SAE`. A pandas query does as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from trialbook.analyses.population import PUBLISHED
from trialbook.analyses.selection import select
from trialbook.core.errors import UsageError
from trialbook.efficacy.baseline_groups import baseline_groups
from trialbook.explore.names import no_such
from trialbook.records_behind import ResultNumber, Studied, lines_of, records_behind
from trialbook.records_behind.find import PENDING, RULES, WITHOUT
from trialbook.results.ard import KEYS, TOTAL

# A row of the results, a frame of one row, a dict of their columns, words, or a pandas query.
Number: TypeAlias = "pd.Series | pd.DataFrame | Mapping[str, Any] | str"
# What tells numbers of one analysis apart, in the order in which they are named.
PARTS = tuple(name for name in KEYS if name != "analysis_id")
# What a title names a number by.
_NAMING = ("analysis_id", "variable", "variable_level", "context", "group1_level", "stat_name")
# Of one number, the statistic that is meant where none is named.
FIRST = ("n", "estimate", "advice", "N")
COUNTED = "COUNTFL"
# How the context of a sensitivity analysis begins.
BESIDE = "sens:"
# Analyses whose N is the set that their rule of records names; of the others it is the declared set of subjects.
SET_OF_THE_RULE = ("adrsp28", "adrs", "addlt", "adtte", "adct")
NOT_THE_RULES = (
    "These are the records of the main analysis; the number was counted by another choice of rules, or by what no "
    "record says alone."
)
_QUERY = re.compile(r"[=<>!]=|[<>]| in \[")


def numbers_named(ard: pd.DataFrame, named: Number, names: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The rows of the results that are meant; never none. `names`: what `@name` in a query means.

    Raises UsageError that lists what exists for an analysis, level, variable or statistic that does not.

    >>> columns = ["analysis_id", "group1_level", "variable", "variable_level", "context", "stat_name"]
    >>> ard = pd.DataFrame([["DLT_RATE", level, "DLT", "", "", "n"] for level in ("DL1", "Total")], columns=columns)
    >>> numbers_named(ard, "DLT_RATE / DL1")["group1_level"].tolist()
    ['DL1']
    """
    if isinstance(named, pd.DataFrame):
        named = named.iloc[0] if len(named) == 1 else named.to_dict("list")
        if isinstance(named, dict):
            raise _several(pd.DataFrame(named))
    if isinstance(named, str):
        return _by_query(ard, named, names) if _QUERY.search(named) else _by_words(ard, named)
    if not isinstance(named, (Mapping, pd.Series)):
        raise UsageError(
            "a number of the results is named in words, or by a row of cut.ard", value=named,
            next_step="write cut.records(\"ORR_D28 / DL2\"), or cut.records(cut.ard.iloc[0])",
        )  # fmt: skip
    wanted = {str(key): value for key, value in named.items() if key in ard.columns}
    keys = {key: "" if value is None or pd.isna(value) else str(value) for key, value in wanted.items() if key in KEYS}
    if "analysis_id" not in keys:
        raise UsageError(
            "this row names no analysis", column="analysis_id",
            next_step="take a row of cut.ard, or name the number, as in 'ORR_D28 / Total'",
        )  # fmt: skip
    found = ard
    for key in KEYS:
        if key in keys:
            rest = found[found[key].fillna("").eq(keys[key])]
            if rest.empty:
                raise no_such(_word(key), keys[key], _values(found, key))
            found = rest
    return found


def one_number(ard: pd.DataFrame, named: Number, names: Mapping[str, Any] | None = None) -> pd.Series:
    """The one number that is meant: in Total, and n before other statistics, where these are not named.

    Raises UsageError, listing them, where several are left.
    """
    found = numbers_named(ard, named, names)
    if found["group1_level"].nunique() > 1 and found["group1_level"].eq(TOTAL).any():
        found = found[found["group1_level"].eq(TOTAL)]
    # What is said of a whole class comes before its terms, and the main analysis before those beside it.
    for column, first in (("variable_level", ""), ("context", "")):
        here = found[column].fillna("").eq(first)
        found = found[here] if here.any() else found
    beside = found["context"].fillna("").str.startswith(BESIDE)
    found = found[~beside] if not beside.all() else found
    if found["stat_name"].nunique() > 1:
        stat = next((name for name in FIRST if found["stat_name"].eq(name).any()), found["stat_name"].iloc[0])
        found = found[found["stat_name"].eq(stat)]
    if len(found) > 1 and found["stat_text"].nunique() == 1 and found["context"].nunique() == len(found):
        # One count under several methods of an interval.
        found = found.head(1)
    if len(found) > 1:
        raise _several(found)
    return found.iloc[0]


def records_of(row: pd.Series, studied: Studied) -> pd.DataFrame:
    """The records behind one number, as rows of their analysis dataset.

    Of a count (n, events) those counted; of N the set that it is taken of; of pending those who wait; of any other
    statistic the whole set. COUNTFL (Y or blank) says which are counted, of N all, of n.risk those at risk; SUBJID
    comes first. A row without `stat` is of other keys, or of some subjects. `attrs`: the `dataset`, and a `note` where
    these are records of the main analysis and another choice of rules counts otherwise.
    Raises UsageError where no record is behind such a number, and says why.
    """
    analysis, level, *rest, stat = ("" if pd.isna(row[name]) else str(row[name]) for name in KEYS)
    number = ResultNumber(analysis, level, *rest)
    if analysis not in RULES:
        raise _without(analysis)
    if stat == "pending":
        return _pending(number, studied)
    found = records_behind(number, studied)
    # A group of nobody has no records, yet its rule still says which dataset its set is of.
    ruled = RULES[analysis](number, studied) if stat == "N" else None
    if stat == "N" and (ruled is None or ruled[0] not in SET_OF_THE_RULE):
        return _declared_set(number, studied)
    if found is None and row["stat"] > 0:
        raise UsageError(
            f"no rule names the records behind {analysis} {number.variable}: it is computed for each subject",
            next_step="look at the datasets that the notebook of this analysis reads",
        )  # fmt: skip
    if found is None:
        return _lines("adsl", [], 0, studied)
    if stat == "n.risk":
        return _at_risk(number, found.dataset, found.rows, studied)
    counting, whole = stat in ("n", "events", "n.event"), len(found.rows)
    # Of N every record of the set is counted.
    counted = whole if stat == "N" else found.counted
    frame = _lines(found.dataset, found.rows[: found.counted] if counting else found.rows, counted, studied)
    size = len(frame) if stat == "events" else frame["USUBJID"].nunique()
    # Under other keys, or of some subjects, there is no published number to compare with.
    if (counting or stat == "N") and pd.notna(row["stat"]) and size != row["stat"]:
        frame = _lines(found.dataset, found.rows, 0 if counting else counted, studied)
        frame.attrs["note"] = NOT_THE_RULES
    return frame


def _lines(dataset: str, places: Sequence[int], counted: int, studied: Studied) -> pd.DataFrame:
    """Rows of a dataset, the columns to read first and all others behind them."""
    whole = studied.frame(dataset)
    read = lines_of(dataset, studied)[0]
    frame = read.join(whole[[name for name in whole if name not in read]]).iloc[list(places)].reset_index(drop=True)
    flags = pd.Series(["Y" if k < counted else "" for k in range(len(frame))], dtype="str")
    frame.insert(1, COUNTED, flags)
    frame.attrs["dataset"] = dataset
    return frame


def _pending(number: ResultNumber, studied: Studied) -> pd.DataFrame:
    dataset = "adrs" if number.variable in set(studied.frame("adrs")["PARAMCD"]) - {"RSP28"} else "adrsp28"
    frame = studied.frame(dataset)
    here = frame["AVALC"].eq(PENDING)
    if number.analysis_id == "ORR_GROUP":
        here &= baseline_groups(frame)[number.variable, number.variable_level]
    elif dataset == "adrs":
        here &= frame["PARAMCD"].eq(number.variable)
    if number.group1_level != TOTAL:
        here &= frame["TRT01A"].eq(number.group1_level)
    places = here.to_numpy().nonzero()[0].tolist()
    return _lines(dataset, places, len(places), studied)


def _at_risk(number: ResultNumber, dataset: str, rows: Sequence[int], studied: Studied) -> pd.DataFrame:
    """The subjects of a curve, those at risk just before the day first, and marked: whose time is that day or later."""
    time, day = studied.frame(dataset)["AVAL"], float(number.variable_level)
    still = [k for k in rows if time.iloc[k] >= day]
    return _lines(dataset, [*still, *(k for k in rows if k not in set(still))], len(still), studied)


def _declared_set(number: ResultNumber, studied: Studied) -> pd.DataFrame:
    """The subjects of the set over which an analysis is declared; those treated where none is."""
    adsl = studied.frame("adsl")
    condition = PUBLISHED[number.analysis_id].condition if number.analysis_id in PUBLISHED else ""
    here = select(adsl, condition or "SAFFL == 'Y'").yes
    if number.group1_level != TOTAL:
        here &= studied.level_of("adsl", "TRT01A").eq(number.group1_level)
    places = here.to_numpy().nonzero()[0].tolist()
    return _lines("adsl", places, len(places), studied)


def _by_query(ard: pd.DataFrame, query: str, names: Mapping[str, Any] | None) -> pd.DataFrame:
    found = ard[select(ard.fillna(dict.fromkeys(KEYS, "")), query, names).yes]
    if found.empty:
        raise UsageError(
            "no number of the results fits this query", value=query,
            next_step=f"the analyses are {', '.join(_values(ard, 'analysis_id'))}",
        )  # fmt: skip
    return found


def _by_words(ard: pd.DataFrame, words: str) -> pd.DataFrame:
    """Rows by the analysis and, in any order, what else tells them apart; a part that no column holds is an error."""
    parts = [part.strip() for part in (words.split("/") if "/" in words else words.split()) if part.strip()]
    if not parts:
        raise no_such("analysis", words, _values(ard, "analysis_id"))
    analyses = _values(ard, "analysis_id")
    analysis = next((name for name in analyses if name.lower() == parts[0].lower()), None)
    if analysis is None:
        raise no_such("analysis", parts[0], analyses)
    found = ard[ard["analysis_id"].eq(analysis)]
    for part in parts[1:]:
        # Letter by letter first: n and N are two statistics.
        fits = [found[name].fillna("").eq(part) for name in PARTS]
        if not any(fit.any() for fit in fits):
            fits = [found[name].fillna("").str.lower().eq(part.lower()) for name in PARTS]
        here = next((fit for fit in fits if fit.any()), None)
        if here is None:
            known = dict.fromkeys(value for name in PARTS for value in _values(found, name))
            raise no_such(f"part of {analysis}", part, known)
        found = found[here]
    return found


def _values(frame: pd.DataFrame, column: str) -> list[str]:
    return [value for value in dict.fromkeys(frame[column].fillna("").astype("str")) if value]


def _word(key: str) -> str:
    return {"analysis_id": "analysis", "group1_level": "group", "stat_name": "statistic"}.get(key, key)


def _several(found: pd.DataFrame) -> UsageError:
    names = [key for key in KEYS if key in found]
    varying = [key for key in names[1:] if found[key].nunique() > 1]
    shown = [" / ".join(str(row[key]) or "(blank)" for key in varying) for _, row in found.head(8).iterrows()]
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    return UsageError(
        f"{len(found)} numbers are meant; they differ in {', '.join(map(_word, varying))}: {'; '.join(shown)}{more}",
        next_step="name one of them, or pass one row",
    )  # fmt: skip


def _without(analysis: str) -> UsageError:
    why = WITHOUT.get(analysis, "its numbers are computed from other numbers")
    return UsageError(
        f"no record is behind the numbers of {analysis}: {why}",
        next_step=f"records are behind those of {', '.join(sorted(RULES))}",
    )  # fmt: skip


def name_of(row: pd.Series) -> str:
    """A row of the results by the columns that name it.

    >>> import pandas as pd
    >>> name_of(pd.Series({**dict.fromkeys(_NAMING, ""), "analysis_id": "ORR_D28", "stat_name": "n"}))
    'ORR_D28 / n'
    """
    return " / ".join(str(row[name]) for name in _NAMING if row[name] not in ("", None))
