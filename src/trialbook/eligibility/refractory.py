"""Steroid-refractory aGVHD by selectable definitions, each rule with its dates, side by side (§2.4, A-19)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialbook.core.described import described
from trialbook.core.errors import UsageError
from trialbook.core.messages import msg
from trialbook.eligibility.parameters import number, parameter
from trialbook.eligibility.screening import Screening, screening
from trialbook.gvhd.grade import ORGANS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.criteria import Criterion
from trialbook.protocol.study_data import StudyData

# ----------------------------------------------------------------------------------------------------
# Steroid-refractory aGVHD by selectable definitions: each rule TRUE, FALSE or NE with its dates (§2.4, A-19).
#
# A rule looks at one course of steroids (consecutive days at its dose or more) and at the organ stages since its first
# day. Stages that are known only as a range make a rule NE where the range does not decide it.


TRUE, FALSE, NE = "TRUE", "FALSE", "NE"
COLUMNS = ["USUBJID", "DEFINITION", "RULE", "RESULT", "STARTDT", "EVIDDT", "EVIDENCE", "KIND", "BASEDT"]
KINDS = ("worse", "not_improved", "no_pr", "not_resolved", "new_organ", "failed_taper")
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Rule:
    """One rule: `kind`, dose in mg/kg/day of methylprednisolone, days since the start of the course, its wording."""

    kind: str
    mpeq: float
    first: int
    last: int | None
    text: str


@dataclass(frozen=True)
class Course:
    """Consecutive days at the dose of a rule; `broken` = it ended at a day whose dose is not known."""

    start: np.datetime64
    days: int
    broken: bool


@dataclass(frozen=True)
class Stages:
    """The assessments of one subject: dates, and the lowest and highest possible stage of each organ."""

    dates: np.ndarray
    low: np.ndarray
    high: np.ndarray


# Why a rule has its result on a course.
_WHY = {
    TRUE: msg("shown by the stages of {date}, day {day} of steroids from {start}"),
    FALSE: msg("refuted by the stages of {date}, day {day} of steroids from {start}"),
    NE: msg("left open by the stages of {date}, day {day} of steroids from {start}"),
}


@dataclass(frozen=True)
class Verdict:
    """The result of a rule on one course, with its dates and why; `base` = the stages at the start of steroids."""

    result: str
    start: np.datetime64 | None
    on: np.datetime64 | None
    why: str
    base: np.datetime64 | None = None


def refractoriness(
    screening: Screening, criterion: Criterion, definitions: Sequence[str] | None = None
) -> pd.DataFrame:
    """One row per subject, definition and rule: RESULT TRUE, FALSE or NE, with STARTDT (first day at the dose), EVIDDT
    (the assessment that decides), EVIDENCE in words, the KIND of the rule, and BASEDT, the assessment at the start of
    steroids that it is compared with.

    `definitions` default to all of the criterion. A definition holds where one of its rules is TRUE.
    """
    doses = screening.records.steroids(screening.analysis)
    stages = _stages_of(screening.stages)
    days, dose = doses["ADT"].to_numpy(dtype="datetime64[D]"), doses["MPEQ"].to_numpy(dtype="float64")
    share = 1 - number(criterion, "dose_tolerance")
    look_back = screening.analysis.elig_window_days
    rules = list(_rules(criterion, definitions))
    people = screening.subjects["USUBJID"]
    rows = []
    for subject, own, looked in zip(people, _parts(doses, people), _parts(screening.stages, people), strict=True):
        seen = Stages(stages.dates[looked], stages.low[looked], stages.high[looked])
        for definition, rule in rules:
            found = _judge(rule, days[own], dose[own], seen, share, look_back)
            dates = (found.start, found.on, found.base)
            rows.append((subject, definition, rule.text, found.result, *dates[:2], found.why, rule.kind, dates[2]))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    text = dict.fromkeys(["USUBJID", "DEFINITION", "RULE", "RESULT", "EVIDENCE", "KIND"], "str")
    return frame.astype({**text, **dict.fromkeys(["STARTDT", "EVIDDT", "BASEDT"], "datetime64[s]")})


def _parts(rows: pd.DataFrame, people: pd.Series) -> list[slice]:
    """Where the rows of each subject are; rows are in the order of the subjects."""
    codes = pd.Index(people).get_indexer(rows["USUBJID"])
    first, last = (np.searchsorted(codes, np.arange(len(people)), side=side) for side in ("left", "right"))
    return [slice(a, b) for a, b in zip(first, last, strict=True)]


def _rules(criterion: Criterion, wanted: Sequence[str] | None) -> Iterator[tuple[str, Rule]]:
    known = parameter(criterion, "definitions")
    place = f"criteria.{criterion.id}.parameters.definitions"
    for definition in wanted if wanted is not None else known:
        if definition not in known:
            raise UsageError(
                f"the definition {definition} has no rules", file="protocol file",
                column=place, next_step=f"name one of {', '.join(known)}",
            )  # fmt: skip
        for rule in known[definition]:
            if rule["kind"] not in KINDS:
                raise UsageError(
                    f"unknown kind of rule {rule['kind']}", file="protocol file",
                    column=place, next_step=f"name one of {', '.join(KINDS)}",
                )  # fmt: skip
            first, last = rule["days"]
            until = None if last is None else int(last)
            yield definition, Rule(rule["kind"], float(rule["mpeq"]), int(first), until, rule["text"])


def _stages_of(rows: pd.DataFrame) -> Stages:
    dates = rows["ADT"].to_numpy(dtype="datetime64[D]")
    low, high = (rows[[f"{organ}{part}" for organ in ORGANS]].to_numpy(dtype="float64") for part in ("LO", "HI"))
    return Stages(dates, low, high)


def _judge(rule: Rule, days: np.ndarray, dose: np.ndarray, seen: Stages, share: float, look_back: int) -> Verdict:
    """The rule on all courses of a subject: TRUE on any, else NE if one is open, else FALSE."""
    if not len(days):
        return Verdict(NE, None, None, "no systemic steroid in the data")
    courses = _courses(days, dose, rule.mpeq * share)
    if not courses:
        if np.isnan(dose).any():
            return Verdict(NE, None, None, "steroid dose or weight not known")
        return Verdict(FALSE, None, None, f"steroids never reached {rule.mpeq:g} mg/kg/day")
    if rule.kind == "failed_taper":
        return _failed_taper(courses, rule)
    verdicts = [_on_course(rule, course, seen, look_back) for course in courses]
    for wanted in (TRUE, NE, FALSE):
        for verdict in verdicts:
            if verdict.result == wanted:
                return verdict
    raise AssertionError("every verdict is TRUE, NE or FALSE")


def _courses(days: np.ndarray, dose: np.ndarray, threshold: float) -> list[Course]:
    """Runs of consecutive days at the threshold or more (above 0 for a threshold of 0)."""
    courses: list[Course] = []
    reached = (dose >= threshold) & (dose > 0)
    start = 0
    for k in range(len(days)):
        if not reached[k]:
            continue
        if k == 0 or not reached[k - 1] or days[k] - days[k - 1] != _DAY:
            start = k
        following = k + 1 < len(days) and days[k + 1] - days[k] == _DAY
        if not (following and reached[k + 1]):
            courses.append(Course(days[start], k - start + 1, bool(following and np.isnan(dose[k + 1]))))
    return courses


def _failed_taper(courses: list[Course], rule: Rule) -> Verdict:
    if len(courses) > 1:
        again = courses[1].start
        return Verdict(
            TRUE, courses[0].start, again, msg("back to {mpeq:g} mg/kg/day on {again}", mpeq=rule.mpeq, again=again)
        )
    if courses[0].broken:
        return Verdict(NE, courses[0].start, None, msg("steroid dose not known after the course"))
    return Verdict(
        FALSE,
        courses[0].start,
        None,
        msg("one course from {start}, {days} days", start=courses[0].start, days=courses[0].days),
    )


def _on_course(rule: Rule, course: Course, seen: Stages, look_back: int) -> Verdict:
    """One rule on one course; NE without stages in the days of the rule, or at its start.

    Only "not resolved" compares with nothing: disease that is there after its days of steroids holds by itself.
    """
    start = course.start
    if course.days < rule.first:
        result = NE if course.broken else FALSE
        return Verdict(
            result,
            start,
            None,
            msg("course from {start} lasted {days} of {first} days", start=start, days=course.days, first=rule.first),
        )
    day = (seen.dates - start) / _DAY
    before = np.flatnonzero((day <= 0) & (day >= -look_back))
    if not len(before) and rule.kind != "not_resolved":
        return Verdict(NE, start, None, msg("no organ stages at the start of steroids on {start}", start=start))
    # An open rule ends with the course: later stages no longer speak of this dose.
    last = course.days if rule.last is None else rule.last
    inside = np.flatnonzero((day >= max(rule.first, 1)) & (day <= last))
    if not len(inside):
        return Verdict(
            NE,
            start,
            None,
            msg("no organ stages {first} to {last} days after {start}", first=rule.first, last=last, start=start),
        )
    if not len(before):
        return _verdict(_resolved_not(seen, inside[0]), start, seen.dates[inside[0]])
    base = before[-1]
    if not seen.high[base].any():
        return Verdict(NE, start, None, msg("no organ involved at the start of steroids on {start}", start=start))
    if rule.kind in ("worse", "new_organ"):
        verdict = _any_of(rule, start, seen, base, inside)
    else:
        chosen = inside[0] if rule.last is None else inside[-1]
        verdict = _verdict(_holds(rule.kind, seen, base, chosen), start, seen.dates[chosen])
    return replace(verdict, base=seen.dates[base])


def _any_of(rule: Rule, start: np.datetime64, seen: Stages, base: int, inside: np.ndarray) -> Verdict:
    results = [_holds(rule.kind, seen, base, k) for k in inside]
    for wanted in (TRUE, NE):
        if wanted in results:
            return _verdict(wanted, start, seen.dates[inside[results.index(wanted)]])
    return _verdict(FALSE, start, seen.dates[inside[-1]])


def _verdict(result: str, start: np.datetime64, on: np.datetime64) -> Verdict:
    day = int((on - start) / _DAY)
    return Verdict(result, start, on, msg(_WHY[result], date=str(on), day=day, start=str(start)))


def _holds(kind: str, seen: Stages, base: int, then: int) -> str:
    """Whether the stages of one assessment show the kind of rule against those at the start of steroids."""
    b_low, b_high, d_low, d_high = seen.low[base], seen.high[base], seen.low[then], seen.high[then]
    worse, maybe_worse = bool((d_low > b_high).any()), bool((d_high > b_low).any())
    better, maybe_better = bool((d_high < b_low).any()), bool((d_low < b_high).any())
    if kind == "worse":
        return _three(worse, not maybe_worse)
    if kind == "new_organ":
        return _three(bool(((b_high == 0) & (d_low > 0)).any()), not bool(((b_low == 0) & (d_high > 0)).any()))
    if kind == "not_improved":
        return _three(not maybe_better, better)
    if kind == "no_pr":
        return _three(not maybe_better or worse, better and not maybe_worse)
    return _resolved_not(seen, then)


def _resolved_not(seen: Stages, then: int) -> str:
    return _three(bool((seen.low[then] > 0).any()), bool((seen.high[then] == 0).all()))


def _three(holds: bool, refuted: bool) -> str:
    return TRUE if holds else FALSE if refuted else NE


# ----------------------------------------------------------------------------------------------------

CHECK = "steroid_refractory"
LABELS = {
    "RULE": msg("Rule"),
    "RESULT": msg("Result"),
    "STARTDT": msg("Steroids from"),
    "EVIDDT": msg("Decided by the stages of"),
    "EVIDENCE": "Why",
}
CHINESE = "CN-2024"  # the consensus that a Chinese site sees beside the default (§2.4)
NO_DAY = "-"
_CASE = ["USUBJID", "DEFINITION"]


def all_definitions(adsl: pd.DataFrame, study: StudyData, chosen: Collection[str] | None = None) -> pd.DataFrame:
    """Every rule of every definition for every screened subject (`refractoriness`); empty without criterion IN03.

    With `chosen` (USUBJID) only these are looked at by every definition, the others by the one in force.
    """
    criterion = next((c for c in study.protocol.criteria if c.check == CHECK), None)
    people = screening(adsl, study)
    if criterion is None or people.subjects.empty:
        kinds = {name: "datetime64[s]" if name.endswith("DT") else "str" for name in COLUMNS}
        return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in COLUMNS})
    wanted = people.subjects["USUBJID"].isin(list(people.subjects["USUBJID"] if chosen is None else chosen))
    if wanted.all():
        return refractoriness(people, criterion)
    shown = people.narrowed(wanted.tolist(), study.analysis)
    inforce = refractoriness(people, criterion, [study.analysis.sr_definition])
    rest = inforce[~inforce["USUBJID"].isin(shown.subjects["USUBJID"])]
    return pd.concat([refractoriness(shown, criterion), rest], ignore_index=True)


def verdicts(rules: pd.DataFrame) -> pd.DataFrame:
    """One row per subject and definition: USUBJID DEFINITION RESULT EVIDDT RULE, in the order of `rules`.

    TRUE where a rule holds, with the first such rule and its date; FALSE where every rule is refuted, with the last
    date that refutes one; else NE.
    """
    keys = [rules["USUBJID"], rules["DEFINITION"]]
    each = pd.DataFrame(
        {
            "REFUTED": rules["RESULT"].eq(FALSE).groupby(keys, sort=False).all(),
            "LAST": rules["EVIDDT"].groupby(keys, sort=False).max(),
        }
    )
    holds = rules[rules["RESULT"].eq(TRUE)].drop_duplicates(_CASE).set_index(_CASE).reindex(each.index)
    shown, refuted = holds["RULE"].notna(), each["REFUTED"].astype(bool)
    each["RESULT"] = pd.Series(NE, index=each.index, dtype="str").mask(refuted, FALSE).mask(shown, TRUE)
    each["EVIDDT"] = each["LAST"].where(refuted).mask(shown, holds["EVIDDT"])
    each["RULE"] = holds["RULE"].fillna("").astype("str")
    return each.reset_index()[[*_CASE, "RESULT", "EVIDDT", "RULE"]]


def side_by_side(rules: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """SUBJID, a column per definition (TRUE, FALSE or NE with the deciding date), DIFFERS: the definitions with another
    answer than the one in force, and CLASS (`refractory_or_dependent`). The definition in force comes first, the
    Chinese consensus next to it."""
    rules = rules[rules["USUBJID"].isin(adsl["USUBJID"])]
    if rules.empty:
        nothing = msg("There is no subject or no such criterion to show.")
        return described(pd.DataFrame({"SUBJID": pd.Series(dtype="str")}), empty=nothing)
    said = verdicts(rules)
    said["CELL"] = said["RESULT"] + said["EVIDDT"].dt.strftime(", %Y-%m-%d").fillna("")
    order = definitions_in_order(rules, analysis)
    wide = said.pivot(index="USUBJID", columns="DEFINITION", values="CELL")[order]
    results = said.pivot(index="USUBJID", columns="DEFINITION", values="RESULT")[order]
    inforce = results[order[0]]
    differs = [
        ", ".join(name for name in order[1:] if row[name] != now) or NO_DAY
        for (_, row), now in zip(results.iterrows(), inforce, strict=True)
    ]
    kind = refractory_or_dependent(rules, analysis).reindex(wide.index)
    frame = wide.rename_axis(columns=None).assign(DIFFERS=differs, CLASS=kind)
    frame.insert(0, "SUBJID", adsl.set_index("USUBJID")["SUBJID"].reindex(frame.index))
    labels = {"DIFFERS": msg("Otherwise by"), **definition_heads(rules, analysis)}
    return described(frame.reset_index(drop=True).astype("str"), labels=labels)


def refractory_or_dependent(rules: pd.DataFrame, analysis: Analysis) -> pd.Series:
    """By USUBJID, in order (§2.4): SR where the definition in force holds by a rule of refractoriness; SD (dependent)
    where a rule of failed taper holds, of whatever definition; NE where the definition in force is open; else -.

    The registry asks for refractory disease only: SD is shown, it decides nothing.
    """
    holds, taper = rules["RESULT"].eq(TRUE), rules["KIND"].eq("failed_taper")
    inforce = rules["DEFINITION"].eq(analysis.sr_definition)
    by = rules["USUBJID"]
    refractory, dependent, left_open = (
        case.groupby(by).any() for case in (holds & inforce & ~taper, holds & taper, inforce & rules["RESULT"].eq(NE))
    )
    kind = pd.Series(NO_DAY, index=refractory.index, dtype="str").mask(left_open, NE)
    return kind.mask(dependent, "SD").mask(refractory, "SR")


def definitions_in_order(rules: pd.DataFrame, analysis: Analysis) -> list[str]:
    """The definition in force, the Chinese consensus, then the others in the order of the protocol file."""
    names = list(dict.fromkeys(rules["DEFINITION"]))
    first = [name for name in dict.fromkeys((analysis.sr_definition, CHINESE)) if name in names]
    return [*first, *(name for name in names if name not in first)]


def definition_heads(rules: pd.DataFrame, analysis: Analysis) -> dict[str, str]:
    """Column heads: the definition in force and the Chinese consensus are marked."""
    marks = {CHINESE: msg(" (Chinese consensus)"), analysis.sr_definition: msg(" (in force)")}
    heads = {name: name + marks.get(name, "") for name in dict.fromkeys(rules["DEFINITION"])}
    return {**heads, "CLASS": msg("Refractory (SR) or dependent (SD)")}


def rule_lines(rules: pd.DataFrame) -> pd.DataFrame:
    """The rules for reading, in their order: the columns of `LABELS`."""
    lines = rules[list(LABELS)].reset_index(drop=True)
    return lines.assign(**{name: lines[name].dt.strftime("%Y-%m-%d").fillna("") for name in ("STARTDT", "EVIDDT")})


def behind_verdicts(
    rules: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis
) -> dict[tuple[int, str], tuple[str, list[str], list[int]]]:
    """For each cell of `side_by_side` what opens behind it: title, notes, positions in `rule_lines`."""
    places = rules.reset_index(drop=True).groupby(_CASE, sort=False).indices
    people = adsl[adsl["USUBJID"].isin(rules["USUBJID"])].sort_values("USUBJID", kind="stable")
    rows = zip(range(len(people)), people["USUBJID"], people["SUBJID"], strict=True)
    note = msg("A definition holds where one of its rules is TRUE. NE: dose, weight or stages leave it open.")
    return {
        (row, name): (f"{number}, {name}", [note], [int(place) for place in places[subject, name]])
        for row, subject, number in rows
        for name in definitions_in_order(rules, analysis)
        if (subject, name) in places
    }
