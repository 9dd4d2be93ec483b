"""Reads one snapshot: finds the domains of a folder or workbook, reads each file once, and hashes what was read."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.contracts.allow_list import AllowList
from trialbook.core.described import described
from trialbook.core.domains import DOMAIN_ORDER, REQUIRED
from trialbook.core.errors import StopError, UsageError
from trialbook.core.files import sha256
from trialbook.core.messages import msg
from trialbook.protocol.models import Trial
from trialbook.snapshot.door import admit
from trialbook.snapshot.formats import FORMATS, file_bytes, grid_of
from trialbook.snapshot.split_datasets import is_part, part_of, with_parts
from trialbook.snapshot.tables import KEY, Grid, RawTable, Snapshot, plain_name, raw_table
from trialbook.snapshot.transfer import Transfer, check_content, check_received, rows_by_file
from trialbook.snapshot.workbook import read_sheets

# ----------------------------------------------------------------------------------------------------
# What came in, for a person at a terminal: files, encodings, records, what was set aside, what is asked.


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


# ----------------------------------------------------------------------------------------------------

# Codes of SDTM domains that this workbook does not use are read too, and kept as they are.
# Tables that other programs write, and what they are called.
OTHER_FORMATS = {
    ".xls": msg("an Excel workbook of before 2007"), ".xlsb": msg("a binary Excel workbook"),
    ".ods": msg("an OpenDocument sheet"), ".dta": msg("a Stata file"), ".sav": msg("an SPSS file"),
    ".rds": msg("an R file"), ".dbf": msg("a dBase file"),
}  # fmt: skip
OTHER_DOMAIN = re.compile(r"[A-Z]{2}|SUPP[A-Z]{2}|RELREC")


def read_snapshot(trial: Trial, allowed: AllowList | None = None) -> Snapshot:
    """The snapshot of a cut, everything as text; nothing in it is written to or interpreted.

    Only what `allowed` lists (default: what the contracts in force declare) comes in, and personal data are masked
    before anything else sees a value (`admit`). A site export becomes SDTM by the mapping file that the cut names.
    Raises StopError (rule P34) where a file cannot be read, two files hold one domain (other than as its parts), DM,
    EX or AE is missing, or the files are not those of the transfer manifest; UsageError where the snapshot itself
    cannot be read or the mapping file does not fit it.
    """
    folder, transfer = trial.path(trial.cut.snapshot), trial.cut.transfer
    if trial.cut.mapping is not None:
        # The mapping imports the tables of this package.
        from trialbook.snapshot.site_export import read_export

        snapshot, rows = read_export(folder, trial.path(trial.cut.mapping), trial.cut.mapping, transfer)
    else:
        snapshot = read_folder(folder, transfer)
        rows = rows_by_file(snapshot)
    if not snapshot.tables:
        raise StopError(
            _with_not_read(msg("no SDTM domain is here"), snapshot), file=trial.cut.snapshot, rule="P34",
            next_step=msg(
                "deliver one file per domain, named by its code ({codes}), or name a mapping file",
                codes=", ".join(FORMATS),
            ),
        )  # fmt: skip
    check_received(rows, transfer)
    missing = [code for code in REQUIRED if code not in snapshot.tables]
    if missing:
        raise StopError(
            _with_not_read(msg("the required domain {codes} was not delivered", codes=" and ".join(missing)), snapshot),
            file=trial.cut.snapshot, rule="P34",
            next_step=msg(
                "add {file}.csv (or another format); an export without records has a header only",
                file=missing[0].lower(),
            )
            if trial.cut.mapping is None else msg("add domains.{domain} to the mapping file", domain=missing[0]),
        )  # fmt: skip
    if allowed is None:
        # The contracts import the allow-list from here.
        from trialbook.contracts.allow_list import project_allow_list

        allowed = project_allow_list(trial.protocol)
    return admit(snapshot, allowed)


def read_folder(path: Path, transfer: Transfer | None = None) -> Snapshot:
    """The domains of a folder or of a single workbook, without asking which are required.

    Files that are parts of one domain by their name and their records (`lbch`, `lbhe`) are put together.

    With a transfer manifest, each file's size and hash are compared before it is parsed.
    """
    files, ignored = _find_files(path)
    tables: dict[str, RawTable] = {}
    parts: dict[str, list[RawTable]] = {}
    hashes: dict[str, str] = {}
    for domain, file in files:
        content = file_bytes(file)
        hashes[file.name] = sha256(content)
        perhaps = domain is not None and (part_of(domain) is not None or file.suffix.lower() == ".txt")
        # A file that is a part by its name only is none of the delivery; it is in the manifest if it is one.
        if not perhaps or file.name in (transfer or {}):
            check_content(file.name, content, transfer)
        found, left = _perhaps(str(domain), file.name, content) if perhaps else _tables(domain, file.name, content)
        ignored += left
        if perhaps and found and part_of(str(domain)) is None:
            check_content(file.name, content, transfer)
        for table in found:
            code = part_of(table.domain)
            if code is None:
                if table.domain in tables:
                    raise _twice(table, tables[table.domain])
                tables[table.domain] = table
            elif is_part(table, code):
                check_content(file.name, content, transfer)
                parts.setdefault(code, []).append(table)
            else:
                ignored.append(f"{file.name}: sheet {table.sheet}" if domain is None else file.name)
    tables = with_parts(tables, parts)
    _stop_if_other_format(ignored, tables)
    order = [*[c for c in DOMAIN_ORDER if c in tables], *sorted(c for c in tables if c not in DOMAIN_ORDER)]
    return Snapshot({code: tables[code] for code in order}, tuple(sorted(ignored)), hashes)


def _stop_if_other_format(ignored: list[str], tables: dict[str, RawTable]) -> None:
    """Raises StopError for a domain that is there only in a format of tables that is not read."""
    for name in ignored:
        code, suffix = Path(name).stem.upper(), Path(name).suffix.lower()
        if suffix in OTHER_FORMATS and code in DOMAIN_ORDER and code not in tables:
            raise StopError(
                msg("{domain} came as {kind}, which is not read", domain=code, kind=OTHER_FORMATS[suffix]), file=name,
                rule="P34", next_step=msg("save it as .xlsx or as CSV (UTF-8) and deliver it again"),
            )  # fmt: skip


def describe_files(snapshot: Snapshot) -> pd.DataFrame:
    """What came in: one row per domain with file, sheet, encoding, records, columns, bytes and sha256."""
    rows = [
        {
            "domain": t.domain, "file": t.file, "sheet": t.sheet or "", "encoding": t.encoding, "rows": t.rows,
            "columns": t.frame.shape[1], "bytes": t.bytes, "sha256": t.sha256,
        }
        for t in snapshot.tables.values()
    ]  # fmt: skip
    labels = {
        "domain": msg("Domain"), "file": msg("File"), "sheet": msg("Sheet"), "encoding": msg("Encoding"),
        "rows": msg("Records"), "columns": msg("Columns"), "bytes": msg("Bytes"), "sha256": "sha256",
    }  # fmt: skip
    return described(pd.DataFrame(rows, columns=list(labels)), labels=labels)


def transfer_manifest(path: Path, mapping: Path | None = None) -> dict[str, dict[str, Any]]:
    """What was received, by file name: sha256, bytes and rows (of all sheets of a workbook); for `new-cut`.

    Of a site export, the files that its mapping file uses.
    """
    if mapping is None:
        rows = rows_by_file(read_folder(path))
    else:
        from trialbook.snapshot.site_export import read_export

        rows = read_export(path, mapping, mapping.name).rows
    contents = {name: file_bytes(path if path.is_file() else path / name) for name in sorted(rows)}
    return {
        name: {"sha256": sha256(content), "bytes": len(content), "rows": rows[name]}
        for name, content in contents.items()
    }


def _with_not_read(problem: str, snapshot: Snapshot) -> str:
    """The problem, and the files that are there and are not domains by their names, for a person who misses one."""
    shown = [name for name in snapshot.ignored if not name.startswith(".")]
    more = ", ..." if len(shown) > 8 else ""
    return msg("{problem} (not read: {file})", problem=problem, file=", ".join(shown[:8]) + more) if shown else problem


def is_domain(name: str) -> bool:
    """Whether a file stem or sheet name, in any letter case, is a domain code.

    >>> is_domain("AE"), is_domain("SUPPAE"), is_domain("NOTES")
    (True, True, False)
    """
    code = name.upper()
    return code in DOMAIN_ORDER or bool(OTHER_DOMAIN.fullmatch(code))


def _is_named(name: str) -> bool:
    """Whether a file stem or sheet name is that of a domain, or of what may be a part of one."""
    return is_domain(name) or part_of(name) is not None


def _find_files(path: Path) -> tuple[list[tuple[str | None, Path]], list[str]]:
    """The files to read with their domain (None: a workbook with a sheet per domain), and the names of the others."""
    if path.is_file():
        if path.suffix.lower() != ".xlsx":
            raise UsageError("a snapshot is a folder or one .xlsx workbook", file=path.name)
        return [(None, path)], []
    try:
        entries = sorted(path.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"the snapshot cannot be read ({type(error).__name__})", file=path.name) from None
    for e in entries:
        if is_domain(e.stem) and e.suffix.lower() in FORMATS and not e.is_file():
            raise StopError(
                msg("this is not a file, but has the name of a domain file"), file=e.name, rule="P34",
                next_step=msg("put the domain file there, or remove this one"),
            )  # fmt: skip
    files: list[tuple[str | None, Path]] = [
        (e.stem.upper(), e) for e in entries if e.is_file() and e.suffix.lower() in FORMATS and _is_named(e.stem)
    ]
    # The files that an open spreadsheet or a Macintosh puts beside a workbook are none.
    books = [e for e in entries if e.is_file() and e.suffix.lower() == ".xlsx" and not e.name.startswith(("~$", "."))]
    if not any(is_domain(str(domain)) for domain, _ in files) and len(books) == 1:
        files = [(None, books[0])]
    read = {file for _, file in files}
    return files, [entry.name for entry in entries if entry not in read]


def _tables(domain: str | None, file: str, content: bytes) -> tuple[list[RawTable], list[str]]:
    """The tables of one file, and what of it was ignored (hidden sheets, sheets that are not domains)."""
    digest, suffix = sha256(content), Path(file).suffix.lower()
    if suffix != ".xlsx":
        return [raw_table(str(domain), grid_of(content, file), file, None, digest, len(content))], []
    grids, hidden = read_sheets(content, file)
    ignored = [f"{file}: hidden sheet {name}" for name in hidden]
    if domain is None:
        wanted = {name: name.strip().upper() for name in grids if _is_named(name.strip())}
    else:
        wanted = dict.fromkeys(_sheet_of(domain, grids, file), domain)
    ignored += [f"{file}: sheet {name}" for name in grids if name not in wanted]
    tables = [raw_table(code, grids[name], file, name, digest, len(content)) for name, code in wanted.items()]
    return tables, ignored


def _perhaps(domain: str, file: str, content: bytes) -> tuple[list[RawTable], list[str]]:
    """The table of a file that is a part of a domain by its name; nothing of one that holds no subjects at all."""
    suffix = Path(file).suffix.lower()
    if suffix == ".xlsx":
        grids, _ = read_sheets(content, file)
        own = [name for name in grids if name.strip().upper() == domain] or list(grids)
        if len(own) != 1 or not any(KEY in map(plain_name, row) for row in _first_rows(grids[own[0]])):
            return [], [file]
    elif not any(KEY.encode(name) in content.upper() for name in ("utf-8", "utf-16-le", "utf-16-be")):
        return [], [file]
    return _tables(domain, file, content)


def _first_rows(grid: Grid) -> list[list[str]]:
    """The rows that may hold the variable names, in capital letters."""
    return [[(cell or "").upper() for cell in row] for row in grid.rows[:2]]


def _sheet_of(domain: str, grids: dict[str, Grid], file: str) -> list[str]:
    named = [name for name in grids if name.strip().upper() == domain]
    if named or len(grids) == 1:
        return named or list(grids)
    raise StopError(msg("none of its {n} sheets is named {domain}", n=len(grids), domain=domain), file=file, rule="P34")


def _twice(second: RawTable, first: RawTable) -> StopError:
    problem = msg("the domain {domain} is also in {file}", domain=second.domain, file=first.file)
    if first.file == second.file:
        problem = msg("the domain {domain} is also in the sheet {file}", domain=second.domain, file=first.sheet)
    return StopError(problem, file=second.file, rule="P34", next_step=msg("deliver one of them"))
