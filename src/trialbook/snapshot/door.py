"""The entry of a build: only declared columns come in, and no text that identifies a person (P37), before anything else
compares, checks or prints a value.
"""

from __future__ import annotations

import dataclasses

import pandas as pd

from trialbook.contracts.allow_list import AllowList
from trialbook.core.errors import StopError
from trialbook.core.privacy import is_quantity, masked, masked_name, may_hold_name, names_person
from trialbook.snapshot.tables import Edit, Note, RawTable, Snapshot

WITHHELD = "(withheld)"
# Identifiers are compared and printed everywhere: a person's number there cannot be masked away.
_IDENTIFIERS = ("STUDYID", "USUBJID", "SUBJID", "SITEID", "IDVARVAL")
_IDENTIFIER_ENDINGS = ("SPID", "REFID", "GRPID", "LNKID", "LNKGRP", "SEQ")
# Those of a person: letters of another script there may be a name.
_SUBJECTS = ("USUBJID", "SUBJID", "RSUBJID")
# Results, limits of ranges and doses: one plain number there is a quantity, whatever it looks like.
_QUANTITY_ENDINGS = ("ORRES", "STRESC", "STRESN", "NRLO", "NRHI", "DOSE", "DOSTOT")
# Names under which SUPP-- gives the number of another subject.
_SUBJECT_LINKS = ("RESCREEN_OF", "RESCRNOF", "PRVSUBJ", "PREVSUBJ")


def admit(snapshot: Snapshot, allowed: AllowList) -> Snapshot:
    """The snapshot as the build may see it.

    - A column that the domain's contract does not declare is left out, as are a supplemental value whose QNAM it does
      not declare and a domain without a contract; each is named once (change log, or `ignored`), without its values.
    - Text that identifies a person is masked; the place is logged and asked about, the value is not kept. One number in
      a column of results, limits or doses is not.
    - Raises StopError (P37-IDENTIFIER) for an identifier that is a person's number, and for one of a subject that may
      hold a name; the message holds no value.
    - Names of files and sheets are treated like text.
    """
    tables, ignored = {}, [masked(name) for name in snapshot.ignored]
    for code, table in snapshot.tables.items():
        if allowed.of(code) is None:
            ignored.append(f"{masked(table.file)}: the domain {code} has no contract")
            continue
        named = dataclasses.replace(_named(table), parts=tuple(_part(part, code, allowed) for part in table.parts))
        tables[code] = _masked_values(_declared_names(_declared_columns(named, allowed), allowed))
    return Snapshot(tables, tuple(sorted(ignored)), {masked(name): found for name, found in snapshot.hashes.items()})


def is_identifier(column: str) -> bool:
    """Whether a column identifies a study, site, subject or record.

    >>> is_identifier("AESPID"), is_identifier("AETERM")
    (True, False)
    """
    return column in _IDENTIFIERS or column.endswith(_IDENTIFIER_ENDINGS)


def _named(table: RawTable) -> RawTable:
    """The table with masked names of file and sheet; what reading noticed about columns may quote them."""
    sheet = None if table.sheet is None else masked_name(table.sheet)
    edits = tuple(edit._replace(raw=masked(edit.raw), new=masked(edit.new)) for edit in table.edits)
    notes = tuple(
        note._replace(observed=masked(note.observed), column=masked_name(note.column)) for note in table.notes
    )
    origin = None if table.origin is None else table.origin.masked(masked, masked_name)
    return dataclasses.replace(table, file=masked(table.file), sheet=sheet, edits=edits, notes=notes, origin=origin)


def _part(part: RawTable, code: str, allowed: AllowList) -> RawTable:
    """A part of a split domain as it may be kept beside the whole: what is said of its values is said of the whole."""
    named = _named(part)
    declared = _declared_columns(dataclasses.replace(named, domain=code), allowed)
    admitted = _masked_values(_declared_names(declared, allowed))
    return dataclasses.replace(admitted, domain=part.domain, edits=named.edits, notes=named.notes)


