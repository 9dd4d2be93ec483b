"""How fragile a conclusion is: the fewest changes of records that would turn it, and the question that settles each.

Every single change of a declared list of fields and values is tried, and every pair of changes in two subjects. What is
tried is said (`tried_table`). Conclusions: the advice of the rule in force, whether the interval of the response rate
lies above the rate of comparison, and the verdict of each safety stopping rule (rulebook §4.14, A-207).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations, product
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import msg, plural
from trialbook.core.supplemental import parent_links
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.advice import advice, plain_code
from trialbook.dlt.designs.registry import NO_RULE
from trialbook.dlt.events import dlt_events
from trialbook.efficacy.day28 import day28_response
from trialbook.gvhd.assessments import COLLECTED
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.monitoring.outcomes import monitored_outcomes
from trialbook.monitoring.stopping import verdict_of
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.safety.adjudication import FLAG, adjudicated_dlt
from trialbook.statistics.intervals import clopper_pearson
from trialbook.subjects.adsl import derive_subjects

T = TypeVar("T")
ADVICE, RESPONSE, STOPPING = "ADVICE", "RESPONSE", "STOPPING"
ABOVE, NOT_ABOVE, NOT_KNOWN = "above", "not above", "not estimable"
GRADES = ("1", "2", "3", "4", "5")
RELATED = ("RELATED", "NOT RELATED")
FLAGS = ("Y", "N")
STAGES = ("0", "1", "2", "3", "4")
ORGAN_WORDS = {
    "SKINSTG": msg("skin stage"), "LIVERSTG": msg("liver stage"), "UGISTG": msg("upper GI stage"),
    "LGISTG": msg("lower GI stage"),
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One change of one record: what the site would have to say. `now` and `then`: the value as it is and as tried."""

    usubjid: str
    subject: str
    domain: str
    record: str
    field: str
    what: str
    now: str
    then: str


@dataclass(frozen=True)
class Flip:
    """Changes that turn one conclusion (`kind`, and `rule` of a stopping rule) from `before` to `after`."""

    kind: str
    rule: str
    before: str
    after: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Fragility:
    """Every single change, and every pair where no single one does, that turns a conclusion; how many were tried.

    `kept`: the conclusions, as kind and rule, that no single change turns, each with whether a pair does.
    """

    flips: tuple[Flip, ...]
    singles: int
    pairs: int
    kept: Mapping[tuple[str, str], bool] = field(default_factory=dict)


# ----------------------------------------------------------------------------------------------------
# The declared list


def changes_of(study: StudyData) -> Iterator[tuple[Change, Domains]]:
    """Every change that is tried of every treated subject, with the domains of that subject as they would be."""
    adsl = derive_subjects(study)
    # The committee judges candidates: events that meet the definition, or that it has judged already.
    events = dlt_events(adsl, study.domains, study.protocol, study.analysis).dropna(subset=["AESEQ"])
    judged = events["AESEQ"].astype("int64").groupby(events["USUBJID"]).agg(set).to_dict()
    for person in _treated(adsl).itertuples():
        own, who = _own(study.domains, person.USUBJID), (person.USUBJID, str(person.SUBJID), person.TRTSDT)
        yield from _event_changes(study, own, judged.get(person.USUBJID, set()), *who)
        yield from _stage_changes(study, own, *who)


def _treated(adsl: pd.DataFrame) -> pd.DataFrame:
    return adsl[adsl["SAFFL"].eq("Y")].sort_values(["TRTSDT", "USUBJID"], kind="stable")


def _event_changes(
    study: StudyData, own: Mapping[str, pd.DataFrame], judged: Collection[int], subject: str, number: str,
    start: pd.Timestamp,
) -> Iterator[tuple[Change, Domains]]:  # fmt: skip
    first, last = study.analysis.dlt_window
    days = {f"{start + pd.Timedelta(days=day):%Y-%m-%d}" for day in (first, last, last + 1)}
    ae = own["AE"]
    for k, row in enumerate(ae.itertuples()):
        term = str(row.AEDECOD if pd.notna(row.AEDECOD) else row.AETERM)
        tries = [
            *[("AETOXGR", grade, msg("grade of {term}", term=term)) for grade in GRADES],
            *[("AEREL", relation, msg("relationship of {term}", term=term)) for relation in RELATED],
            *[("AESTDTC", day, msg("onset of {term}", term=term)) for day in sorted(days)],
        ]
        for column, value, what in tries:
            now = "" if pd.isna(getattr(row, column)) else str(getattr(row, column))
            if value != now:
                changed = ae.copy()
                changed.iloc[k, changed.columns.get_loc(column)] = value
                change = Change(subject, number, "AE", f"AESEQ={row.AESEQ}", column, what, now, value)
                yield change, Domains({**own, "AE": changed})
        for value in FLAGS if int(row.AESEQ) in judged else ():
            found = _flagged(own, k, value)
            if found is not None:
                now, domains = found
                what = msg("the committee's decision on {term}", term=term)
                yield Change(subject, number, "SUPPAE", f"AESEQ={row.AESEQ}", FLAG, what, now, value), domains


