"""Puts the columns of further forms beside those of one form, by subject and event (key `join` of the mapping file)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from trialbook.core.errors import StopError, UsageError
from trialbook.snapshot.mapping_models import Join
from trialbook.snapshot.mapping_source import Joined, SourceTable
from trialbook.snapshot.mapping_values import column_position
from trialbook.snapshot.tables import Edit, Note, plain_name

SHOWN = 8
Rows = Mapping[str, str | list[str]]


def kept_rows(rows: Rows, source: SourceTable, mapping_file: str, place: str, used: set[int]) -> pd.Series:
    """Which rows are records, by the key `rows`: a column is filled, blank, or holds one of some values."""
    kept = pd.Series(True, index=source.frame.index)
    for header, wanted in rows.items():
        position = column_position(source, header.split("|"), f"{place}.rows", mapping_file)
        used.add(position)
        values = source.frame[position]
        if isinstance(wanted, str):
            kept &= values.notna() if wanted == "filled" else values.isna()
        else:
            kept &= values.fillna("").map(plain_name).isin(wanted)
    return kept


def joined_table(
    base: SourceTable, forms: Sequence[tuple[Join, SourceTable]], one_each: bool, mapping_file: str, place: str,
    use: Callable[[SourceTable, set[int]], None],
) -> SourceTable:  # fmt: skip
    """The base with the columns of each form beside its own: each row keeps its place and gets at most one row of each.

    A row of the base without a row there has blanks. `one_each`: each row of a form should find one; those that find
    none are asked about. `use` receives the columns of a form that the join needs. Raises StopError (P34-JOIN) where
    two rows of a form belong to one row of the base, naming them; UsageError where no row finds another.
    """
    whole = base
    for k, (join, form) in enumerate(forms):
        whole = _with_form(whole, base, join, form, one_each, mapping_file, f"{place}.join[{k}]", use)
    return whole


def _with_form(
    whole: SourceTable, base: SourceTable, join: Join, form: SourceTable, one_each: bool, mapping_file: str, place: str,
    use: Callable[[SourceTable, set[int]], None],
) -> SourceTable:  # fmt: skip
    here = [column_position(base, name.split("|"), f"{place}.on", mapping_file) for name in join.on]
    there = [column_position(form, name.split("|"), f"{place}.on", mapping_file) for name in join.on.values()]
    used = set(there)
    kept = kept_rows(join.rows, form, mapping_file, place, used)
    for pattern in join.unused:
        used |= form.matching(pattern) or {column_position(form, [pattern], f"{place}.unused", mapping_file)}
    use(form, used)
    frame = form.frame[kept]
    wanted, found = _keys(base.frame[here]), _keys(frame[there])
    _stop_if_many(base, form, found[found.isin(set(wanted.dropna()))], list(join.on.values()))
    line_of = {key: line for line, key in found.dropna().items()}
    rows = {int(line): int(line_of[key]) for line, key in wanted.dropna().items() if key in line_of}
    if len(wanted) and len(found) and not rows:
        raise UsageError(
            f"no row of {base.file} has a row of {form.file} with the same {' and '.join(join.on)}", file=mapping_file,
            column=f"{place}.on", rule="P34-MAPPING",
            next_step="name the columns that both forms have: the subject, and for a form of each visit also the visit",
        )  # fmt: skip
    added = frame.reindex([rows.get(int(line), -1) for line in whole.frame.index]).set_index(whole.frame.index)
    first = len(whole.names)
    joined = Joined(form, first, rows)
    alone = found[~found.index.isin(rows.values())]
    edits, notes = list(form.edits), [
        Note(line, str(first + int(note.column)), note.rule, note.observed)
        for note in form.notes for line, row in rows.items() if row == note.row
    ]  # fmt: skip
    if len(alone) and one_each and wanted.is_unique:
        named = ", ".join(" ".join(key) if key else "no key" for key in alone.where(alone.notna(), None)[:SHOWN])
        more = f" and {len(alone) - SHOWN} more" if len(alone) > SHOWN else ""
        lines = ", ".join(str(line) for line in alone.index[:SHOWN])
        notes.append(Note(0, form.file, "P34-JOIN-UNMATCHED", f"{form.file}, rows {lines}{more}: {named}{more}"))
    elif len(alone):
        edits.append(
            Edit(0, "", f"({len(alone)} rows of {form.file} belong to no row of {base.file})", "", "P34-MAPPED-ROWS")
        )
    without = len(wanted) - len(rows)
    if without:
        edits.append(Edit(0, "", f"({without} rows of {base.file} have none in {form.file})", "", "P34-MAPPED-ROWS"))
    return replace(
        whole, names=(*whole.names, *_names(whole, form, join)),
        frame=pd.concat([whole.frame, added.set_axis(range(first, first + len(form.names)), axis=1)], axis=1),
        edits=(*whole.edits, *edits), notes=(*whole.notes, *notes), joined=(*whole.joined, joined),
    )  # fmt: skip


def _keys(columns: pd.DataFrame) -> pd.Series:
    """What rows belong together by; missing where a part of it is blank."""
    plain = columns.map(lambda text: plain_name(text).casefold(), na_action="ignore")
    whole = columns.notna().all(axis=1)
    keys = [tuple(row) if there else None for row, there in zip(plain.itertuples(index=False), whole, strict=True)]
    return pd.Series(keys, index=columns.index, dtype="object")


def _stop_if_many(base: SourceTable, form: SourceTable, found: pd.Series, on: list[str]) -> None:
    twice = found[found.duplicated(keep=False)]
    if twice.empty:
        return
    key = twice.iloc[0]
    lines = [str(line) for line in twice.index[[other == key for other in twice]]]
    raise StopError(
        f"{len(lines)} rows belong to one row of {base.file} ({', '.join(on)}: {' '.join(key)}), and which of them "
        f"counts is not known; rows with such keys: {len(twice)}", file=form.file, row=" and ".join(lines[:SHOWN]),
        column=" and ".join(on), rule="P34-JOIN",
        next_step="say under join which rows count (rows), add the event to its keys (on), or ask the site",
    )  # fmt: skip


def _names(whole: SourceTable, form: SourceTable, join: Join) -> list[tuple[str, ...]]:
    """The headers of a form in the whole table: a header that the base has is that of the base, the form's has its name
    before it.
    """
    label = join.name or form.file.rpartition(".")[0]
    taken = {name.casefold() for names in whole.names[: len(whole.names) - _joined(whole)] for name in names}
    return [
        (*(name for name in names if name.casefold() not in taken), *(f"{label}.{name}" for name in names))
        for names in form.names
    ]


def _joined(whole: SourceTable) -> int:
    return sum(len(one.source.names) for one in whole.joined)
