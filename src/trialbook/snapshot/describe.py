"""What came in, for a person at a terminal: files, encodings, records, what was set aside, what is asked."""

from __future__ import annotations

from collections import Counter

from trialbook.snapshot.tables import RawTable, Snapshot


def reading_lines(snapshot: Snapshot) -> list[str]:
    """One line per domain (file, sheet, records, columns, encoding, delimiter), with what reading noticed below it;
    then the files that were not read.
    """
    lines = []
    for code, table in snapshot.tables.items():
        how = ", ".join(part for part in (table.encoding, table.delimiter) if part)
        lines.append(f"{code:7} {table.rows:7} records {table.frame.shape[1]:3} columns  {how:16} {_place(table)}")
        lines += [f"        part {part.domain}: {part.rows} records, {_place(part)}" for part in table.parts]
        lines += [f"        {said}" for said in _noticed(table)]
    if snapshot.ignored:
        lines.append(f"not read: {', '.join(snapshot.ignored)}")
    return lines


def _place(table: RawTable) -> str:
    return f"{table.file}, sheet {table.sheet}" if table.sheet else table.file


def _noticed(table: RawTable) -> list[str]:
    """What was set aside or translated on the way in, and the questions of reading, one line per rule."""
    said = [f"labels in row {row} set aside" for part in table.delivered for row in part.label_rows]
    whole = [edit for part in table.delivered for edit in part.edits if not edit.row]
    said += [f"{edit.rule} {edit.raw} {edit.new}".rstrip() for edit in whole]
    counted = Counter(edit.rule for edit in table.edits if edit.row)
    said += [f"{rule}: {count} values" for rule, count in sorted(counted.items())]
    asked: dict[str, list[str]] = {}
    for note in table.notes:
        asked.setdefault(note.rule, []).append(f"{note.column} row {table.place(note.row, note.column)[2]}")
    return said + [
        f"question {rule}: {', '.join(places[:4])}{f' and {len(places) - 4} more' if len(places) > 4 else ''}"
        for rule, places in sorted(asked.items())
    ]
