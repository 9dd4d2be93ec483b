"""Laboratory results of LB against the file of the central laboratory, and reference ranges from a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.core.units import plain_unit, si_factor
from trialbook.protocol.conduct import Reconciliation
from trialbook.queries.query_list import Query
from trialbook.reconciliation.serious_events import TEXTS, as_listed, line_names

# ----------------------------------------------------------------------------------------------------
# Results by subject, test and date.

_NUMBER = r"([<>]?=?)\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"


def laboratory_queries(
    domains: Domains, central: pd.DataFrame, cut_date: pd.Timestamp, rules: Reconciliation, file: str
) -> list[Query]:  # fmt: skip
    """What LB at the cut and the central laboratory say differently.

    `central`: columns of `snapshot.external.COLUMNS`, read as LB is, of `file`. A row without a subject is asked about.
    A row after the cut, without a complete date or without a result is not compared; it may be the one that a result of
    LB lacks, so that is not asked. Two results are one when subject and test are the same and the dates lie within
    `result_days`: the nearest dates first, then the nearest values. Values are compared in the SI unit where both units
    are known, and as they are where the units are the same (a missing unit is taken for the other side's); numbers may
    differ by `result_share` of the central one, words not at all. A result of LB is missed in the file only where that
    has results of the test for the subject within the days of these; results of tests that the central laboratory does
    not make are no matter.
    """
    lb = _results(domains["LB"].reset_index(drop=True))
    theirs = central.reset_index(names="LINE")
    theirs["LINE"] = line_names(file, theirs["LINE"])
    theirs = _results(theirs.assign(USUBJID=as_listed(theirs["USUBJID"], domains["DM"])))
    known = set(domains["DM"]["USUBJID"])
    unknown = theirs[theirs["USUBJID"].notna() & ~theirs["USUBJID"].isin(known)].drop_duplicates("USUBJID")
    asked = [
        TEXTS.query("RECON-SUBJECT-UNKNOWN", str(row.USUBJID), "LB", observed=row.USUBJID)
        for row in unknown.itertuples()
    ]
    asked += [
        TEXTS.query("RECON-NO-SUBJECT", "", "LB", record=row.LINE, observed=_shown(row), recipient="laboratory")
        for row in theirs[theirs["USUBJID"].isna()].itertuples()
    ]  # fmt: skip
    undated = pd.MultiIndex.from_frame(theirs.loc[theirs["DAY"].isna(), _KEY])
    theirs = theirs[theirs["USUBJID"].isin(known) & (theirs["DAY"] <= cut_date)]
    own = lb[lb["DAY"].notna() & lb["LBORRES"].notna()]
    own = own[pd.MultiIndex.from_frame(own[_KEY]).isin(pd.MultiIndex.from_frame(theirs[_KEY].drop_duplicates()))]
    pairs = _paired(own, theirs, rules.result_days)
    for mine, other in pairs:
        asked += _different(own.loc[mine], theirs.loc[other], rules.result_share)
    own = own[~pd.MultiIndex.from_frame(own[_KEY]).isin(undated) | own.index.isin([mine for mine, _ in pairs])]
    matched, reported = {mine for mine, _ in pairs}, {other for _, other in pairs}
    asked += [
        TEXTS.query("RECON-LB-NOT-CENTRAL", row.USUBJID, "LB", record=_record(row), observed=_shown(row))
        for row in own.itertuples() if row.Index not in matched
    ]  # fmt: skip
    asked += [
        TEXTS.query("RECON-LB-NOT-IN-LB", row.USUBJID, "LB", record=row.SAMPLE, observed=_shown(row))
        for row in theirs.assign(SAMPLE=_samples(theirs)).itertuples()
        if row.Index not in reported and pd.notna(row.LBORRES)
    ]  # fmt: skip
    return asked


_KEY = ["USUBJID", "LBTESTCD"]


def _results(frame: pd.DataFrame) -> pd.DataFrame:
    """The results with their day, number, sign and factor to the SI unit."""
    parts = frame["LBORRES"].str.extract(rf"^\s*{_NUMBER}\s*$")
    test = frame["LBTESTCD"].str.strip().str.upper()
    return frame.assign(
        LBTESTCD=test, DAY=complete_date(frame["LBDTC"]), SIGN=parts[0].fillna("").astype("str"),
        NUMBER=pd.to_numeric(parts[1], errors="coerce"), FACTOR=si_factor(test, frame["LBORRESU"]),
        UNIT=plain_unit(frame["LBORRESU"]),
    )  # fmt: skip


def _samples(results: pd.DataFrame) -> pd.Series:
    """How a question names results of a file of others: by test and date, which stay when the next file comes."""
    named = "LBTESTCD=" + results["LBTESTCD"].fillna("") + " LBDTC=" + results["LBDTC"].fillna("")
    number = results.groupby([results["USUBJID"], named]).cumcount()
    return named.where(number.eq(0), named + " (" + (number + 1).astype("str") + ")")


def _paired(own: pd.DataFrame, theirs: pd.DataFrame, days: int) -> list[tuple[Any, Any]]:
    """The pairs of one result, by their row labels."""
    both = own.reset_index(names="OWN")[[*_KEY, "OWN", "DAY", "NUMBER"]].merge(
        theirs.reset_index(names="THEIRS")[[*_KEY, "THEIRS", "DAY", "NUMBER"]], on=_KEY
    )
    apart = (both["DAY_x"] - both["DAY_y"]).dt.days.abs()
    near = both.assign(APART=apart, FAR=(both["NUMBER_x"] - both["NUMBER_y"]).abs())[apart <= days]
    pairs, used, done = [], set(), set()
    for row in near.sort_values(["APART", "FAR", "OWN", "THEIRS"], kind="stable").itertuples():
        if row.OWN not in used and row.THEIRS not in done:
            used.add(row.OWN)
            done.add(row.THEIRS)
            pairs.append((row.OWN, row.THEIRS))
    return sorted(pairs)


def _different(mine: pd.Series, other: pd.Series, share: float) -> Iterator[Query]:
    if pd.isna(other["LBORRES"]):
        return
    seen = f"{_shown(mine)}; {_shown(other)}"
    if pd.isna(mine["NUMBER"]) or pd.isna(other["NUMBER"]):
        words = [" ".join(str(side["LBORRES"]).split()).casefold() for side in (mine, other)]
        if words[0] != words[1]:
            yield TEXTS.query("RECON-LB-VALUE-DIFFERS", mine["USUBJID"], "LB", record=_record(mine), observed=seen)
        return
    same_unit = mine["UNIT"] == other["UNIT"] or not mine["UNIT"] or not other["UNIT"]
    factors = (1.0, 1.0) if same_unit else (mine["FACTOR"], other["FACTOR"])
    if any(pd.isna(factor) for factor in factors):
        yield TEXTS.query("RECON-LB-UNIT-UNCOMPARED", mine["USUBJID"], "LB", record=_record(mine), observed=seen)
        return
    one, two = mine["NUMBER"] * factors[0], other["NUMBER"] * factors[1]
    # What binary arithmetic adds to a difference of exactly the share is no difference.
    if mine["SIGN"] != other["SIGN"] or abs(one - two) > share * abs(two) * (1 + 1e-9) + 1e-12:
        yield TEXTS.query("RECON-LB-VALUE-DIFFERS", mine["USUBJID"], "LB", record=_record(mine), observed=seen)


def _record(row: Any) -> str:
    number = getattr(row, "LBSEQ", None)
    return "" if number is None or pd.isna(number) else f"LBSEQ={number}"


def _shown(row: Any) -> str:
    """Test, result, unit and date of a record."""
    return " ".join(str(v) for v in (row.LBTESTCD, row.LBORRES, row.LBORRESU, row.LBDTC) if pd.notna(v))


# ----------------------------------------------------------------------------------------------------
# Reference ranges by laboratory, test, sex, age and date.


class Filling(NamedTuple):
    """One limit that the table of reference ranges gives a record without it: its row, the variable, the value."""

    row: int
    column: str
    value: str


LIMITS = ("LBORNRLO", "LBORNRHI")


def reference_limits(
    lb: pd.DataFrame, dm: pd.DataFrame, ranges: pd.DataFrame, file: str
) -> tuple[list[Filling], list[Query]]:  # fmt: skip
    """The limits that a table of reference ranges gives the records of LB that have none, and questions.

    All of it text as it was cleaned. `ranges`: columns of `snapshot.external.COLUMNS`, of `file`; a row with its lower
    limit above its upper one is asked about and not used. AGELO and AGEHI in completed
    years and FROM and TO as dates are inclusive, and what is blank holds for everybody. A row of the table fits a
    record by test, unit (where the table gives one), laboratory (where both give one), sex, age on the day of the
    sample (by the birth date, else DM.AGE) and date; a condition that cannot be judged is not met. Records without any
    limit are filled where one range fits; where several fit that differ, or where a record's own limits are others than
    those of the table, that is asked, and the record's own stay.
    """
    people = dm.drop_duplicates("USUBJID").set_index("USUBJID").reindex(lb["USUBJID"]).set_axis(lb.index)
    day = complete_date(lb["LBDTC"])
    rows = pd.DataFrame({
        "TEST": lb["LBTESTCD"].str.strip().str.upper(), "UNIT": plain_unit(lb["LBORRESU"]), "DAY": day,
        "LAB": _plain(lb["LBNAM"]) if "LBNAM" in lb else pd.Series("", index=lb.index, dtype="str"),
        "SEX": _plain(people["SEX"]) if "SEX" in people else pd.Series("", index=lb.index, dtype="str"),
        "AGE": _age(people, day),
    })  # fmt: skip
    low, high = (pd.to_numeric(ranges[name], errors="coerce") for name in LIMITS)
    reversed_rows = ranges.index[low > high]
    asked = [
        TEXTS.query(
            "P15-RANGE-REVERSED", "", "LB", record=line,
            observed=" ".join(str(ranges.at[row, name]) for name in ("LBTESTCD", *LIMITS)),
        )
        for row, line in zip(reversed_rows, line_names(file, reversed_rows), strict=True)
    ]  # fmt: skip
    by_test: dict[str, list[_Range]] = {}
    for one in _ranges(ranges.drop(index=reversed_rows)):
        by_test.setdefault(one.test, []).append(one)
    filled: list[Filling] = []
    own = {name: pd.to_numeric(lb[name], errors="coerce") for name in LIMITS if name in lb}
    for row in rows.itertuples():
        fitting = {(one.low, one.high) for one in by_test.get(str(row.TEST), ()) if one.fits(row)}
        if not fitting:
            continue
        has = {name: values.at[row.Index] for name, values in own.items() if pd.notna(values.at[row.Index])}
        record, subject = _record(lb.loc[row.Index]), str(lb.at[row.Index, "USUBJID"])
        if len(fitting) > 1:
            if not has:
                seen = ", ".join(sorted(f"{low} to {high}" for low, high in fitting))
                asked.append(TEXTS.query("P15-RANGE-SEVERAL", subject, "LB", record=record, observed=seen))
            continue
        table = dict(zip(LIMITS, next(iter(fitting)), strict=True))
        if not has:
            filled += [Filling(row.Index, name, text) for name, text in table.items() if text]
        elif any(not table[name] or float(table[name]) != value for name, value in has.items()):
            seen = "; ".join(
                " to ".join(side)
                for side in ([f"{has[name]:g}" if name in has else "" for name in LIMITS], list(table.values()))
            )
            asked.append(TEXTS.query("P15-LIMIT-DIFFERS", subject, "LB", record=record, observed=seen))
    return filled, asked


class _Range(NamedTuple):
    """One row of the table of reference ranges; what is blank or missing holds for everybody."""

    test: str
    unit: str
    lab: str
    sex: str
    ages: tuple[float, float]
    days: tuple[Any, Any]
    low: str
    high: str

    def fits(self, row: Any) -> bool:
        """Whether the range holds for a record."""
        limited = self.ages != _EVERY_AGE
        dated = any(pd.notna(day) for day in self.days)
        first, last = self.days
        return (
            (not self.unit or self.unit == row.UNIT)
            and (not self.lab or not row.LAB or self.lab == row.LAB)
            and (not self.sex or self.sex == row.SEX)
            and (not limited or (pd.notna(row.AGE) and self.ages[0] <= row.AGE <= self.ages[1]))
            and (not dated or (pd.notna(row.DAY) and not (first > row.DAY) and not (last < row.DAY)))
        )


_EVERY_AGE = (float("-inf"), float("inf"))
_SEXES: Mapping[str, str] = {"male": "m", "female": "f", "男": "m", "女": "f", "both": "", "all": ""}


def _ranges(table: pd.DataFrame) -> Iterator[_Range]:
    first, last = complete_date(table["FROM"]), complete_date(table["TO"])
    ages = {name: pd.to_numeric(table[name], errors="coerce") for name in ("AGELO", "AGEHI")}
    limits = {name: pd.to_numeric(table[name], errors="coerce") for name in LIMITS}
    unit, lab, sex = plain_unit(table["LBORRESU"]), _plain(table["LBNAM"]), _plain(table["SEX"])
    for row, test in table["LBTESTCD"].dropna().items():
        low, high = (f"{limits[name].at[row]:.10g}" if pd.notna(limits[name].at[row]) else "" for name in LIMITS)
        low_age, high_age = ages["AGELO"].at[row], ages["AGEHI"].at[row]
        yield _Range(
            str(test).strip().upper(), unit.at[row], lab.at[row], _SEXES.get(sex.at[row], sex.at[row]),
            (low_age if pd.notna(low_age) else _EVERY_AGE[0], high_age if pd.notna(high_age) else _EVERY_AGE[1]),
            (first.at[row], last.at[row]), low, high,
        )  # fmt: skip


def _plain(values: pd.Series) -> pd.Series:
    """Words without their letter case and blanks; a missing one is blank."""
    return values.astype("str").fillna("").str.split().str.join(" ").str.casefold()


def _age(people: pd.DataFrame, day: pd.Series) -> pd.Series:
    """Completed years on a day, by the complete birth date, else the age of DM; missing where neither is known."""
    born = complete_date(people["BRTHDTC"]) if "BRTHDTC" in people else pd.Series(pd.NaT, index=day.index)
    before = (day.dt.month < born.dt.month) | ((day.dt.month == born.dt.month) & (day.dt.day < born.dt.day))
    years = day.dt.year - born.dt.year - before.astype("int64")
    known = born.notna() & day.notna()
    given = pd.to_numeric(people["AGE"], errors="coerce") if "AGE" in people else pd.Series(pd.NA, index=day.index)
    return years.where(known, given).astype("float64")
