"""Each subject under the protocol version in force at consent; under every possible one where that is not known."""

from __future__ import annotations

import pandas as pd

from trialbook.eligibility.checks import check_of
from trialbook.eligibility.findings import NE, together
from trialbook.eligibility.screening import Screening
from trialbook.protocol.models import Protocol
from trialbook.protocol.versions import analysis_under, possible_versions, versions

_ROW = ["USUBJID", "CRITCD"]


Parts = tuple[tuple[str, pd.DataFrame], ...]


def found_under_versions(people: Screening, protocol: Protocol) -> tuple[pd.DataFrame, Parts]:
    """The findings of every subject, with VERSION (its number in `versions`) and PROTVER (its id); and the records that
    were looked at, by audit column (`findings.Found`).

    A consent that is missing or partial may fall under several versions: the subject is then audited under each. Where
    all of them give the same result it stands, with the record of the latest; where they differ the criterion is not
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
