"""Analyses of one's own over a cut: survival, rates and counts by any group, another DLT definition, a design.

Each is worked out by the function that the notebooks call. What is not a published number says so in its title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialbook.analyses.count import count
from trialbook.analyses.population import PUBLISHED, Population
from trialbook.analyses.rate import rate
from trialbook.analyses.result import Result
from trialbook.analyses.selection import Condition
from trialbook.analyses.time_to_event import survival
from trialbook.core.errors import UsageError
from trialbook.display.titled import Titled, unpublished_title
from trialbook.dlt.advice import COMMITTEE, Advice, advice
from trialbook.dlt.own_definition import addlt_under
from trialbook.efficacy.survival_bounds import why_not_evaluable
from trialbook.escalation_simulation.plan import plans_of
from trialbook.escalation_simulation.summary import design_oc, short_table
from trialbook.explore.names import no_such
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.recount import RESPONSES

OWN = "MY_"
LEVELS = "TRT01A"
# What `Cut.design_oc` takes beside rates, rule and cap.
OF_A_PLAN = ("accrual_days", "arrivals", "not_evaluable", "skeleton", "stagger_days", "target", "window")
ENDPOINTS = {
    "OS": "Overall survival", "FFS": "Failure-free survival", "DOR": "Duration of response",
}  # fmt: skip
RATES = {"ORR_D28": "Overall response at day 28", "CR_D28": "Complete response at day 28"}


@dataclass(frozen=True)
class Source:
    """What an analysis of a cut starts from. `unpublished`: what makes it another than the published set, blank where
    nothing does.
    """

    datasets: Mapping[str, pd.DataFrame]
    study: StudyData
    cut_date: str
    unpublished: str

    @property
    def protocol(self) -> Protocol:
        """The protocol."""
        return self.study.protocol

    @property
    def analysis(self) -> Analysis:
        """The analysis keys."""
        return self.study.analysis

    @property
    def population(self) -> Population:
        """The subjects, and the rules that hold for them."""
        return Population(self.datasets["adsl"], self.protocol, self.analysis)

    def title(self, what: str) -> str:
        """A title that names the cut, and says where its content is not the published set."""
        return unpublished_title(f"{what}, data cut {self.cut_date}", self.unpublished)


class Answer(Titled):
    """The numbers of an analysis with its title; `ard` are the same as rows of the results."""

    _metadata = ["title", "ard"]  # noqa: RUF012
    ard: pd.DataFrame


def _answer(source: Source, result: Result, title: str) -> Answer:
    found = Answer(pd.DataFrame(result))
    found.title, found.ard = title, result.ard
    found.attrs = dict(source.datasets["adsl"].attrs)
    return found


def survival_of(source: Source, endpoint: str, by: str, at: Sequence[int] | None, where: Condition | None) -> Answer:
    """Kaplan-Meier estimates of an endpoint; see `Cut.survival`."""
    name = endpoint.upper()
    if name not in ENDPOINTS:
        raise no_such("endpoint", endpoint, ENDPOINTS)
    times = source.datasets["adtte"]
    times = times[times["PARAMCD"].eq(name)].reset_index(drop=True)
    published = by == LEVELS and at is None and where is None and not source.unpublished
    lack = why_not_evaluable(name, source.study.domains) if name != "DOR" else ""
    found = survival(
        times, id=name if published else f"{OWN}{name}", population=source.population, by=by, where=where, at=at,
        evaluable=not lack,
    )  # fmt: skip
    return _answer(source, found, source.title(f"{ENDPOINTS[name]} by {by}{_among(where)}"))


def rate_of(source: Source, analysis: str, by: str, where: Condition | None) -> Answer:
    """The rate of a response at day 28; see `Cut.rate`."""
    name = analysis.upper()
    if name not in RATES:
        raise no_such("rate", analysis, RATES)
    wanted = list(RESPONSES[name])
    published = by == LEVELS and where is None and not source.unpublished
    found = rate(
        source.datasets["adrsp28"], f"AVALC in {wanted}", of=PUBLISHED[name].condition,
        open=f"AVALC == 'NE' and RSPSTG in {['', *wanted]}", by=by, where=where,
        id=name if published else f"{OWN}{name}", population=source.population,
    )  # fmt: skip
    return _answer(source, found, source.title(f"{RATES[name]} by {by}{_among(where)}"))


def count_of(
    source: Source, where: Condition | None, dataset: str, by: str, per: str | Sequence[str]
) -> Answer:  # fmt: skip
    """Subjects and events that a condition selects; see `Cut.count`."""
    frame = source.datasets[dataset]
    found = count(frame, id=f"{OWN}COUNT", population=source.population, where=where, by=by, per=per)
    return _answer(source, found, source.title(f"Subjects of {dataset.upper()} by {by}{_among(where)}"))


def _among(where: Condition | None) -> str:
    return "" if where is None else f" where {where}" if isinstance(where, str) else " of a selection"


# ----------------------------------------------------------------------------------------------------
# Dose escalation.


@dataclass(frozen=True)
class GivenAdvice:
    """What a rule advises, and the statuses (as ADDLT) from which it does: never a decision."""

    title: str
    given: Advice
    statuses: pd.DataFrame

    @property
    def code(self) -> str:
        """The advice in the vocabulary of the results: `ONGOING(ESCALATE DL2)`."""
        return self.given.code

    @property
    def sentence(self) -> str:
        """The advice in words."""
        return self.given.sentence

    def to_frame(self) -> pd.DataFrame:
        """The advice as a frame of one row: rule, advice, worst and best case, first day on which it can be decided."""
        one = self.given
        return pd.DataFrame(
            [(one.rule, one.code, one.worst, one.best, one.date_text)],
            columns=["rule", "advice", "worst", "best", "decision_date"],
        )

    def __repr__(self) -> str:
        counts = self.statuses.groupby(["TRT01A", "DLTSTAT"], observed=True).size()
        said = "; ".join(f"{level} {status}: {n}" for (level, status), n in counts.items())
        return f"{self.title}\n{self.given.code}: {self.given.sentence}\n{said or 'Nobody was treated.'}"

    def _repr_html_(self) -> str:
        from html import escape

        title, *lines = repr(self).splitlines()
        return f"<p><strong>{escape(title)}</strong></p><p>{'<br>'.join(map(escape, lines))}</p>"


def advice_of(source: Source, dlt: Condition | None, rule: str | None) -> GivenAdvice:
    """What a rule advises from the statuses of the cut, or from another DLT definition; see `Cut.advice`."""
    if not source.protocol.has_endpoint("DLT"):
        raise UsageError(
            "this trial has no dose escalation: DLT is not one of its endpoints",
            next_step="ask for cut.rate, cut.survival or cut.count",
        )  # fmt: skip
    addlt = source.datasets["addlt"]
    said = []
    if dlt is not None:
        addlt = addlt_under(dlt, source.datasets["adae"], source.datasets["adsl"], addlt, source.study)
        said.append(f"DLT = {dlt}" if isinstance(dlt, str) else "DLT = a selection of events")
    if rule is not None and rule != source.analysis.escalation_rule:
        said.append(f"rule {rule}")
    given = advice(addlt, source.protocol, source.analysis, source.study.cut_date, rule)
    unpublished = "; ".join(filter(None, [source.unpublished, *said]))
    return GivenAdvice(
        unpublished_title(f"Advice of the rule {given.rule}, data cut {source.cut_date}", unpublished), given, addlt
    )


class OperatingCharacteristics(Titled):
    """Operating characteristics, a row per rule and set of true rates; `full`: every measure, with its error."""

    _metadata = ["title", "full"]  # noqa: RUF012
    full: pd.DataFrame


def design_of(
    source: Source, rates: Sequence[float] | Sequence[Sequence[float]] | None, rule: str | Sequence[str] | None,
    cap: int | None, trials: int, seed: int, how: Mapping[str, Any],
) -> OperatingCharacteristics:  # fmt: skip
    """Operating characteristics of a design by simulation; see `Cut.design_oc`."""
    given: list[Any] = list(rates) if rates is not None else []
    sets = [given] if given and not isinstance(given[0], Sequence) else given
    rules = [rule] if isinstance(rule, str) else list(rule or [])
    for name in how:
        if name not in OF_A_PLAN:
            raise no_such("setting of a design", name, OF_A_PLAN)
    plans = plans_of(source.analysis, rules, [",".join(map(str, one)) for one in sets], cap=cap, **how)
    full = design_oc(plans, trials, seed)
    found = OperatingCharacteristics(short_table(full))
    found.full = full
    found.title = f"Operating characteristics, {trials} simulated trials; the true rates are assumed. {COMMITTEE}"
    return found
