"""Reads SAS transport files (version 5 and 8) and SAS data sets, every value as text.

A transport file is read from its bytes (SAS technical support documents TS-140 and TS-140-2): no library tells the
special missing values .A to .Z of one, nor leaves its text as it is. A data set is read by ReadStat, in a process of
its own.
"""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trialbook.core.errors import StopError
from trialbook.core.messages import msg
from trialbook.snapshot.apart import read_apart
from trialbook.snapshot.code_pages import WESTERN, Cell, code_page, is_cut, text_of
from trialbook.snapshot.sas_values import Kind, kind_of_format, sas_text, whole_text
from trialbook.snapshot.tables import ASK_AGAIN, CellEdit, Grid, Seen

# A transport file is a sequence of 80-byte records; any other length is a torn file (it has no row count to tell).
RECORD = 80
NAMESTR = 140
# A character variable of version 5 holds so many bytes at most; a longer text was cut off by the writer.
LONGEST_TEXT = 200
CUT_OFF, SPECIAL_MISSING, PART_SHOWN = "P34-TEXT-CUT-OFF", "P34-SPECIAL-MISSING", "P05-PART-SHOWN"
LETTERS = "_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEADER = re.compile(rb"HEADER RECORD\*{7}(\w+) +HEADER RECORD!{7}(.{32})", re.S)


class _Variable(NamedTuple):
    name: str
    numeric: bool
    length: int
    position: int
    form: str


class _Column(NamedTuple):
    """One column: its texts (missing: None), the special missing values by record (from 0), and what is asked."""

    texts: Sequence[str | None]
    special: dict[int, str]
    seen: list[tuple[int, str, str]]
    edits: list[tuple[int, str, str, str]]


# ----------------------------------------------------------------------------------------------------
# The transport file: headers, variables, records.


def read_xpt(content: bytes, file: str) -> Grid:
    """The records of a transport file; raises StopError for one that is torn, damaged or holds several tables."""
    if content.startswith(b"**COMPRESSED**"):
        raise _unreadable(
            file, msg("it was made by PROC CPORT, which only SAS reads"), msg("ask for it from the XPORT engine")
        )
    if len(content) % RECORD:
        raise _unreadable(file, msg("its {n} bytes are not a whole number of 80-byte records", n=len(content)))
    if not content.rstrip(b" ").strip(b"\0") or content.endswith(bytes(RECORD)):
        raise _unreadable(file, msg("it ends in NUL bytes"))
    try:
        variables, start, said = _variables(content, file)
    except (struct.error, IndexError, ValueError) as error:
        raise _unreadable(file, msg("its header is damaged: {detail}", detail=error)) from None
    data = _records(content[start:], variables, file)
    if said is not None and said != len(data):
        raise _unreadable(file, msg("it says {n} records and holds {n_2}", n=said, n_2=len(data)))
    raw = [None if v.numeric else _character_cells(data, v) for v in variables]
    encoding = _encoding([column for column in raw if column is not None], file, variables)
    columns = [
        _numbers(data, v) if cells is None else _texts(cells, encoding, v.length >= LONGEST_TEXT)
        for v, cells in zip(variables, raw, strict=True)
    ]
    return _grid([v.name for v in variables], columns, encoding)


