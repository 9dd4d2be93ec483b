"""Where the trial is with each safety stopping rule, and what the rule would do at assumed rates: ARD rows (§4.12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.monitoring.outcomes import EVENT, OPEN, in_order_known, monitored_outcomes
from trialbook.protocol.monitoring import MonitoringRule
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.safety.adae import derive_adae
from trialbook.statistics.prediction import probability_of_no_event
from trialbook.statistics.stopping_rules import (
    METHODS,
    StoppingRule,
    calibrated_rule,
    operating_characteristics,
)
from trialbook.statistics.stopping_rules_survival import (
    SURVIVAL_METHODS,
    SurvivalStoppingRule,
    calibrated_survival_rule,
    survival_characteristics,
)
from trialbook.statistics.stopping_states import (
    NOW,
    STOP,
    first_stop,
    further_events,
    further_events_in,
    monitoring_states,
    survival_monitoring_states,
)

STOPPING, CHARACTERISTICS, BOUNDARY, NO_EVENT = "STOPPING", "STOPPING_OC", "STOPPING_BOUNDARY", "NO_EVENT"
# True rates of the event for which the rule is tried, as multiples of the tolerated one.
TRIED = (0.5, 1.0, 1.5, 2.0, 3.0)
# How likely it is to see none of an event that comes with these probabilities.
RARE = (0.05, 0.10, 0.20, 0.30)


@dataclass(frozen=True)
class CaseOfRule:
    """One case (now, worst, best) of a rule: events, subjects evaluated, the number that stops, and the verdict.

    Of a rule on follow-up `boundary` is the most follow-up in days with which so many events stop, `follow_up` what
    there is. Missing where no number of events stops.
    """

    case: str
    events: int
    n: int
    boundary: float | None
    verdict: str
    follow_up: float | None = None


@dataclass(frozen=True)
class Monitored:
    """One rule at a cut: who had the event, the three cases, and after which subject the boundary was first reached.

    `left_out` counts treated subjects beyond the most that the rule looks at.
    """

    rule_id: str
    rule: MonitoringRule
    outcomes: pd.DataFrame
    boundary: StoppingRule | SurvivalStoppingRule
    cases: tuple[CaseOfRule, ...]
    reached_after: int | None
    left_out: int = 0

    @property
    def further(self) -> int | None:
        """How many more events stop, if they are the next seen: 0 where the boundary is reached, None where none do."""
        now = self.cases[0]
        if now.verdict == STOP:
            return 0
        if isinstance(self.boundary, StoppingRule):
            return further_events(self.boundary, now.events, now.n)
        return further_events_in(self.boundary, now.events, now.follow_up or 0.0)

    @property
    def open_subjects(self) -> list[str]:
        """The numbers of the subjects whose outcome is open."""
        return self.outcomes.loc[self.outcomes["OUTCOME"].eq(OPEN), "SUBJID"].astype("str").tolist()


def monitor(adsl: pd.DataFrame, study: StudyData, adae: pd.DataFrame | None = None) -> list[Monitored]:
    """Every stopping rule of the protocol file, in its order, at the cut of `study`.

    `adae`: where it is derived already.

    Raises UsageError where the numbers of a rule allow no boundary.
    """
    if study.protocol.monitoring and adae is None:
        adae = derive_adae(adsl, study)
    events = pd.DataFrame() if adae is None else adae
    return [monitored(name, rule, adsl, events, study) for name, rule in study.protocol.monitoring.items()]


def monitored(
    rule_id: str, rule: MonitoringRule, adsl: pd.DataFrame, adae: pd.DataFrame, study: StudyData
) -> Monitored:
    """One rule at the cut; see `monitor`."""
    return _monitored(rule_id, rule, monitored_outcomes(rule, adsl, adae, study), adsl, study)


def verdict_of(
    rule_id: str, rule: MonitoringRule, outcomes: pd.DataFrame, adsl: pd.DataFrame, study: StudyData
) -> str:  # fmt: skip
    """The verdict of a rule now, for outcomes of subjects (`monitored_outcomes`) in any order."""
    return _monitored(rule_id, rule, in_order_known(outcomes), adsl, study).cases[0].verdict


def _monitored(
    rule_id: str, rule: MonitoringRule, outcomes: pd.DataFrame, adsl: pd.DataFrame, study: StudyData
) -> Monitored:  # fmt: skip
    n_max = rule.n_max or max(study.protocol.study.planned_n, len(outcomes))
    first_treated = outcomes.sort_values(["TRTSDT", "USUBJID"], kind="stable").head(n_max)["USUBJID"]
    looked_at = outcomes[outcomes["USUBJID"].isin(first_treated)].reset_index(drop=True)
    boundary = made_rule(rule_id, rule, n_max)
    if isinstance(boundary, StoppingRule):
        cases, reached = _counted(boundary, looked_at)
    else:
        cases, reached = _followed(boundary, rule, looked_at, adsl, study.cut_date)
    return Monitored(rule_id, rule, looked_at, boundary, cases, reached, len(outcomes) - len(looked_at))


@lru_cache(maxsize=64)
def _made(rule_id: str, text: str, n_max: int) -> StoppingRule | SurvivalStoppingRule:
    return _calibrated(rule_id, MonitoringRule.model_validate_json(text), n_max)


def made_rule(rule_id: str, rule: MonitoringRule, n_max: int) -> StoppingRule | SurvivalStoppingRule:
    """The boundary of a rule for so many subjects; raises UsageError where its numbers allow none."""
    return _made(rule_id, rule.model_dump_json(), n_max)


def _calibrated(rule_id: str, rule: MonitoringRule, n_max: int) -> StoppingRule | SurvivalStoppingRule:
    try:
        if rule.time_to_event:
            numbers = dict(rule.own_numbers)
            tau = float(rule.window[1] - rule.window[0] + 1)
            if rule.method == "SPRT":
                numbers["tau"] = tau
            return calibrated_survival_rule(SURVIVAL_METHODS[rule.method](**numbers), n_max, tau, rule.p0, rule.alpha)
        return calibrated_rule(METHODS[rule.method](**rule.own_numbers), n_max=n_max, p0=rule.p0, alpha=rule.alpha)
    except ValueError as error:
        raise UsageError(
            f"the stopping rule {rule_id} has no boundary: {error}", file="protocol file", column="monitoring",
            next_step="change the method, p0 or alpha of this rule",
        ) from error  # fmt: skip


def _counted(boundary: StoppingRule, outcomes: pd.DataFrame) -> tuple[tuple[CaseOfRule, ...], int | None]:
    known = outcomes[outcomes["OUTCOME"].ne(OPEN)]
    seen = known["OUTCOME"].eq(EVENT).tolist()
    events, n = sum(seen), len(seen)
    states = monitoring_states(boundary, events, n, len(outcomes) - n)
    reached = first_stop(boundary, seen)
    return tuple(
        CaseOfRule(s.case, s.events, s.n, s.boundary, STOP if reached is not None else s.verdict) for s in states
    ), reached  # fmt: skip


def _followed(
    boundary: SurvivalStoppingRule, rule: MonitoringRule, outcomes: pd.DataFrame, adsl: pd.DataFrame, cut: pd.Timestamp
) -> tuple[tuple[CaseOfRule, ...], int | None]:  # fmt: skip
    start = outcomes["TRTSDT"] + pd.Timedelta(days=rule.window[0])
    last = outcomes["TRTSDT"] + pd.Timedelta(days=rule.window[1])
    seen = adsl.set_index("USUBJID")["LSTALVDT"].reindex(outcomes["USUBJID"]).set_axis(outcomes.index)
    on = outcomes["TRTSDT"] + pd.to_timedelta(outcomes["DAY"].astype("float64"), unit="D")
    is_open, had = outcomes["OUTCOME"].eq(OPEN), outcomes["OUTCOME"].eq(EVENT)
    end = on.where(~is_open, seen).clip(upper=last).clip(upper=cut).fillna(start)

    def follow_up(day: pd.Timestamp) -> float:
        return float(((end.clip(upper=day) - start).dt.days + 1).clip(lower=0).sum())

    dates = sorted(on[had])
    at_events = [follow_up(day) for day in dates]
    left = (last - end).dt.days.clip(lower=0)[is_open].astype("float64").tolist()
    states = survival_monitoring_states(boundary, at_events, follow_up(cut), left)
    within = [k for k, at in enumerate(at_events, 1) if (limit := boundary.limit(k)) is not None and at <= limit]
    known = int((~is_open).sum())
    n = {"now": known}
    return tuple(
        CaseOfRule(s.case, s.events, n.get(s.case, len(outcomes)), s.limit, s.verdict, s.follow_up) for s in states
    ), within[0] if within else None  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# Reported numbers


def stopping_rows(found: Iterable[Monitored]) -> list[ArdRow]:
    """STOPPING: variable = rule id, context = now, worst, best; n events of N evaluated, boundary, and the state.

    `state` has the verdict as its text: `continue`, `next event stops`, `stop`; `further` (case now) is the number of
    further events that stop, null where no number does. Of a rule on follow-up also
    `time`, the days of follow-up, and `boundary` is the most follow-up with which so many events stop.
    """
    rows: list[ArdRow] = []
    for one in found:
        rows.append(ard_row(STOPPING, TOTAL, one.rule_id, "further", one.further, context=NOW))
        for case in one.cases:
            place = {"variable_level": "", "context": case.case}
            rows += [
                ard_row(STOPPING, TOTAL, one.rule_id, "n", case.events, **place),
                ard_row(STOPPING, TOTAL, one.rule_id, "N", case.n, **place),
                ard_row(STOPPING, TOTAL, one.rule_id, "boundary", case.boundary, **place),
                ard_row(STOPPING, TOTAL, one.rule_id, "state", None, stat_text=case.verdict, **place),
            ]
            if case.follow_up is not None:
                rows.append(ard_row(STOPPING, TOTAL, one.rule_id, "time", case.follow_up, **place))
    return rows


def boundary_rows(found: Iterable[Monitored]) -> list[ArdRow]:
    """STOPPING_BOUNDARY: the fewest events of so many evaluated subjects (variable_level) that stop; null where none.

    Of a rule on follow-up: variable_level `k events`, the most follow-up in days with which they stop.
    """
    rows: list[ArdRow] = []
    for one in found:
        if isinstance(one.boundary, StoppingRule):
            limits: Mapping[str, float | None] = {
                str(n): one.boundary.stop_at(n) if one.boundary.can_stop(n) else None
                for n in range(1, one.boundary.n_max + 1)
            }
        else:
            first, limits_of = one.boundary.first_event, one.boundary.limits
            limits = {f"{k} events": limit for k, limit in enumerate(limits_of, first)}
        rows += [
            ard_row(BOUNDARY, TOTAL, one.rule_id, "boundary", limit, variable_level=level)
            for level, limit in limits.items()
        ]
    return rows


def characteristic_rows(found: Iterable[Monitored]) -> list[ArdRow]:
    """STOPPING_OC: at true rates around p0 (variable_level) the probability of ever stopping and the expected number.

    Exact, for the whole trial from its first subject; `expected_n` are subjects, of a rule on follow-up days.
    """
    rows: list[ArdRow] = []
    for one in found:
        for p in (round(one.rule.p0 * factor, 4) for factor in TRIED):
            if p >= 1:
                continue
            if isinstance(one.boundary, StoppingRule):
                binary = operating_characteristics(one.boundary, p)
                stats = {"stop_probability": binary.stop_probability, "expected_n": binary.expected_n}
            else:
                timed = survival_characteristics(one.boundary, p)
                stats = {"stop_probability": timed.stop_probability, "expected_time": timed.expected_follow_up}
            rows += [
                ard_row(CHARACTERISTICS, TOTAL, one.rule_id, name, value, variable_level=f"{p:g}", context="exact")
                for name, value in stats.items()
            ]
    return rows


def no_event_rows(treated: int) -> list[ArdRow]:
    """NO_EVENT: the probability of seeing none of an event among the treated subjects, by its true probability.

    No rows where nobody has been treated.
    """
    if not treated:
        return []
    return [
        ard_row(
            NO_EVENT, TOTAL, "NO_EVENT", "estimate", probability_of_no_event(p, treated), variable_level=f"{p:g}",
            context=f"of {treated}",
        )
        for p in RARE
    ]  # fmt: skip
