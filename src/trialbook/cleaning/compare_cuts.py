"""One cut against another (P35, P36): records added, changed and deleted since the previous cut; what may vanish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.cleaning.columns import kind_of
from trialbook.cleaning.endpoint_dependence import with_endpoints
from trialbook.cleaning.keys import record_keys
from trialbook.cleaning.problems import ask
from trialbook.core.domains import Domains
from trialbook.core.errors import StopError
from trialbook.core.messages import msg
from trialbook.queries.query_list import Query

# ----------------------------------------------------------------------------------------------------
# Which record of this cut is which record of the previous one, also where an export has renumbered its records.


RECORD = "--RECORD"
# What tells a record apart from the others of its subject whatever its number, from the most telling on.
_EVENTS = {"AE": "AETERM", "MH": "MHTERM", "CE": "CETERM", "DV": "DVTERM", "DS": "DSDECOD"}
_TREATMENTS = {"CM": "CMTRT", "EX": "EXTRT", "PR": "PRTRT", "SU": "SUTRT"}
_FINDINGS = ("LB", "VS", "RS", "FA", "QS", "MB", "IS")


def natural_keys(code: str) -> list[list[str]]:
    """Columns that, beside USUBJID, tell the records of a domain apart without its --SEQ; none where there is none.

    | domain | first                     | then                 | last          |
    |--------|---------------------------|----------------------|---------------|
    | AE     | AESPID AETERM AESTDTC     | AETERM AESTDTC       | AESPID AETERM |
    | CM     | CMTRT CMSTDTC CMDOSE      | CMTRT CMSTDTC        |               |
    | LB     | LBTESTCD LBDTC VISIT      | LBTESTCD LBDTC       |               |

    >>> natural_keys("CM")
    [['CMTRT', 'CMSTDTC', 'CMDOSE'], ['CMTRT', 'CMSTDTC']]
    >>> natural_keys("DM")
    []
    """
    if code == "AE":
        return [["AESPID", "AETERM", "AESTDTC"], ["AETERM", "AESTDTC"], ["AESPID", "AETERM"]]
    if code in _EVENTS:
        return [[_EVENTS[code], f"{code}STDTC"]]
    if code in _TREATMENTS:
        return [[_TREATMENTS[code], f"{code}STDTC", f"{code}DOSE"], [_TREATMENTS[code], f"{code}STDTC"]]
    if code in _FINDINGS:
        return [
            [f"{code}CAT", f"{code}TESTCD", f"{code}DTC", "VISIT", f"{code}TPT"], [f"{code}TESTCD", f"{code}DTC"]
        ]  # fmt: skip
    return []


def match_records(code: str, old: pd.DataFrame, new: pd.DataFrame) -> list[tuple[int, int]]:
    """Positions (old, new) of the records that are the same; both frames are text with `subject` and RECORD.

    In this order, each only among records that are still unmatched:
    1. the same number and the same natural key;
    2. the same natural key, where it is unique on both sides: the export has renumbered its records;
    3. the same number, where part of the natural key, the coded term or the end still agrees: it was corrected;
    4. the same key but for a date in it that was completed (`SSDTC=2025-05` to `SSDTC=2025-05-11`).
    The rest are new or deleted.

    >>> old = pd.DataFrame({"subject": ["001"], RECORD: ["AESEQ=1"], "AETERM": ["Rash"], "AESTDTC": ["2025-03-05"]})
    >>> renumbered = old.assign(**{RECORD: "AESEQ=7"})
    >>> match_records("AE", old, renumbered)
    [(0, 0)]
    >>> match_records("AE", old, renumbered.assign(AETERM="Fever"))
    []
    """
    shared = [name for name in new.columns if name in old.columns]
    ladder = [[name for name in columns if name in shared] for columns in natural_keys(code)]
    ladder = [columns for columns in ladder if columns]
    matching = _Matching(old, new)
    if not ladder:
        matching.by([RECORD])
    else:
        matching.by([RECORD, *ladder[0]])
        for columns in ladder:
            matching.by(columns)
        coded = [name for name in (f"{code}DECOD", f"{code}ENDTC") if name in shared]
        matching.by([RECORD], agreeing=[*ladder[0], *coded])
    matching.by_completed_dates()
    return sorted(matching.pairs)


class _Matching:
    """The records that are matched so far, and those that are free."""

    def __init__(self, old: pd.DataFrame, new: pd.DataFrame) -> None:
        self._old, self._new = old, new
        self._free_old, self._free_new = list(range(len(old))), list(range(len(new)))
        self.pairs: list[tuple[int, int]] = []

    def by(self, columns: list[str], agreeing: Sequence[str] = ()) -> None:
        """Matches free records with equal, complete and unique values in these columns."""
        if not self._free_old or not self._free_new:
            return
        before = dict(_unique(self._old, self._free_old, columns))
        after = dict(_unique(self._new, self._free_new, columns))
        found = [(before[key], after[key]) for key in before if key in after]
        if agreeing:
            found = [pair for pair in found if self._agree(pair, agreeing)]
        self._take(found)

    def by_completed_dates(self) -> None:
        """Matches free records whose key differs only in a date that was completed."""
        open_ones: dict[str, list[int]] = {}
        for position in self._free_new:
            open_ones.setdefault(str(self._new["subject"].iat[position]), []).append(position)
        found = []
        for position in self._free_old:
            record = str(self._old[RECORD].iat[position])
            later = [
                other
                for other in open_ones.get(str(self._old["subject"].iat[position]), [])
                if record.rpartition(" ")[2].partition("=")[0].endswith("DTC")
                and str(self._new[RECORD].iat[other]).startswith(f"{record}-")
            ]
            found += [(position, later[0])] if len(later) == 1 else []
        self._take(found)

    def _agree(self, pair: tuple[int, int], columns: Sequence[str]) -> bool:
        old, new = pair
        return any(self._old[c].iat[old] == self._new[c].iat[new] != "" for c in columns)

    def _take(self, found: list[tuple[int, int]]) -> None:
        self.pairs += found
        old, new = {a for a, _ in found}, {b for _, b in found}
        self._free_old = [k for k in self._free_old if k not in old]
        self._free_new = [k for k in self._free_new if k not in new]


def _unique(frame: pd.DataFrame, free: list[int], columns: list[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Key and position of free records whose values in these columns are theirs alone, and not all blank."""
    values = [frame[name].tolist() for name in ("subject", *columns)]
    keys = list(zip(*([column[k] for k in free] for column in values), strict=True))
    counts = Counter(keys)
    whole = columns == [RECORD]  # DM has one record per subject, with a blank key
    for key, position in zip(keys, free, strict=True):
        if counts[key] == 1 and (whole or any(key[1:])):
            yield key, position