def _variables(content: bytes, file: str) -> tuple[list[_Variable], int, int | None]:
    """The variables, where the records begin, and how many there are (where the file says so: version 8)."""
    at: dict[str, re.Match[bytes]] = {}
    place = 0
    while "OBS" not in at and "OBSV8" not in at:
        found = _HEADER.match(content, place)
        if found is None:
            if place >= len(content):
                raise ValueError("no records begin")
            place += RECORD
            continue
        name = found[1].decode()
        at[name] = found
        place += RECORD
        if name in ("NAMESTR", "NAMSTV8"):
            count = int(found[2][:10].split()[0][-10:])
            place += -(-count * NAMESTR // RECORD) * RECORD
    if "LIBRARY" not in at and "LIBV8" not in at:
        raise ValueError("it does not begin as a transport file does")
    if len(re.findall(rb"HEADER RECORD\*{7}MEMB(?:ER  |V8   )HEADER RECORD!{7}", content)) > 1:
        raise StopError(
            msg("the file holds more than one table"), file=file, rule="P34",
            next_step=msg("deliver one file per domain"),
        )  # fmt: skip
    head = at.get("NAMESTR") or at.get("NAMSTV8")
    if head is None:
        raise ValueError("it has no variables")
    count, new = int(head[2][:10].split()[0][-10:]), "NAMSTV8" in at
    first = head.start() + RECORD
    variables = [_variable(content[first + k * NAMESTR : first + (k + 1) * NAMESTR], new=new) for k in range(count)]
    rows = at["OBSV8"][2].split() if "OBSV8" in at else []
    said = int(rows[0]) if rows and rows[0].isdigit() and int(rows[0]) else None
    return variables, place, said


def _variable(namestr: bytes, *, new: bool) -> _Variable:
    """One description of a variable: its type, length, name, format and place in the record."""
    kind, _, length = struct.unpack(">hhh", namestr[:6])
    name, form = namestr[8:16], namestr[56:64]
    (position,) = struct.unpack(">i", namestr[84:88])
    if new:
        name = namestr[88:120]
    if kind not in (1, 2) or length < 1 or position < 0 or (kind == 1 and length > 8):
        raise ValueError(f"the variable {name.decode('latin-1').strip()} has no type or length")
    spelled = name.rstrip(b" \0").decode("latin-1")
    return _Variable(spelled, kind == 1, length, position, form.rstrip(b" \0").decode("latin-1"))


def _records(content: bytes, variables: Sequence[_Variable], file: str) -> np.ndarray[Any, Any]:
    """The records as a matrix of bytes, without the blanks that fill the last record of the file."""
    width = max((v.position + v.length for v in variables), default=0)
    if not width:
        raise _unreadable(file, msg("it has no variables"))
    count = len(content) // width
    if content[count * width :].strip(b" \0"):
        raise _unreadable(file, msg("it ends inside record {n}", n=count + 1))
    while count and len(content) - (count - 1) * width < RECORD and not content[(count - 1) * width :].strip(b" "):
        count -= 1
    return np.frombuffer(content, dtype=np.uint8, count=count * width).reshape(count, width)


def _character_cells(data: np.ndarray[Any, Any], variable: _Variable) -> list[bytes]:
    own = np.ascontiguousarray(data[:, variable.position : variable.position + variable.length])
    return own.view(f"S{variable.length}").ravel().tolist() if len(own) else []


def _numbers(data: np.ndarray[Any, Any], variable: _Variable) -> _Column:
    """A column of IBM floating point numbers, cut at the end to the length of the variable."""
    own = np.zeros((len(data), 8), dtype=np.uint8)
    own[:, : variable.length] = data[:, variable.position : variable.position + variable.length]
    bits, back = np.unique(own.view(">u8").ravel().astype(np.uint64), return_inverse=True)
    mantissa = (bits & np.uint64((1 << 56) - 1)).astype(np.float64)
    power = ((bits >> np.uint64(56)) & np.uint64(0x7F)).astype(np.int64)
    sizes = np.ldexp(mantissa, 4 * (power - 64) - 56)
    values = np.where(bits >> np.uint64(63), -sizes, sizes)
    first = (bits >> np.uint64(56)).astype(np.int64)
    missing = (bits & np.uint64((1 << 56) - 1) == 0) & (first != 0)
    letters = [chr(int(f)) if m else "" for f, m in zip(first, missing, strict=True)]
    return _number_column(values.tolist(), letters, back.tolist(), kind_of_format(variable.form))


def _number_column(values: Sequence[float], letters: Sequence[str], back: Sequence[int], kind: Kind) -> _Column:
    """A column of numbers from its different values, the letter of each that is missing (`.`: plain), their order."""
    texts = [None if letter else sas_text(value, kind) for value, letter in zip(values, letters, strict=True)]
    special, seen, edits = {}, [], []
    if any(letter and letter in LETTERS for letter in letters):
        special = {k: f".{letters[v]}" for k, v in enumerate(back) if letters[v] and letters[v] in LETTERS}
    if kind in ("month", "year", "moment month", "moment year"):
        whole = [None if letter else whole_text(v, kind) for v, letter in zip(values, letters, strict=True)]
        edits = [(k, str(whole[v]), str(texts[v]), PART_SHOWN) for k, v in enumerate(back) if texts[v] != whole[v]]
        if edits:
            seen.append((edits[0][0], PART_SHOWN, f"{edits[0][2]} ({edits[0][1]})"))
    return _Column([texts[v] for v in back], special, seen, edits)


# ----------------------------------------------------------------------------------------------------
# Text: its encoding, and what its writer cut off.


def _encoding(columns: Sequence[Sequence[bytes]], file: str, variables: Sequence[_Variable], declared: str = "") -> str:
    """The encoding of all texts of a file; raises StopError (P01) naming the first that no encoding fits."""
    widths = [v.length for v in variables if not v.numeric]
    cells = {
        Cell(text.rstrip(b" "), full=len(text) == width and width > 1)
        for column, width in zip(columns, widths, strict=True)
        for text in set(column)
        if not text.isascii()
    }
    encoding, bad = code_page(sorted(cells), declared)
    if bad is None:
        return encoding
    names = [v.name for v in variables if not v.numeric]
    row, name = next(
        (list(map(_stripped, column)).index(bad.content) + 2, name)
        for column, name in zip(columns, names, strict=True)
        if bad.content in map(_stripped, column)
    )
    raise StopError(
        f"the text is neither UTF-8 nor GB 18030 nor Windows-1252 (read as {WESTERN} it is "
        f"{bad.content.decode('cp1252', 'replace')[:40]!r})", file=file, row=row, column=name, rule="P01",
        next_step="ask for the file in UTF-8",
    )  # fmt: skip


def _stripped(text: bytes) -> bytes:
    return text.rstrip(b" ")


def _texts(cells: Sequence[bytes], encoding: str, longest: bool) -> _Column:
    """A column of text; a text that fills the longest column there is, or ends inside a character, was cut off."""
    width = max(map(len, cells), default=0)
    read: dict[bytes, str | None] = {}
    cut: set[bytes] = set()
    for raw in set(cells):
        cell = Cell(raw.rstrip(b" "), full=len(raw) == width and width > 1)
        read[raw] = text_of(cell, encoding) or None
        if cell.content and len(cell.content) == width and (longest or is_cut(cell, encoding)):
            cut.add(raw)
    texts = [read[raw] for raw in cells]
    first = next((k for k, raw in enumerate(cells) if raw in cut), None) if cut else None
    seen = [] if first is None else [(first, CUT_OFF, str(texts[first]))]
    return _Column(texts, {}, seen, [])


def _grid(names: Sequence[str], columns: Sequence[_Column], encoding: str) -> Grid:
    """The columns as a grid; each special missing value is in the log, and each letter of a column is asked about."""
    seen, edits = [], []
    for k, column in enumerate(columns):
        seen += [Seen(row + 2, k, rule, observed) for row, rule, observed in column.seen]
        edits += [CellEdit(row + 2, k, raw, new, rule) for row, raw, new, rule in column.edits]
        edits += [CellEdit(row + 2, k, letter, "", SPECIAL_MISSING) for row, letter in column.special.items()]
        for letter in sorted(set(column.special.values())):
            own = [row for row, other in column.special.items() if other == letter]
            seen.append(Seen(own[0] + 2, k, SPECIAL_MISSING, letter if len(own) == 1 else f"{letter} ({len(own)})"))
    rows: list[Sequence[str | None]] = [list(names), *zip(*(column.texts for column in columns), strict=True)]
    return Grid(
        rows, range(1, len(rows) + 1), encoding, seen=tuple(seen), edits=tuple(edits)
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# The SAS data set.


class _DataSet(NamedTuple):
    """What the library gives of a data set: by column its name, its format, whether it is numeric, and its values (a
    letter in a numeric column is a special missing value); and the encoding of the header.
    """

    names: list[str]
    forms: list[str]
    numeric: list[bool]
    columns: list[list[Any]]
    encoding: str


def read_sas7bdat(
    content: bytes, file: str, read: Callable[[Callable[[], _DataSet], str, int], _DataSet] = read_apart
) -> Grid:
    """The records of a SAS data set; raises StopError for a damaged file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.sas7bdat"  # the library reads paths only
        path.write_bytes(content)
        import pyreadstat  # noqa: F401 - loaded once, not in every copy of this process

        found = read(partial(_data_set, path), file, len(content))
    if len(set(found.names)) < len(found.names):
        twice = next(name for k, name in enumerate(found.names) if name in found.names[:k])
        raise StopError(
            msg("two columns have this name"), file=file, row=1, column=twice, rule="P34",
            next_step=msg("keep one of them"),
        )  # fmt: skip
    return data_set_grid(found, file)


def _data_set(path: Path) -> _DataSet:
    import pyreadstat

    _, about = pyreadstat.read_sas7bdat(path, metadataonly=True)
    # As Latin-1 every byte comes through as it is: what the text is, is decided here.
    values, meta = pyreadstat.read_sas7bdat(
        path, output_format="dict", disable_datetime_conversion=True, user_missing=True, encoding="ISO-8859-1"
    )
    names = list(meta.column_names)
    columns = [list(values[name]) for name in names]
    forms = [str(meta.original_variable_types.get(name) or "") for name in names]
    numeric = [meta.readstat_variable_types.get(name) != "string" for name in names]
    return _DataSet(names, forms, numeric, columns, (about.file_encoding or "").lower())


def data_set_grid(found: _DataSet, file: str) -> Grid:
    """The values of a data set as a grid of text."""
    raw = [
        None if numeric else [(value or "").encode("latin-1") for value in column]
        for column, numeric in zip(found.columns, found.numeric, strict=True)
    ]
    variables = [
        _Variable(name, cells is None, max(map(len, cells or ()), default=0), 0, form)
        for name, cells, form in zip(found.names, raw, found.forms, strict=True)
    ]
    encoding = _encoding([cells for cells in raw if cells is not None], file, variables, found.encoding)
    columns = [
        _plain_numbers(column, form) if cells is None else _texts(cells, encoding, longest=False)
        for column, cells, form in zip(found.columns, raw, found.forms, strict=True)
    ]
    return _grid(found.names, columns, encoding)


def _plain_numbers(column: Sequence[Any], form: str) -> _Column:
    """A column of numbers in which a letter is a special missing value."""
    different = list(dict.fromkeys(None if v is None or v != v else v for v in column))
    place = {value: k for k, value in enumerate(different)}
    letters = [("." if v is None else v) if v is None or isinstance(v, str) else "" for v in different]
    values = [0.0 if isinstance(v, str) or v is None else float(v) for v in different]
    back = [place[None if v is None or v != v else v] for v in column]
    return _number_column(values, letters, back, kind_of_format(form))


def _unreadable(file: str, problem: str, next_step: str = ASK_AGAIN) -> StopError:
    return StopError(msg("the file cannot be read ({why})", why=problem), file=file, rule="P34", next_step=next_step)
