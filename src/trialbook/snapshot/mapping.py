"""Applies the mapping file to a site export: one raw table per domain, every value traceable to its source cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.core.domains import NUMERIC, VARIABLES
from trialbook.snapshot.cell_text import day_of_1904
from trialbook.snapshot.mapping_join import kept_rows
from trialbook.snapshot.mapping_models import PLACEHOLDER, ColumnRule, Mapping, Part, Reading, Spread
from trialbook.snapshot.mapping_source import SourceTable
from trialbook.snapshot.mapping_values import MISSING, Filled, column_position, fill, missing_test
from trialbook.snapshot.tables import KEY, Edit, Note, Origin, RawTable, digest_of
from trialbook.snapshot.tables import Part as Source

# The mapped records are numbered as the rows of a file with one header row.
FIRST_RECORD = 2
# Variables that hold a number, or a number with a sign, by the end of their names.
QUANTITIES = ("ORRES", "STRESC", "STRESN", "NRLO", "NRHI", "DOSE", "DOSTOT")

# The variable that holds the unit of a value, by the end of its name.
_UNITS = {"ORRES": "ORRESU", "STRESN": "STRESU", "STRESC": "STRESU", "DOSE": "DOSU"}
# What an event, a drug or a procedure is: a record of it without that is no result that was not taken.
_TOPICS = ("TERM", "TRT")


@dataclass(frozen=True)
class _Mapped:
    """One part, mapped: text by variable in the order of records, the line of each in the source, the source columns
    by variable (`columns`, `positions`) and, where they differ, by record (`headers`), and what was noted: changes,
    unknown codes and doubts by the position of the record, `told` about the whole part.
    """

    frame: pd.DataFrame
    lines: pd.Series
    headers: pd.DataFrame
    columns: dict[str, str]
    positions: dict[str, tuple[int, ...]]
    changes: list[tuple[str, int, str, str, str]]
    unknown: list[tuple[str, int, str]]
    doubts: list[tuple[str, int, str, str]]
    told: list[Edit]
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
    every = [one for source in sources for one in (source, *(joined.source for joined in source.joined))]
    files = list(dict.fromkeys(source.file for source in every))
    sheets = list(dict.fromkeys(source.sheet for source in every if source.sheet))
    digests = {source.file: source for source in every}
    return RawTable(
        code, frame, " + ".join(files), " + ".join(sheets) or None, sources[0].encoding,
        digest_of([digests[file].sha256 for file in files]), sum(digests[file].bytes for file in files),
        header_row=sources[0].header_rows, delimiter=sources[0].delimiter, edits=tuple(edits), notes=tuple(notes),
        origin=origin,
    ), [m.used for m in mapped]  # fmt: skip


def without_missing(part: Part, source: SourceTable) -> SourceTable:
    """The source of a part without the codes that mean no value; what names subjects and records is left as it is."""
    if not part.missing:
        return source
    kept: set[int] = set()
    for name, rule in part.columns.items():
        if name.endswith(("SUBJID", "SITEID", "SEQ", "SPID")):
            kept |= {at for spellings in rule.columns if (at := source.find(spellings)) is not None}
    for join in part.join:
        kept |= {at for name in join.on if (at := source.find(name.split("|"))) is not None}
    return source.without(missing_test(part.missing), kept)


def _map_part(part: Part, source: SourceTable, mapping: Mapping, mapping_file: str, place: str) -> _Mapped:
    filled = {
        name: fill(_dialect(rule, name, part), source, mapping, f"{place}.columns.{name}", mapping_file)
        for name, rule in part.columns.items()
        if rule.copy_number_of is None
    }
    for name in (name for name in filled if source.epoch_1904 and name.endswith("DTC")):
        filled[name].change(day_of_1904, "P03-EXCEL-DATE")
    used = {k for one in filled.values() for k in one.positions}
    for pattern in part.unused:
        wild = any(sign in pattern for sign in "*?[")
        found = source.matching(pattern)
        used |= found if found or wild else {column_position(source, [pattern], f"{place}.unused", mapping_file)}
    kept = kept_rows(part.rows, source, mapping_file, place, used)
    base = pd.DataFrame({name: one.values for name, one in filled.items()}, index=source.frame.index)[kept]
    columns = {name: "+".join(source.names[k][0] for k in one.positions) for name, one in filled.items()}
    positions = {name: one.positions for name, one in filled.items()}
    own: list[tuple[str, int | None, Filled]] = [(name, None, one) for name, one in filled.items()]
    order = pd.Series(0, index=base.index)
    lines, headers, told = pd.Series(base.index, index=base.index), pd.DataFrame(index=base.index), []
    if part.spread is not None:
        spread = _spread(part, part.spread, base, source, mapping, mapping_file, f"{place}.spread", used)
        base, lines, order, headers, told = spread.frame, spread.lines, spread.order, spread.headers, spread.told
        own += spread.filled
    copies = {name: str(rule.copy_number_of) for name, rule in part.columns.items() if rule.copy_number_of is not None}
    for name, other in copies.items():
        numbers = base[other].str.fullmatch(r"[+-]?\d+(?:\.\d+)?").fillna(False).astype("bool")
        base[name] = base[other].where(numbers)
        columns[name], positions[name] = columns.get(other, ""), positions.get(other, ())
        if other in headers:
            headers[name] = headers[other]
    named = [*part.columns, *([] if part.spread is None else _spread_variables(part.spread))]
    frame = base[_in_order(list(dict.fromkeys(named)), part)].reset_index(drop=True)
    lines, headers = lines.reset_index(drop=True), headers.reset_index(drop=True)
    first: dict[tuple[int, int | None], int] = {}
    for at, (line, k) in enumerate(zip(lines, order, strict=True)):
        first.setdefault((int(line), None), at)
        first[int(line), int(k)] = at
    changes = [(n, first[c[0], k], *c[1:]) for n, k, one in own for c in one.changes if (c[0], k) in first]
    unknown = [(n, first[u[0], k], u[1]) for n, k, one in own for u in one.unknown if (u[0], k) in first]
    doubts = [(n, first[d[0], k], *d[1:]) for n, k, one in own for d in one.doubts if (d[0], k) in first]
    for name, k, one in own:
        there = {line for line in one.unconverted if (line, k) in first}
        rows = [i for i, line in enumerate(lines) if line in there] if k is None else [first[line, k] for line in there]
        _without_unit(frame, name, rows, part, k, copies)
    shown = {name: header for name, header in columns.items() if header}
    return _Mapped(frame, lines, headers, shown, positions, changes, unknown, doubts, told, used)


def _dialect(rule: ColumnRule, name: str, part: Part) -> ColumnRule:
    """The rule with the decimal sign of the file, where the variable holds numbers."""
    counts = name in NUMERIC or name.endswith(QUANTITIES) or rule.factor is not None
    if part.decimal is None or rule.decimal is not None or not counts or not (rule.source or rule.coalesce):
        return rule
    return rule.model_copy(update={"decimal": part.decimal})


def _without_unit(
    frame: pd.DataFrame, name: str, rows: list[int], part: Part, test: int | None, copies: dict[str, str]
) -> None:  # fmt: skip
    """Takes away the unit that the mapping file writes of its own where a value was not turned into it."""
    for value in (name, *(copy for copy, other in copies.items() if other == name)):
        unit = next((value.removesuffix(end) + to for end, to in _UNITS.items() if value.endswith(end)), "")
        if rows and unit in frame and _is_constant(unit, part, test):
            frame.loc[rows, unit] = float("nan")


def _is_constant(name: str, part: Part, test: int | None) -> bool:
    """Whether the mapping file itself says what a variable holds, for a whole part or one test of a spread."""
    if name in part.columns:
        return part.columns[name].constant is not None
    tests = list(part.spread.columns.values()) if part.spread else []
    return test is not None and isinstance(tests[test].get(name), str)


def _in_order(names: list[str], part: Part) -> list[str]:
    """The variables as SDTM orders them, those beyond the interface last; without a spread, as the file orders them."""
    if part.spread is None:
        return names
    code = part.spread.result.variable[:2]
    known = ["STUDYID", "DOMAIN", *VARIABLES.get(code, "").split()]
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def _spread_variables(spread: Spread) -> list[str]:
    said = [name for test in spread.columns.values() for name in test if name != spread.result.variable]
    return [*dict.fromkeys(said), spread.result.variable, *spread.beside]


@dataclass(frozen=True)
class _Records:
    """The records of a spread: their text, line and order within it, the headers of their columns, what filled them."""

    frame: pd.DataFrame
    lines: pd.Series
    order: pd.Series
    headers: pd.DataFrame
    filled: list[tuple[str, int | None, Filled]]
    told: list[Edit]


def _spread(
    part: Part, spread: Spread, base: pd.DataFrame, source: SourceTable, mapping: Mapping, mapping_file: str,
    place: str, used: set[int],
) -> _Records:  # fmt: skip
    """One record per result that is there, row by row, within a row in the order of the mapping file."""
    result, pieces, every, told = spread.result.variable, [], list[tuple[str, int | None, Filled]](), list[Edit]()
    for k, (header, test) in enumerate(spread.columns.items()):
        said = spread.said(header)
        texts = {name: pd.Series(text or None, index=base.index, dtype="str") for name, text in said.items()}
        piece = base.assign(**texts)
        rules = {result: _result_rule(spread, test.get(result), header)}
        rules |= {name: rule for name, rule in test.items() if isinstance(rule, ColumnRule) and name != result}
        for name, rule in spread.beside.items():
            if name in rules:
                continue  # the test says of its own
            headers = [PLACEHOLDER.sub(lambda found: said.get(found[1], ""), one) for one in rule.source]  # noqa: B023
            # A test without such a column has none.
            rules[name] = rule.model_copy(update={"source": headers, "optional": True})
        named = dict.fromkeys(rules, "")
        for name, rule in rules.items():
            where = f"{place}.columns" if name == result else f"{place}.columns.{header}.{name}"
            one = fill(_dialect(rule, name, part), source, mapping, where, mapping_file)
            used.update(one.positions)
            named[name] = "+".join(source.names[at][0] for at in one.positions)
            piece[name] = one.values[base.index]
            every.append((name, k, one))
        told += _results_without_value(every[-len(rules)][2], base.index, named[result])
        if result.endswith(_TOPICS):
            told += _lost(piece, result, [name for name in rules if name != result], named, source)
        piece = piece[piece[result].notna()]
        own = {f"HEADER {name}": pd.Series(header, index=piece.index, dtype="str") for name, header in named.items()}
        pieces.append(piece.assign(LINE=piece.index, ORDER=k, **own))
    whole = pd.concat(pieces, ignore_index=True).sort_values(["LINE", "ORDER"], kind="stable", ignore_index=True)
    for name in _spread_variables(spread):
        whole[name] = whole[name].astype("str")
    headers = whole[[name for name in whole if str(name).startswith("HEADER ")]]
    lines, order, text = whole["LINE"], whole["ORDER"], whole.drop(columns=["LINE", "ORDER", *headers.columns])
    return _Records(
        text, lines, order, headers.rename(columns=lambda name: name.removeprefix("HEADER ")), every, told
    )  # fmt: skip


def _result_rule(spread: Spread, own: str | Reading | ColumnRule | None, header: str) -> ColumnRule:
    """How the result of one test is read: as all of the spread, but for what the test says of its own."""
    read = {name: getattr(spread.result, name) for name in Reading.model_fields}
    if isinstance(own, Reading):
        read |= {name: getattr(own, name) for name in own.model_fields_set}
    return ColumnRule(source=header.split("|"), **read)


def _results_without_value(one: Filled, lines: pd.Index, header: str) -> list[Edit]:
    """Codes of missing results, by code: such a result is no record."""
    there = set(lines)
    counted = Counter(raw for line, raw, new, rule in one.changes if rule == MISSING and not new and line in there)
    return [Edit(0, "", f"({raw} under {header}: {count})", "", MISSING) for raw, count in counted.items()]


def _lost(
    piece: pd.DataFrame, result: str, beside: list[str], named: dict[str, str], source: SourceTable
) -> list[Edit]:  # fmt: skip
    """Rows where something is said of an event whose name is blank: it becomes no record, which is logged."""
    said = piece[result].isna() & piece[beside].notna().any(axis=1)
    lines = [str(line) for line in piece.index[said.to_numpy()]]
    if not lines:
        return []
    return [
        Edit(0, "", f"({source.file}, rows {', '.join(lines[:8])}: {named[result]} is blank)", "", "P34-MAPPED-ROWS")
    ]


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
    joined = {}
    for k, (one, source) in enumerate(zip(mapped, sources, strict=True)):
        own = records[records["part"] == k]
        for form in source.joined:
            rows = {int(at): form.rows[line] for at, line in own["row"].items() if line in form.rows}
            for name, positions in one.positions.items():
                if positions and all(form.holds(position) for position in positions):
                    joined[k, name] = (form.source.file, form.source.sheet or "", rows)
    parts = tuple(Source(s.file, s.sheet or "", m.columns) for s, m in zip(sources, mapped, strict=True))
    return Origin(parts, records, joined)


def _remarks(
    mapped: list[_Mapped], parts: Sequence[tuple[int, Part, SourceTable]], origin: Origin
) -> tuple[list[Edit], list[Note]]:
    """What the mapping changed, by record, and what it asks: unknown codes once each, unmapped columns once each."""
    edits: list[Edit] = []
    notes: list[Note] = []
    for k, (one, (_, part, source)) in enumerate(zip(mapped, parts, strict=True)):
        own = origin.records[origin.records["part"] == k]
        record = list(own.index)
        edits += [*source.edits, *one.told]
        edits += [Edit(record[at], name, raw, new, rule) for name, at, raw, new, rule in one.changes]
        if len(set(one.lines)) < len(source.frame):
            left = len(source.frame) - len(set(one.lines))
            edits.append(Edit(0, "", f"({left} rows hold no record of this domain)", "", "P34-MAPPED-ROWS"))
        counted = Counter((name, text) for name, _, text in one.unknown)
        for name, at, text in {(n, t): (n, at, t) for n, at, t in reversed(one.unknown)}.values():
            notes.append(Note(record[at], name, "P34-CODE-UNMAPPED", f"{text} ({counted[(name, text)]} records)"))
        notes += [Note(record[at], name, rule, seen) for name, at, rule, seen in one.doubts]
        target = _target_of(part, source, own) if source.cell_edits or source.notes else {}
        edits += [
            Edit(*target[place], edit.raw, edit.new, edit.rule)
            for edit in source.cell_edits
            if (place := (edit.line, edit.column)) in target
        ]
        days = [
            (name, at, raw, new) for name, at, raw, new, _ in one.changes if source.epoch_1904 and _is_day(raw, new)
        ]
        for name, (at, raw, new) in {n: (at, raw, new) for n, at, raw, new in reversed(days)}.items():
            notes.append(Note(record[at], name, "P03-EXCEL-EPOCH", f"{raw} ({new})"))
        notes += [
            Note(*target[place], note.rule, note.observed)
            for note in source.notes
            if note.row and (place := (note.row, int(note.column))) in target
        ]
        notes += [note for note in source.notes if not note.row]
    return edits, notes


def _is_day(raw: str, new: str) -> bool:
    return raw != new and day_of_1904(raw) == new


def _target_of(part: Part, source: SourceTable, own: pd.DataFrame) -> dict[tuple[int, int], tuple[int, str]]:
    """The record and variable that each cell (line, position) of a source fills, straight or by the spread."""
    first = dict(zip(own["row"][::-1], own.index[::-1], strict=True))
    found = {
        (line, position): (record, name)
        for name, position in _targets(part, source).items()
        for line, record in first.items()
    }
    position_of = {names[0]: k for k, names in reversed(list(enumerate(source.names))) if names}
    for name in (name for name in own.columns if name not in ("part", "row")):
        for record, line, header in zip(own.index, own["row"], own[name], strict=True):
            if header in position_of:
                found.setdefault((line, position_of[header]), (record, name))
    return found


def _targets(part: Part, source: SourceTable) -> dict[str, int]:
    """The position of the column that fills each variable straight from the source."""
    found = {name: source.find(rule.source) for name, rule in part.columns.items() if rule.source}
    return {name: position for name, position in found.items() if position is not None}


def unmapped_columns(source: SourceTable, used: set[int], unused: Sequence[str] = ()) -> list[Note]:
    """One question per column of a source that holds values, that no domain uses and no pattern in `unused` names."""
    known = used.union(*(source.matching(pattern) for pattern in unused))
    return [
        Note(0, names[0], "P34-COLUMN-UNMAPPED", f"{source.file}: {names[0]}")
        for k, names in enumerate(source.names)
        if k not in known and names and source.frame[k].notna().any()
    ]
