"""One cut against another (P35, P36): records added, changed and deleted since the previous cut; what may vanish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from trialbook.cleaning.columns import kind_of
from trialbook.cleaning.keys import record_keys
from trialbook.cleaning.rules import ask
from trialbook.domains import Domains
from trialbook.errors import StopError
from trialbook.results.queries import Query

RECORD_COLUMNS = ["domain", "subject", "record"]
CHANGE_COLUMNS = [*RECORD_COLUMNS, "column", "old", "new", "kind"]
FILLED, MOVED_ON, EMPTIED, RESTATED = "filled in", "moved on", "emptied", "restated"
# Fields whose later change a safety review committee must hear of (P36). An outcome or end date may well move on.
REVIEWED = frozenset([
    "DTHDTC", "DTHFL", "RFICDTC", "BRTHDTC", "ACTARMCD", "EXDOSE", "EXSTDTC", "AETOXGR", "AESER", "AEREL", "AEDECOD",
    "AESTDTC", "AESDTH", "LBORRES", "RSORRES", "QVAL", "SSORRES", "IEORRES",
])  # fmt: skip
# States that are meant to change as the trial goes on.
_OPEN = ("NOT RECOVERED/NOT RESOLVED", "RECOVERING/RESOLVING", "UNKNOWN")
_STILL_OPEN: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("AEENRTPT", "CMENRTPT", "MHENRTPT", "CEENRTPT"), ("ONGOING",)),
    "AEOUT": _OPEN,
    **dict.fromkeys(("ARMCD", "ACTARMCD"), ("NOTASSGN",)),
    **dict.fromkeys(("ARM", "ACTARM"), ("Not Assigned",)),
}


@dataclass(frozen=True)
class Differences:
    """What changed between two cuts, by record; `counts` has one row per domain."""

    added: pd.DataFrame
    changed: pd.DataFrame
    deleted: pd.DataFrame
    counts: pd.DataFrame


def compare_cuts(previous: Mapping[str, pd.DataFrame], current: Domains) -> Differences:
    """The clean domains of the previous cut against those of this one.

    `added` and `deleted` name records (domain, subject, record); `changed` has one row per value: column, old, new
    and kind. Where the rows stood in the file and the parsed copy of a result do not count as values.

    | old         | new                | kind      |
    |-------------|--------------------|-----------|
    |             | 2025-07-06         | filled in |
    | 2025-05     | 2025-05-11         | filled in |
    | ONGOING     |                    | moved on  |
    | NOTASSGN    | DL2                | moved on  |
    | 2           | 3                  | restated  |
    | 3           |                    | emptied   |
    """
    codes = [*current, *sorted(code for code in previous if not current.delivered(code))]
    added, changed, deleted, counts = [], [], [], []
    for code in codes:
        new = _keyed(code, current[code])
        old = _with_completed_dates(_keyed(code, previous.get(code)), new.index)
        came, went = new.index.difference(old.index), old.index.difference(new.index)
        values = _changed_values(code, old, new)
        added.append(_records(code, came))
        deleted.append(_records(code, went))
        changed.append(values)
        restated = values["kind"].isin([RESTATED, EMPTIED])
        counts.append({
            "domain": code, "previous": len(old), "added": len(came), "deleted": len(went),
            "changed": values.drop_duplicates(RECORD_COLUMNS).shape[0], "restated": int(restated.sum()),
            "now": len(new),
        })  # fmt: skip
    return Differences(
        added=_joined(added, RECORD_COLUMNS),
        changed=_joined(changed, CHANGE_COLUMNS),
        deleted=_joined(deleted, RECORD_COLUMNS),
        counts=pd.DataFrame(counts, columns=["domain", "previous", "added", "deleted", "changed", "restated", "now"]),
    )


def check_deletions(
    differences: Differences, approved: pd.DataFrame, previous_cut: str, files: Mapping[str, tuple[str, str]]
) -> pd.DataFrame:
    """The deletions with their approved reason; raises StopError (P35) for one that nobody has approved.

    Approving the DM record of a subject approves all records of that subject.
    """
    deleted = differences.deleted
    reasons = {(d, s, r): why for d, s, r, why in approved[[*RECORD_COLUMNS, "reason"]].itertuples(index=False)}
    whole = {subject: why for (domain, subject, _), why in reasons.items() if domain == "DM"}
    found = [reasons.get(key, whole.get(key[1])) for key in deleted.itertuples(index=False, name=None)]
    open_ones = [key for key, why in zip(deleted.itertuples(index=False, name=None), found, strict=True) if why is None]
    if open_ones:
        domain, subject, record = open_ones[0]
        what = f"the record {record} of subject {subject}" if record else f"the subject {subject}"
        more = f" (and {len(open_ones) - 1} more)" if len(open_ones) > 1 else ""
        file = files[domain][0] if domain in files else domain
        raise StopError(
            f"{what} stood in {domain} at the cut {previous_cut} and is missing now{more}", file=file,
            rule="P35-RECORD-DELETED",
            next_step="restore it, or list it (domain, subject, record, reason) in the approved deletions of the cut",
        )  # fmt: skip
    return deleted.assign(reason=pd.Series(found, index=deleted.index, dtype="str"))


def restatements(differences: Differences) -> pd.DataFrame:
    """Values of the previous cut that read otherwise now, for reading: domain, subject, record, column, old, new.

    Free text and birth dates are not shown.
    """
    rows = differences.changed[differences.changed["kind"].isin([RESTATED, EMPTIED])]
    personal = [
        kind_of(domain, column) in ("free", "id") or column == "BRTHDTC"
        for domain, column in rows[["domain", "column"]].itertuples(index=False)
    ]
    secret = pd.Series(personal, index=rows.index, dtype=bool)
    hidden = {name: rows[name].mask(secret, "(text)") for name in ("old", "new")}
    return rows.assign(**hidden)[CHANGE_COLUMNS].reset_index(drop=True)


def restatement_queries(differences: Differences) -> list[Query]:
    """A question for each reviewed value that was reported at the previous cut and reads otherwise now (P36)."""
    changed = differences.changed
    rows = changed[changed["kind"].isin([RESTATED, EMPTIED]) & changed["column"].isin(REVIEWED)]
    return [
        query
        for row in rows.itertuples()
        for query in ask(
            "P36-RESTATED", row.domain, [(row.subject, row.record, f"{row.old} -> {row.new or 'missing'}")], row.column
        )
    ]


def _keyed(code: str, frame: pd.DataFrame | None) -> pd.DataFrame:
    """Values as text by subject and record key; a repeated key is numbered, so that no record hides another."""
    if frame is None:
        frame = pd.DataFrame(columns=["USUBJID"], dtype="str")
    derived = ("SRCROW", f"{code}ORRESN", f"{code}ORRESOP")
    values = frame.drop(columns=[name for name in derived if name in frame])
    text = pd.DataFrame({name: _as_text(values[name]) for name in values.columns})
    subject = text.get("USUBJID", pd.Series("", index=text.index, dtype="str"))
    key = pd.DataFrame({"subject": subject, "record": record_keys(code, frame)})
    again = key.groupby(["subject", "record"]).cumcount()
    key["record"] = key["record"].where(again.eq(0), key["record"] + " #" + (again + 1).astype("str"))
    return text.set_index(pd.MultiIndex.from_frame(key))


def _with_completed_dates(old: pd.DataFrame, now: pd.Index) -> pd.DataFrame:
    """Old records under their new key where the date in it was only completed (`SSDTC=2025-05` to `2025-05-11`)."""
    gone, came = old.index.difference(now), now.difference(old.index)
    renamed = {
        (subject, record): later
        for subject, record in gone
        if record.rpartition(" ")[2].partition("=")[0].endswith("DTC")
        for later in [[key for key in came if key[0] == subject and key[1].startswith(f"{record}-")]]
        if len(later) == 1
    }
    keys = [renamed[key][0] if key in renamed else key for key in old.index]
    return old.set_index(pd.MultiIndex.from_tuples(keys, names=old.index.names)) if renamed else old


def _changed_values(code: str, old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Values of records in both cuts that differ, in the order of the records; a new column counts as filled in."""
    both = old.index.intersection(new.index, sort=True)
    columns = [*new.columns, *(name for name in old.columns if name not in new.columns)]
    before = old.reindex(columns=columns).loc[both].fillna("")
    after = new.reindex(columns=columns).loc[both].fillna("")
    differs = (before != after).stack()
    at = differs[differs].index
    frame = pd.DataFrame({
        "domain": code,
        "subject": at.get_level_values(0),
        "record": at.get_level_values(1),
        "column": at.get_level_values(2),
        "old": [before.at[(s, r), c] for s, r, c in at],
        "new": [after.at[(s, r), c] for s, r, c in at],
    }).astype("str")  # fmt: skip
    kinds = [_kind(*values) for values in frame[["column", "old", "new"]].itertuples(index=False)]
    return frame.assign(kind=pd.Series(kinds, index=frame.index, dtype="str"))


def _kind(column: str, old: str, new: str) -> str:
    """How a value changed: from nothing or from a part of a date, from an open state, to nothing, or to another."""
    if old == "" or (column.endswith("DTC") and new.startswith(old + "-")):
        return FILLED
    if _STILL_OPEN.get(column) is not None and old in _STILL_OPEN[column]:
        return MOVED_ON
    return RESTATED if new else EMPTIED


def _as_text(values: pd.Series) -> pd.Series:
    """Values as text, whole numbers without decimals, missing as blank."""
    return values.astype("str").fillna("").str.removesuffix(".0")


def _records(code: str, keys: pd.Index) -> pd.DataFrame:
    names = keys.to_frame(index=False, name=["subject", "record"])
    return names.assign(domain=code)[RECORD_COLUMNS].sort_values(RECORD_COLUMNS, ignore_index=True)


def _joined(parts: Iterable[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns, dtype="str")
