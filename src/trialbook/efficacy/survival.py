"""Survival and cumulative incidence from ADTTE as reported numbers, curves and listings (rulebook §2.8, §5.2)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.analyses.time_to_event import days_row, time_rows, unknown_time
from trialbook.core.described import described
from trialbook.core.messages import joined, msg, plural
from trialbook.efficacy.adtte import COMPETING, EVENT
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row, proportion_rows
from trialbook.statistics.competing_risks import CumulativeIncidence, aalen_johansen
from trialbook.statistics.kaplan_meier import KaplanMeier, kaplan_meier, reverse_kaplan_meier
from trialbook.subjects.ranking import MOST_DRAWN

# ----------------------------------------------------------------------------------------------------
# Survival of ADTTE as reported numbers, curves and listings (rulebook §5.2; interface §6).


def follow_up_rows(
    adtte: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp, *, evaluable: bool = True
) -> list[ArdRow]:
    """Follow-up of OS: the median by reverse Kaplan-Meier (FUP_RKM), the range to the cut (FUP_POTENTIAL), and how many
    the living were last seen more than `stale_followup_days` before the cut (FUP_STALE: n of N, an early warning).

    `evaluable` False: who died is not known (`survival_needs`), and so neither is the median follow-up.
    """
    rows: list[ArdRow] = []
    os = adtte[adtte["PARAMCD"].eq("OS")]
    for level in [*protocol.level_ids, TOTAL] if protocol.has_endpoint("OS") else []:
        group = os if level == TOTAL else os[os["TRT01A"].eq(level)]
        curve = reverse_kaplan_meier(group["AVAL"].tolist(), _events(group))
        if evaluable:
            rows += time_rows("FUP_RKM", level, "OS", curve.median(analysis.km_ci), curve, analysis.km_ci)
        else:
            rows += unknown_time("FUP_RKM", level, "OS", analysis.km_ci)
        potential = (cut_date - group["STARTDT"]).dt.days
        for name, value in (("min", potential.min()), ("max", potential.max())):
            rows.append(days_row("FUP_POTENTIAL", level, "OS", name, None if group.empty else value, ""))
        living = group[group["CNSR"] != 0]
        stale = (cut_date - living["ADT"]).dt.days > analysis.stale_followup_days
        rows += proportion_rows("FUP_STALE", level, "OS", int(stale.sum()), len(living))
    return rows


def curve_of(adtte: pd.DataFrame, parameter: str, level: str = TOTAL) -> KaplanMeier:
    """The Kaplan-Meier curve of one endpoint at one dose level, or of all treated subjects."""
    group = adtte[adtte["PARAMCD"].eq(parameter)]
    group = group if level == TOTAL else group[group["TRT01A"].eq(level)]
    return kaplan_meier(group["AVAL"].tolist(), _events(group))


def drawn_levels(adtte: pd.DataFrame, levels: Sequence[str], analysis: Analysis, parameter: str = "OS") -> list[str]:
    """Curves to draw: the total, and each dose level with at least `km_level_min_n` subjects when there are several."""
    n = adtte.loc[adtte["PARAMCD"].eq(parameter), "TRT01A"].value_counts()
    enough = [level for level in levels if n.get(level, 0) >= analysis.km_level_min_n]
    return [TOTAL, *enough] if len(n) > 1 else [TOTAL]


def curve_steps(adtte: pd.DataFrame, levels: Sequence[str], analysis: Analysis, parameter: str = "OS") -> pd.DataFrame:
    """The steps of the curves to draw: level, day, n_risk, n_event, n_censor, survival, low, high, FEW.

    A curve starts with S = 1 on day 0; limits are missing where the transform has none (S of 1 or 0). FEW: fewer than
    `km_level_min_n` subjects are at risk.
    """
    frames = [_steps(curve_of(adtte, parameter, level), level, analysis) for level in levels]
    columns = ["level", "day", "n_risk", "n_event", "n_censor", "survival", "low", "high"]
    steps = pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
    few = analysis.km_level_min_n
    steps = steps.assign(FEW=(steps["n_risk"] < few).astype("bool"))
    own = adtte[adtte["PARAMCD"].eq(parameter)]
    without = own.loc[~own["TRT01A"].isin(levels), "TRT01A"].value_counts().sort_index() if len(levels) > 1 else {}
    said = [
        plural("{level}: {n} subject, no curve", "{level}: {n} subjects, no curve", int(n), level=level)
        for level, n in without.items()
    ]
    alive = msg("{n} of {total} subjects alive at last contact", n=int(own["CNSR"].ne(0).sum()), total=len(own))
    enough = steps[steps["level"].eq(TOTAL) & ~steps["FEW"]]
    summary = msg(
        "Survival of all subjects is {share:.3f} at day {day:.0f}, the last day with {few} or more at risk.",
        share=float(enough["survival"].iloc[-1]), day=float(enough["day"].iloc[-1]), few=few,
    ) if len(enough) else ""  # fmt: skip
    notes = [
        msg("Faint: fewer than {few} subjects at risk; the estimate says little there.", few=few),
        *[msg("{levels}.", levels=joined(said, "; "))] * bool(said),
    ]
    return described(
        steps, labels={"n_event": msg("Deaths"), "FEW": msg("Few at risk")}, notes=notes,
        finding=joined([alive, *said], "; "), summary=summary,
    )  # fmt: skip


def numbers_at_risk(
    adtte: pd.DataFrame, levels: Sequence[str], days: Sequence[int], parameter: str = "OS", drawn: Sequence[str] = ()
) -> pd.DataFrame:
    """Subjects at risk just before each day: level, day, n, ROW (the level, and whether it has no curve).

    `drawn`: the levels with a curve; none: all of them.
    """
    rows = [
        (
            level,
            day,
            curve.at(day).n_risk,
            level if level in (drawn or levels) else msg("{level}, no curve", level=level),
        )
        for level in levels
        for curve in [curve_of(adtte, parameter, level)]
        if curve.n or level in (drawn or levels)
        for day in days
    ]
    return pd.DataFrame(rows, columns=["level", "day", "n", "ROW"]).astype({"ROW": "str"})


def curve_points(adtte: pd.DataFrame, parameter: str = "OS") -> pd.DataFrame:
    """Where each subject's follow-up ends on the curve of the total: subject, day, survival; of a crowd nobody's."""
    own = adtte[adtte["PARAMCD"].eq(parameter)]
    own = own if len(own) <= MOST_DRAWN else own.head(0)
    curve = curve_of(adtte, parameter)
    survival = [curve.at(day).survival.estimate for day in own["AVAL"]]
    return pd.DataFrame({"subject": own["SUBJID"], "day": own["AVAL"], "survival": survival}).reset_index(drop=True)


def _events(group: pd.DataFrame) -> list[int]:
    return [int(code == 0) for code in group["CNSR"]]


def _steps(curve: KaplanMeier, level: str, analysis: Analysis) -> pd.DataFrame:
    band = curve.band(analysis.km_ci)
    steps = pd.DataFrame(
        {
            "day": curve.times,
            "n_risk": curve.n_risk,
            "n_event": curve.n_event,
            "n_censor": curve.n_censor,
            "survival": [float(s) for s in curve.survival],
            "low": [low for low, _ in band],
            "high": [high for _, high in band],
        }
    ).astype({"low": "float64", "high": "float64"})
    if not curve.n or curve.times[0] == 0:
        return steps.assign(level=level)
    first = pd.DataFrame({"day": [0.0], "n_risk": [curve.n], "n_event": [0], "n_censor": [0], "survival": [1.0]})
    return pd.concat([first, steps], ignore_index=True).assign(level=level)


# ----------------------------------------------------------------------------------------------------

NAMES = {1: "NRM", 2: "RELAPSE"}
METHOD = "aalen-johansen"


def incidence_rows(
    adtte: pd.DataFrame, protocol: Protocol, analysis: Analysis, *, evaluable: bool = True
) -> list[ArdRow]:
    """CIF: share with NRM and with RELAPSE by each of `os_days` with 95% limits, and n.event; the share is null ("not
    reached") by the rule of the other curves (A-81).

    The limits are log-log with the variance of R's cmprsk (A-139); a share of 0 has none. An ADTTE without NRM (nobody
    was treated) gives no rows. `evaluable` False: a domain that decides it was not delivered (`survival_needs`); every
    row is null with the text `NE`.
    """
    if not evaluable and protocol.has_endpoint("OS"):
        return [
            ard_row("CIF", level, name, stat, None, stat_text=NOT_EVALUABLE if "conf" not in stat else None,
                    variable_level=str(day), context=METHOD)
            for level in [*protocol.level_ids, TOTAL]
            for name in NAMES.values()
            for day in analysis.os_days
            for stat in ("estimate", "conf.low", "conf.high")
        ]  # fmt: skip
    nrm = adtte[adtte["PARAMCD"].eq("NRM")]
    rows: list[ArdRow] = []
    for level in [*protocol.level_ids, TOTAL] if len(nrm) else []:
        group = nrm if level == TOTAL else nrm[nrm["TRT01A"].eq(level)]
        curve = _incidence(group)
        for cause, name in NAMES.items():
            for day in analysis.os_days:
                known = curve.reaches(day)
                text = msg("not reached") if len(group) and not known else None
                place = {"variable_level": str(day), "context": METHOD}
                n = int(((_causes(group) == cause) & (group["AVAL"] <= day)).sum())
                found = curve.interval(cause, day)
                share, low, high = (found.estimate, found.low, found.high) if known else (None, None, None)
                rows.append(ard_row("CIF", level, name, "estimate", share, stat_text=text, **place))
                rows.append(ard_row("CIF", level, name, "conf.low", low, **place))
                rows.append(ard_row("CIF", level, name, "conf.high", high, **place))
                rows.append(ard_row("CIF", level, name, "n.event", n, **place))
    return rows


def incidence_steps(adtte: pd.DataFrame) -> pd.DataFrame:
    """The two curves of all treated subjects to draw: event, day, incidence, low, high; each starts with 0 on day 0."""
    group = adtte[adtte["PARAMCD"].eq("NRM")]
    curve = _incidence(group)
    rows: list[tuple[str, float, float, float | None, float | None]]
    rows = [(name, 0.0, 0.0, None, None) for name in NAMES.values() if len(group)]
    for cause, name in NAMES.items():
        # The share, its variance and so the limits move only with an event, of whatever cause.
        last = curve.interval(cause, 0.0)
        for day, events in zip(curve.times, curve.n_event, strict=True):
            last = curve.interval(cause, day) if events else last
            rows.append((name, day, float(last.estimate or 0), last.low, last.high))
    steps = pd.DataFrame(rows, columns=["event", "day", "incidence", "low", "high"])
    steps = steps.astype({"low": "float64", "high": "float64"}).drop_duplicates(["event", "day"], keep="last")
    steps = steps.sort_values(["event", "day"]).reset_index(drop=True)
    n = {name: int((_causes(group) == cause).sum()) for cause, name in NAMES.items()}
    seen = msg(
        "{deaths}, {relapses}, of {total} subjects",
        deaths=plural("{n} death without relapse", "{n} deaths without relapse", n["NRM"]),
        relapses=plural("{n} relapse", "{n} relapses", n["RELAPSE"]), total=len(group),
    )  # fmt: skip
    ends = steps.drop_duplicates("event", keep="last").set_index("event")["incidence"]
    summary = msg(
        "Cumulative incidence rises to {deaths:.2f} for death without relapse and to {relapses:.2f} for relapse.",
        deaths=float(ends.get("NRM", 0)), relapses=float(ends.get("RELAPSE", 0)),
    )  # fmt: skip
    return described(
        steps, labels={"event": msg("First event")}, empty=msg("There is nothing to show at this cut."), finding=seen,
        summary=summary,
    )  # fmt: skip


def _incidence(group: pd.DataFrame) -> CumulativeIncidence:
    return aalen_johansen(group["AVAL"].tolist(), _causes(group).tolist(), of=list(NAMES))


def _causes(group: pd.DataFrame) -> pd.Series:
    """Cause of each NRM row: 1 = death without relapse, 2 = relapse, 0 = censored."""
    cause = pd.Series(0, index=group.index, dtype="int64")
    return cause.mask(group["CNSR"].eq(EVENT), 1).mask(group["CNSR"].eq(COMPETING), 2)
