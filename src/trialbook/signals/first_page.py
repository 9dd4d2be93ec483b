"""What the first page answers before it lists: decision, enrolment, signals, news, the status board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.conduct.board import BoardRow, status_board
from trialbook.conduct.enrolment import Enrolment, enrolment
from trialbook.conduct.news import News, news_since
from trialbook.conduct.visits import DUE, MISSED, coming_up
from trialbook.core.messages import enumerated, joined, msg, plural
from trialbook.dlt.advice import advice
from trialbook.dlt.escalation_status import escalation_status
from trialbook.dlt.next_cohort import NextCohort, plain_decision
from trialbook.protocol.study_data import StudyData
from trialbook.signals.derive import RuleRun
from trialbook.signals.model import SEVERITIES, Facts, Signal
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, EVALUABLE, NOT_EVALUABLE, WAITING

NO_DLT_MARK, DLT_MARK, OPEN_MARK, OUT_MARK = msg("no DLT"), "DLT", msg("window open"), msg("not evaluable")
CLOSES = msg("DLT window closes")


@dataclass(frozen=True)
class Rung:
    """One dose level of the ladder, from the highest: its subjects with their marks, and the count in words."""

    level: str
    dose: str
    subjects: tuple[tuple[str, str], ...]
    says: str


@dataclass(frozen=True)
class Decision:
    """The advice in words. `headline` answers "may we escalate?"; `sentences` say what it depends on; `day`: ISO date
    before which no decision is possible, or blank; `next_steps`: DLTs in the next cohort, and what they lead to.
    """

    headline: str
    sentences: tuple[str, ...]
    day: str
    rule: str
    next_cohort: str
    next_steps: tuple[tuple[str, str], ...]
    ladder: tuple[Rung, ...]


@dataclass(frozen=True)
class Coming:
    """Something with a date: an open DLT window that closes, a visit that is due or opens."""

    day: str
    subject: str
    what: str


@dataclass(frozen=True)
class FirstPage:
    """All of it, plain, so that it can be kept as JSON. `deviations`: major and minor ones, and those not recorded."""

    decision: Decision | None
    enrolment: Enrolment | None
    signals: tuple[Signal, ...]
    rules: tuple[RuleRun, ...]
    news: tuple[News, ...]
    news_known: bool
    board: tuple[BoardRow, ...]
    coming: tuple[Coming, ...]
    missed: tuple[tuple[str, str], ...]
    deviations: tuple[tuple[str, int], ...]


def first_page(facts: Facts, signals: Sequence[Signal], rules: Sequence[RuleRun]) -> FirstPage:
    """Puts together what the first page answers."""
    study, data = facts.study, facts.data
    alerts: dict[str, str] = {}
    for one in signals:
        if one.subject:
            alerts.setdefault(one.subject, one.severity)
    news = news_since(data, facts.previous) if facts.previous is not None else []
    missed = facts.visits[facts.visits["STATUS"].eq(MISSED)]
    board = status_board(data, facts.queries, facts.infusions, study, alerts)
    return FirstPage(
        decision=decision(data["addlt"], study), enrolment=enrolment(data, study), signals=tuple(signals),
        rules=tuple(rules), news=tuple(news), news_known=facts.previous is not None, board=tuple(board),
        coming=tuple(_coming(facts)), missed=tuple(zip(missed["SUBJID"], missed["VISIT"], strict=True)),
        deviations=_deviation_counts(facts.addv),
    )  # fmt: skip


def decision(addlt: pd.DataFrame, study: StudyData) -> Decision | None:
    """The advice of the rule in force in words; None where no rule advises."""
    protocol, analysis = study.protocol, study.analysis
    given = advice(addlt, protocol, analysis, study.cut_date)
    status = escalation_status(addlt, given, protocol, analysis, study.cut_date)
    if status is None:
        return None
    day = given.date_text if given.decision_date is not None else ""
    sentences = [*status.why, _who_is_open(addlt, day), status.advised]
    return Decision(
        status.headline, tuple(sentence for sentence in sentences if sentence), day, given.rule,
        _cohort_words(status.ahead), _steps(status.ahead, analysis.n_cap), _ladder(addlt, study),
    )  # fmt: skip


def _steps(then: NextCohort, cap: int) -> tuple[tuple[str, str], ...]:
    """What each number of DLTs leads to; numbers that lead to the same are one line: `2 or 3 of 3`."""
    runs: list[tuple[list[int], str]] = []
    for count, code in enumerate(then.codes):
        if runs and runs[-1][1] == code:
            runs[-1][0].append(count)
        else:
            runs.append(([count], code))
    return tuple(
        (msg("{counts} of {total}", counts=_range(counts), total=then.size), plain_decision(code, cap))
        for counts, code in runs
    )


def _range(counts: list[int]) -> str:
    if len(counts) > 2:
        return msg("{first} to {last}", first=counts[0], last=counts[-1])
    return enumerated(counts, " or ")


def _who_is_open(addlt: pd.DataFrame, day: str) -> str:
    open_ = addlt[addlt["DLTSTAT"].isin(WAITING)].sort_values(["WINENDT", "USUBJID"], kind="stable")
    if open_.empty:
        return msg("No DLT window is open.")
    names = joined(
        [
            msg("{subject} (to {date})", subject=row.SUBJID, date=f"{row.WINENDT:%Y-%m-%d}")
            for row in open_.itertuples()
        ],
        ", ",
    )
    said = plural(
        "{n} DLT window is open: {subjects}.", "{n} DLT windows are open: {subjects}.", len(open_), subjects=names
    )  # fmt: skip
    return joined([said, msg("No decision before {date}.", date=day) if day else ""])


def _cohort_words(then: NextCohort) -> str:
    """Who the next outcomes are: `016, pending at DL3`; `3 more subjects at DL2`."""
    parts: list[str] = [msg("{subjects}, pending", subjects=", ".join(then.subjects))] if then.pending else []
    parts += [msg("{n} to be treated", n=then.to_treat)] if then.to_treat else []
    return msg("{cohort} at {level}", cohort=joined(parts, " and "), level=then.level) if parts else ""


def _ladder(addlt: pd.DataFrame, study: StudyData) -> tuple[Rung, ...]:
    rungs = []
    for level in reversed(study.protocol.dose_levels):
        rows = addlt[addlt["TRT01A"].eq(level.id)].sort_values(["TRTSDT", "USUBJID"], kind="stable")
        status = rows["DLTSTAT"]
        marks = [
            DLT_MARK if one in COUNTED_AS_DLT else OPEN_MARK if one in WAITING
            else OUT_MARK if one == NOT_EVALUABLE else NO_DLT_MARK
            for one in status
        ]  # fmt: skip
        n, x = int(status.isin(EVALUABLE).sum()), int(status.isin(COUNTED_AS_DLT).sum())
        open_, out = int(status.isin(WAITING).sum()), int(status.eq(NOT_EVALUABLE).sum())
        says = joined(
            [
                msg("{n} of {total}", n=x, total=n) if n else msg("none evaluable"),
                msg("{n} open", n=open_) if open_ else "",
                msg("{n} not evaluable", n=out) if out else "",
            ],
            ", ",
        )
        rungs.append(
            Rung(
                level.id,
                level.printed_dose,
                tuple(zip(rows["SUBJID"].astype("str"), marks, strict=True)),
                says if len(rows) else msg("nobody treated"),
            )
        )
    return tuple(rungs)


def _coming(facts: Facts) -> list[Coming]:
    """Windows that close and visits that are due or open soon, by date."""
    addlt = facts.of_treated("addlt")
    closing = addlt[addlt["DLTSTAT"].isin(WAITING) & (addlt["WINENDT"] >= facts.study.cut_date)]
    found = [
        Coming(f"{row.WINENDT:%Y-%m-%d}", str(row.SUBJID), msg("DLT window closes")) for row in closing.itertuples()
    ]
    for row in coming_up(facts.visits, facts.study).itertuples():
        visit = row.VISIT.lower()
        words = (
            msg("{visit} visit due now, its window closes", visit=visit)
            if row.STATUS == DUE
            else msg("{visit} visit window closes (opens {date})", visit=visit, date=_day(row.FROMDT))
        )
        found.append(Coming(f"{row.UNTILDT:%Y-%m-%d}", str(row.SUBJID), words))
    return sorted(found, key=lambda one: (one.day, one.subject, one.what))


def _day(date: pd.Timestamp) -> str:
    return f"{date:%Y-%m-%d}"


def _deviation_counts(addv: pd.DataFrame) -> tuple[tuple[str, int], ...]:
    return (
        ("major", int(addv["ADVSEV"].eq("MAJOR").sum())), ("minor", int(addv["ADVSEV"].eq("MINOR").sum())),
        ("not recorded by the site", int(addv["FOUNDBY"].eq("DATA").sum())),
    )  # fmt: skip


__all__ = ["SEVERITIES", "Coming", "Decision", "FirstPage", "Rung", "decision", "first_page"]
