"""Applies the mapping file to a site export: one raw table per domain, every value traceable to its source cell."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from trialbook.core.domains import VARIABLES
from trialbook.core.errors import UsageError
from trialbook.snapshot.mapping_models import PLACEHOLDER, Codes, ColumnRule, Mapping, Part, Spread
from trialbook.snapshot.mapping_source import SourceTable
from trialbook.snapshot.tables import KEY, Edit, Note, Origin, RawTable, plain_name
from trialbook.snapshot.tables import Part as Source

# ----------------------------------------------------------------------------------------------------
# Fills one SDTM variable from a source table: codes, dates, factors, templates; every change of a value is noted.


NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_THREE = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?!\d)(.*)", re.S)
_MONTH_AND_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# By line of the source: what was there, what is there now, by which rule.
Changes = list[tuple[int, str, str, str]]


class Filled:
    """One filled variable: its values by line, the source columns, what was changed and which codes are unknown."""

    def __init__(self, values: pd.Series, positions: tuple[int, ...] = ()) -> None:
        self.values, self.positions = values, positions
        self.changes: Changes = []
        self.unknown: list[tuple[int, str]] = []

    def change(self, read: Callable[[str], str | None], rule: str) -> None:
        """Reads each distinct value again and notes where it changed."""
        seen = {value: read(value) for value in self.values.dropna().unique()}
        changed = {value: new for value, new in seen.items() if new != value}
        rows = self.values[self.values.isin(list(changed))]
        self.changes += [(int(line), value, changed[value] or "", rule) for line, value in rows.items()]
        self.values.loc[rows.index] = rows.map(changed).astype("str")


def fill(rule: ColumnRule, source: SourceTable, codes: Codes | None, place: str, mapping_file: str) -> Filled:
    """The values of a variable for every row of the source.

    Raises UsageError, naming the mapping file, the key and the nearest header, for a column that is not there.
    """
    filled = _taken(rule, source, place, mapping_file)
    if codes is not None:
        _translate(filled, codes)
    if rule.dates in ("DMY", "MDY"):
        order = rule.dates
        filled.change(lambda text: _date_in_order(text, order), "P34-MAPPED-DATE")
    if rule.factor is not None:
        factor = rule.factor
        filled.change(lambda text: _times(text, factor), "P34-MAPPED-NUMBER")
    if rule.width is not None:
        width = rule.width
        filled.change(lambda text: text.zfill(width) if text.isdecimal() else text, "P09-LEADING-ZEROS")
    return filled


def column_position(source: SourceTable, spellings: list[str], place: str, mapping_file: str) -> int:
    """The position of a column; raises UsageError where the source has none with one of these headers."""
    found = source.find(spellings)
    if found is None:
        where = source.file + (f", sheet {source.sheet}" if source.sheet else "")
        raise UsageError(
            f"{where} has no column {' or '.join(spellings)}; the nearest is {source.nearest(spellings[0])}",
            file=mapping_file, column=place, rule="P34-MAPPING",
            next_step="correct the header in the mapping file, or ask why the export has changed",
        )  # fmt: skip
    return found


def _taken(rule: ColumnRule, source: SourceTable, place: str, mapping_file: str) -> Filled:
    """The values as they are in the source, or as the rule builds them."""
    if rule.constant is not None:
        return Filled(pd.Series(rule.constant or None, index=source.frame.index, dtype="str"))
    if rule.template is not None:
        return _from_template(rule, source, place, mapping_file)
    if rule.optional and source.find(rule.source) is None:
        return Filled(pd.Series(float("nan"), index=source.frame.index).astype("str"))
    position = column_position(source, rule.source, place, mapping_file)
    return Filled(source.frame[position].copy(), (position,))


def _from_template(rule: ColumnRule, source: SourceTable, place: str, mapping_file: str) -> Filled:
    """Texts built from several columns; a row where a part is blank has none, unless that part may be blank."""
    template = str(rule.template)
    may_be_blank = rule.optional if isinstance(rule.optional, list) else []
    positions, present = [], pd.Series(True, index=source.frame.index)
    text = pd.Series("", index=source.frame.index, dtype="str")
    end = 0
    for found in PLACEHOLDER.finditer(template):
        spellings = found[1].split("|")
        position = column_position(source, spellings, f"{place}.template", mapping_file)
        part = source.frame[position]
        if not set(spellings) & set(may_be_blank):
            present &= part.notna()
        if found[2]:
            part = part.where(~part.str.fullmatch(r"\d+").fillna(False).astype("bool"), part.str.zfill(int(found[2])))
        text = text + template[end : found.start()] + part.fillna("")
        positions.append(position)
        end = found.end()
    return Filled((text + template[end:]).str.strip().where(present), tuple(dict.fromkeys(positions)))


def _translate(filled: Filled, codes: Codes) -> None:
    """Codes of the site as those of SDTM; what the list does not name is kept and remembered."""
    known = {plain_name(raw).casefold(): code for raw, code in codes.items()}
    standard = {code for code in codes.values() if code is not None}

    def read(text: str) -> str | None:
        return known.get(plain_name(text).casefold(), text)

    unknown = {
        text
        for text in filled.values.dropna().unique()
        if plain_name(text) and plain_name(text).casefold() not in known and text not in standard
    }
    filled.unknown = [(int(line), text) for line, text in filled.values.items() if text in unknown]
    filled.change(read, "P34-MAPPED-CODE")


def _date_in_order(text: str, order: str) -> str:
    """A date of three numbers with the year first; a text that is none stays for cleaning to ask about.

    A year of two digits is settled by cleaning, so the month is written by its name.
    """
    month_only = _MONTH_AND_YEAR.fullmatch(text.strip())
    if month_only and 1 <= int(month_only[1]) <= len(_MONTHS):
        return f"{month_only[2]}-{int(month_only[1]):02d}"
    found = _THREE.fullmatch(text.strip())
    if found is None or len(found[1]) > 2:
        return text
    first, second, year, rest = found[1], found[3], found[4], found[5]
    day, month = (first, second) if order == "DMY" else (second, first)
    if not 1 <= int(month) <= len(_MONTHS) or not 1 <= int(day) <= 31:
        return text
    if len(year) == len("2025"):
        return f"{year}-{int(month):02d}-{int(day):02d}{rest}"
    return f"{int(day):02d}-{_MONTHS[int(month) - 1]}-{year}{rest}" if len(year) == len("25") else text


def _times(text: str, factor: Decimal) -> str:
    """A number times a factor, exactly; text that is not a number is kept for cleaning to ask about."""
    plain = plain_name(text)
    return format((Decimal(plain) * factor).normalize(), "f") if NUMBER.fullmatch(plain) else text


# ----------------------------------------------------------------------------------------------------

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
        edits += [
            Edit(first[edit.line], by_position[edit.column], edit.raw, edit.new, edit.rule)
            for edit in source.cell_edits
            if edit.line in first and edit.column in by_position
        ]
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