# ----------------------------------------------------------------------------------------------------

RECORD_COLUMNS = ["domain", "subject", "record"]
CHANGE_COLUMNS = [*RECORD_COLUMNS, "column", "old", "new", "kind"]
RENUMBERED_COLUMNS = [*RECORD_COLUMNS, "previous"]
FILLED, MOVED_ON, EMPTIED, RESTATED = "filled in", "moved on", "emptied", "restated"
# Fields whose later change a safety review committee must hear of (P36). An outcome or end date may well move on.
REVIEWED = frozenset([
    "DTHDTC", "DTHFL", "RFICDTC", "BRTHDTC", "ACTARMCD", "EXDOSE", "EXSTDTC", "AETOXGR", "AESER", "AEREL", "AEDECOD",
    "AESTDTC", "AESDTH", "LBORRES", "RSORRES", "QVAL", "SSORRES", "IEORRES",
])  # fmt: skip
# Lines for the approved deletions that one message shows.
SHOWN_LINES = 3
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
    """What changed between two cuts, by record; `counts` has one row per domain.

    `renumbered` names the records that have another number now (`record`) than before (`previous`), and `tests` the
    test code of each changed record of findings.
    """

    added: pd.DataFrame
    changed: pd.DataFrame
    deleted: pd.DataFrame
    renumbered: pd.DataFrame
    counts: pd.DataFrame
    tests: Mapping[tuple[str, str, str], str]