def _flagged(own: Mapping[str, pd.DataFrame], k: int, value: str) -> tuple[str, Domains] | None:
    """The committee's answer on the k-th event as it is, and the domains with another one; None where it is the same.

    A flag that is about this event alone is replaced; one about several events, or the subject, stays.
    """
    ae, supp = own["AE"], Domains(own)["SUPPAE"]
    now = str(adjudicated_dlt(ae, supp).iloc[k])
    if now == value:
        return None
    links, _ = parent_links(supp, ae, "AE")
    alone = links[~links["SUPP"].duplicated(keep=False) & links["PARENT"].eq(ae.index[k])]["SUPP"]
    rest = supp[~(supp["QNAM"].eq(FLAG) & supp.index.isin(alone))]
    record = {
        "RDOMAIN": "AE", "USUBJID": ae["USUBJID"].iloc[k], "IDVAR": "AESEQ", "IDVARVAL": str(ae["AESEQ"].iloc[k]),
        "QNAM": FLAG, "QVAL": value,
    }  # fmt: skip
    added = pd.DataFrame([{name: record.get(name) for name in rest.columns}], columns=rest.columns)
    added = added.astype(rest.dtypes.to_dict())
    whole = added if rest.empty else pd.concat([rest, added])
    return now, Domains({**own, "SUPPAE": whole.reset_index(drop=True)})


def _stage_changes(
    study: StudyData, own: Mapping[str, pd.DataFrame], subject: str, number: str, start: pd.Timestamp
) -> Iterator[tuple[Change, Domains]]:
    rs = own.get("RS")
    if rs is None or not study.protocol.has_endpoint("ORR_D28"):
        return
    first, last = study.analysis.d28_window
    day = (pd.to_datetime(rs["RSDTC"].str[:10], errors="coerce") - start).dt.days
    for k in [int(i) for i in range(len(rs)) if first <= day.iloc[i] <= last and rs["RSTESTCD"].iloc[i] in COLLECTED]:
        row = rs.iloc[k]
        now = str(row["RSORRES"])
        for value in STAGES[: 2 if row["RSTESTCD"] == "UGISTG" else 5]:
            if value != now:
                changed = rs.copy()
                changed.iloc[k, changed.columns.get_loc("RSORRES")] = value
                changed.iloc[k, changed.columns.get_loc("RSORRESN")] = float(value)
                what = msg("{organ} on day {day}", organ=ORGAN_WORDS[row["RSTESTCD"]], day=int(day.iloc[k]))
                change = Change(subject, number, "RS", f"RSSEQ={row['RSSEQ']}", "RSORRES", what, now, value)
                yield change, Domains({**own, "RS": changed})


def _own(domains: Domains, subject: str) -> dict[str, pd.DataFrame]:
    """The delivered domains with the records of one subject."""
    return {
        code: frame[frame["USUBJID"].eq(subject)].reset_index(drop=True) if "USUBJID" in frame else frame
        for code, frame in domains.items()
    }


# ----------------------------------------------------------------------------------------------------
# What a change does to its subject, and what the subjects conclude together


@dataclass(frozen=True)
class _Row:
    """What the conclusions read of one subject: its rows of ADSL and ADDLT, its response, its outcome of each rule."""

    adsl: pd.DataFrame
    addlt: pd.DataFrame
    response: str
    outcomes: Mapping[str, pd.DataFrame]

    @cached_property
    def marks(self) -> dict[tuple[str, str], Any]:
        """What of it can move each conclusion: two rows with the same marks are one case."""
        status = tuple(self.addlt[["DLTSTAT", "TRT01A"]].astype("str").itertuples(index=False, name=None))
        fates = {
            (STOPPING, name): tuple(frame[["OUTCOME", "DAY"]].astype("str").iloc[0])
            for name, frame in self.outcomes.items()
        }
        return {(ADVICE, ""): status, (RESPONSE, ""): self.response, **fates}

    @property
    def case(self) -> tuple[Any, ...]:
        return tuple(self.marks.values())


