"""The committee's decisions: one entry per meeting, kept by people in a file of their own (interface §7.7).

A build reads only decisions on earlier cuts, so that an entry that names a build cannot change that build.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trialbook.core.errors import UsageError
from trialbook.core.privacy import masked_argument
from trialbook.protocol.models import CUT_ID, Trial, calendar_date
from trialbook.protocol.yaml_file import read_yaml, validated

DEFAULT_LOG = "data/decisions.yaml"
Choice = Literal["start", "enrol", "expand", "escalate", "de-escalate", "wait", "stop", "declare MTD", "withdraw"]
# Takes back an earlier decision and puts nothing in its place.
WITHDRAW = "withdraw"
# What needs a dose level.
AT_A_LEVEL = ("start", "enrol", "expand", "escalate", "de-escalate", "declare MTD")
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class Decision(BaseModel):
    """What a committee decided at one meeting about one cut.

    `date`: of the meeting; `level`: the dose level decided on, blank for "wait" and "stop"; `by`: a role, never a name;
    `minutes`: where the minutes are; `build`: the fingerprint of the build that it rested on; `advice`: the code of the
    advice in that build, and `rule` the rule that gave it. `supersedes`: the day of the earlier meeting whose decision
    on the same cut it takes the place of, or withdraws.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    cut: str
    cut_date: str
    date: str
    decision: Choice
    level: str = ""
    reason: Text
    by: Annotated[str, Field(min_length=1, max_length=200)]
    minutes: Annotated[str, Field(min_length=1, max_length=200)]
    build: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    advice: str = ""
    rule: str = ""
    supersedes: str = ""

    @field_validator("cut")
    @classmethod
    def _safe_id(cls, value: str) -> str:
        if not CUT_ID.fullmatch(value):
            raise ValueError("this is no cut id")
        return value

    @field_validator("cut_date", "date")
    @classmethod
    def _calendar_date(cls, value: str) -> str:
        return calendar_date(value, "a complete date, YYYY-MM-DD, in quotes")

    @field_validator("supersedes")
    @classmethod
    def _earlier_day(cls, value: str) -> str:
        return calendar_date(value, "the day of the earlier meeting, YYYY-MM-DD, in quotes") if value else value

    @field_validator("reason", "by", "minutes")
    @classmethod
    def _nobody_identified(cls, value: str) -> str:
        if masked_argument(value) != value:
            raise ValueError("this text identifies a person; name roles and subject numbers only")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Decision:
        if (self.decision in AT_A_LEVEL) != bool(self.level):
            need = "needs a dose level" if self.decision in AT_A_LEVEL else "has no dose level"
            raise ValueError(f"the decision {self.decision} {need}")
        if self.decision == WITHDRAW and not self.supersedes:
            raise ValueError("a withdrawal names in supersedes the day of the meeting whose decision it takes back")
        if self.supersedes > self.date:
            raise ValueError(f"the meeting of {self.date} was before that of {self.supersedes}, which it supersedes")
        if self.date < self.cut_date:
            raise ValueError(f"the meeting of {self.date} was before the data cut of {self.cut_date}")
        return self


class DecisionLog(BaseModel):
    """The file of decisions."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    decisions: list[Decision] = []

    @model_validator(mode="after")
    def _one_per_meeting(self) -> DecisionLog:
        seen = [(entry.cut, entry.date, entry.level, entry.decision) for entry in self.decisions]
        twice = sorted({entry for entry in seen if seen.count(entry) > 1})
        if twice:
            raise ValueError(f"the decision of {twice[0][1]} on the cut {twice[0][0]} is there twice")
        replaced_by(self.decisions)
        return self


def replaced_by(entries: Iterable[Decision]) -> dict[Decision, Decision]:
    """Which entry took the place of each earlier one on the same cut, or withdrew it; one in force is left out.

    `entries`: in the order in which they were written, or by date. Raises ValueError for a second decision on a cut
    that does not say which one it supersedes (one meeting may decide on several dose levels), and for one that
    supersedes a decision that is not in force.
    """
    found: dict[Decision, Decision] = {}
    standing: dict[str, list[Decision]] = {}
    for entry in entries:
        own = standing.setdefault(entry.cut, [])
        of_meeting = [one for one in own if one.date == entry.date and one.level and one.level != entry.level]
        gone = [one for one in own if entry.supersedes and one.date == entry.supersedes]
        by_this_meeting = any(one.date == entry.supersedes and by in of_meeting for one, by in found.items())
        if entry.supersedes and not gone and not by_this_meeting:
            raise ValueError(
                f"no decision of {entry.supersedes} on the cut {entry.cut} is in force, so that of {entry.date} cannot "
                "supersede it"
            )
        found |= dict.fromkeys(gone, entry)
        own[:] = [one for one in own if one not in gone]
        if others := [one for one in own if one not in of_meeting or not entry.level]:
            first = others[0]
            said = f"{first.decision} {first.level}".strip()
            raise ValueError(
                f"the cut {entry.cut} has the decision of {first.date} ({said}): "
                f"that of {entry.date} has to supersede it (supersedes: '{first.date}')"
            )
        if entry.decision != WITHDRAW:
            own.append(entry)
    return found


def decision_log(trial: Trial) -> Path:
    """Where the decisions of a trial are kept: the file that the cut names, else `data/decisions.yaml`."""
    return (trial.root / (trial.cut.decisions or DEFAULT_LOG)).resolve()


def read_decisions(path: Path, level_ids: Sequence[str] = ()) -> list[Decision]:
    """Every decision of a log, by date; none where there is no file.

    Raises UsageError for an entry that cannot be read or names a dose level that the protocol (`level_ids`) lacks.
    """
    if not path.exists():
        return []
    content = read_yaml(path)
    log = validated(DecisionLog, content if content is not None else {}, str(path))
    for k, entry in enumerate(log.decisions):
        if level_ids and entry.level and entry.level not in level_ids:
            raise UsageError(
                f"the protocol has no dose level {entry.level}; it has {', '.join(level_ids)}", file=str(path),
                column=f"decisions[{k}].level", value=entry.level, next_step="correct the entry",
            )  # fmt: skip
    return sorted(log.decisions, key=lambda entry: (entry.date, entry.cut))


def decisions_before(trial: Trial) -> list[Decision]:
    """The decisions that a build of this cut reads: those on cuts of an earlier date."""
    found = read_decisions(decision_log(trial), trial.protocol.level_ids)
    return [entry for entry in found if entry.cut_date < trial.cut.cut_date and entry.cut != trial.cut.cut_id]
