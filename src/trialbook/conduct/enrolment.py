"""May the next patient be dosed today? Free places, sentinel interval, open windows, and who waits (A-180)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from trialbook.conduct.frames import treated_of
from trialbook.core.messages import msg
from trialbook.dlt.advice import MOVES, Advice, advice, places_left, trial_history
from trialbook.dlt.designs.design import ONGOING, WAIT
from trialbook.dlt.designs.registry import NO_RULE
from trialbook.dlt.next_cohort import plain_decision
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.dlt_status import PENDING, PENDING_DATA

YES, NOT_BEFORE, NO = "yes", "not before", "no"


@dataclass(frozen=True)
class Enrolment:
    """The answer at the end of the cut date. `answer`: yes, not before, no; `level`: where; `day`: from when (ISO).

    `reasons` say why, one sentence each; `places` of `cap` are free; `windows`: subjects with an open window and its
    last day; `queue`: subjects in screening, with the day of consent.
    """

    answer: str
    level: str
    day: str
    reasons: tuple[str, ...]
    places: int
    cap: int
    windows: tuple[tuple[str, str], ...]
    queue: tuple[tuple[str, str], ...]

    @property
    def enrolling(self) -> bool:
        """Whether there is a place left to ask for."""
        return self.places > 0


def enrolment(data: Mapping[str, pd.DataFrame], study: StudyData) -> Enrolment | None:
    """Whether the next patient may be dosed, from ADSL and ADDLT; None where no escalation rule asks.

    No: the cap is reached, the rule has ended or waits. Not before a day: the sentinel subjects of a level have been
    treated and their interval has not passed, or somebody was first infused too recently. The committee decides in
    every case.
    """
    protocol, analysis = study.protocol, study.analysis
    if not protocol.has_endpoint("DLT") or analysis.escalation_rule == NO_RULE:
        return None
    addlt, treated = data["addlt"], treated_of(data["adsl"])
    given = advice(addlt, protocol, analysis, study.cut_date)
    places = places_left(analysis, *trial_history(addlt, protocol.level_ids))
    answer, day, reasons = _answer(given, places, treated, study)
    return Enrolment(
        answer, given.level if answer != NO else "", day, tuple(reasons), places, analysis.n_cap,
        _windows(addlt), _queue(data["adsl"]),
    )  # fmt: skip


def _answer(given: Advice, places: int, treated: pd.DataFrame, study: StudyData) -> tuple[str, str, list[str]]:
    limit = study.analysis.n_cap
    if places == 0:
        return NO, "", [msg("All {n} places are used.", n=limit)]
    if not given.code.startswith(f"{ONGOING}("):
        return NO, "", [msg("{decision}.", decision=plain_decision(given.code, limit))]
    if given.code.startswith(f"{ONGOING}({WAIT} "):
        waits = (
            msg("The rule waits for the open windows at {level}.", level=given.level)
            if given.decision_date is None
            else msg(
                "The rule waits for the open windows at {level} until {date}.", level=given.level, date=given.date_text
            )
        )
        return NO, given.date_text if given.decision_date is not None else "", [
            waits
        ]  # fmt: skip
    rules = study.protocol.enrolment
    move = given.code.removeprefix(f"{ONGOING}(").split(" ", 1)[0]
    first = pd.Timestamp(study.cut_date)
    reasons: list[str] = [msg("The rule advises to {move}.", move=msg(MOVES[move], level=given.level))]
    at_level = treated[treated["TRT01A"].eq(given.level)]
    day = first
    if len(at_level) and len(at_level) == rules.sentinel_subjects:
        free = at_level["TRTSDT"].max() + pd.Timedelta(days=rules.sentinel_days)
        if free > day:
            day = free
            who = str(at_level["SUBJID"].iloc[-1])
            reasons.append(
                msg(
                    "{subject} was the first at {level}: nobody else there for {days} days, to {date}.",
                    subject=who,
                    level=given.level,
                    days=rules.sentinel_days,
                    date=f"{free:%Y-%m-%d}",
                )
            )
    if len(treated):
        free = treated["TRTSDT"].max() + pd.Timedelta(days=rules.interval_days)
        if free > day:
            day = free
            reasons.append(
                msg(
                    "{days} days lie between two first infusions: not before {date}.",
                    days=rules.interval_days, date=f"{free:%Y-%m-%d}",
                )
            )  # fmt: skip
    if len(at_level) < rules.sentinel_subjects:
        reasons.append(msg("The next subject is the first at {level} and is treated alone.", level=given.level))
    return (NOT_BEFORE, f"{day:%Y-%m-%d}", reasons) if day > first else (YES, f"{first:%Y-%m-%d}", reasons)


def _windows(addlt: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    rows = addlt[addlt["DLTSTAT"].isin([PENDING, PENDING_DATA])].sort_values(["WINENDT", "USUBJID"], kind="stable")
    return tuple((str(row.SUBJID), f"{row.WINENDT:%Y-%m-%d}") for row in rows.itertuples())


def _queue(adsl: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Screened, not treated, not a screen failure and not gone: by day of consent."""
    waiting = adsl["SCRFL"].eq("Y") & ~adsl["SAFFL"].eq("Y") & adsl["DCSREAS"].eq("") & ~adsl["DTHFL"].eq("Y")
    rows = adsl[waiting].sort_values(["RFICDT", "USUBJID"], kind="stable")
    return tuple(
        (str(row.SUBJID), f"{row.RFICDT:%Y-%m-%d}" if pd.notna(row.RFICDT) else "") for row in rows.itertuples()
    )