def _rows(
    study: StudyData, subjects: Sequence[str], tried: Sequence[tuple[Change, Domains]]
) -> tuple[dict[str, _Row], list[_Row]]:
    """The row of each subject as it is, and that of the subject concerned under each change.

    A change of organ stages leaves all but the response as it is, and a change of events the response.
    """
    own = [Domains(_own(study.domains, subject)) for subject in subjects]
    rows = _each(study, [*own, *(domains for change, domains in tried if change.domain != "RS")], _event_rows)
    said = _each(study, [*own, *(domains for change, domains in tried if change.domain == "RS")], _responses)
    known = dict(zip(subjects, said, strict=False))
    plain = {who: replace(row, response=known[who]) for who, row in zip(subjects, rows, strict=False)}
    events, stages = iter(rows[len(own) :]), iter(said[len(own) :])
    return plain, [
        replace(plain[change.usubjid], response=next(stages))
        if change.domain == "RS"
        else replace(next(events), response=known[change.usubjid])
        for change, _ in tried
    ]


# Between the identifier of a subject and the number of its variant (no identifier holds it); and how many variants are
# derived at a time, so that a large trial needs no more memory.
_MARK, _AT_ONCE = "\x1f", 400


def _each(study: StudyData, variants: Sequence[Domains], derive: Callable[[StudyData, int], list[T]]) -> list[T]:
    """What is derived of each variant of a subject's domains: many at once, as so many subjects of one trial.

    What a derivation finds of a subject rests on its own records. Only variants with the same domains are put side by
    side: whether a domain was delivered means something.
    """
    alike: dict[frozenset[str], list[int]] = {}
    for k, variant in enumerate(variants):
        alike.setdefault(frozenset(variant), []).append(k)
    found: dict[int, T] = {}
    for places in alike.values():
        for first in range(0, len(places), _AT_ONCE):
            chunk = places[first : first + _AT_ONCE]
            together = replace(study, domains=_side_by_side([variants[k] for k in chunk]))
            found.update(zip(chunk, derive(together, len(chunk)), strict=True))
    return [found[k] for k in range(len(variants))]


def _side_by_side(variants: Sequence[Domains]) -> Domains:
    frames: dict[str, pd.DataFrame] = {}
    for code, first in variants[0].items():
        if "USUBJID" not in first:
            frames[code] = first
            continue
        whole = pd.concat([variant[code] for variant in variants], ignore_index=True)
        numbers = np.repeat(np.arange(len(variants)), [len(variant[code]) for variant in variants])
        mark = pd.Series(numbers, dtype="int64").astype("str").astype(whole["USUBJID"].dtype)
        names = [name for name in ("USUBJID", "SUBJID") if name in whole]
        frames[code] = whole.assign(**{name: whole[name] + _MARK + mark for name in names})
    return Domains(frames)


def _apart(frame: pd.DataFrame, number: int) -> list[pd.DataFrame]:
    """What was derived of variants side by side: the rows of each, under the name of its subject."""
    variant = frame["USUBJID"].str.rpartition(_MARK)[2].astype("int64")
    names = [name for name in ("USUBJID", "SUBJID") if name in frame]
    plain = frame.assign(**{name: frame[name].str.partition(_MARK)[0] for name in names})
    of = {int(k): own.reset_index(drop=True) for k, own in plain.groupby(variant, sort=False)}
    return [of.get(k, plain.iloc[:0]) for k in range(number)]


def _event_rows(study: StudyData, number: int) -> list[_Row]:
    adsl = derive_subjects(study)
    adae = derive_adae(adsl, study)
    subjects, statuses = _apart(adsl, number), _apart(derive_addlt(adsl, study), number)
    rules = study.protocol.monitoring.items()
    outcomes = {name: _apart(monitored_outcomes(rule, adsl, adae, study), number) for name, rule in rules}
    return [
        _Row(subjects[k], statuses[k], "", {name: found[k] for name, found in outcomes.items()}) for k in range(number)
    ]


def _responses(study: StudyData, number: int) -> list[str]:
    found = _apart(day28_response(derive_subjects(study), study), number)
    return [str(frame["AVALC"].iloc[0]) if len(frame) else "" for frame in found]


