"""Applies the mapping file to a site export: one raw table per domain, every value traceable to its source cell."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.domains import VARIABLES
from trialbook.mapping.models import PLACEHOLDER, Mapping, Part, Spread
from trialbook.mapping.source import SourceTable
from trialbook.mapping.values import column_position, fill
from trialbook.snapshot.origin import Origin
from trialbook.snapshot.origin import Part as Source
from trialbook.snapshot.tables import KEY, Edit, Note, RawTable, plain_name

# The mapped records are numbered as the rows of a file with one header row.
FIRST_RECORD = 2


@dataclass(frozen=True)
class _Mapped:
    """One part, mapped: text by variable in the order of records, the line of each in the source, the source columns
    by variable (`columns`) and, where they differ, by record (`headers`), and what was noted.
    """

    frame: pd.DataFrame
    lines: pd.Series
    headers: pd.DataFrame
    columns: dict[str, str]
    changes: list[tuple[str, int, str, str, str]]
    unknown: list[tuple[str, int, str]]
    used: set[int]


def map_domain(
    code: str, parts: Sequence[tuple[int, Part, SourceTable]], mapping: Mapping, mapping_file: str
) -> tuple[RawTable, list[set[int]]]:
    """One domain of a site export as a raw table, and the positions of the columns that each part has used.

    `parts` are the parts of the domain whose source is there, each with its number in the mapping file. Records are
    numbered from 2 in the order of the parts and of their rows; --SEQ counts within the subject where no column fills
    it. Raises UsageError (naming the mapping file, the key and the nearest header) where a column is not there.
    """
    mapped = [
        _map_part(part, source, mapping, mapping_file, f"domains.{code}[{k}]") for k, part, source in parts
    ]  # fmt: skip
    frame = pd.concat([m.frame for m in mapped], ignore_index=True)
    frame.index = pd.RangeIndex(FIRST_RECORD, FIRST_RECORD + len(frame), name="RECORD")
    frame = _numbered(code, frame)
    sources = [source for _, _, source in parts]
    origin = _origin(mapped, sources, frame.index)
    edits, notes = _remarks(mapped, parts, origin)
    files = list(dict.fromkeys(source.file for source in sources))
    sheets = list(dict.fromkeys(source.sheet for source in sources if source.sheet))
    digests = {source.file: source for source in sources}
    return RawTable(
        code, frame, " + ".join(files), " + ".join(sheets) or None, sources[0].encoding,
        _digest([digests[file].sha256 for file in files]), sum(digests[file].bytes for file in files),
        header_row=sources[0].header_rows, delimiter=sources[0].delimiter, edits=tuple(edits), notes=tuple(notes),
        origin=origin,
    ), [m.used for m in mapped]  # fmt: skip


def _map_part(part: Part, source: SourceTable, mapping: Mapping, mapping_file: str, place: str) -> _Mapped:
    filled = {
        name: fill(rule, source, mapping.codes_of(rule), f"{place}.columns.{name}", mapping_file)
        for name, rule in part.columns.items()
        if rule.copy_number_of is None
    }
    used = {k for one in filled.values() for k in one.positions}
    used |= {column_position(source, [name], f"{place}.unused", mapping_file) for name in part.unused}
    kept = _kept_rows(part, source, mapping_file, place, used)
    base = pd.DataFrame({name: one.values for name, one in filled.items()}, index=source.frame.index)[kept]
    columns = {name: "+".join(source.names[k][0] for k in one.positions) for name, one in filled.items()}
    lines = pd.Series(base.index, index=base.index)
    headers = pd.DataFrame(index=base.index)
    if part.spread is not None:
        base, lines, headers = _spread(part.spread, base, source, mapping_file, f"{place}.spread", used)
    copies = {name: rule.copy_number_of for name, rule in part.columns.items() if rule.copy_number_of is not None}
    for name, other in copies.items():
        numbers = base[str(other)].str.fullmatch(r"[+-]?\d+(?:\.\d+)?").fillna(False).astype("bool")
        base[name] = base[str(other)].where(numbers)
        columns[name] = columns.get(str(other), "")
        if other in headers:
            headers[name] = headers[str(other)]
    kept_lines = set(lines)
    changes = [(name, *c) for name, one in filled.items() for c in one.changes if c[0] in kept_lines]
    unknown = [(name, *u) for name, one in filled.items() for u in one.unknown if u[0] in kept_lines]
    named = [*part.columns, *([] if part.spread is None else _spread_variables(part.spread))]
    frame = base[_in_order(list(dict.fromkeys(named)), part)].reset_index(drop=True)
    shown = {name: header for name, header in columns.items() if header}
    lines, headers = lines.reset_index(drop=True), headers.reset_index(drop=True)
    return _Mapped(frame, lines, headers, shown, changes, unknown, used)


def _in_order(names: list[str], part: Part) -> list[str]:
    """The variables as SDTM orders them, those beyond the interface last; without a spread, as the file orders them."""
    if part.spread is None:
        return names
    code = part.spread.result[:2]
    known = ["STUDYID", "DOMAIN", *VARIABLES.get(code, "").split()]
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def _spread_variables(spread: Spread) -> list[str]:
    said = [name for test in spread.columns.values() for name in test]
    return [*dict.fromkeys(said), spread.result, *spread.beside]


def _spread(
    spread: Spread, base: pd.DataFrame, source: SourceTable, mapping_file: str, place: str, used: set[int]
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """One record per result that is there, row by row, within a row in the order of the mapping file; with the line
    of each and the headers of its columns.
    """
    pieces = []
    for k, (header, said) in enumerate(spread.columns.items()):
        position = column_position(source, header.split("|"), f"{place}.columns", mapping_file)
        used.add(position)
        piece = base.assign(**{name: pd.Series(text, index=base.index, dtype="str") for name, text in said.items()})
        piece[spread.result] = source.frame.loc[base.index, position]
        named = {spread.result: source.names[position][0]}
        for name, template in spread.beside.items():
            piece[name], named[name] = _beside(template, said, source, base.index, used)
        piece = piece[piece[spread.result].notna()]
        own = {f"HEADER {name}": pd.Series(header, index=piece.index, dtype="str") for name, header in named.items()}
        pieces.append(piece.assign(LINE=piece.index, ORDER=k, **own))
    whole = pd.concat(pieces, ignore_index=True).sort_values(["LINE", "ORDER"], kind="stable", ignore_index=True)
    for name in _spread_variables(spread):
        whole[name] = whole[name].astype("str")
    headers = whole[[f"HEADER {name}" for name in (spread.result, *spread.beside)]]
    lines, text = whole["LINE"], whole.drop(columns=["LINE", "ORDER", *headers.columns])
    return text, lines, headers.rename(columns=lambda name: name.removeprefix("HEADER "))


def _beside(
    template: str, said: dict[str, str], source: SourceTable, rows: pd.Index, used: set[int]
) -> tuple[pd.Series, str]:
    """The further column of a test (its lower limit) and its header; a test without such a column has none."""
    header = PLACEHOLDER.sub(lambda found: said.get(found[1], ""), template)
    position = source.find(header.split("|"))
    if position is None:
        return pd.Series(float("nan"), index=rows).astype("str"), ""
    used.add(position)
    return source.frame.loc[rows, position], source.names[position][0]


def _kept_rows(part: Part, source: SourceTable, mapping_file: str, place: str, used: set[int]) -> pd.Series:
    """Which rows are records of this domain."""
    kept = pd.Series(True, index=source.frame.index)
    for header, wanted in part.rows.items():
        position = column_position(source, header.split("|"), f"{place}.rows", mapping_file)
        used.add(position)
        values = source.frame[position]
        kept &= values.notna() if wanted == "filled" else values.map(plain_name, na_action="ignore").isin(wanted)
    return kept


def _numbered(code: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with --SEQ after the subject, by the order within the subject, where no column fills it."""
    seq = f"{code}SEQ"
    if seq in frame.columns or seq not in VARIABLES[code].split() or KEY not in frame.columns:
        return frame
    numbers = (frame.groupby(KEY, sort=False, dropna=False).cumcount() + 1).astype("str")
    frame.insert(int(frame.columns.get_loc(KEY)) + 1, seq, numbers.astype("str"))
    return frame


