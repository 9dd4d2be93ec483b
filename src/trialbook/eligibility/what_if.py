"""Which results of the audit would change under other readings of its assumptions (rulebook §1, §2.1, §10).

Each alternative is listed in the protocol file: another value of an analysis key, or another reading of a criterion.
One assumption is changed at a time, and only results that can change are worked out again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import msg, plural
from trialbook.eligibility.adie import found_under_versions
from trialbook.eligibility.criteria.laboratory import ADULT_AGE
from trialbook.eligibility.criterion_results import BY_FORM, FAIL, NE, PASS, WORST
from trialbook.eligibility.evidence import WAIVER, Weighed
from trialbook.eligibility.form import answer_for_parts, combine, waivers
from trialbook.eligibility.refractory import FALSE, TRUE, verdicts
from trialbook.eligibility.screening import Screening, in_window, screening
from trialbook.gvhd.staging import STAGING_KEYS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.assumptions import value_text
from trialbook.protocol.criteria import Criterion
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData

CHANGES = ["SUBJID", "CRITCD", "ASSUMPTION", "ALTERNATIVE", "FROM", "TO"]
SUMMARY = ["ASSUMPTION", "INFORCE", "ALTERNATIVE", "CHANGED"]
# The checks that an analysis key can reach; a key that is not here does not touch the audit.
REACH = {
    "elig_window_days": ("performance_status", "agvhd_grade", "steroid_refractory"),
    "lab_window_days": ("organ_function",),
    "sero_window_days": ("hiv_tp_antibody", "active_hepatitis"),
    "age_rule": ("age_range",),
    "sr_definition": ("steroid_refractory",),
    "schwartz_compare": ("organ_function",),
    **dict.fromkeys(STAGING_KEYS, ("agvhd_grade", "steroid_refractory")),
}
# The tests of the checks that look into a window, beside those that the criterion names itself.
_TESTS = {
    "organ_function": ("ALT", "AST", "CREAT", "CREATCLR", "BUN", "UREA", "INR"), "hiv_tp_antibody": (),
    "active_hepatitis": (), "performance_status": ("ECOG101", "LANSKY"),
}  # fmt: skip
_VERDICT = {TRUE: PASS, FALSE: FAIL}


@dataclass(frozen=True)
class Alternative:
    """One alternative: the assumption, what is in force and what instead, the criteria it can reach, and how they are
    then audited (`protocol` holds these criteria only). `key` is the analysis key it sets, blank for a reading."""

    assumption: str
    inforce: str
    says: str
    protocol: Protocol
    analysis: Analysis
    key: str = ""
    value: Any = None


@dataclass(frozen=True)
class Outlook:
    """`changes`: one row per result that would change (`CHANGES`); `summary`: one row per alternative (`SUMMARY`)."""

    changes: pd.DataFrame
    summary: pd.DataFrame


def alternatives(protocol: Protocol, analysis: Analysis) -> list[Alternative]:
    """The alternatives of the protocol file, keys first; a value that is in force already is left out."""
    found = []
    for key, entry in protocol.analysis.items():
        now = getattr(analysis, key)
        for value in entry.alternatives if key in REACH else []:
            other = Analysis.model_validate({**analysis.model_dump(), key: value})
            if getattr(other, key) == now:
                continue
            reached = _only(protocol, REACH[key])
            now_text, other_text = (f"{key} = {value_text(one)}" for one in (now, value))
            found.append(Alternative(entry.assumption or "", now_text, other_text, reached, other, key, value))
    for criterion in protocol.criteria:
        for reading in criterion.alternatives:
            read = criterion.model_copy(update={"parameters": {**criterion.parameters, **reading.parameters}})
            alone = protocol.model_copy(update={"criteria": [read]})
            now_text = criterion.note or criterion.id
            found.append(Alternative(reading.assumption, now_text, f"{criterion.id}: {reading.text}", alone, analysis))
    return found


def _only(protocol: Protocol, checks: Sequence[str]) -> Protocol:
    """The protocol with the criteria of these checks alone."""
    return protocol.model_copy(update={"criteria": [c for c in protocol.criteria if c.check in checks]})


def outlook(adie: pd.DataFrame, weighed: Weighed, rules: pd.DataFrame, adsl: pd.DataFrame, study: StudyData) -> Outlook:
    """What the audit would say under each alternative, for the subjects of `adsl` (ADSL, or a part of it).

    `weighed`: the records behind `adie`; `rules`: every definition of refractoriness for these subjects.
    """
    people = screening(adsl, study)
    if adie.empty or people.subjects.empty:
        return Outlook(_frame([], CHANGES), _frame([], SUMMARY))
    evidence = weighed.of(people.subjects["USUBJID"])
    base = _base(adie[adie["USUBJID"].isin(people.subjects["USUBJID"])], evidence, people)
    number = adsl.set_index("USUBJID")["SUBJID"]
    changes, summary = [], []
    for assumption, inforce, says, data in _data_results(people, base, evidence, rules):
        rows = _changed(base, data, people.protocol, study.domains)
        changes += [(number[r.USUBJID], r.CRITCD, assumption, says, r.RESULT, r.OTHER) for r in rows.itertuples()]
        summary.append((assumption, inforce, says, _how_many(rows)))
    return Outlook(_frame(changes, CHANGES), _frame(summary, SUMMARY))


def changes_table(found: Outlook) -> pd.DataFrame:
    """The results that would change, as a table shows them."""
    return described(
        found.changes.copy(deep=False), empty=nothing_changes(found),
        labels={
            "CRITCD": msg("Criterion"), "ASSUMPTION": msg("Assumption"), "ALTERNATIVE": msg("Alternative"),
            "FROM": msg("Result"), "TO": msg("Would be"),
        },
    )  # fmt: skip


def summary_table(found: Outlook) -> pd.DataFrame:
    """The alternatives that were looked at, as a table shows them."""
    return described(
        found.summary.copy(deep=False), empty=nothing_changes(found),
        labels={
            "ASSUMPTION": msg("Assumption"), "INFORCE": msg("In force"), "ALTERNATIVE": msg("Alternative"),
            "CHANGED": msg("Changed"),
        },
    )  # fmt: skip


def nothing_changes(found: Outlook) -> str:
    """What to say where no result would change: none does, or nothing was audited."""
    return (
        msg("No result would change.")
        if len(found.summary)
        else msg("There is no audit to look at under other assumptions.")
    )


def _data_results(
    people: Screening, base: pd.DataFrame, evidence: pd.DataFrame, rules: pd.DataFrame
) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Each alternative with what data alone would then say: USUBJID CRITCD DATARESULT SRCDOM, changed rows at least."""
    worst = evidence[evidence["ROLE"].eq(WORST) & evidence["SAYS"].isin([PASS, FAIL, NE])]
    worst = worst.drop_duplicates(["USUBJID", "CRITCD"]).assign(DATARESULT=worst["SAYS"])
    yield "A-11", msg("the last result in the window decides"), msg("the worst result in the window decides"), worst
    said, usual = verdicts(rules), people.stages
    for other in alternatives(people.protocol, people.analysis):
        if other.key == "sr_definition":
            data = _by_definition(said[said["DEFINITION"].eq(other.value)], other)
        else:
            read = replace(people, protocol=_that_may_differ(other, people, base, usual), analysis=other.analysis)
            data = found_under_versions(read, read.protocol)[0] if read.protocol.criteria else base.iloc[:0]
        yield other.assumption, other.inforce, other.says, data


