"""Deaths: one date per dead subject from all sources, and where the sources contradict each other (P22, P25)."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from trialbook.core.dates import ONE_DAY, complete_date, earliest_date, latest_date, missing_part, rel_day
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.queries.rule_texts import Phrase
from trialbook.subjects.last_alive import last_known_alive, proofs_of_life

# ----------------------------------------------------------------------------------------------------
# Between which days a death lies, as far as its sources say, and how that reads wherever it is printed (§3.7).


# What the words for a death are made from.
TEXTS = QueryTexts("queries/texts/subjects.yaml")
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

    >>> reports = pd.DataFrame({"USUBJID": "001", "SOURCE": ["DM", "SS"], "DTHDTC": ["2025-05", "2025-05-20"]})
    >>> alive = pd.Series(pd.to_datetime(["2025-05-03"]), index=["001"])
    >>> death_range(reports, alive, pd.Timestamp("2025-06-30")).astype("str").values.tolist()
    [['2025-05-03', '2025-05-20']]
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


# What is said of a death whose day is not known, in columns that keep the English alone: for the catalogue of texts.
DEATH_PATTERNS = (
    "January {year}", "February {year}", "March {year}", "April {year}", "May {year}", "June {year}", "July {year}",
    "August {year}", "September {year}", "October {year}", "November {year}", "December {year}",
    "{month}, day {first} to {last}; counted as day {day}",
    "died, {month}, day {first} to {last}; counted as day {day}",
)  # fmt: skip


def death_text(subjects: pd.DataFrame) -> pd.Series:
    """The death of each subject in words: `2025-05-08`, or `May 2025, day 85 to 115; counted as day 92`.

    `subjects` has the columns of `DEATH_DATES` (ADSL); a date without flag and range is exact. Days count from the
    first infusion; of a subject who was never infused the counted date is named. Blank for the living.

    >>> subject = pd.DataFrame({
    ...     "DTHDT": ["2025-05-08", "2025-05-03"], "DTHDTF": ["", "D"], "DTHLODT": ["2025-05-08", "2025-05-03"],
    ...     "DTHHIDT": ["2025-05-08", "2025-05-31"], "TRTSDT": ["2025-03-05", "2025-03-05"],
    ... })
    >>> death_text(subject).tolist()
    ['2025-05-08', 'May 2025, day 59 to 87; counted as day 59']
    """
    dates = _dates(subjects)
    exact, counted = _iso(dates["DTHDT"]), rel_day(dates["DTHDT"], dates["TRTSDT"])
    days = "day " + _span(dates, "TRTSDT") + "; counted as day " + counted.astype("str")
    told = (_known_part(dates) + ", " + days).where(counted.notna(), _known_part(dates) + "; counted as " + exact)
    return exact.mask(_inexact(dates), told).astype("str")


def death_date_text(subjects: pd.DataFrame) -> pd.Series:
    """The date alone, for a column: `2025-05-08`, or `May 2025, counted as 2025-05-08`; blank for the living.

    >>> month = {"DTHDT": ["2025-05-03"], "DTHDTF": "D", "DTHLODT": "2025-05-03", "DTHHIDT": "2025-05-31"}
    >>> death_date_text(pd.DataFrame(month)).tolist()
    ['May 2025, counted as 2025-05-03']
    """
    dates = _dates(subjects)
    exact = _iso(dates["DTHDT"])
    counted = [
        str(msg("{period}, counted as {date}", period=period, date=date))
        for period, date in zip(_known_part(dates), exact, strict=True)
    ]
    return exact.mask(_inexact(dates), pd.Series(counted, index=exact.index, dtype="str")).astype("str")


def death_day_text(subjects: pd.DataFrame, since: str = "TRTSDT") -> pd.Series:
    """The day alone, counted from the dates in column `since`: `92`, or `85 to 115, counted as 92`; blank where either
    date is missing.

    >>> month = {"DTHDT": ["2025-05-03"], "DTHDTF": "D", "DTHLODT": "2025-05-03", "DTHHIDT": "2025-05-31"}
    >>> death_day_text(pd.DataFrame(month).assign(TRTSDT="2025-03-05")).tolist()
    ['59 to 87, counted as 59']
    """
    dates = _dates(subjects).assign(**{since: subjects[since].astype("datetime64[s]")})
    day = rel_day(dates["DTHDT"], dates[since])
    number = day.astype("str").where(day.notna(), "")
    inexact = _inexact(dates) & day.notna()
    counted = [
        str(msg("{period}, counted as {day}", period=period, day=one))
        for period, one in zip(_span(dates, since), number, strict=True)
    ]
    return number.mask(inexact, pd.Series(counted, index=number.index, dtype="str")).astype("str")


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


# ----------------------------------------------------------------------------------------------------

# A status sweep says that the subject is dead by its date, not when the death was.
DATED_SOURCES = ("DM", "DS", "AE")


def death_reports(domains: Domains) -> pd.DataFrame:
    """Every record that reports a death: USUBJID SOURCE (DM DS AE SS) DTHDTC (ISO text, may be partial or missing).

    DM: DTHFL Y or a death date. DS: DSDECOD DEATH. AE: grade 5, AESDTH Y or outcome FATAL, dated by its end, since
    the start is that of the event. SS: survival status DEAD, dated by the status.

    >>> status = {"USUBJID": ["001", "002"], "SSTESTCD": "SURVSTAT", "SSORRES": ["DEAD", "ALIVE"]}
    >>> ss = pd.DataFrame(status).assign(SSDTC="2025-05-20")
    >>> death_reports(Domains({"SS": ss}))[["USUBJID", "SOURCE"]].values.tolist()
    [['001', 'SS']]
    """
    dm, ds, ae, ss = domains["DM"], domains["DS"], domains["AE"], domains["SS"]
    in_dm = dm["DTHFL"].eq("Y") | dm["DTHDTC"].notna()
    in_ds = ds["DSDECOD"].str.upper().eq("DEATH")
    in_ae = ae["AETOXGR"].eq("5") | ae["AESDTH"].eq("Y") | ae["AEOUT"].str.upper().eq("FATAL")
    in_ss = ss["SSTESTCD"].eq("SURVSTAT") & ss["SSORRES"].str.upper().eq("DEAD")
    parts = [
        _reports("DM", dm[in_dm], "DTHDTC"),
        _reports("DS", ds[in_ds], "DSSTDTC"),
        _reports("AE", ae[in_ae], "AEENDTC"),
        _reports("SS", ss[in_ss], "SSDTC"),
    ]
    return pd.concat(parts, ignore_index=True)


def death_dates(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Who is dead at the cut, and since when: one row per subject of DM, sorted.

    Columns USUBJID, DTHFL (Y or blank), DTHDT, DTHDTF (blank = complete; D, M, Y = part that was imputed), DTHSRC, and
    DTHLODT and DTHHIDT, between which the death lies (`death_range`). The date is, in order: the earliest complete date
    of DM, DS, AE (and of SS when it is earlier still); within a partial date, the day after the last contact or the
    nearest day to it that the known parts allow (§3.7); the date of a status DEAD (by which the subject was dead: Y);
    the day after the last contact. An imputed date never passes the cut. A report dated wholly after the cut is not
    known at the cut and is ignored.
    """
    return domains.once(_death_dates, cut_date)