def _origin(mapped: list[_Mapped], sources: list[SourceTable], index: pd.Index) -> Origin:
    records = pd.concat(
        [m.headers.assign(part=k, row=m.lines) for k, m in enumerate(mapped)], ignore_index=True
    ).astype({"part": "int64", "row": "int64"})  # fmt: skip
    records.index = index
    return Origin(
        tuple(Source(s.file, s.sheet or "", m.columns) for s, m in zip(sources, mapped, strict=True)), records
    )


def _remarks(
    mapped: list[_Mapped], parts: Sequence[tuple[int, Part, SourceTable]], origin: Origin
) -> tuple[list[Edit], list[Note]]:
    """What the mapping changed, by record, and what it asks: unknown codes once each, unmapped columns once each."""
    edits: list[Edit] = []
    notes: list[Note] = []
    for k, (one, (_, part, source)) in enumerate(zip(mapped, parts, strict=True)):
        own = origin.records[origin.records["part"] == k]
        first = dict(zip(own["row"][::-1], own.index[::-1], strict=True))
        edits += source.edits
        edits += [Edit(first[line], name, raw, new, rule) for name, line, raw, new, rule in one.changes]
        if len(set(one.lines)) < len(source.frame):
            left = len(source.frame) - len(set(one.lines))
            edits.append(Edit(0, "", f"({left} rows hold no record of this domain)", "", "P34-MAPPED-ROWS"))
        counted = pd.Series([(name, text) for name, _, text in one.unknown], dtype="object").value_counts()
        for name, line, text in {(n, t): (n, ln, t) for n, ln, t in reversed(one.unknown)}.values():
            notes.append(Note(first[line], name, "P34-CODE-UNMAPPED", f"{text} ({counted[(name, text)]} records)"))
        by_position = {position: name for name, position in _targets(part, source).items()}
        notes += [
            Note(first[note.row], by_position[int(note.column)], note.rule, note.observed)
            for note in source.notes
            if note.row in first and int(note.column) in by_position
        ]
    return edits, notes


def _targets(part: Part, source: SourceTable) -> dict[str, int]:
    """The position of the column that fills each variable straight from the source."""
    found = {name: source.find(rule.source) for name, rule in part.columns.items() if rule.source}
    return {name: position for name, position in found.items() if position is not None}


def unmapped_columns(source: SourceTable, used: set[int]) -> list[Note]:
    """One question per column of a source that holds values and that no domain uses."""
    return [
        Note(0, names[0], "P34-COLUMN-UNMAPPED", f"{source.file}: {names[0]}")
        for k, names in enumerate(source.names)
        if k not in used and names and source.frame[k].notna().any()
    ]


def _digest(hashes: list[str]) -> str:
    """The hash of one file, or one hash over those of several."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