def compare_cuts(previous: Mapping[str, pd.DataFrame], current: Domains) -> Differences:
    """The clean domains of the previous cut against those of this one.

    `added` and `deleted` name records (domain, subject, record); `changed` has one row per value: column, old, new
    and kind. Where the rows were in the file, how an export numbers its records, and the parsed copy of a result do
    not count as values: a record with a new number is still the same record (see `matching`).

    | old         | new                | kind      |
    |-------------|--------------------|-----------|
    |             | 2025-07-06         | filled in |
    | 2025-05     | 2025-05-11         | filled in |
    | ONGOING     |                    | moved on  |
    | NOTASSGN    | DL2                | moved on  |
    | 2           | 3                  | restated  |
    | 3           |                    | emptied   |

    Without a previous cut there is nothing to compare: all records count as added, and none is named.
    """
    if not previous:
        return _first_cut(current)
    codes = [*current, *sorted(code for code in previous if not current.delivered(code))]
    codes.sort(key=lambda code: code.startswith("SUPP"))  # parents first: their new numbers are needed
    moved = _Renumbered()
    found = {code: _compare_domain(code, previous.get(code), current[code], moved) for code in codes}
    order = [code for code in [*current, *sorted(found)] if code in found]
    parts = [found[code] for code in dict.fromkeys(order)]
    return Differences(
        added=_joined([part.added for part in parts], RECORD_COLUMNS),
        changed=_joined([part.changed for part in parts], CHANGE_COLUMNS),
        deleted=_joined([part.deleted for part in parts], RECORD_COLUMNS),
        renumbered=moved.frame(),
        counts=pd.DataFrame([part.counts for part in parts], columns=_COUNTS),
        tests={key: test for part in parts for key, test in part.tests.items()},
    )


def _first_cut(current: Domains) -> Differences:
    """The differences of a cut before which there was none."""
    none = {"previous": 0, "deleted": 0, "changed": 0, "restated": 0}
    counts = [{"domain": code, **none, "added": len(current[code]), "now": len(current[code])} for code in current]
    return Differences(
        added=_joined([], RECORD_COLUMNS), changed=_joined([], CHANGE_COLUMNS), deleted=_joined([], RECORD_COLUMNS),
        renumbered=_Renumbered().frame(), counts=pd.DataFrame(counts, columns=_COUNTS), tests={},
    )  # fmt: skip


def check_deletions(
    differences: Differences,
    approved: pd.DataFrame,
    previous_cut: str,
    files: Mapping[str, tuple[str, str]],
    listed_in: str | None = None,
) -> pd.DataFrame:
    """The deletions with their approved reason; raises StopError (P35) for one that nobody has approved.

    Records are named by their number at the previous cut. Approving the DM record of a subject approves all records of
    that subject. `listed_in` is the file of approved deletions that the cut names; the message says which line to add.
    """
    deleted = differences.deleted
    reasons = {(d, s, r): why for d, s, r, why in approved[[*RECORD_COLUMNS, "reason"]].itertuples(index=False)}
    whole = {subject: why for (domain, subject, _), why in reasons.items() if domain == "DM"}
    found = [reasons.get(key, whole.get(key[1])) for key in deleted.itertuples(index=False, name=None)]
    open_ones = [key for key, why in zip(deleted.itertuples(index=False, name=None), found, strict=True) if why is None]
    if open_ones:
        domain, subject, record = open_ones[0]
        what = f"the record {record} of subject {subject}" if record else msg("the subject {subject}", subject=subject)
        more = f" (and {len(open_ones) - 1} more)" if len(open_ones) > 1 else ""
        file = files[domain][0] if domain in files else domain
        raise StopError(
            f"{what} was in {domain} at the cut {previous_cut} and is missing now{more}", file=file,
            rule="P35-RECORD-DELETED", next_step=_what_to_do(open_ones, listed_in),
        )  # fmt: skip
    return deleted.assign(reason=pd.Series(found, index=deleted.index, dtype="str"))