def _death_dates(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    reports = death_reports(domains)
    reports = reports[~(earliest_date(reports["DTHDTC"]) > cut_date)]
    alive = last_known_alive(domains, cut_date).set_index("USUBJID")["LSTALVDT"]
    frame = pd.DataFrame({"DTHFL": ""}, index=alive.index).astype("str")
    if reports.empty:
        return _nobody_died(frame)
    frame.loc[frame.index.isin(reports["USUBJID"]), "DTHFL"] = "Y"
    chosen = _first_known([_complete(reports), _partial(reports, alive, cut_date), _by_status(reports),
                           _undated(reports, alive, cut_date)])  # fmt: skip
    frame = frame.join(chosen).join(death_range(reports, alive, cut_date)).rename_axis("USUBJID").reset_index()
    for name in ("DTHDT", "DTHLODT", "DTHHIDT"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    frame["DTHLODT"] = frame["DTHLODT"].mask(frame["DTHDT"] < frame["DTHLODT"], frame["DTHDT"])
    frame["DTHHIDT"] = frame["DTHHIDT"].mask(frame["DTHDT"] > frame["DTHHIDT"], frame["DTHDT"])
    return frame.fillna({"DTHDTF": "", "DTHSRC": ""})


def _nobody_died(frame: pd.DataFrame) -> pd.DataFrame:
    """`death_dates` of a trial without any report of a death; `frame`: DTHFL by USUBJID."""
    no_date = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[s]")
    blank = frame["DTHFL"]
    columns = {"DTHDT": no_date, "DTHDTF": blank, "DTHSRC": blank, "DTHLODT": no_date, "DTHHIDT": no_date}
    return frame.assign(**columns).rename_axis("USUBJID").reset_index()


def life_after_death(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Records dated after the death date: USUBJID DOMAIN SOURCE ALIVEDT DTHDT PROVES, one per subject and domain.

    The last record of each domain is named. PROVES: the subject was seen (visit, infusion, measurement, status ALIVE),
    so that the death date or the record is wrong and the survival time of this subject is unresolved (P25). Otherwise
    the record may carry the date of a form or a result, and the death date is kept.
    """
    return domains.once(_life_after_death, cut_date)


def _life_after_death(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    deaths = death_dates(domains, cut_date)[["USUBJID", "DTHDT"]].dropna()
    proofs = proofs_of_life(domains, cut_date).merge(deaths, on="USUBJID")
    late = proofs[proofs["ALIVEDT"] > proofs["DTHDT"]]
    late = late.sort_values(["USUBJID", "DOMAIN", "ALIVEDT", "RANK", "SOURCE"], kind="stable")
    late = late.drop_duplicates(["USUBJID", "DOMAIN"], keep="last").rename(columns={"SEEN": "PROVES"})
    return late[["USUBJID", "DOMAIN", "SOURCE", "ALIVEDT", "DTHDT", "PROVES"]].reset_index(drop=True)


def doubtful_deaths(domains: Domains, cut_date: pd.Timestamp) -> set[str]:
    """Subjects whose death DM does not have and only one of DS, AE and SS reports: counted, but in doubt (A-136)."""
    reports = death_reports(domains)
    reports = reports[~(earliest_date(reports["DTHDTC"]) > cut_date)]
    sources = reports[["USUBJID", "SOURCE"]].drop_duplicates()
    in_dm = set(sources.loc[sources["SOURCE"].eq("DM"), "USUBJID"])
    alone = sources.groupby("USUBJID")["SOURCE"].size()
    return {str(subject) for subject, number in alone.items() if number == 1 and subject not in in_dm}


def death_queries(domains: Domains, cut_date: pd.Timestamp) -> list[Query]:
    """Questions about deaths: sources silent or in disagreement (P22), incomplete dates (§3.7), later records (P25)."""
    deaths = death_dates(domains, cut_date)
    deaths = deaths[deaths["DTHFL"].eq("Y")]
    reports = death_reports(domains)
    reports = reports[reports["USUBJID"].isin(deaths["USUBJID"])]
    return [
        *_silent_sources(reports, domains),
        *_differing_dates(reports),
        *_incomplete_dates(deaths),
        *_later_records(life_after_death(domains, cut_date)),
    ]


def _reports(source: str, frame: pd.DataFrame, variable: str) -> pd.DataFrame:
    reports = pd.DataFrame({"USUBJID": frame["USUBJID"].astype("str"), "DTHDTC": frame[variable].astype("str")})
    return reports.assign(SOURCE=pd.Series(source, index=frame.index, dtype="str"))


def _first_known(choices: list[pd.DataFrame]) -> pd.DataFrame:
    """The first choice that knows each subject, by USUBJID: DTHDT DTHDTF DTHSRC."""
    both = pd.concat(choices)
    return both[~both.index.duplicated()]


def _complete(reports: pd.DataFrame) -> pd.DataFrame:
    """The earliest complete date of the subjects whose death DM, DS or AE dates completely."""
    full = reports.assign(DTHDT=complete_date(reports["DTHDTC"])).dropna(subset="DTHDT")
    known = full.loc[full["SOURCE"].isin(DATED_SOURCES), "USUBJID"]
    first = full[full["USUBJID"].isin(known)].sort_values("DTHDT", kind="stable").drop_duplicates("USUBJID")
    return _chosen(first, first["DTHDT"], "", "")


def _partial(reports: pd.DataFrame, alive: pd.Series, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Within the first partial date: the day after the last contact, or the nearest day that the known parts allow."""
    first, last = earliest_date(reports["DTHDTC"]), latest_date(reports["DTHDTC"])
    open_ended = reports["SOURCE"].isin(DATED_SOURCES) & first.notna() & (first < last)
    known = reports[open_ended].drop_duplicates("USUBJID")
    day = _after_contact(known, alive, cut_date).clip(first[known.index], last[known.index]).clip(upper=cut_date)
    return _chosen(known, day, missing_part(known["DTHDTC"]), ", day after last contact")


def _by_status(reports: pd.DataFrame) -> pd.DataFrame:
    """The date of the first status DEAD: the death was on it or before."""
    status = reports[reports["SOURCE"].eq("SS")]
    status = status.assign(DTHDT=complete_date(status["DTHDTC"])).dropna(subset="DTHDT")
    status = status.sort_values("DTHDT", kind="stable").drop_duplicates("USUBJID")
    return _chosen(status, status["DTHDT"], "Y", ", known dead by this date")


def _undated(reports: pd.DataFrame, alive: pd.Series, cut_date: pd.Timestamp) -> pd.DataFrame:
    """The day after the last contact of subjects who are dead on an unknown date."""
    first = reports.drop_duplicates("USUBJID")
    return _chosen(first, _after_contact(first, alive, cut_date), "Y", ", day after last contact")


def _after_contact(reports: pd.DataFrame, alive: pd.Series, cut_date: pd.Timestamp) -> pd.Series:
    """The day after each subject's last contact, at most the cut."""
    contact = alive.reindex(reports["USUBJID"]).set_axis(reports.index)
    return (contact + ONE_DAY).fillna(cut_date).clip(upper=cut_date)


def _chosen(reports: pd.DataFrame, day: pd.Series, part: pd.Series | str, how: str) -> pd.DataFrame:
    """DTHDT DTHDTF DTHSRC by USUBJID."""
    columns = {"DTHDT": day.astype("datetime64[s]"), "DTHDTF": part, "DTHSRC": reports["SOURCE"] + how}
    return pd.DataFrame(columns, index=reports.index).set_axis(pd.Index(reports["USUBJID"], name="USUBJID"))


def _silent_sources(reports: pd.DataFrame, domains: Domains) -> Iterable[Query]:
    """Deaths that DM, DS or AE does not show."""
    expected = {"DM": ("DTHFL", "Y", "major"), "DS": ("DSDECOD", "DEATH", "minor"), "AE": ("AETOXGR", "5", "minor")}
    for subject, group in reports.groupby("USUBJID", sort=True):
        said = sorted(group["SOURCE"].unique())
        for domain, (field, value, severity) in expected.items():
            if domain in said or not domains.delivered(domain):
                continue
            yield TEXTS.query(
                "P22-DEATH-SOURCE-MISSING", str(subject), domain, field=field, severity=severity,
                observed=msg("no record of the death"), variable=field, value=value,
                sources=Phrase.join(said, " and ", "、"), silent=domain,
            )  # fmt: skip


def _differing_dates(reports: pd.DataFrame) -> Iterable[Query]:
    """Complete death dates that differ; a status DEAD differs only when it is earlier than the death."""
    full = reports.assign(DATE=complete_date(reports["DTHDTC"])).dropna(subset="DATE")
    several = full.groupby("USUBJID")["DATE"].transform("nunique") > 1
    for subject, group in full[several].groupby("USUBJID", sort=True):
        dates = group[group["SOURCE"].isin(DATED_SOURCES)]
        status = group[group["SOURCE"].eq("SS") & (group["DATE"] < dates["DATE"].min())]
        shown = pd.concat([dates, status])
        if shown["DATE"].nunique() < 2:
            continue
        observed = "; ".join(f"{r.SOURCE} {r.DATE:%Y-%m-%d}" for r in shown.itertuples())
        yield TEXTS.query("P22-DEATH-DATES-DIFFER", str(subject), observed=observed)


def _incomplete_dates(deaths: pd.DataFrame) -> Iterable[Query]:
    """Deaths without a complete date, and those known only from a status."""
    unsure = deaths[deaths["DTHDTF"].ne("")]
    for row in unsure.assign(TOLD=death_date_text(unsure)).itertuples():
        yield TEXTS.query("P22-DEATH-DATE-INCOMPLETE", row.USUBJID, observed=f"{row.TOLD} ({row.DTHSRC})")


def _later_records(late: pd.DataFrame) -> Iterable[Query]:
    """Records dated after the death."""
    for row in late.itertuples():
        yield TEXTS.query(
            "P25-RECORD-AFTER-DEATH", row.USUBJID, row.DOMAIN, field=row.SOURCE.split(" ")[0].split(".")[1],
            severity="major" if row.PROVES else "minor",
            observed=f"{row.SOURCE} {row.ALIVEDT:%Y-%m-%d}", death=f"{row.DTHDT:%Y-%m-%d}",
            meanwhile=TEXTS.phrase("SURVIVAL-UNRESOLVED" if row.PROVES else "DEATH-DATE-USED"),
        )  # fmt: skip
