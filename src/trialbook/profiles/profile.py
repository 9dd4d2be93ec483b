"""The profile of each treated subject: key facts, and everything that happened, as frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from trialbook.dates import rel_day
from trialbook.dlt.wording import STATUS_WORDS
from trialbook.domains import Domains
from trialbook.efficacy.wording import REASON_WORDS
from trialbook.profiles.course import (
    drug_rows,
    event_rows,
    infusion_rows,
    milestone_rows,
    stage_rows,
    steroid_spans,
)
from trialbook.profiles.labs import grade_bands, lab_rows
from trialbook.profiles.risk import risk_order
from trialbook.profiles.subjects import profiled_subjects
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE_WORDS
from trialbook.subjects.death_ranges import death_text
from trialbook.subjects.disposition import left_words

DATASETS = ("adsl", "adae", "adlb", "addlt", "adrs", "adtte")
Fact = tuple[str, str, str]


@dataclass(frozen=True)
class Profile:
    """One subject: SUBJID, facts (label, value, note), the last day known, and frames without other subjects.

    `risk` says where in the order of risk the subject stands; `brief` that only key facts and events are to be shown.
    """

    subject: str
    facts: list[Fact]
    last_day: int
    infusions: pd.DataFrame
    milestones: pd.DataFrame
    steroids: pd.DataFrame
    stages: pd.DataFrame
    labs: pd.DataFrame
    bands: pd.DataFrame
    events: pd.DataFrame
    drugs: pd.DataFrame
    labs_delivered: bool = True
    stages_delivered: bool = True
    risk: str = ""
    brief: bool = False


def profiles(
    data: Mapping[str, pd.DataFrame], domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> list[Profile]:
    """The profiles of all treated subjects that have one (`profiled_subjects`), in the order of risk (`risk_order`).

    From the key `profiles_max` on they are brief: what is drawn takes most of the time (A-170).

    `data`: the analysis datasets of `DATASETS`, empty where the trial has no such endpoint; `domains`: clean EX CM VS.
    """
    adsl = data["adsl"]
    known_numbers = profiled_subjects(adsl)
    if not known_numbers:
        return []
    order = risk_order(data)
    order = order[order["SUBJID"].isin(known_numbers)]
    wanted, risk = list(order["SUBJID"]), list(order["RISK"])
    treated = adsl[adsl["SUBJID"].isin(wanted) & adsl["SAFFL"].eq("Y")]
    frames = {
        "infusions": infusion_rows(domains, treated, protocol, analysis, cut_date),
        "milestones": milestone_rows(data, treated),
        "steroids": steroid_spans(domains, treated, analysis),
        "stages": stage_rows(data["adrs"], treated),
        "labs": lab_rows(data["adlb"], treated),
        "bands": grade_bands(data["adlb"], treated),
        "events": event_rows(data["adae"], treated),
        "drugs": drug_rows(domains, treated),
    }
    parts = {name: dict(iter(frame.groupby("USUBJID", sort=False))) for name, frame in frames.items()}
    last = _last_days(treated)
    treated = treated.assign(DEATH=death_text(treated))
    known = _Known(data)
    found = []
    people = treated.set_index("SUBJID").loc[wanted].reset_index().to_dict("records")
    for place, row in enumerate(people):
        own = {
            name: parts[name].get(row["USUBJID"], frame.head(0)).drop(columns="USUBJID").reset_index(drop=True)
            for name, frame in frames.items()
        }
        facts = known.facts({str(key): value for key, value in row.items()}, own["events"], len(own["infusions"]))
        found.append(
            Profile(
                str(row["SUBJID"]), facts, int(last[row["USUBJID"]]), **own, labs_delivered=domains.delivered("LB"),
                stages_delivered=domains.delivered("RS") or domains.delivered("FA"),
                risk=risk[place], brief=place >= analysis.profiles_max,
            )
        )  # fmt: skip
    return found


def _last_days(treated: pd.DataFrame) -> pd.Series:
    """The day of death, else of the last contact, else of the cut, by USUBJID."""
    dead = treated["DTHDT"].where(treated["DTHFL"].eq("Y"))
    end = dead.fillna(treated["LSTALVDT"]).fillna(treated["CUTDT"])
    return rel_day(end, treated["TRTSDT"]).fillna(0).set_axis(treated["USUBJID"])


class _Known:
    """Looks up what the analysis datasets say of one subject."""

    def __init__(self, data: Mapping[str, pd.DataFrame]) -> None:
        adrs = data["adrs"]
        day_28 = adrs[adrs["PARAMCD"].eq("RSP28")]
        self._response = _by_subject(day_28, "AVALC"), _by_subject(day_28, "REASON")
        self._open = {end: _by_subject(day_28, end) for end in ("RSPLO", "RSPHI", "RSPWHY")}
        self._dlt = _by_subject(data["addlt"], "DLTSTAT"), _by_subject(data["addlt"], "REASON")

    def facts(self, subject: Mapping[str, object], events: pd.DataFrame, infusions: int) -> list[Fact]:
        """The key facts of one subject, in the order of reading."""
        usubjid = str(subject["USUBJID"])
        teae = events[events["TEAE"]]
        worst = f"worst grade {teae['GRADE'].max()}" if teae["GRADE"].notna().any() else ""
        missing = int(teae["GRADE"].isna().sum())
        graded = ", and ".join(filter(None, (worst, f"{missing} not graded" if missing else "")))
        serious, unknown = teae["SERIOUS"].sum(), int(teae["SEROPEN"].sum())
        first = pd.Timestamp(str(subject["TRTSDT"]))
        facts = [
            ("Dose level", _text(subject["TRT01A"]), f"first infusion {first:%Y-%m-%d}"),
            ("Age, sex", ", ".join(filter(None, (_text(subject.get("AGE")), _text(subject.get("SEX"))))), ""),
            ("Infusions", str(infusions), ""),
            ("DLT status", STATUS_WORDS.get(self._dlt[0].get(usubjid, ""), ""), self._dlt[1].get(usubjid, "")),
            ("Response at day 28", *self._day_28(usubjid)),
            ("Status", *_status(subject)),
            ("TEAE", str(len(teae)), graded),
            ("Serious TEAE", str(int(serious)), f"and {unknown} of unknown seriousness" if unknown else ""),
        ]
        return [fact for fact in facts if fact[1]]

    def _day_28(self, subject: str) -> tuple[str, str]:
        """The response with its reason; where a fact is open, the range and what is open."""
        value, reason = (known.get(subject, "") for known in self._response)
        low, high, why = (self._open[name].get(subject, "") for name in ("RSPLO", "RSPHI", "RSPWHY"))
        if reason == "UNDELIVERED":
            return f"{NOT_EVALUABLE_WORDS} ({low} to {high})", why
        return value, "; ".join(
            filter(None, (REASON_WORDS.get(reason, reason.lower()), f"{low} to {high}: {why}" if why else ""))
        )


def _by_subject(rows: pd.DataFrame, column: str) -> dict[str, str]:
    if column not in rows:
        return {}
    return dict(zip(rows["USUBJID"], rows[column].fillna("").astype("str"), strict=True))


def _status(subject: Mapping[str, object]) -> tuple[str, str]:
    """Alive or dead, and since when or until when that is known."""
    if subject["DTHFL"] == "Y":
        return "Died", str(subject["DEATH"]) or "date unknown"
    day = subject["LSTALVDT"]
    left = left_words(str(subject.get("EOSSTT", "")), str(subject.get("DCSREAS", "")))
    seen = f"last seen {pd.Timestamp(str(day)):%Y-%m-%d}" if pd.notna(day) else ""
    return "Alive", "; ".join(filter(None, (seen, left)))


def _text(value: object) -> str:
    if value is None or pd.isna(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