def _that_may_differ(other: Alternative, people: Screening, base: pd.DataFrame, usual: pd.DataFrame) -> Protocol:
    """The criteria of the alternative that it may turn: cheap questions before the checks run again.

    `usual`: the organ stages as they are, up to the reference day. The last result in a window is the same where the
    same tests of the same subjects have one. The clearance itself flags what its other form would turn. Without an age
    at the limit no reading of the age rule differs.
    """
    if other.key in STAGING_KEYS:
        same = people.records.stages(other.analysis).equals(usual)
        return _only(other.protocol, ()) if same else other.protocol
    if other.key.endswith("_window_days"):
        kept = [c for c in other.protocol.criteria if c.check not in _TESTS or _other_tests(other, people, c)]
        return other.protocol.model_copy(update={"criteria": kept})
    if other.key == "age_rule":
        limits = [float(criterion.parameters["maximum_years"]) for criterion in other.protocol.criteria]
        ages = people.subjects["AGE"].astype("float64")
        return other.protocol if (ages.isin(limits) | ages.isna()).any() else _only(other.protocol, ())
    if other.key == "schwartz_compare":
        young = people.subjects.loc[people.subjects["AGE"] < ADULT_AGE, "USUBJID"]
        clearance = base["CHECK"].eq("organ_function") & base["UNIT"].str.startswith("mL/min")
        doubted = base["FLAG"].ne("") & clearance & base["USUBJID"].isin(young)
        return other.protocol if doubted.any() else _only(other.protocol, ())
    return other.protocol


