"""Between which days a death lies, as far as its sources say, and how that reads wherever it is printed (§3.7)."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import earliest_date, latest_date, rel_day

# What the words for a death are made from.
DEATH_DATES = ["DTHDT", "DTHDTF", "DTHLODT", "DTHHIDT", "TRTSDT"]
MONTHS = dict(enumerate((
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
), start=1))  # fmt: skip
UNKNOWN_DATE, DIFFERING = "date unknown", "sources differ"


def death_range(reports: pd.DataFrame, alive: pd.Series, cut_date: pd.Timestamp) -> pd.DataFrame:
    """DTHLODT and DTHHIDT by USUBJID: the earliest and the latest day that the reports of a death allow, up to the cut.

    `reports`: USUBJID SOURCE DTHDTC of the deaths known at the cut (`death_reports`); `alive`: last contact by USUBJID.
    Sources that agree narrow the range to what all allow: a partial date means its whole month or year, a status DEAD
    (SS) any day up to its own. Sources that contradict each other leave all that any of them allows. Where no report
    gives an earliest day, or an earlier one than the last contact, it is the last contact; one after the whole range
    contradicts the death and moves nothing (P25).
    """
    dated = reports.assign(FIRST=earliest_date(reports["DTHDTC"]), LAST=latest_date(reports["DTHDTC"]))
    dated = dated.assign(LAST=dated["LAST"].clip(upper=cut_date)).dropna(subset="LAST")
    status = dated[dated["SOURCE"].eq("SS")].groupby("USUBJID")["LAST"].min()
    of_day = dated[dated["SOURCE"].ne("SS")].groupby("USUBJID")
    people = pd.Index(sorted(reports["USUBJID"].unique()), name="USUBJID", dtype="str")
    latest_start, earliest_end = of_day["FIRST"].max().reindex(people), of_day["LAST"].min().reindex(people)
    known_dead = status.reindex(people)
    agreed = earliest_end.where(~(known_dead < earliest_end), known_dead)
    differ = (latest_start > agreed).fillna(False)
    low = latest_start.mask(differ, of_day["FIRST"].min().reindex(people))
    high = agreed.mask(differ, of_day["LAST"].max().reindex(people)).fillna(known_dead).fillna(cut_date)
    # A status DEAD before the day of death says that the death was before the status: any day since the last contact.
    low = low.mask(differ & (known_dead < low))
    contact = alive.reindex(people)
    # Alive on the last contact: inside what the sources agree on, no earlier day is possible.
    low = low.mask(~differ & (low < contact) & (contact <= high), contact)
    low = low.fillna(contact.where(contact <= high)).fillna(known_dead).fillna(high)
    return pd.DataFrame({"DTHLODT": low, "DTHHIDT": high}, index=people).astype("datetime64[s]")


def death_text(subjects: pd.DataFrame) -> pd.Series:
    """The death of each subject in words: `2025-05-08`, or `May 2025, day 85 to 115; counted as day 92`.

    `subjects` has the columns of `DEATH_DATES` (ADSL); a date without flag and range is exact. Days count from the
    first infusion; of a subject who was never infused the counted date is named. Blank for the living.
    """
    dates = _dates(subjects)
    exact, counted = _iso(dates["DTHDT"]), rel_day(dates["DTHDT"], dates["TRTSDT"])
    days = "day " + _span(dates, "TRTSDT") + "; counted as day " + counted.astype("str")
    told = (_known_part(dates) + ", " + days).where(counted.notna(), _known_part(dates) + "; counted as " + exact)
    return exact.mask(_inexact(dates), told).astype("str")


def death_date_text(subjects: pd.DataFrame) -> pd.Series:
    """The date alone, for a column: `2025-05-08`, or `May 2025, counted as 2025-05-08`; blank for the living."""
    dates = _dates(subjects)
    exact = _iso(dates["DTHDT"])
    return exact.mask(_inexact(dates), _known_part(dates) + ", counted as " + exact).astype("str")


def death_day_text(subjects: pd.DataFrame, since: str = "TRTSDT") -> pd.Series:
    """The day alone, counted from the dates in column `since`: `92`, or `85 to 115, counted as 92`; blank where either
    date is missing."""
    dates = _dates(subjects).assign(**{since: subjects[since].astype("datetime64[s]")})
    day = rel_day(dates["DTHDT"], dates[since])
    number = day.astype("str").where(day.notna(), "")
    inexact = _inexact(dates) & day.notna()
    return number.mask(inexact, _span(dates, since) + ", counted as " + number).astype("str")


def _dates(subjects: pd.DataFrame) -> pd.DataFrame:
    """The columns of `DEATH_DATES`; a frame without a range knows the day."""
    dates = subjects.reindex(columns=DEATH_DATES)
    for name in ("DTHDT", "DTHLODT", "DTHHIDT", "TRTSDT"):
        dates[name] = dates[name].astype("datetime64[s]")
    for name in ("DTHLODT", "DTHHIDT"):
        dates[name] = dates[name].fillna(dates["DTHDT"])
    return dates.assign(DTHDTF=dates["DTHDTF"].astype("str").fillna(""))


def _inexact(dates: pd.DataFrame) -> pd.Series:
    return dates["DTHDT"].notna() & (dates["DTHDTF"].ne("") | dates["DTHLODT"].ne(dates["DTHHIDT"]))


def _known_part(dates: pd.DataFrame) -> pd.Series:
    """The part of the date that all sources give: month and year, the year, or words for none."""
    first, last, day = dates["DTHLODT"], dates["DTHHIDT"], dates["DTHDT"]
    same_year = first.dt.year.eq(last.dt.year)
    same_month = same_year & first.dt.month.eq(last.dt.month)
    month = day.dt.month.map(MONTHS).astype("str")
    words = pd.Series(DIFFERING, index=dates.index, dtype="str").mask(dates["DTHDTF"].eq("Y"), UNKNOWN_DATE)
    words = words.mask(dates["DTHDTF"].eq("M") & same_year, day.dt.strftime("%Y"))
    return words.mask(dates["DTHDTF"].eq("D") & same_month, month + " " + day.dt.strftime("%Y")).astype("str")


def _span(dates: pd.DataFrame, since: str) -> pd.Series:
    ends = [rel_day(dates[name], dates[since]).astype("str") for name in ("DTHLODT", "DTHHIDT")]
    return ends[0] + " to " + ends[1]


def _iso(date: pd.Series) -> pd.Series:
    return date.dt.strftime("%Y-%m-%d").fillna("").astype("str")
