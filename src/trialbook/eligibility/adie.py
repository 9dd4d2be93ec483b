"""The eligibility audit (ADIE): every screened subject against every registered criterion (rulebook §1)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.eligibility.criteria import laboratory
from trialbook.eligibility.criterion_results import NE, TYPES, together
from trialbook.eligibility.evidence import Weighed, form_records
from trialbook.eligibility.form import answer_for_parts, combine, form_answers, waivers
from trialbook.eligibility.registry import ASSUMPTIONS, check_of
from trialbook.eligibility.screening import Screening, screening, screening_episodes
from trialbook.protocol.criteria import Criterion
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.protocol.versions import analysis_under, possible_versions, versions

# ----------------------------------------------------------------------------------------------------
# Each subject under the protocol version in force at consent; under every possible one where that is not known.


_ROW = ["USUBJID", "CRITCD"]


Parts = tuple[tuple[str, pd.DataFrame], ...]


def found_under_versions(people: Screening, protocol: Protocol) -> tuple[pd.DataFrame, Parts]:
    """The findings of every subject, with VERSION (its number in `versions`) and PROTVER (its id); and the records that
    were looked at, by audit column (`findings.Found`).

    A consent that is missing or partial may fall under several versions: the subject is then audited under each. Where
    all of them give the same result it is used, with the record of the latest; where they differ the criterion is not
    evaluable, and the evidence says what each would give. PROTVER names all of them.
    """
    known = versions(protocol)
    if len(known) == 1:
        found = together([check_of(criterion)(people, criterion) for criterion in known[0].criteria])
        return found.findings.assign(VERSION=0, PROTVER=known[0].id), found.records
    possible = possible_versions(protocol, people.subjects["CONSLO"], people.subjects["CONSHI"])
    parts: list[pd.DataFrame] = []
    records: list[tuple[str, pd.DataFrame]] = []
    for number, version in enumerate(known):
        if not possible[:, number].any():
            continue
        own = people.narrowed(possible[:, number].tolist(), analysis_under(version, protocol, people.analysis))
        found = together([check_of(criterion)(own, criterion) for criterion in version.criteria])
        parts.append(found.findings.assign(VERSION=number, PROTVER=version.id))
        records += found.records
    return _agreed(pd.concat(parts, ignore_index=True)), tuple(records)


def _agreed(found: pd.DataFrame) -> pd.DataFrame:
    """One row per subject and audit column from one row for each possible version."""
    ordered = found.sort_values([*_ROW, "VERSION"], kind="stable").reset_index(drop=True)
    several = ordered.duplicated(_ROW, keep=False)
    if not several.any():
        return ordered
    open_ones = ordered[several]
    said = open_ones["PROTVER"] + " " + open_ones["DATARESULT"].replace("", "by the form")
    groups = [open_ones[name] for name in _ROW]
    ids = open_ones["PROTVER"].groupby(groups).agg(" or ".join)
    each = said.groupby(groups).agg(", ".join)
    same = open_ones["DATARESULT"].groupby(groups).nunique().eq(1)
    last = open_ones.drop_duplicates(_ROW, keep="last").set_index(_ROW)
    differ = ~same.reindex(last.index)
    last["EVIDENCE"] = (last["EVIDENCE"] + "; the same under versions " + ids).mask(
        differ, "the date of consent leaves the protocol version open: " + each + "; " + last["EVIDENCE"]
    )
    last["DATARESULT"] = last["DATARESULT"].mask(differ, NE)
    last["FLAG"] = last["FLAG"].mask(differ, "PROTOCOL-VERSION")
    last["PROTVER"] = ids
    return pd.concat([ordered[~several], last.reset_index()], ignore_index=True)


# ----------------------------------------------------------------------------------------------------

COLUMNS = [
    "USUBJID", "CRITCD", "RESULT", "DATARESULT", "FORMANSWER", "AVAL", "UNIT", "LIMIT", "EVIDENCE", "ADT", "SRCDOM",
    "SRCSEQ", "RULE", "ASSUMPTION", "FLAG", "PROTVER", "SCREENNO",
]  # fmt: skip
_OTHERS = dict.fromkeys(["RESULT", "FORMANSWER", "RULE", "ASSUMPTION", "PROTVER"], "str") | {"SCREENNO": "Int64"}


@dataclass(frozen=True)
class Audit:
    """`adie`: the results (`audit`). `evidence`: ADIEEV, the records behind each, of the subjects asked for."""

    adie: pd.DataFrame
    evidence: Weighed


def audit(adsl: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """ADIE: one row per screened subject and audit column, in the order of subject and of the protocol file.

    USUBJID CRITCD; RESULT (codes of §1.0); DATARESULT, what data alone say (blank = no data can test it); FORMANSWER;
    AVAL UNIT LIMIT of a measured criterion; EVIDENCE in words with ADT SRCDOM SRCSEQ of the deciding record (domain IE
    where the answer on the form decides); RULE, the wording as registered or amended; ASSUMPTION ids; FLAG, the
    question or remark the record raises; PROTVER, the protocol version in force at consent; SCREENNO, the screening of
    the person to whom this subject number belongs (A-16). Empty, with these columns, for a trial without criteria.
    Raises UsageError for a check that does not exist.
    """
    return audit_with_evidence(adsl, study).adie


def audit_with_evidence(adsl: pd.DataFrame, study: StudyData) -> Audit:
    """The audit and, beside it, every record that was weighed for each of its rows."""
    form, waived = form_records(study.domains, study.protocol), waivers(study.domains, study.protocol)
    people = screening(adsl, study)
    if not study.protocol.criteria or not study.protocol.has_endpoint("ELIGIBILITY") or people.subjects.empty:
        adie = _empty()
        return Audit(adie, Weighed(adie, (), form, waived))
    found, parts = found_under_versions(people, study.protocol)
    adie = found.merge(_columns(study.protocol), on=["VERSION", "CRITCD"], how="left", validate="many_to_one")
    adie = adie.merge(people.subjects[["USUBJID", "TREATED"]], on="USUBJID", how="left", validate="many_to_one")
    adie = adie.merge(
        form_answers(study.domains, study.protocol), on=["USUBJID", "CRITERION"], how="left", validate="many_to_one"
    )
    given = waived[["USUBJID", "CRITCD", "EXACT", "VALUE", "SRCSEQ"]]
    given = given.rename(columns={"VALUE": "WAIVEDBY", "SRCSEQ": "DVSEQ"})
    adie = adie.merge(given, on=["USUBJID", "CRITCD"], how="left", validate="one_to_one")
    adie["WAIVER"] = adie["EXACT"].map({True: "EXACT", False: "PART"}).fillna("")
    adie["FORMANSWER"] = adie["FORMANSWER"].fillna("")
    adie["SATISFIED"] = answer_for_parts(adie, study.protocol)
    adie["RESULT"] = combine(adie, form_delivered=study.domains.delivered("IE"))
    number = screening_episodes(adsl).set_index("USUBJID")["SCREENNO"]
    adie = _with_deciding_form(adie.assign(SCREENNO=adie["USUBJID"].map(number)))
    ordered = adie.sort_values(["USUBJID", "ORDER"], kind="stable").reset_index(drop=True)
    adie = ordered[COLUMNS].astype({**TYPES, **_OTHERS})
    return Audit(adie, Weighed(adie, parts, form, waived))


def _with_deciding_form(adie: pd.DataFrame) -> pd.DataFrame:
    """Evidence completed by what lies outside the data: the answer on the form where it decides, and the waiver.

    A record that raises a question stays the source, so that the question goes where it belongs.
    """
    asked = adie["FLAG"].ne("") & adie["SRCDOM"].ne("")
    attested = adie["RESULT"].isin(["ATT-PASS", "ATT-FAIL"])
    day = adie["FORMDT"].dt.strftime(" of %Y-%m-%d").fillna("")
    beside = adie["FORMTEXT"].fillna("").astype("str")
    answered = "; form: " + adie["FORMANSWER"] + day + beside.radd(": ").where(beside.ne(""), "")
    waived = adie["RESULT"].eq("WAIVED")
    number = " (DV " + adie["DVSEQ"].astype("str") + ")"
    waiver = "; waived: " + adie["WAIVEDBY"].fillna("") + number.where(adie["DVSEQ"].notna(), "")
    pending = adie["RESULT"].eq("PENDING")
    said = adie["EVIDENCE"].where(~attested, adie["EVIDENCE"] + answered)
    said = said.where(~waived, said + waiver).where(~pending, said + "; no answer on the form by the cut")
    return adie.assign(
        EVIDENCE=said,
        ADT=adie["ADT"].where(~attested | asked, adie["FORMDT"]),
        SRCDOM=adie["SRCDOM"].mask(attested & ~asked, "IE"),
        SRCSEQ=adie["SRCSEQ"].where(~attested | asked, adie["FORMSEQ"]),
    )


def rule_text(criterion: Criterion, column: str) -> str:
    """The registered wording of an audit column; a part of a criterion is named before it."""
    if len(criterion.audit_columns()) == 1:
        return criterion.text
    part = dict(zip(criterion.audit_columns(), laboratory.PARTS, strict=True))[column]
    return f"[{part}] {criterion.text}"


def _columns(protocol: Protocol) -> pd.DataFrame:
    """VERSION CRITCD CRITERION RULE ASSUMPTION ORDER of each audit column under each protocol version."""
    rows = [
        (number, column, criterion.id, rule_text(criterion, column), ASSUMPTIONS.get(criterion.check, ""), order)
        for number, version in enumerate(versions(protocol))
        for order, (criterion, column) in enumerate(
            (criterion, column) for criterion in version.criteria for column in criterion.audit_columns()
        )
    ]
    return pd.DataFrame(rows, columns=["VERSION", "CRITCD", "CRITERION", "RULE", "ASSUMPTION", "ORDER"])


def _empty() -> pd.DataFrame:
    kinds = {**TYPES, **_OTHERS}
    return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in COLUMNS})