def _what_to_do(deleted: list[tuple[str, ...]], listed_in: str | None) -> str:
    """The next step for a record that vanished, with the lines that would approve it."""
    subjects = [key for key in deleted if key[0] == "DM"]
    lines = [f"{domain},{subject},{record},<why>" for domain, subject, record in (subjects or deleted)[:SHOWN_LINES]]
    more = (
        msg(" and {n} more", n=len(subjects or deleted) - SHOWN_LINES) if len(subjects or deleted) > SHOWN_LINES else ""
    )
    file = listed_in or "params/approved_deletions.csv"
    name_it = "" if listed_in else f", and name that file in the cut file (approved_deletions: {file})"
    return f"restore it at the source, or add to {file} the line {' and the line '.join(lines)}{more}{name_it}"


def restatements(differences: Differences, endpoints: Sequence[str] = ()) -> pd.DataFrame:
    """Values of the previous cut that have changed, for reading (`values_for_reading`)."""
    values = values_for_reading(differences, endpoints)
    return values[values["kind"].isin([RESTATED, EMPTIED])].reset_index(drop=True)


def values_for_reading(differences: Differences, endpoints: Sequence[str] = ()) -> pd.DataFrame:
    """Every changed value, for reading: domain, subject, record, column, old, new, kind, and which of the trial's
    endpoints may move with each.

    Free text and birth dates are not shown.
    """
    rows = differences.changed
    personal = [
        kind_of(domain, column) in ("free", "id") or column == "BRTHDTC"
        for domain, column in rows[["domain", "column"]].itertuples(index=False)
    ]
    secret = pd.Series(personal, index=rows.index, dtype=bool)
    hidden = {name: rows[name].mask(secret, "(text)") for name in ("old", "new")}
    shown = rows.assign(**hidden)[CHANGE_COLUMNS].reset_index(drop=True)
    return with_endpoints(shown, endpoints, differences.tests)


def restatement_queries(differences: Differences) -> list[Query]:
    """A question for each reviewed value that was reported at the previous cut and has changed (P36)."""
    changed = differences.changed
    rows = changed[changed["kind"].isin([RESTATED, EMPTIED]) & changed["column"].isin(REVIEWED)]
    return [
        query
        for row in rows.itertuples()
        for query in ask(
            "P36-RESTATED", row.domain, [(row.subject, row.record, f"{row.old} -> {row.new or 'missing'}")], row.column
        )
    ]


_COUNTS = ["domain", "previous", "added", "deleted", "changed", "restated", "now"]


@dataclass(frozen=True)
class _Domain:
    """The differences of one domain."""

    added: pd.DataFrame
    changed: pd.DataFrame
    deleted: pd.DataFrame
    counts: dict[str, object]
    tests: dict[tuple[str, str, str], str]


