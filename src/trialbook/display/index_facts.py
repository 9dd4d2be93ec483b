"""What the first page says, taken from the results, datasets, queries and verdicts of a build: no recomputation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from trialbook.core.messages import joined, msg, plural
from trialbook.display.number_words import (
    COUNTED,
    FROM_CONSENT,
    HIGH_IS_WORSE,
    Numbers,
    events_beside,
    ledger_by_level,
    reported,
    with_ungraded,
    words_of,
)
from trialbook.dlt.tables import waiting_text
from trialbook.efficacy.response_tables import INTERVALS
from trialbook.efficacy.survival_tables import deaths_open, deaths_text
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Cut, Protocol
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.safety.ledger import AESI_LEDGER, ALL, SAE_LEDGER
from trialbook.subjects.dlt_status import NOT_EVALUABLE as DLT_NONE
from trialbook.subjects.dlt_status import PENDING, PENDING_DATA

if TYPE_CHECKING:
    from trialbook.contracts.gx_engine import Verdict


# ----------------------------------------------------------------------------------------------------

DLT_INTERVAL = "clopper_pearson"
CONTRACT_WORDS = {
    "pass": msg("kept"), "empty": msg("no records"), "info": msg("remarks"), "warning": msg("questions asked"),
    "critical": msg("broken"),
}  # fmt: skip
# The statuses that are not DLT-evaluable: with those evaluable they add up to the treated.
DLT_NOT_COUNTED = {
    PENDING: msg("DLT window still open"), PENDING_DATA: msg("DLT window closed, data missing"),
    DLT_NONE: msg("Not evaluable for DLT"),
}  # fmt: skip
WORST_FIRST = ("critical", "warning", "info", "pass", "empty")


@dataclass(frozen=True)
class StepStatus:
    """One notebook of the build: its page and the analysis datasets that it left."""

    name: str
    title: str
    page: str
    datasets: tuple[str, ...] = ()


# A number of the results: analysis, dose level or Total, variable, variable_level, context.
Number = tuple[str, str, str, str, str]
# Numbers of the first page that no table of a notebook shows: by label, the dataset behind it and the number.
BESIDES: dict[str, tuple[str, tuple[str, str, str, str]]] = {
    msg("Deaths"): ("adtte", ("OS_EVENTS", "OS", "", "")),
    FROM_CONSENT[SAE_LEDGER]: ("adae", (SAE_LEDGER, "SAE", "", ALL)),
    FROM_CONSENT[AESI_LEDGER]: ("adae", (AESI_LEDGER, "AESI", "", ALL)),
    msg("Day 28 not yet reached"): ("adrsp28", ("RSP28_CAT", "RSP28", "PENDING", "")),
    **{
        msg("Worst to best case, {what}", what=what): ("adrsp28", ("BOUNDS", variable, "", "worst_with_pending"))
        for variable, what in (("ORR_D28", msg("response")), ("CR_D28", msg("complete response")))
    },
}


@dataclass(frozen=True)
class Headline:
    """One headline number, what it counts, its value at the previous cut ("" = no previous cut), and which number of
    the results it is.
    """

    label: str
    value: str
    note: str
    before: str = ""
    note_before: str = ""
    number: Number | None = None

    @property
    def changed(self) -> bool:
        """Whether there is a previous value and it was another one."""
        return bool(self.before) and (self.before, self.note_before) != (self.value, self.note)


@dataclass(frozen=True)
class StepLine:
    """A step, its page, and the outcome of its contracts in words."""

    title: str
    page: str
    verdict: str
    detail: str


@dataclass(frozen=True)
class IndexFacts:
    """Everything the first page says of a cut."""

    headlines: list[Headline]
    safety: list[Headline]
    levels: pd.DataFrame
    level_numbers: dict[tuple[int, str], Number]
    level_heads: dict[str, str]
    steps: list[StepLine]
    contracts: pd.DataFrame
    queries: pd.DataFrame
    screened_only: int
    previous_cut: str


def index_facts(
    protocol: Protocol,
    cut: Cut,
    ard: pd.DataFrame,
    previous_ard: pd.DataFrame | None,
    datasets: Mapping[str, pd.DataFrame],
    queries: pd.DataFrame,
    steps: Sequence[StepStatus],
    verdicts: Sequence[Verdict],
    queries_before: pd.DataFrame | None = None,
) -> IndexFacts:
    """The facts of the first page. `datasets` holds adsl; `queries_before` is the query list of the previous cut."""
    analysis = analysis_values(protocol, cut.overrides, "cut file")
    numbers = Numbers(ard, analysis)
    now = _headlines(protocol, numbers)
    before = _headlines(protocol, Numbers(previous_ard, analysis)) if previous_ard is not None else []
    earlier = {headline.label: headline for headline in before}
    adsl = datasets["adsl"]
    levels = _by_level(protocol, numbers)
    return IndexFacts(
        headlines=[_with_previous(headline, earlier.get(headline.label)) for headline in now],
        safety=_safety(protocol, numbers),
        levels=levels,
        level_numbers=_numbers_by_level(levels, numbers),
        level_heads={level.id: f"{level.id}\n{level.printed_dose}".strip() for level in protocol.dose_levels},
        steps=[_step_line(step, verdicts, cleans=step is steps[0]) for step in steps],
        contracts=_contracts(verdicts),
        queries=_query_counts(queries, cut, queries_before),
        screened_only=int((adsl["SCRFL"].eq("Y") & ~adsl["SAFFL"].eq("Y")).sum()),
        previous_cut=cut.previous_cut or "",
    )


def _headlines(protocol: Protocol, numbers: Numbers) -> list[Headline]:
    """The headline numbers in the order of the story; an endpoint the trial does not have is left out."""
    dlt, orr = {"by": DLT_INTERVAL}, {"by": numbers.analysis.ci_primary_orr}
    survival = {"level": str(numbers.os_day), "by": numbers.analysis.km_ci}
    lines = [
        Headline(msg("Treated"), numbers.text("SETS", "SAFFL", "n"), msg("of {n} planned", n=protocol.study.planned_n))
    ]
    if protocol.has_endpoint("TEAE"):
        for variable in reported(numbers.ard):
            events = words_of(msg("{said} events"), numbers.text("TEAE_OVERVIEW", variable, "events"))
            beside = events_beside(numbers.ard, numbers.analysis, variable)
            note = _joined(words_of("{said}", numbers.rate("TEAE_OVERVIEW", variable)), events, beside)
            label = COUNTED[variable][0]
            lines.append(Headline(label, numbers.count("TEAE_OVERVIEW", variable), note))
    if protocol.has_endpoint("DLT"):
        note = _joined(msg("of those evaluable"), waiting_text(numbers.ard), numbers.cases_of("DLT"))
        lines.append(Headline(msg("Dose-limiting toxicity"), numbers.count("DLT_RATE", "DLT", **dlt), note))
    if protocol.has_endpoint("ORR_D28"):
        limits = words_of(msg("95% CI {said}"), numbers.limits("ORR_D28", "RSP28", **orr))
        waiting = words_of(msg("{n} pending"), numbers.text("ORR_D28", "RSP28", "pending", **orr), "n")
        note = _joined(numbers.rate("ORR_D28", "RSP28", **orr), limits, waiting, numbers.cases_of("ORR_D28"))
        lines.append(Headline(msg("Response at day 28"), numbers.count("ORR_D28", "RSP28", **orr), note))
        if numbers.text("CR_D28", "RSP28", "N", **orr):
            note = _joined(numbers.rate("CR_D28", "RSP28", **orr), numbers.cases_of("CR_D28"))
            lines.append(Headline(msg("Complete response at day 28"), numbers.count("CR_D28", "RSP28", **orr), note))
    if protocol.has_endpoint("OS"):
        alive = numbers.text("OS_KM", "OS", "estimate", **survival)
        limits = words_of(msg("95% CI {said}"), numbers.limits("OS_KM", "OS", **survival))
        alive = NOT_EVALUABLE_WORDS if alive == NOT_EVALUABLE else alive
        note = _joined(msg("Kaplan-Meier"), limits, numbers.cases_of(f"OS_{numbers.os_day}"))
        lines.append(Headline(msg("Alive at day {day}", day=numbers.os_day), alive, note))
        note = _joined(numbers.rate("OS_EVENTS", "OS"), msg("of the treated"), deaths_open(numbers.ard))
        lines.append(Headline(msg("Deaths"), deaths_text(numbers.ard) or numbers.count("OS_EVENTS", "OS"), note))
    known = _numbers_of(numbers)
    return [
        replace(line, value=line.value or NOT_ESTIMABLE, number=_at(known.get(str(line.label)), TOTAL))
        for line in lines
    ]


def _numbers_of(numbers: Numbers) -> dict[str, tuple[str, str, str, str]]:
    """Which number of the results each line of the first page shows, by its label: all but the dose level."""
    analysis, day = numbers.analysis, str(numbers.os_day)
    dlt, response, complete, alive, deaths = (
        ("DLT_RATE", "DLT", "", DLT_INTERVAL), ("ORR_D28", "RSP28", "", analysis.ci_primary_orr),
        ("CR_D28", "RSP28", "", analysis.ci_primary_orr), ("OS_KM", "OS", day, analysis.km_ci),
        ("OS_EVENTS", "OS", "", ""),
    )  # fmt: skip
    known: dict[str, tuple[str, str, str, str]] = {
        msg("Treated"): ("SETS", "SAFFL", "", ""),
        **{label: ("TEAE_OVERVIEW", name, "", "") for name, (label, _) in COUNTED.items()},
        **{label: number for label, (_, number) in BESIDES.items()},
        msg("Serious events"): ("TEAE_OVERVIEW", "SAE", "", ""),
        msg("Grade 3 or more"): ("TEAE_OVERVIEW", "TEAE_GE3", "", ""),
        msg("Dose-limiting toxicity"): dlt, msg("DLT, of those evaluable"): dlt, msg("DLT"): dlt,
        **{label: ("DLT", "DLTSTAT", status, "") for status, label in DLT_NOT_COUNTED.items()},
        msg("Response at day 28"): response, _response_rate(analysis.ci_primary_orr): response,
        msg("Complete response at day 28"): complete,
        msg("Day 28 not yet reached"): ("RSP28_CAT", "RSP28", "PENDING", ""),
        msg("Alive at day {day}", day=day): alive, _survival_rate(day, analysis.km_ci): alive, msg("Deaths"): deaths,
        **{
            msg(order, what=what): ("BOUNDS", variable, "", "worst_with_pending")
            for order, what, variable in (
                ("Best to worst case, {what}", "DLT", "DLT"),
                ("Worst to best case, {what}", msg("response"), "ORR_D28"),
                ("Worst to best case, {what}", msg("complete response"), "CR_D28"),
                ("Worst to best case, {what}", msg("alive at day {day}", day=day), f"OS_{day}"),
            )
        },
    }  # fmt: skip
    return {str(label): number for label, number in known.items()}


def _at(number: tuple[str, str, str, str] | None, level: str) -> Number | None:
    return (number[0], level, *number[1:]) if number else None


def _numbers_by_level(levels: pd.DataFrame, numbers: Numbers) -> dict[tuple[int, str], Number]:
    """Which number of the results each cell of the table by level shows; cells without a number are left out."""
    known = _numbers_of(numbers)
    return {
        (row, level): number
        for row, label in enumerate(levels["measure"]) for level in levels.columns[1:]
        if levels[level].iloc[row] != NOT_ESTIMABLE and (number := _at(known.get(str(label)), str(level)))
    }  # fmt: skip


def _safety(protocol: Protocol, numbers: Numbers) -> list[Headline]:
    """The few numbers of the first screen: is it safe, and does it work? Each with what is open beside it."""
    lines = []
    if protocol.has_endpoint("TEAE"):
        for variable, label in (("SAE", msg("Serious events")), ("TEAE_GE3", msg("Grade 3 or more"))):
            if variable in reported(numbers.ard):
                count = numbers.count("TEAE_OVERVIEW", variable)
                lines.append(Headline(label, with_ungraded(count, numbers.ard, variable, TOTAL), ""))
    if protocol.has_endpoint("DLT"):
        waiting = waiting_text(numbers.ard)
        value = _joined(words_of(msg("{said} evaluable"), numbers.count("DLT_RATE", "DLT", by=DLT_INTERVAL)), waiting)
        lines.append(Headline(msg("DLT"), value, ""))
    if protocol.has_endpoint("OS"):
        deaths = deaths_text(numbers.ard) or numbers.count("OS_EVENTS", "OS")
        lines.append(Headline(msg("Deaths"), _joined(deaths, deaths_open(numbers.ard)), ""))
    if protocol.has_endpoint("ORR_D28"):
        by = numbers.analysis.ci_primary_orr
        waiting = words_of(msg("{n} pending"), numbers.text("ORR_D28", "RSP28", "pending", by=by), "n")
        value = _joined(numbers.count("ORR_D28", "RSP28", by=by), waiting if not waiting.startswith("0 ") else "")
        lines.append(Headline(msg("Response at day 28"), value, ""))
    known = _numbers_of(numbers)
    return [replace(line, number=_at(known.get(str(line.label)), TOTAL)) for line in lines]


def _joined(*parts: str) -> str:
    return joined(parts, "; ")


def _with_previous(now: Headline, before: Headline | None) -> Headline:
    return replace(now, before=before.value, note_before=before.note) if before else now


def _by_level(protocol: Protocol, numbers: Numbers) -> pd.DataFrame:
    """One row per headline measure, one column per dose level and for all: the texts of the ARD."""
    levels = [*protocol.level_ids, TOTAL]
    orr, km, day = numbers.analysis.ci_primary_orr, numbers.analysis.km_ci, str(numbers.os_day)
    rows: dict[str, list[str]] = {msg("Treated"): [numbers.text("SETS", "SAFFL", "n", at=at) for at in levels]}
    if protocol.has_endpoint("TEAE"):
        for variable in reported(numbers.ard):
            rows[COUNTED[variable][0]] = [
                with_ungraded(numbers.share("TEAE_OVERVIEW", variable, at=at), numbers.ard, variable, at)
                for at in levels
            ]
        rows |= ledger_by_level(numbers.ard, levels)
    if protocol.has_endpoint("DLT"):
        rows[msg("DLT, of those evaluable")] = [
            numbers.count("DLT_RATE", "DLT", at=at, by=DLT_INTERVAL) for at in levels
        ]
        rows |= _case_row("DLT", "DLT", levels, numbers)
        for status, label in DLT_NOT_COUNTED.items():
            rows[label] = [numbers.text("DLT", "DLTSTAT", "n", at=at, level=status) for at in levels]
    if protocol.has_endpoint("ORR_D28"):
        rows[msg("Response at day 28")] = [numbers.count("ORR_D28", "RSP28", at=at, by=orr) for at in levels]
        rows[_response_rate(orr)] = [numbers.estimate("ORR_D28", "RSP28", at=at, by=orr) for at in levels]
        rows |= _case_row(msg("response"), "ORR_D28", levels, numbers)
        rows[msg("Complete response at day 28")] = [numbers.count("CR_D28", "RSP28", at=at, by=orr) for at in levels]
        rows |= _case_row(msg("complete response"), "CR_D28", levels, numbers)
        rows[msg("Day 28 not yet reached")] = [
            numbers.text("ORR_D28", "RSP28", "pending", at=at, by=orr) for at in levels
        ]
    if protocol.has_endpoint("OS"):
        alive = [numbers.text("OS_KM", "OS", "estimate", at=at, level=day, by=km) for at in levels]
        rows[_survival_rate(day, km)] = [
            numbers.not_evaluable(f"OS_{day}", at=at)
            if text == NOT_EVALUABLE
            else numbers.estimate("OS_KM", "OS", at=at, level=day, by=km)
            for at, text in zip(levels, alive, strict=True)
        ]
        rows |= _case_row(msg("alive at day {day}", day=day), f"OS_{day}", levels, numbers)
        rows[msg("Deaths")] = [deaths_text(numbers.ard, at) or numbers.count("OS_EVENTS", "OS", at=at) for at in levels]
        may_be_dead = [deaths_open(numbers.ard, at) for at in levels]
        rows |= {msg("Deaths, with those who may have died"): may_be_dead} if any(may_be_dead) else {}
    table = [(measure, *(text or NOT_ESTIMABLE for text in texts)) for measure, texts in rows.items()]
    return pd.DataFrame(table, columns=["measure", *levels]).astype("str")


def _response_rate(interval: str) -> str:
    """The label of the response rate with its limits; `interval` is the analysis key of its method."""
    return msg("Response rate (95% CI, {method})", method=INTERVALS[interval])


def _survival_rate(day: str, interval: str) -> str:
    """The label of the survival estimate with its limits; `interval` is the analysis key of their transform."""
    return msg("Alive at day {day}, Kaplan-Meier (95% CI, {method})", day=day, method=interval)


def _case_row(what: str, variable: str, levels: Sequence[str], numbers: Numbers) -> dict[str, list[str]]:
    """The worst and the best case by level, with who decides them, as a row of the table; none without bounds."""
    told = [numbers.cases(variable, at=at) for at in levels]
    best_first = variable in HIGH_IS_WORSE
    row = msg("Best to worst case, {what}", what=what) if best_first else msg("Worst to best case, {what}", what=what)
    return {row: told} if any(told) else {}


def _step_line(step: StepStatus, verdicts: Sequence[Verdict], *, cleans: bool) -> StepLine:
    """A step with the worst verdict among its contracts, and how many there were.

    `cleans`: the step that made the clean domains. A step without datasets shows the contract of the reported numbers.
    """
    reports = not cleans and not step.datasets
    own = [
        verdict
        for verdict in verdicts
        for kind, _, name in [verdict.dataset.partition("/")]
        if (name in step.datasets if kind == "analysis" else reports if kind == "results" else cleans)
    ]
    if not own:
        return StepLine(step.title, step.page, msg("built"), msg("no contract"))
    worst = min((verdict.worst for verdict in own), key=WORST_FIRST.index)
    failed = sum(len(verdict.failures) for verdict in own)
    rules = sum(len(verdict.evaluated) for verdict in own)
    detail = joined(
        [
            plural("{n} contract", "{n} contracts", len(own)), plural("{n} rule", "{n} rules", rules),
            msg("{n} broken", n=failed),
        ],
        ", ",
    )  # fmt: skip
    return StepLine(step.title, step.page, CONTRACT_WORDS[worst], detail)


def _contracts(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    rows = [(v.dataset, v.rows, len(v.evaluated), len(v.failures), CONTRACT_WORDS[v.worst]) for v in verdicts]
    return pd.DataFrame(rows, columns=["dataset", "records", "rules", "broken", "verdict"])


def _query_counts(queries: pd.DataFrame, cut: Cut, before: pd.DataFrame | None) -> pd.DataFrame:
    """Queries by severity: open, of these new at this cut, and closed since the previous cut.

    `before`: the query list of the previous cut; what is closed there is not closed since.
    """
    is_open = queries["status"].eq("open")
    is_new = is_open & queries["first_seen"].eq(cut.cut_date)
    known = [] if before is None else before.loc[before["status"].ne("open"), "query_id"].tolist()
    is_gone = ~is_open & ~queries["query_id"].isin(known)
    rows = []
    for severity in ("stop", "major", "minor"):
        of_kind = queries["severity"].eq(severity)
        rows.append((severity, *(int((of_kind & chosen).sum()) for chosen in (is_open, is_new, is_gone))))
    return pd.DataFrame(rows, columns=["severity", "open", "new", "closed"])
