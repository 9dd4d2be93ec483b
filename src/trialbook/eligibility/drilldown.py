"""What opens behind a cell of the audit: the decision in words, and every record that was weighed (§1, P33)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.core.messages import as_text, joined, msg
from trialbook.eligibility.evidence import Weighed
from trialbook.protocol.models import Protocol

_PART = re.compile(r"\[([^\]]+)\] (.+)", re.DOTALL)
# The value of a record of a drug: its dose and its dates as entered.
_PERIOD = re.compile(r"(?P<dose>[\d.e+-]+|dose not known), (?P<since>[\dT:?-]+) to (?P<until>[\dT:?-]+|ongoing)")
# A cell of a table (row, column) -> title of what opens, notes below it, positions of its records.
Behind = Mapping[tuple[int, str], tuple[str, list[str], list[int]]]
LABELS = {
    "ROLE": msg("Role"),
    "RECORD": msg("Record"),
    "DATE": msg("Date"),
    "WHAT": msg("What"),
    "VALUE": msg("Value"),
    "LIMIT": msg("Limit"),
    "SAYS": msg("Alone it says"),
}


def records_of(evidence: Weighed, cells: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The records behind the subjects of a matrix (`id`) and of a listing (USUBJID); a large trial has many more."""
    shown = set(cells["id"]) | set(rows["USUBJID"]) if len(cells) else set()
    return evidence.of(shown)


def evidence_lines(evidence: pd.DataFrame) -> pd.DataFrame:
    """The records behind the audit (`audit_with_evidence`) for reading, in their order: the columns of `LABELS`."""
    number = evidence["SRCSEQ"].astype("str").fillna("")
    return pd.DataFrame(
        {
            "ROLE": evidence["ROLE"],
            "RECORD": (evidence["SRCDOM"] + " " + number).str.strip(),
            "DATE": evidence["ADT"].dt.strftime("%Y-%m-%d").fillna(""),
            "WHAT": pd.Series(list(map(_what, evidence["SRCDOM"], evidence["WHAT"])), evidence.index, dtype="object"),
            "VALUE": pd.Series(list(map(_value, evidence["VALUE"], evidence["UNIT"])), evidence.index, dtype="object"),
            "LIMIT": evidence["LIMIT"],
            "SAYS": evidence["SAYS"],
        }
    ).reset_index(drop=True)


def _what(domain: str, what: str) -> str:
    """What a record is of: a test or a term as delivered, or a word of ours."""
    if domain == "IE" and what.startswith("answer "):
        return msg("answer {date}", date=as_text(what.removeprefix("answer ")))
    return {"consent": msg("consent"), "age": msg("age")}.get(what, what)


def _value(value: str, unit: str) -> str:
    """A value with its unit, as recorded; of a drug its dose and from when to when it was given."""
    if unit == "years":
        return msg("{n} years", n=value)
    period = _PERIOD.fullmatch(value)
    if period is None:
        return f"{value} {unit}".strip()
    dose = as_text(period["dose"]) if period["dose"].startswith("dose") else f"{period['dose']} {unit}".strip()
    if period["until"] == "ongoing":
        return msg("{dose}, from {since} on", dose=dose, since=period["since"])
    return msg("{dose}, {since} to {until}", dose=dose, since=period["since"], until=period["until"])


def behind_cells(
    adie: pd.DataFrame, evidence: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, cells: pd.DataFrame
) -> Behind:
    """For each cell of the matrix (`views.matrix`), as shown by `views.matrix_table`, the records that open from it."""
    found = _told(adie[adie["USUBJID"].isin(cells["id"])], evidence, adsl, protocol)
    row = {subject: position for position, subject in enumerate(dict.fromkeys(cells["id"]))}
    # A page opens so many cells: findings first, then what data decide, last what the form alone says.
    rank = cells["result"].map({"PASS": 1, "ATT-PASS": 2}).fillna(0)
    ordered = cells.assign(rank=rank).sort_values("rank", kind="stable")
    return {
        (row[subject], criterion): found[subject, criterion]
        for subject, criterion in zip(ordered["id"], ordered["criterion"], strict=True)
    }


def behind_rows(
    adie: pd.DataFrame, evidence: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, rows: pd.DataFrame
) -> Behind:
    """For each row of a listing (USUBJID CRITCD) what opens behind its RESULT."""
    some = adie["CRITCD"].isin(rows["CRITCD"]) & adie["USUBJID"].isin(rows["USUBJID"])
    found = _told(adie[some], evidence, adsl, protocol)
    keys = zip(rows["USUBJID"], rows["CRITCD"], strict=True)
    return {(row, "RESULT"): found[key] for row, key in enumerate(keys) if key in found}


def _told(
    adie: pd.DataFrame, evidence: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol
) -> dict[tuple[str, str], tuple[str, list[str], list[int]]]:
    """By USUBJID and audit column: title, notes, positions in `evidence`."""
    places = evidence.reset_index(drop=True).groupby(["USUBJID", "CRITCD"], sort=False).indices
    number = adsl.set_index("USUBJID")["SUBJID"].to_dict()
    reading = {column: c.note or "" for c in protocol.criteria for column in c.audit_columns()}
    told = {}
    for row in adie.itertuples():
        subject = number[row.USUBJID]
        positions = [int(place) for place in places.get((row.USUBJID, row.CRITCD), ())]
        notes = _notes(row._asdict(), reading.get(row.CRITCD, ""))
        told[row.USUBJID, row.CRITCD] = f"{subject}, {row.CRITCD}: {row.RESULT}", notes, positions
    return told


def _notes(row: Mapping[str, object], reading: str) -> list[str]:
    """Evidence, value against limit, the form, the rule as registered and as read, assumption and version."""
    value = ""
    if row["AVAL"] == row["AVAL"] and row["LIMIT"] == row["LIMIT"]:
        value = msg(
            " Compared: {aval:.10g} {unit} with the limit {limit:g}.",
            aval=row["AVAL"],
            unit=row["UNIT"],
            limit=row["LIMIT"],
        )
    answer = {"Y": msg("yes"), "N": msg("no")}.get(str(row["FORMANSWER"]), msg("no answer"))
    alone = (
        msg("; by data alone: {dataresult}", dataresult=row["DATARESULT"])
        if row["DATARESULT"]
        else msg("; no data decide it")
    )
    rests = _joined([str(row["ASSUMPTION"]), msg("protocol version {protver}", protver=row["PROTVER"])])
    return [
        msg("{evidence}.{compared}", evidence=str(row["EVIDENCE"]), compared=value),
        msg("Form: {answer}{alone}.", answer=answer, alone=alone),
        msg("Rule: {rule}", rule=rule_words(str(row["RULE"]))),
        *([msg("Read as: {reading}.", reading=reading)] if reading else []),
        msg("Rests on: {rests}.", rests=rests),
    ]


def rule_words(rule: str) -> str:
    """The rule of a part of a criterion, with the test that the part is about: `[ALT] ...`, as `adie` writes it."""
    part = _PART.fullmatch(rule)
    return msg("[{test}] {rule}", test=as_text(part[1]), rule=as_text(part[2])) if part else as_text(rule)


def _joined(parts: Sequence[str]) -> str:
    return joined(parts, "; ")