class _Renumbered:
    """The records that have another number now, which their supplemental records follow."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, str]] = []

    def frame(self) -> pd.DataFrame:
        """Domain, subject, record (now) and previous."""
        return pd.DataFrame(self._rows, columns=RENUMBERED_COLUMNS, dtype="str")

    def note(self, code: str, old: pd.DataFrame, new: pd.DataFrame) -> None:
        """Remembers the pairs (aligned frames) of a domain whose numbers differ."""
        seq = f"{code}SEQ"
        if seq not in old or seq not in new:
            return
        differs = (old[seq] != new[seq]).to_numpy()
        rows = zip(new["subject"][differs], new[RECORD][differs], old[RECORD][differs], strict=True)
        self._rows += [(code, *row) for row in rows]

    def follow(self, supp: pd.DataFrame) -> pd.DataFrame:
        """The supplemental records of the previous cut under the new numbers of their parents."""
        if not self._rows or not {"RDOMAIN", "IDVAR", "IDVARVAL"} <= set(supp):
            return supp
        now = {(domain, subject, before): after for domain, subject, after, before in self._rows}
        keys = zip(supp["RDOMAIN"], supp["USUBJID"], supp["IDVAR"] + "=" + supp["IDVARVAL"], strict=True)
        values = [now.get((domain, subject, record), record).partition("=")[2] for domain, subject, record in keys]
        return supp.assign(IDVARVAL=pd.Series(values, index=supp.index, dtype="str"))


def _compare_domain(code: str, before: pd.DataFrame | None, after: pd.DataFrame, moved: _Renumbered) -> _Domain:
    old, new = _keyed(code, before, moved if code.startswith("SUPP") else None), _keyed(code, after)
    pairs = match_records(code, old, new)
    old_rows, new_rows = [a for a, _ in pairs], [b for _, b in pairs]
    went = old.drop(index=old.index[old_rows])
    came = new.drop(index=new.index[new_rows])
    left, right = old.iloc[old_rows].reset_index(drop=True), new.iloc[new_rows].reset_index(drop=True)
    moved.note(code, left, right)
    values = _changed_values(code, left, right)
    restated = values["kind"].isin([RESTATED, EMPTIED])
    test = f"{code}TESTCD"
    tests = {}
    if test in right:
        keys = zip(right["subject"], right[RECORD], right[test], strict=True)
        tests = {(code, subject, record): name for subject, record, name in keys}
    counts = {
        "domain": code, "previous": len(old), "added": len(came), "deleted": len(went),
        "changed": values.drop_duplicates(RECORD_COLUMNS).shape[0], "restated": int(restated.sum()), "now": len(new),
    }  # fmt: skip
    return _Domain(_records(code, came), values, _records(code, went), counts, tests)


def _keyed(code: str, frame: pd.DataFrame | None, moved: _Renumbered | None = None) -> pd.DataFrame:
    """Values as text with `subject` and the record key; a repeated key is numbered, so that no record hides another."""
    if frame is None:
        frame = pd.DataFrame(columns=["USUBJID"], dtype="str")
    derived = ("SRCROW", f"{code}ORRESN", f"{code}ORRESOP")
    values = frame.drop(columns=[name for name in derived if name in frame])
    text = pd.DataFrame({name: _as_text(values[name]) for name in values.columns}, index=values.index, dtype="str")
    text = moved.follow(text) if moved else text
    subject = text.get("USUBJID", pd.Series("", index=text.index, dtype="str"))
    record = record_keys(code, text)
    again = pd.DataFrame({"subject": subject, "record": record}).groupby(["subject", "record"]).cumcount()
    record = record.where(again.eq(0), record + " #" + (again + 1).astype("str"))
    return text.assign(**{"subject": subject, RECORD: record}).reset_index(drop=True)


def _changed_values(code: str, old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Values of the same records (aligned frames) that differ, by record; a new column counts as filled in."""
    own = (RECORD, "subject", f"{code}SEQ")
    columns = [*new.columns, *(name for name in old.columns if name not in new.columns)]
    parts = []
    for column in [name for name in columns if name not in own]:
        blank = pd.Series("", index=new.index, dtype="str")
        before, after = (frame.get(column, blank).to_numpy() for frame in (old, new))
        at = (before != after).nonzero()[0]
        if len(at):
            parts.append(
                pd.DataFrame({
                    "domain": code, "subject": new["subject"].iloc[at], "record": new[RECORD].iloc[at],
                    "column": column, "old": before[at], "new": after[at], "place": at, "order": columns.index(column),
                })
            )  # fmt: skip
    frame = _joined(parts, [*CHANGE_COLUMNS[:-1], "place", "order"]).sort_values(["subject", "place", "order"])
    text = frame[CHANGE_COLUMNS[:-1]].astype("str").reset_index(drop=True)
    kinds = [_kind(*values) for values in text[["column", "old", "new"]].itertuples(index=False)]
    return text.assign(kind=pd.Series(kinds, index=text.index, dtype="str"))


def _kind(column: str, old: str, new: str) -> str:
    """How a value changed: from nothing or from a part of a date, from an open state, to nothing, or to another."""
    if old == "" or (column.endswith("DTC") and new.startswith(old + "-")):
        return FILLED
    if _STILL_OPEN.get(column) is not None and old in _STILL_OPEN[column]:
        return MOVED_ON
    return RESTATED if new else EMPTIED


def _as_text(values: pd.Series) -> list[str]:
    """Values as text, whole numbers without decimals, missing as blank."""
    return [text.removesuffix(".0") for text in values.astype("str").fillna("").tolist()]


def _records(code: str, rows: pd.DataFrame) -> pd.DataFrame:
    names = pd.DataFrame({"domain": code, "subject": rows["subject"], "record": rows[RECORD]}, dtype="str")
    return names.sort_values(RECORD_COLUMNS, ignore_index=True)


def _joined(parts: Iterable[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns, dtype="str")
