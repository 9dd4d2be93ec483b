"""One line per treated subject for the first page: the state of each at the cut."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from trialbook.core.messages import as_text, joined, msg
from trialbook.dlt.tables import STATUS_WORDS
from trialbook.efficacy.wording import REASON_WORDS
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE_WORDS
from trialbook.subjects.deaths import death_text
from trialbook.subjects.disposition import left_text

COLUMNS = ["subject", "level", "infusions", "first", "day", "grade", "response", "dlt", "status", "queries"]
LABELS = {
    "subject": msg("Subject"),
    "level": msg("Level"),
    "infusions": msg("Infusions"),
    "first": msg("First infusion"),
    "day": msg("Day at cut"),
    "grade": msg("Grade, baseline to latest"),
    "response": msg("Response at day 28"),
    "dlt": msg("DLT status"),
    "status": msg("Status"),
    "queries": msg("Open queries"),
}


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
        columns=COLUMNS,
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
