"""What a rule finds and what it could not check, and the signal that becomes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from trialbook.cleaning.after_cut import COLUMNS as AFTER_CUT_COLUMNS
from trialbook.protocol.decisions import Decision
from trialbook.protocol.study_data import StudyData

Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
Scope = Literal["subject", "dose level", "study"]


class Evidence(BaseModel):
    """A record behind a signal: its dataset (`adae`, `clean/dv`, `queries`), its subject, and its key in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset: str
    usubjid: str
    key: str


class SignalLink(BaseModel):
    """Where a reader goes from a signal: a page of the build, a place on it (blank = its top), and what is there."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    page: str
    anchor: str = ""
    title: str


class Signal(BaseModel):
    """One signal, as `signals.json` holds it. `subject`: SUBJID, blank for a dose level or the study.

    `level`: the dose level of the subject, or the one concerned; blank for the study. `scope`: what the signal is
    about; `sentence` is the message in English.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    signal_id: str = Field(pattern=r"^S-[0-9A-F]{10}$")
    subject: str
    level: str
    scope: Scope
    severity: Severity
    rule: str
    message_id: str
    arguments: dict[str, Any]
    sentence: str
    evidence: list[Evidence]
    links: list[SignalLink]


@dataclass(frozen=True)
class Facts:
    """What the rules read: the datasets of this cut and of the previous one (`conduct.frames`), the planned visits,
    ADDV, the infusions (`checked_infusions`), the open questions, the worst and best cases (rows of `BOUNDS`), the
    committee's decisions on earlier cuts, and who has a death or serious event after the cut (`recorded_after_cut`).

    `previous` is None without a previous build; `previous_cut` its id, blank where the cut names none.
    """

    data: Mapping[str, pd.DataFrame]
    previous: Mapping[str, pd.DataFrame] | None
    previous_cut: str
    study: StudyData
    treated: pd.DataFrame
    visits: pd.DataFrame
    addv: pd.DataFrame
    infusions: pd.DataFrame
    queries: pd.DataFrame
    bounds: pd.DataFrame
    decisions: Sequence[Decision] = ()
    after_cut: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=AFTER_CUT_COLUMNS))

    @property
    def previous_date(self) -> pd.Timestamp | None:
        """The cut-off date of the previous build."""
        if self.previous is None or self.previous["adsl"].empty:
            return None
        date = self.previous["adsl"]["CUTDT"].max()
        return None if pd.isna(date) else date

    def of_treated(self, name: str) -> pd.DataFrame:
        """The records of a dataset that belong to treated subjects."""
        frame = self.data[name]
        return frame[frame["USUBJID"].isin(self.treated["USUBJID"])]


@dataclass(frozen=True)
class Found:
    """One thing that a rule found. `subject`: USUBJID; `dose_level` only for a signal of a level.

    `key` tells two findings of one rule and subject apart, the same in every cut; `severity`: None = that of the rule.
    """

    message_id: str
    arguments: Mapping[str, Any]
    evidence: Sequence[tuple[str, str, str]]
    subject: str = ""
    dose_level: str = ""
    key: str = ""
    severity: Severity | None = None


@dataclass(frozen=True)
class Unchecked:
    """What a rule could not check: for whom (USUBJID; nobody = the whole study), and why (a message)."""

    reason: Mapping[str, Any]
    subjects: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """What one rule found and could not check; `applies` is False where the trial has nothing that it could look at."""

    found: Sequence[Found] = ()
    unchecked: Sequence[Unchecked] = field(default=())
    applies: bool = True


def signal_id(rule: str, subject: str, key: str) -> str:
    """The id of a signal: a hash of rule, subject and key, so that it keeps its number across cuts."""
    return "S-" + hashlib.sha256("\x1f".join((rule, subject, key)).encode()).hexdigest()[:10].upper()