def _declared_columns(table: RawTable, allowed: AllowList) -> RawTable:
    declared = allowed.of(table.domain) or frozenset()
    foreign = [name for name in table.frame.columns if name not in declared]
    if not foreign:
        return table
    edits = [Edit(0, "", f"(column {masked_name(str(name))})", "", "P34-COLUMN-LEFT-OUT") for name in foreign]
    # What was noticed in such a column would quote its values.
    quoted = {masked_name(str(name)) for name in foreign}
    return dataclasses.replace(
        table, frame=table.frame.drop(columns=foreign), edits=(*table.edits, *edits),
        notes=tuple(note for note in table.notes if note.column not in quoted),
    )  # fmt: skip


def _declared_names(table: RawTable, allowed: AllowList) -> RawTable:
    """Of a SUPP-- domain, the records whose QNAM is declared."""
    if not table.domain.startswith("SUPP") or not {"QNAM", "QVAL"} <= set(table.frame):
        return table
    names = table.frame["QNAM"].str.strip().str.upper()
    foreign = names.notna() & ~names.isin(allowed.names.get(table.domain, frozenset()))
    if not foreign.any():
        return table
    left_out = sorted(masked_name(str(name)) for name in names[foreign].unique())
    edits = [Edit(0, "", f"(QNAM {name})", "", "P34-NAME-LEFT-OUT") for name in left_out]
    rows = set(table.frame.index[foreign])
    return dataclasses.replace(
        table, frame=table.frame[~foreign], edits=(*(e for e in table.edits if e.row not in rows), *edits),
        notes=tuple(note for note in table.notes if note.row not in rows),
    )  # fmt: skip


def _masked_values(table: RawTable) -> RawTable:
    """The table with every value masked; identifiers are not masked but stop."""
    edits: list[Edit] = []
    notes: list[Note] = []
    columns = {}
    for name in table.frame.columns:
        values = table.frame[name]
        if is_identifier(str(name)):
            _stop_at_persons(table, str(name), values, subject=name in _SUBJECTS)
        else:
            counted = str(name).endswith(_QUANTITY_ENDINGS)
            found = {t: masked(t) for t in values.dropna().unique() if not (counted and is_quantity(t))}
            found = {text: plain for text, plain in found.items() if plain != text}
            if found:
                rows = values[values.isin(list(found))]
                columns[name] = values.mask(values.isin(list(found)), values.map(found)).astype("str")
                edits += [
                    Edit(int(row), str(name), WITHHELD, found[text], "P37-REDACTED") for row, text in rows.items()
                ]
                notes += [Note(int(row), str(name), "P37-PERSONAL-DATA", WITHHELD) for row in rows.index]
    if table.domain.startswith("SUPP") and {"QNAM", "QVAL"} <= set(table.frame):
        linked = table.frame["QNAM"].str.upper().isin(_SUBJECT_LINKS)
        _stop_at_persons(table, "QVAL", table.frame.loc[linked, "QVAL"], subject=True)
    if not edits:
        return table
    masked_notes = tuple(note._replace(observed=masked(note.observed)) for note in table.notes)
    return dataclasses.replace(
        table, frame=table.frame.assign(**columns), edits=(*table.edits, *edits), notes=(*masked_notes, *notes)
    )


def _stop_at_persons(table: RawTable, column: str, values: pd.Series, *, subject: bool) -> None:
    """Raises StopError for the first identifier with a person's number in it; of a `subject`, or what may be a name."""
    for text in values.dropna().unique():
        number, name = names_person(text), subject and may_hold_name(text)
        if number or name:
            row = int(values.index[values.eq(text).to_numpy()][0])
            file, sheet, line, named = table.place(row, column)
            what = "is, or holds, a number that names or reaches a person" if number else (
                "of a subject holds characters that may be a name"
            )  # fmt: skip
            raise StopError(
                f"an identifier {what} (the value is withheld)",
                file=f"{file}, sheet {sheet}" if sheet else file, row=line, column=named, rule="P37-IDENTIFIER",
                next_step="replace it at the source by a number that is given for the study only",
            )  # fmt: skip
