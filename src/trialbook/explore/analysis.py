"""Analyses of one's own over a cut: survival, rates and counts by any group, another DLT definition, a design.

Each is worked out by the function that the notebooks call. What is not a published number says so in its title.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from numbers import Real
from typing import Any

import pandas as pd

from trialbook.analyses.count import count
from trialbook.analyses.population import PUBLISHED, Population
from trialbook.analyses.rate import COLUMNS as RATE_COLUMNS
from trialbook.analyses.rate import rate
from trialbook.analyses.result import Result, result_of
from trialbook.analyses.selection import Condition
from trialbook.analyses.time_to_event import COLUMNS as CURVE_COLUMNS
from trialbook.analyses.time_to_event import survival
from trialbook.core.errors import UsageError
from trialbook.display.titled import Titled, unpublished_title
from trialbook.dlt.advice import COMMITTEE, Advice, advice
from trialbook.dlt.own_definition import addlt_under
from trialbook.efficacy.assessment_days import DAY_28, Landmark
from trialbook.efficacy.day28 import read_course, response_of, treated_subjects
from trialbook.efficacy.survival_bounds import why_not_evaluable
from trialbook.escalation_simulation.plan import plans_of
from trialbook.escalation_simulation.summary import design_oc, short_table
from trialbook.explore.given import days_given, on_records, said_of, text_given, whole_given
from trialbook.explore.names import no_such
from trialbook.explore.narrowing import with_response
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.recount import RESPONSES
from trialbook.safety.ctcae import TERMS

OWN = "MY_"
LEVELS = "TRT01A"
# What `Cut.design_oc` takes beside rates, rule and cap.
OF_A_PLAN = ("accrual_days", "arrivals", "not_evaluable", "skeleton", "stagger_days", "target", "window")
ENDPOINTS = {
    "OS": "Overall survival", "FFS": "Failure-free survival", "DOR": "Duration of response",
}  # fmt: skip
RATES = {"ORR_D28": "Overall response", "CR_D28": "Complete response"}
# Columns that hold whole numbers, also where some are missing.
COUNTS = ("n", "n_low", "n_high", "N", "pending", "unknown")
DAYS = "N and events: all of the group. n_risk: at risk just before the day; n_event: events up to and including it."
UNREACHED = " No survival is given at a day to which nobody of the group was followed."
MEDIAN = (
    " median: the first day with S(t) below 0.5; where S(t) is just 0.5 between two days, their middle; "
    "not given where S(t) does not come down to it."
)


@dataclass(frozen=True)
class Source:
    """What an analysis of a cut starts from. `unpublished`: what makes it another than the published set, blank where
    nothing does; `keys`: as far as these are other analysis keys. `names`: what `@name` in a condition means.
    """

    datasets: Mapping[str, pd.DataFrame]
    study: StudyData
    cut_date: str
    unpublished: str
    keys: str = ""
    names: Mapping[str, Any] = field(default_factory=dict)

    @property
    def protocol(self) -> Protocol:
        """The protocol."""
        return self.study.protocol

    @property
    def analysis(self) -> Analysis:
        """The analysis keys."""
        return self.study.analysis

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """ADSL with RESPONSE, the response at day 28; blank for whom it was not judged."""
        return with_response(self.datasets)

    @property
    def population(self) -> Population:
        """The subjects, and the rules that hold for them."""
        return Population(self.subjects, self.protocol, self.analysis)

    def condition(self, where: Condition) -> Condition:
        """A condition over records and ADSL, with the values of its names; unknown stays unknown."""
        return on_records(where, self.subjects, self.names)

    def title(self, what: str) -> str:
        """A title that names the cut, and says where its content is not the published set."""
        return unpublished_title(f"{what}, data cut {self.cut_date}", self.unpublished)

    def beside(self, what: str) -> str:
        """A title for what is that of the published set also under other keys, where nothing derives it again."""
        if not self.keys:
            return self.title(what)
        part = self.unpublished.removeprefix(self.keys).removeprefix("; ")
        return unpublished_title(
            f"{what} of the published set, not derived again {self.keys}, data cut {self.cut_date}", part
        )


class Answer(Titled):
    """The numbers of an analysis with its title; `ard` are the same as rows of the results, `note` says how the columns
    are to be read (blank where they say it themselves). `trialbook.table(answer)` shows it in the house style.

    >>> import trialbook
    >>> trialbook.table(trialbook.cut("2025-09-30").rate())
    <Table 'Overall response at day 28 by TRT01A, data cut 2025-09-30': 4 rows, 7 columns>
    """

    _metadata = ["title", "ard", "note"]  # noqa: RUF012
    ard: pd.DataFrame
    note: str

    def __repr__(self) -> str:
        return "\n".join(filter(None, [_whole(self), self.note]))

    def _repr_html_(self) -> str:
        return f"{super()._repr_html_()}{f'<p>{escape(self.note)}</p>' if self.note else ''}"


def _whole(frame: Titled) -> str:
    """Title and rows with every column: pandas leaves columns out where a terminal is narrow."""
    shown = pd.DataFrame(frame).copy()
    for name in COUNTS:
        if name in shown:
            shown[name] = ["" if pd.isna(value) else f"{value:.0f}" for value in shown[name]]
    return f"{frame.title}\n{shown.to_string(float_format='{:.3f}'.format, na_rep='', max_rows=60)}"


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    """Counts that are known in every row: nobody is 0, and the bounds of a number that is known are that number."""
    nobody = {name: frame[name].fillna(0) for name in ("pending", "unknown") if name in frame}
    bounds = {name: frame[name].fillna(frame["n"]) for name in ("n_low", "n_high") if name in frame}
    return frame.assign(**nobody, **bounds)


def _answer(source: Source, result: Result, title: str, note: str = "") -> Answer:
    found = Answer(_filled(pd.DataFrame(result)))
    found.title, found.ard, found.note = title, result.ard, note
    found.attrs = dict(source.datasets["adsl"].attrs)
    return found


def survival_of(
    source: Source, endpoint: str, by: str, at: int | Sequence[int] | None, where: Condition | None
) -> Answer:  # fmt: skip
    """Kaplan-Meier estimates of an endpoint; see `Cut.survival`."""
    name = text_given("an endpoint", endpoint, 'cut.survival(endpoint="OS")').upper()
    if name not in ENDPOINTS:
        raise no_such("endpoint", endpoint, ENDPOINTS)
    days = None if at is None else days_given(at, "cut.survival(at=[28, 100, 180])")
    times = source.datasets["adtte"]
    times = times[times["PARAMCD"].eq(name)].reset_index(drop=True)
    group = _grouping(by, times, source)
    published = by == LEVELS and at is None and where is None and not source.unpublished
    lack = why_not_evaluable(name, source.study.domains) if name != "DOR" else ""
    found = survival(
        times, id=name if published else f"{OWN}{name}", population=source.population, by=group,
        where=None if where is None else source.condition(where), at=days, evaluable=not lack,
    )  # fmt: skip
    title = source.title(f"{ENDPOINTS[name]}{_by(group)}{said_of(where, source.names)}")
    _warn_if_nobody(found, where)
    # The same columns whatever is known: a median that is not reached is blank, not absent.
    found = result_of(found.reindex(columns=[group or "group", *CURVE_COLUMNS]), found.counted, found)
    unreached = found["survival"].isna().any()
    return _answer(source, found, title, DAYS + (UNREACHED if unreached else "") + MEDIAN)


def rate_of(
    source: Source, analysis: str, by: str, where: Condition | None, day: int | None = None,
    window: Sequence[int] | None = None,
) -> Answer:  # fmt: skip
    """The rate of a response at day 28, or at another day; see `Cut.rate`."""
    name = text_given("a rate", analysis, 'cut.rate("ORR_D28")').upper()
    if name not in RATES:
        raise no_such("rate", analysis, RATES, "for a rate of your own open a step and use trialbook.rate")
    landmark = None if day is None and window is None else _landmark(day, window, source.analysis)
    responses = source.datasets["adrsp28"] if landmark is None else _responses_at(landmark, source)
    group = _grouping(by, responses, source)
    wanted = list(RESPONSES[name])
    published = by == LEVELS and where is None and not source.unpublished and landmark is None
    own = f"{OWN}{name if landmark is None else name.replace('28', str(landmark.day))}"
    found = rate(
        responses, f"AVALC in {wanted}", of=PUBLISHED[name].condition,
        open=f"AVALC == 'NE' and RSPSTG in {['', *wanted]}", by=group,
        where=None if where is None else source.condition(where), id=name if published else own,
        population=source.population,
    )  # fmt: skip
    _warn_if_nobody(found, where)
    # The same columns whatever is known; the bounds of n and who is unknown only where they say something.
    shown = [name for name in RATE_COLUMNS if name in found or name not in ("n_low", "n_high", "unknown")]
    found = result_of(found.reindex(columns=[group or "group", *shown]), found.counted, found)
    at = "day 28" if landmark is None else "day {} (days {} to {})".format(landmark.day, *landmark.window)
    return _answer(
        source, found, source.title(f"{RATES[name]} at {at}{_by(group)}{said_of(where, source.names)}")
    )  # fmt: skip


def _landmark(day: int | None, window: Sequence[int] | None, analysis: Analysis) -> Landmark:
    """A day on which the response is judged (28 where only a window is given).

    Day 28 is mature as under the key `d28_window`, any other day as long after its window as day 28 is.
    """
    example = "cut.rate(day=56, window=[53, 59])"
    day = DAY_28 if day is None and window is not None else day
    if day is None or window is None:
        raise UsageError(
            "the response at another day needs the day, and the window of its assessment",
            value=day, next_step=f"write {example}",
        )  # fmt: skip
    first, *rest = days_given(window, example)
    at = days_given(day, example)[0]
    if len(rest) != 1 or not first <= at <= rest[0]:
        raise UsageError(
            f"the window of day {at} has a first and a last day, and the day between them", value=window,
            next_step=f"write {example}",
        )  # fmt: skip
    if at == DAY_28:
        return Landmark.day_28(analysis.model_copy(update={"d28_window": [first, rest[0]]}))
    own = Landmark.day_28(analysis)
    return Landmark(at, (first, rest[0]), rest[0] + own.maturity - own.window[1])


def _responses_at(landmark: Landmark, source: Source) -> pd.DataFrame:
    """ADRSP28 as it would be at another day: MAT28FL says who is mature for that day."""
    if not source.protocol.has_endpoint("ORR_D28"):
        raise UsageError("this trial has no response endpoint", next_step="ask for cut.survival or cut.count")
    treated = treated_subjects(source.datasets["adsl"], source.study.cut_date)
    return response_of(read_course(treated, source.study.domains, source.analysis), source.analysis, landmark)


def count_of(
    source: Source, where: Condition | None, dataset: str, by: str, per: str | Sequence[str]
) -> Answer:  # fmt: skip
    """Subjects and events that a condition selects; see `Cut.count`."""
    frame = source.datasets[text_given("a dataset", dataset, 'cut.count("ASER == \'Y\'", dataset="adae")')]
    group = _grouping(by, frame, source)
    rows = [per] if isinstance(per, str) else list(per) if isinstance(per, Iterable) else [per]
    for column in rows:
        if column not in frame and column not in source.subjects:
            raise no_such(f"column of {dataset.upper()}", column, map(str, frame.columns))
        if column not in frame:
            frame = frame.assign(**{column: source.population.of_subjects(frame, column)})
    where_asked = None if where is None else source.condition(where)
    if where_asked is not None and dataset.lower() == "adlb":
        where_asked = _of_graded_tests(where_asked)
    found = count(frame, id=f"{OWN}COUNT", population=source.population, where=where_asked, by=group, per=rows)
    return _answer(
        source, found, source.title(f"Subjects of {dataset.upper()}{_by(group)}{said_of(where, source.names)}")
    )  # fmt: skip


def _of_graded_tests(asked: Condition) -> Condition:
    """The condition where a grade that CTCAE does not have is no unknown one: no test without high grades has one."""
    if not callable(asked):
        return asked

    def found(rows: pd.DataFrame) -> pd.Series:
        without = rows.copy()
        for column, way in (("ATOXGRL", "L"), ("BTOXGRL", "L"), ("ATOXGRH", "H"), ("BTOXGRH", "H")):
            if column in rows:
                ungraded = ~rows["PARAMCD"].isin([term.test for term in TERMS if term.direction == way])
                without[column] = rows[column].mask(rows[column].isna() & ungraded, -1)
        first, second = asked(rows), asked(without)
        return first.mask(first.isna() & second.notna(), False)

    return found


def _warn_if_nobody(found: Result, where: Condition | None) -> None:
    """Warns of a condition that leaves nobody to count, in Total."""
    if where is None or found.empty:
        return
    last = found.iloc[-1]
    if not any(float(last[name]) for name in ("N", "pending") if name in found and pd.notna(last[name])):
        said = where if isinstance(where, str) else "the selection"
        warnings.warn(f"nobody is left: {said} fits no subject of this analysis", stacklevel=4)


def _grouping(by: object, frame: pd.DataFrame, source: Source) -> str:
    """The column of the groups, of the frame or ADSL; blank for Total alone."""
    if by is None or by == "":
        return ""
    name = text_given("the column of the groups", by, 'by="SEX"')
    known = list(dict.fromkeys([*map(str, source.subjects.columns), *map(str, frame.columns)]))
    if name not in known:
        raise no_such("column to group by", name, known)
    return name


def _by(group: str) -> str:
    return f" by {group}" if group else ""


# ----------------------------------------------------------------------------------------------------
# Dose escalation.


@dataclass(frozen=True)
class GivenAdvice:
    """What a rule advises, and the statuses (as ADDLT) from which it does: never a decision.

    >>> import trialbook
    >>> given = trialbook.cut("2025-09-30").advice(rule="BOIN")
    >>> given.to_frame().columns.tolist()
    ['rule', 'advice', 'worst', 'best', 'decision_date']
    """

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
        addlt = addlt_under(
            source.condition(dlt), source.datasets["adae"], source.datasets["adsl"], addlt, source.study
        )
        said.append(f"DLT ={said_of(dlt, source.names).removeprefix(' where').removeprefix(' of')}")
    if rule is not None:
        text_given("a rule", rule, 'cut.advice(rule="BOIN")')
    if rule is not None and rule != source.analysis.escalation_rule:
        said.append(f"rule {rule}")
    given = advice(addlt, source.protocol, source.analysis, source.study.cut_date, rule)
    unpublished = "; ".join(filter(None, [source.unpublished, *said]))
    return GivenAdvice(
        unpublished_title(f"Advice of the rule {given.rule}, data cut {source.cut_date}", unpublished), given, addlt
    )


class OperatingCharacteristics(Titled):
    """Operating characteristics, a row per rule and set of true rates; `full`: every measure, with its error.

    >>> import trialbook
    >>> found = trialbook.cut("2025-09-30").design_oc([0.05, 0.20, 0.40], trials=100)
    >>> len(found.full) >= len(found)
    True
    """

    _metadata = ["title", "full"]  # noqa: RUF012
    full: pd.DataFrame

    def __repr__(self) -> str:
        return _whole(self)


def design_of(
    source: Source, rates: Sequence[float] | Sequence[Sequence[float]] | None, rule: str | Sequence[str] | None,
    cap: int | None, trials: int, seed: int, how: Mapping[str, Any],
) -> OperatingCharacteristics:  # fmt: skip
    """Operating characteristics of a design by simulation; see `Cut.design_oc`."""
    sets = _rates_given(rates, source.protocol.level_ids)
    rules = [rule] if isinstance(rule, str) else list(rule or [])
    for name in how:
        if name not in OF_A_PLAN:
            raise no_such("setting of a design", name, OF_A_PLAN)
    plans = plans_of(
        source.analysis, rules, [",".join(map(str, one)) for one in sets], levels=source.protocol.level_ids,
        cap=None if cap is None else whole_given("the cap", cap, 1, "cap=24"), **_settings_given(how),
    )  # fmt: skip
    full = design_oc(
        plans, whole_given("the number of trials", trials, 1, "trials=1000"), whole_given("the seed", seed, 0, "seed=1")
    )  # fmt: skip
    found = OperatingCharacteristics(short_table(full))
    found.full = full
    found.title = f"Operating characteristics, {trials} simulated trials; the true rates are assumed. {COMMITTEE}"
    return found


def _settings_given(how: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a design as the simulation takes them: numbers, a skeleton as text, how patients arrive."""
    found = dict(how)
    for name, value in how.items():
        if value is None or name == "arrivals":
            continue
        if name == "skeleton":
            rates = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
            if not all(isinstance(rate, Real) for rate in rates):
                raise UsageError(
                    "a skeleton is a list of numbers", value=value, next_step="write skeleton=[0.1, 0.2, 0.3]"
                )  # fmt: skip
            found[name] = ",".join(map(str, rates))
        elif name in ("window", "stagger_days"):
            found[name] = whole_given(name, value, 0, f"{name}=28")
        elif not isinstance(value, Real) or isinstance(value, bool):
            raise UsageError(f"{name} is a number", value=value, next_step=f"write {name}=0.25")
    if how.get("arrivals") not in (None, "lost", "queue"):
        raise no_such("way to arrive", how["arrivals"], ["lost", "queue"])
    return found


def _rates_given(rates: object, levels: Sequence[str]) -> list[list[float]]:
    """The sets of true DLT rates, one rate per level each; none where none is given."""
    if rates is None:
        return []
    example = f"give one per level, as in cut.design_oc({[round(0.05 + 0.1 * k, 2) for k in range(len(levels))]})"
    plain = isinstance(rates, Iterable) and not isinstance(rates, (str, Mapping))
    given: list[Any] = list(rates) if plain else []  # type: ignore[call-overload]
    nested = [one for one in given if isinstance(one, Iterable) and not isinstance(one, str)]
    sets = [list(one) for one in given] if given and len(nested) == len(given) else [given]
    for one in sets:
        numbers = [rate for rate in one if isinstance(rate, Real) and not isinstance(rate, bool)]
        if not one or len(numbers) != len(one):
            raise UsageError("true DLT rates are numbers in a list", value=rates, next_step=example)
        if len(one) != len(levels):
            raise UsageError(
                f"{len(one)} true DLT rates are given, and the protocol has {len(levels)} dose levels "
                f"({', '.join(levels)})", value=one, next_step=example,
            )  # fmt: skip
    return [[float(rate) for rate in one] for one in sets]