def _other_tests(other: Alternative, people: Screening, criterion: Criterion) -> bool:
    """Whether other tests of other subjects have a result in the window of a criterion."""
    names = [_TESTS[criterion.check], *(v for k, v in criterion.parameters.items() if k.endswith("_tests"))]
    rows = people.results(("LB", "RS", "QS", "MB", "IS"), [test for tests in names for test in tests])
    seen = [in_window(rows, getattr(analysis, other.key)) for analysis in (people.analysis, other.analysis)]
    pairs = [set(zip(found["USUBJID"], found["TEST"], strict=True)) for found in seen]
    return pairs[0] != pairs[1]


def _by_definition(said: pd.DataFrame, other: Alternative) -> pd.DataFrame:
    """IN03 under another definition, from its verdicts: TRUE passes, FALSE fails, an open one is left to the form."""
    columns = [criterion.audit_columns()[0] for criterion in other.protocol.criteria]
    frame = said.assign(CRITCD=columns[0] if columns else "", SRCDOM="RS")
    return frame.assign(DATARESULT=frame["RESULT"].map(_VERDICT).fillna(BY_FORM))


def _base(adie: pd.DataFrame, evidence: pd.DataFrame, people: Screening) -> pd.DataFrame:
    """The audit rows with what decides beside the data: CRITERION CHECK TREATED SATISFIED (form) WAIVER."""
    protocol = people.protocol
    names = [(column, c.id, c.check, c.kind) for c in protocol.criteria for column in c.audit_columns()]
    named = pd.DataFrame(names, columns=["CRITCD", "CRITERION", "CHECK", "KIND"]).astype("str")
    frame = adie.merge(named, on="CRITCD", how="left", validate="many_to_one")
    frame = frame.merge(people.subjects[["USUBJID", "TREATED"]], on="USUBJID", how="left", validate="many_to_one")
    satisfied = frame["FORMANSWER"].eq("Y") == frame["KIND"].eq("inclusion")
    frame["SATISFIED"] = satisfied.map({True: PASS, False: FAIL}).astype("str").mask(frame["FORMANSWER"].eq(""))
    # Only criteria with a waiver are asked how exactly it names them.
    named_by = set(evidence.loc[evidence["ROLE"].eq(WAIVER), "CRITCD"])
    some = [c for c in protocol.criteria if named_by & set(c.audit_columns())]
    waived = waivers(people.domains, protocol.model_copy(update={"criteria": some}))[["USUBJID", "CRITCD", "EXACT"]]
    frame = frame.merge(waived, on=["USUBJID", "CRITCD"], how="left", validate="one_to_one")
    return frame.assign(WAIVER=frame["EXACT"].map({True: "EXACT", False: "PART"}).fillna(""))


def _changed(base: pd.DataFrame, data: pd.DataFrame, protocol: Protocol, domains: Domains) -> pd.DataFrame:
    """The rows whose RESULT would be OTHER, with what data say replaced by `data` where it has the row."""
    other = {(subject, column): (said, source) for subject, column, said, source in _cells(data)}
    if not any(said != other.get((subject, column), (said,))[0] for subject, column, said, _ in _cells(base)):
        return base.iloc[:0].assign(OTHER="")
    found = [other.get((subject, column), (said, source)) for subject, column, said, source in _cells(base)]
    said, source = (pd.Series(one, index=base.index, dtype="str") for one in zip(*found, strict=True))
    rows = base.assign(DATARESULT=said, SRCDOM=source)
    rows["SATISFIED"] = answer_for_parts(rows, protocol)
    result = combine(rows, form_delivered=domains.delivered("IE"))
    return base.assign(OTHER=result)[result.ne(base["RESULT"])]


def _cells(rows: pd.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    return zip(*(rows[name].tolist() for name in ("USUBJID", "CRITCD", "DATARESULT", "SRCDOM")), strict=True)


def _how_many(rows: pd.DataFrame) -> str:
    if rows.empty:
        return msg("none")
    subjects = rows["USUBJID"].nunique()
    return plural("{some} of {n} subject", "{some} of {n} subjects", subjects, some=len(rows))


def _frame(rows: Sequence[tuple[str, ...]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns).astype("str")