class _Conclusions:
    """The conclusions of a trial from the rows of its subjects; what the same marks conclude is worked out once."""

    def __init__(self, study: StudyData) -> None:
        self.study = study
        self.known: dict[tuple[Any, ...], str] = {}
        protocol = study.protocol
        self.kinds = [
            *[(ADVICE, "")] * (protocol.has_endpoint("DLT") and study.analysis.escalation_rule != NO_RULE),
            *[(RESPONSE, "")] * protocol.has_endpoint("ORR_D28"),
            *((STOPPING, name) for name in protocol.monitoring),
        ]

    def of(self, rows: Sequence[_Row], wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The conclusions that are `wanted`, in the order of all."""
        found = {}
        for kind in self.kinds:
            if kind in wanted:
                key = (kind, *(row.marks[kind] for row in rows))
                if key not in self.known:
                    self.known[key] = self._one(*kind, rows)
                found[kind] = self.known[key]
        return found

    def _one(self, kind: str, name: str, rows: Sequence[_Row]) -> str:
        study = self.study
        if kind == ADVICE:
            addlt = pd.concat([row.addlt for row in rows], ignore_index=True)
            return advice(addlt, study.protocol, study.analysis, study.cut_date).code
        if kind == RESPONSE:
            return _against_comparison([row.response for row in rows], study)
        adsl = pd.concat([row.adsl for row in rows], ignore_index=True)
        outcomes = pd.concat([row.outcomes[name] for row in rows], ignore_index=True)
        return verdict_of(name, study.protocol.monitoring[name], outcomes, adsl, study)


def _against_comparison(responses: Sequence[str], study: StudyData) -> str:
    """Whether the exact interval of the response rate lies above the rate of comparison."""
    known = [one for one in responses if one not in ("PENDING", "NE", "")]
    n = sum(one in RESPONDERS for one in known)
    low = clopper_pearson(n, len(known)).low
    return NOT_KNOWN if low is None else ABOVE if low > study.analysis.orr0 else NOT_ABOVE


def fragility(study: StudyData) -> Fragility:
    """Every single change of the declared list that turns a conclusion, and pairs of changes in two subjects where no
    single one does.
    """
    subjects = list(_treated(derive_subjects(study))["USUBJID"])
    tried = list(changes_of(study))
    plain, changed = _rows(study, subjects, tried)
    conclusions = _Conclusions(study)
    rows, kinds = list(plain.values()), conclusions.kinds
    before = conclusions.of(rows, kinds)
    flips: list[Flip] = []
    # The cases of each subject that differ from its own: of the changes that lead to one, the first.
    cases: dict[str, dict[tuple[Any, ...], tuple[Change, _Row]]] = {subject: {} for subject in subjects}
    for (change, _), row in zip(tried, changed, strict=True):
        if row.case != plain[change.usubjid].case:
            cases[change.usubjid].setdefault(row.case, (change, row))
            after = conclusions.of(list({**plain, change.usubjid: row}.values()), kinds)
            flips += _flips(before, after, (change,))
    left = set(before) - {(one.kind, one.rule) for one in flips}
    pairs = 0
    for one, two in combinations(subjects, 2) if left else ():
        for first, second in product(cases[one].values(), cases[two].values()):
            pairs += 1
            after = conclusions.of(list({**plain, one: first[1], two: second[1]}.values()), left)
            flips += _flips({kind: before[kind] for kind in after}, after, (first[0], second[0]))
    by_pairs = {(one.kind, one.rule) for one in flips}
    return Fragility(tuple(flips), len(tried), pairs, {kind: kind in by_pairs for kind in before if kind in left})


def _flips(
    before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str], changes: tuple[Change, ...]
) -> list[Flip]:
    return [Flip(*key, before[key], after[key], changes) for key in before if after[key] != before[key]]


# ----------------------------------------------------------------------------------------------------
# For reading


LABELS = {
    "CONCLUSION": msg("Conclusion"), "BEFORE": msg("Now"), "AFTER": msg("Would become"), "CHANGES": msg("If"),
    "QUERY": msg("Open question that settles it"),
}  # fmt: skip


def flip_table(found: Fragility, queries: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """One row per flip, single changes first; QUERY names the open questions about the records concerned."""
    rows = []
    for flip in sorted(found.flips, key=lambda one: (len(one.changes), one.kind, one.rule)):
        asked = sorted({number for change in flip.changes for number in _asked(change, queries)})
        rows.append(
            {
                "CONCLUSION": _conclusion(flip.kind, flip.rule, study), "BEFORE": _said(flip.kind, flip.before, study),
                "AFTER": _said(flip.kind, flip.after, study),
                "CHANGES": "; ".join(str(changed_words(change)) for change in flip.changes),
                "QUERY": ", ".join(asked),
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(LABELS), dtype="object")
    return described(frame, labels=LABELS, empty=msg("No change of the declared list turns a conclusion."))


def kept_sentences(found: Fragility, study: StudyData) -> list[str]:
    """A sentence for each conclusion that no single change turns: how many were tried, and whether a pair turns it."""
    singles = plural("the {n} single change tried", "any of the {n} single changes tried", found.singles)
    pairs = plural("the {n} pair tried", "any of the {n} pairs tried", found.pairs)
    return [
        msg("{conclusion}: not turned by {singles}, but by two changes together.", conclusion=said, singles=singles)
        if by_pair
        else msg(
            "{conclusion}: not turned by {singles}, nor by {pairs}.", conclusion=said, singles=singles, pairs=pairs
        )
        for (kind, rule), by_pair in found.kept.items()
        for said in [_conclusion(kind, rule, study)]
    ]


RANKED = {
    "QUERY": msg("Open question"), "SUBJECT": msg("Subject"), "CONCLUSIONS": msg("Conclusions it can turn"),
    "SINGLE": msg("By itself"), "PAIRED": msg("With another change"),
}  # fmt: skip


def ranked_queries(found: Fragility, queries: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """The open questions by what hangs on their answer: first those that turn most conclusions by themselves.

    SINGLE and PAIRED count the flips in which the record of the question is the only one changed, or one of two.
    """
    flips: dict[str, list[Flip]] = {}
    subjects: dict[str, str] = {}
    for flip in found.flips:
        for change in flip.changes:
            for number in _asked(change, queries):
                flips.setdefault(number, []).append(flip)
                subjects[number] = change.subject
    rows = []
    for number, turned in flips.items():
        single = [flip for flip in turned if len(flip.changes) == 1]
        names = dict.fromkeys(str(_conclusion(flip.kind, flip.rule, study)) for flip in turned)
        rows.append((number, subjects[number], "; ".join(names), len(single), len(turned) - len(single)))
    rows.sort(key=lambda row: (-row[3], -row[4], row[0]))
    frame = pd.DataFrame(rows, columns=list(RANKED))
    return described(frame, labels=RANKED, empty=msg("No open question is about a record that turns a conclusion."))


def changed_words(change: Change) -> str:
    """A change in words: `009: grade of Infusion related reaction 3 -> 2`."""
    return msg(
        "{subject}: {what} {now} -> {then}", subject=change.subject, what=change.what, now=change.now or "-",
        then=change.then,
    )  # fmt: skip


def _asked(change: Change, queries: pd.DataFrame) -> list[str]:
    """The open questions about the field of a change; a closed one settles nothing any more."""
    own = queries["subject"].eq(change.usubjid) & queries["record"].eq(change.record)
    about = queries["field"].isin([change.field, ""])
    return [str(number) for number in queries.loc[own & about & queries["status"].eq("open"), "query_id"]]


def _conclusion(kind: str, rule: str, study: StudyData) -> str:
    if kind == ADVICE:
        return msg("Advice of the rule {rule}", rule=study.analysis.escalation_rule)
    if kind == RESPONSE:
        return msg("Response rate against {rate}", rate=f"{study.analysis.orr0 * 100:.3g}%")
    return study.protocol.monitoring[rule].name


def _said(kind: str, value: str, study: StudyData) -> str:
    return plain_code(value) if kind == ADVICE else value


def tried_table(study: StudyData) -> pd.DataFrame:
    """The declared list: which fields, and which values of each, are tried."""
    first, last = study.analysis.dlt_window
    rows = [
        (msg("Adverse events: grade"), ", ".join(GRADES)),
        (msg("Adverse events: relationship"), ", ".join(RELATED)),
        (msg("Adverse events: onset"), msg("day {first}, {last} and {after}", first=first, last=last, after=last + 1)),
        (msg("The committee's decision on a candidate event"), ", ".join(FLAGS)),
        (msg("Organ stages at day 28"), msg("0 to 4 (upper GI 0 and 1)")),
    ]
    labels = {"FIELD": msg("Field"), "VALUES": msg("Values tried")}
    return described(pd.DataFrame(rows, columns=list(labels), dtype="object"), labels=labels)
