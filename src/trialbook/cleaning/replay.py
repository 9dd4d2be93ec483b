"""The change log replayed: raw text and log give the clean text, which proves that the log is complete."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.cleaning.clean import typed
from trialbook.cleaning.read_values import BIRTH_DATE, WHOLE_RECORD
from trialbook.core.domains import VARIABLES, Domains
from trialbook.core.errors import StopError
from trialbook.snapshot.door import WITHHELD
from trialbook.snapshot.tables import ARROW, RawTable, Snapshot


def replay(snapshot: Snapshot, changes: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """The clean text of every delivered domain: its raw text with the rows of the change log applied, in their order.

    `changes` is the change log (file, sheet, row, column, raw, new, rule), as a frame or as read back from
    `changelog.csv`; blank `raw` and `new` mean missing. A row with a column sets one value; one with a blank
    column and a row number removes the record; what says how the file was read (row 0, label rows, the edits of the
    reader, which the raw table holds already) changes nothing.
    With the log of cleaning alone this is the text of `Cleaned.domains`; with the rows of the cut (P26) behind it,
    that of the domains at the cut. Index and order of the rows are those of the raw tables. Birth dates are left out:
    the log withholds them.

    Raises StopError where the log does not fit: a record that is not there, or a value that is not the one logged.
    """
    frames = {code: table.frame.drop(columns=BIRTH_DATE, errors="ignore") for code, table in snapshot.tables.items()}
    owner = {
        (part.file, part.sheet or ""): (code, k)
        for code, table in snapshot.tables.items()
        for k, part in enumerate(table.delivered)
    }
    named = changes["column"].fillna("").str.split(ARROW).str[-1]
    log = changes[named.ne(BIRTH_DATE)]
    log = log.assign(sheet=log["sheet"].fillna(""), row=log["row"].astype("int64"))
    for (file, sheet), own in log.groupby(["file", "sheet"], sort=False):
        code, k = owner.get((str(file), str(sheet)), ("", 0))
        if not code:
            raise StopError("the change log names a file that was not delivered", file=str(file), rule="REPLAY")
        table = snapshot.tables[code]
        frames[code] = _played(table, frames[code], _numbered(own, table, k) if table.parts else own)
    return frames


def replayed_domains(snapshot: Snapshot, changes: pd.DataFrame) -> Domains:
    """What cleaning delivers, made from raw text and change log only.

    Beside the clean text there is only what is computed from it: types (--SEQ and SRCROW whole, numbers float64),
    SRCROW = the row in the file, and the parsed --ORRESN and --ORRESOP of results.
    """
    return Domains({code: typed(code, frame) for code, frame in replay(snapshot, changes).items()})


def _numbered(changes: pd.DataFrame, table: RawTable, part: int) -> pd.DataFrame:
    """The changes of one part of a split domain, with the rows of the domain put together; what is about no record of
    it (the file, a label row) has row 0.
    """
    if table.origin is None:
        return changes
    own = table.origin.records[table.origin.records["part"].eq(part)]
    number = pd.Series(own.index, index=own["row"].to_numpy())
    return changes.assign(row=changes["row"].map(number).fillna(0).astype("int64"))


def _played(table: RawTable, frame: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """One table with its changes; values by column, since a log may be as long as the table."""
    read = {(edit.row, edit.column, edit.raw, edit.new, edit.rule) for edit in table.edits}
    notes = changes["row"].eq(0) | changes["row"].isin(table.label_rows)
    done = [row in read for row in changes[["row", "column", "raw", "new", "rule"]].itertuples(index=False, name=None)]
    changes = changes[~notes & ~pd.Series(done, index=changes.index, dtype=bool)]
    rows = list(frame.index)
    values = {name: dict(zip(rows, frame[name], strict=True)) for name in frame.columns}
    # A variable that the file did not hold and that the cut filled (--ENRTPT): a blank column of the domain.
    for name in changes["column"].unique():
        if name not in values and name in VARIABLES.get(table.domain, "").split():
            values[str(name)] = dict.fromkeys(rows)
    gone: set[int] = set()
    there = set(rows)
    for row, column, raw, new in changes[["row", "column", "raw", "new"]].fillna("").itertuples(index=False):
        if row not in there or row in gone or (column != WHOLE_RECORD and column not in values):
            raise StopError("there is no such value", file=table.file, row=int(row), column=column, rule="REPLAY")
        if column == WHOLE_RECORD:
            gone.add(row)
            continue
        old = values[column][row]
        if raw not in (WITHHELD, "" if pd.isna(old) else old):
            raise StopError(
                "the value is not the one that was logged", file=table.file, row=int(row), column=column, rule="REPLAY"
            )
        values[column][row] = new or None
    played = set(changes["column"]) - {WHOLE_RECORD}
    text = {
        name: pd.Series(list(values[name].values()), index=frame.index, dtype="str")
        for name in values
        if name in played
    }
    return frame.assign(**text).drop(index=sorted(gone))
