"""The status board of the first page: one row per treated subject, where each is at the cut and what happened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from trialbook.conduct.frames import of_subject, treated_of
from trialbook.core.messages import as_text, joined, msg
from trialbook.efficacy.wording import REASON_WORDS
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import NOT_EVALUABLE_WORDS
from trialbook.safety.ae_tables import seriousness_open
from trialbook.subjects.deaths import death_text
from trialbook.subjects.demography import age_and_sex
from trialbook.subjects.disposition import left_text
from trialbook.subjects.dlt_status import STATUS_WORDS


def subject_lines(protocol: Protocol, datasets: Mapping[str, pd.DataFrame], queries: pd.DataFrame) -> pd.DataFrame:
    """One row per treated subject, by dose level and first infusion; days count from the first infusion (day 0).

    Reads ADSL (and ADRS, ADDLT where they are); a column that does not apply to the trial is left out.
    """
    adsl = datasets["adsl"]
    treated = adsl[adsl["SAFFL"].eq("Y")]
    rank = treated["TRT01A"].map({level: position for position, level in enumerate(protocol.level_ids)})
    treated = treated.assign(rank=rank).sort_values(["rank", "TRTSDT", "USUBJID"], kind="stable", ignore_index=True)
    died = treated["DTHFL"].eq("Y")
    asked = queries.loc[queries["status"].eq("open"), "subject"]
    until = treated["DTHDT"].where(died & treated["DTHDT"].notna(), treated["CUTDT"])
    lines = pd.DataFrame(
        {
            "subject": treated["SUBJID"],
            "level": treated["TRT01A"],
            "infusions": treated.get("NINF", pd.NA),
            "first": treated["TRTSDT"],
            "day": (until - treated["TRTSDT"]).dt.days.astype("Int64"),
            "grade": treated["USUBJID"].map(_grades(treated, datasets.get("adrs"))),
            "response": treated["USUBJID"].map(_day_28(datasets.get("adrs"))),
            "dlt": treated["USUBJID"].map(_coded(datasets.get("addlt"), "DLTSTAT")).replace(STATUS_WORDS),
            "status": _status(treated),
            "queries": [int(asked.isin([row.USUBJID, row.SUBJID]).sum()) for row in treated.itertuples()],
        },
    )
    return lines.drop(columns=[name for name in ("infusions", "grade", "response", "dlt") if lines[name].isna().all()])


def _status(treated: pd.DataFrame) -> pd.Series:
    """Died and when, as far as that is known (`death_text`), or when last seen alive."""
    said = [
        _died(death) if died == "Y" else joined([_alive(seen), left.removeprefix("; ")], "; ")
        for death, died, seen, left in zip(
            death_text(treated), treated["DTHFL"], treated["LSTALVDT"], left_text(treated), strict=True
        )
    ]
    return pd.Series(said, index=treated.index, dtype="str")


def _died(death: str) -> str:
    if not death:
        return msg("Died, date unknown")
    pattern = msg("Died, {how}") if re.match("[a-z]", death) else msg("Died {how}")
    return msg(pattern, how=death)


def _alive(seen: object) -> str:
    day = pd.to_datetime(str(seen), errors="coerce")
    return msg("Alive") if pd.isna(day) else msg("Alive, last seen {date}", date=f"{day:%Y-%m-%d}")


def _grades(treated: pd.DataFrame, adrs: pd.DataFrame | None) -> dict[str, str]:
    """Overall grade at baseline (the last assessment up to the first infusion) and at the latest assessment."""
    if adrs is None or adrs.empty:
        return {}
    grades = adrs[adrs["PARAMCD"].eq("GRADE") & adrs["AVALC"].fillna("").ne("") & adrs["ADT"].notna()]
    grades = grades.sort_values(["USUBJID", "ADT"], kind="stable")
    start = dict(zip(treated["USUBJID"], treated["TRTSDT"], strict=True))
    shown = {}
    for subject, rows in grades.groupby("USUBJID", sort=True):
        if subject in start:
            before = rows.loc[rows["ADT"] <= start[subject], "AVALC"]
            shown[str(subject)] = f"{before.iloc[-1] if len(before) else '?'} → {rows['AVALC'].iloc[-1]}"
    return shown


def _day_28(adrs: pd.DataFrame | None) -> dict[str, str]:
    """The response at day 28, with the reason where one is given."""
    if adrs is None or adrs.empty:
        return {}
    rows = adrs[adrs["PARAMCD"].eq("RSP28") & adrs["RSP28FL"].eq("Y")]
    reasons = rows["REASON"].fillna("") if "REASON" in rows else pd.Series("", index=rows.index)
    shown = [
        msg("{value} ({reason})", value=value, reason=as_text(REASON_WORDS.get(why, why.lower()))) if why else value
        for value, why in zip(rows["AVALC"], reasons, strict=True)
    ]
    if "RSPLO" in rows:
        open_ = zip(shown, reasons, rows["RSPLO"], rows["RSPHI"], strict=True)
        shown = [
            msg("{words} ({low} to {high})", words=as_text(NOT_EVALUABLE_WORDS), low=low, high=high)
            if why == "UNDELIVERED"
            else text
            for text, why, low, high in open_
        ]
    return dict(zip(rows["USUBJID"], shown, strict=True))


def _coded(frame: pd.DataFrame | None, column: str) -> dict[str, str]:
    return {} if frame is None else dict(zip(frame["USUBJID"], frame[column], strict=True))


# ----------------------------------------------------------------------------------------------------
# The board itself: the course of each subject on one axis of days, beside what a committee asks first.


@dataclass(frozen=True)
class BoardRow:
    """One treated subject. Days are REL_DAYs; None where there is none or it is not known.

    `infusions`: days of infusions; `serious`: day (None = not known), term and grade of each serious event since the
    first infusion; `dlt_day`, `death_day`; `seen`: the day last seen alive; `end`: the day of the cut; `unseen`: days
    since last seen, for the living. `worst`: the worst grade of an event since the infusion (`G3`, `none`, or what is
    not graded). `alert`: the severity of the worst signal of the subject, or blank.
    """

    subject: str
    level: str
    person: str
    end: int
    infusions: tuple[int, ...]
    window: tuple[int, int] | None
    serious: tuple[tuple[int | None, str, str], ...]
    dlt_day: int | None
    death_day: int | None
    seen: int | None
    unseen: int | None
    grade: str
    worst: str
    dlt: str
    response: str
    status: str
    queries: int
    alert: str = ""


def status_board(
    data: Mapping[str, pd.DataFrame], queries: pd.DataFrame, infusions: pd.DataFrame, study: StudyData,
    alerts: Mapping[str, str],
) -> list[BoardRow]:  # fmt: skip
    """The rows of the board, by dose level and first infusion.

    `data`: ADSL ADAE ADDLT ADRS (`conduct.frames`); `infusions`: `checked_infusions`; `alerts`: severity of the worst
    signal by SUBJID.
    """
    treated = treated_of(data["adsl"])
    lines = subject_lines(study.protocol, data, queries)
    if treated.empty:
        return []
    people = treated.set_index("USUBJID")
    days = (infusions["EXSTDT"] - of_subject(infusions["USUBJID"], people["TRTSDT"])).dt.days
    infused = days.groupby(infusions["USUBJID"]).agg(tuple).to_dict()
    serious, worst = _events(data["adae"], people)
    dlt_day = _dlt_days(data["addlt"], people)
    day_28 = data["adrs"][data["adrs"]["PARAMCD"].eq("RSP28")]
    pending = dict(zip(day_28["USUBJID"], day_28["AVALC"].eq("PENDING"), strict=True))
    window = tuple(study.analysis.dlt_window) if study.protocol.has_endpoint("DLT") else None
    by_number = {str(row["subject"]): row for row in lines.to_dict("records")}
    rows = []
    order = treated.assign(_rank=treated["TRT01A"].map({name: k for k, name in enumerate(study.protocol.level_ids)}))
    order = order.sort_values(["_rank", "TRTSDT", "USUBJID"], kind="stable")
    for one in order.to_dict("records"):
        line, subject, start = by_number[str(one["SUBJID"])], str(one["USUBJID"]), one["TRTSDT"]
        dead = one["DTHFL"] == "Y"
        seen = _days(one["LSTALVDT"], start)
        end = int((study.cut_date - start).days)
        rows.append(
            BoardRow(
                subject=str(one["SUBJID"]), level=str(one["TRT01A"]), person=_person(one), end=end,
                infusions=tuple(int(day) for day in infused.get(subject, ())),
                window=(int(window[0]), int(window[1])) if window else None,
                serious=tuple(serious.get(subject, ())), dlt_day=dlt_day.get(subject),
                death_day=_days(one["DTHDT"], start) if dead else None, seen=seen,
                unseen=None if dead or seen is None else end - seen, grade=_said(line, "grade"),
                worst=worst.get(subject, msg("none")), dlt=_said(line, "dlt"),
                response=_said(line, "response") or (msg("pending") if pending.get(subject) else ""),
                status=_said(line, "status"), queries=int(line["queries"]), alert=alerts.get(str(one["SUBJID"]), ""),
            )
        )  # fmt: skip
    return rows


def event_words(term: str, grade: str) -> str:
    """A serious event of the board in words: its term as delivered, and its grade.

    >>> str(event_words("Sepsis", "G3"))
    'Sepsis, G3'
    """
    return msg("{term}, {grade}", term=term, grade=as_text(grade))


def _events(
    adae: pd.DataFrame, people: pd.DataFrame
) -> tuple[dict[str, list[tuple[int | None, str, str]]], dict[str, str]]:  # fmt: skip
    """Serious events (day, term, grade) and the worst grade in words, of events since the first infusion."""
    ae = adae[adae["USUBJID"].isin(people.index) & adae["TRTEMFL"].eq("Y")]
    ae = ae.assign(TERM=ae["ADECOD"].where(ae["ADECOD"].ne(""), ae["AETERM"]))
    marked = ae[ae["ASER"].eq("Y") | seriousness_open(ae)].sort_values(["USUBJID", "RELDAY", "AESEQ"], kind="stable")
    serious: dict[str, list[tuple[int | None, str, str]]] = {}
    for row in marked.drop_duplicates(["USUBJID", "EPISODE"]).itertuples():
        grade = msg("not graded") if pd.isna(row.ATOXGR) else f"G{row.ATOXGR}"
        day = None if pd.isna(row.RELDAY) else int(row.RELDAY)
        serious.setdefault(row.USUBJID, []).append((day, str(row.TERM), grade))
    top = ae.groupby("USUBJID")["ATOXGR"].max()
    ungraded = ae[ae["ATOXGR"].isna()].groupby("USUBJID").size()
    worst = {}
    for subject in top.index:
        open_ = msg("{n} not graded", n=int(ungraded[subject])) if subject in ungraded else ""
        known = "" if pd.isna(top[subject]) else f"G{top[subject]}"
        worst[str(subject)] = joined([known, open_], ", ")
    return serious, worst


def _dlt_days(addlt: pd.DataFrame, people: pd.DataFrame) -> dict[str, int]:
    rows = addlt[addlt["COUNTED"].eq("Y") & addlt["DLTDT"].notna() & addlt["USUBJID"].isin(people.index)]
    days = (rows["DLTDT"] - of_subject(rows["USUBJID"], people["TRTSDT"])).dt.days
    return {str(subject): int(day) for subject, day in zip(rows["USUBJID"], days, strict=True)}


def _days(date: pd.Timestamp, start: pd.Timestamp) -> int | None:
    return None if pd.isna(date) else int((date - start).days)


def _person(row: Mapping[str, object]) -> str:
    age, sex = row.get("AGE"), row.get("SEX")
    years = "" if age is None or pd.isna(age) else f"{float(str(age)):g}"
    return age_and_sex(years, "" if sex is None or pd.isna(sex) else str(sex))


def _said(line: Mapping[str, object], name: str) -> str:
    value = line.get(name)
    return "" if value is None or pd.isna(value) else str(value)
