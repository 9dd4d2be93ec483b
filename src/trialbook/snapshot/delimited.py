"""Reads delimited text strictly: a file that a lenient reader would shift, shorten or garble stops here.

What a program writes around a table is recognised where it can be read in one way only, and said: a line `sep=;`, title
rows, another delimiter, row numbers, a delimiter at the end of each row.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

from trialbook.core.errors import StopError
from trialbook.core.messages import msg
from trialbook.snapshot.code_pages import CHINESE, WESTERN, Cell, code_page, unlikely_gb18030, unlikely_utf8
from trialbook.snapshot.tables import ASK_AGAIN, KEY, Grid, Seen, are_row_numbers, header_at

DELIMITERS = {",": msg("comma"), "\t": msg("tab"), ";": msg("semicolon"), "|": msg("bar")}
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
REPLACEMENT = "\ufffd"
# So many rows with foreign letters show the encoding of a file.
TELLING_ROWS = 1000
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


SEP_LINE = re.compile(r'"?sep=(.)"?[ ]*(?:\r\n|\r|\n)', re.I)
# So many lines are looked through for the header.
HEAD_LINES = 60
LAYOUT = "P34-FILE-LAYOUT"


@dataclass(frozen=True)
class Dialect:
    """How a file is written, as far as somebody says so; what is left out is seen from the file.

    skip_rows counts lines of the file. `names` are headers, each in its spellings, by which the header row is found;
    it has `header_rows` rows. `labels`: one row of labels above the names belongs to the table.
    """

    delimiter: str = ""
    encoding: str = ""
    skip_rows: int = 0
    names: tuple[tuple[str, ...], ...] = ((KEY,),)
    header_rows: int = 1
    labels: bool = True


SDTM = Dialect()


def read_delimited(content: bytes, file: str, delimiter: str, dialect: Dialect = SDTM) -> Grid:
    r"""The cells of a delimited file; raises StopError naming the line for anything a person must look at.

    `delimiter` is the one that the name of the file promises. Every row must have as many fields as the header: a
    lenient reader would shift or drop columns silently.

    >>> read_delimited(b"USUBJID,AETERM\n001,\"Rash, mild\"\n", "ae.csv", ",").rows
    [['USUBJID', 'AETERM'], ['001', 'Rash, mild']]
    >>> read_delimited(b"sep=;\nUSUBJID;LBORRES\n001;1,5\n", "lb.csv", ",").rows
    [['USUBJID', 'LBORRES'], ['001', '1,5']]
    """
    text, encoding = decode(content, file, dialect.encoding)
    head = _head(text, file, delimiter, dialect)
    rows: list[list[str]] = []
    lines: list[int] = []
    # The same few texts fill most cells of a large file: each is kept once.
    kept: dict[str, str] = {}
    longer: list[int] = []
    for line, fields in _records(text, file, head.delimiter, head.offset, head.line):
        if not fields:
            continue  # an empty line, as many exports have at their end
        if not rows:
            _right_delimiter(fields, file, line, head.delimiter)
        elif len(fields) == len(rows[0]) + 1:
            longer.append(line)
        elif len(fields) != len(rows[0]):
            raise _unequal(len(fields), len(rows[0]), file, line)
        rows.append([kept.setdefault(field, field) for field in fields])
        lines.append(line)
    seen = [Seen(0, -1, LAYOUT, said) for said in head.said]
    if longer:
        rows, said = _one_field_more(rows, longer, file)
        seen.append(Seen(0, -1, LAYOUT, said))
    _stop_if_swallowed(rows, lines, file, head.delimiter)
    if head.above and rows:
        labels = dialect.labels and len(head.above) == 1 and len(head.above[0][1]) == len(rows[0])
        if labels:
            rows, lines = [head.above[0][1], *rows], [head.above[0][0], *lines]
        else:
            first, last = head.above[0][0], head.above[-1][0]
            named = f"row {first}" if first == last else f"rows {first} to {last}"
            seen.append(Seen(0, -1, LAYOUT, f"{named} above the header"))
    return Grid(rows, lines, encoding, DELIMITERS.get(head.delimiter, repr(head.delimiter)), seen=tuple(seen))


@dataclass(frozen=True)
class _Head:
    """Where the table begins (the place in the text and its line), its delimiter, the rows above, and what to say."""

    offset: int
    line: int
    delimiter: str
    above: list[tuple[int, list[str]]]
    said: list[str]


def _head(text: str, file: str, expected: str, dialect: Dialect) -> _Head:
    """Looks through the first lines for the delimiter and for the row with the names."""
    offset, line, told, said = 0, 1, "", []
    found = SEP_LINE.match(text)
    if found:
        offset, line, told = found.end(), 2, found[1]
        said.append(f"the line sep={told}")
    if dialect.delimiter and told not in ("", dialect.delimiter):
        raise StopError(
            msg("its first line names another delimiter than the mapping file"), file=file, row=1, value=told,
            rule="P34", next_step=msg("correct the delimiter in the mapping file, or leave it out"),
        )  # fmt: skip
    starts = [m.start() for m in itertools.islice(LINE.finditer(text, offset), dialect.skip_rows + HEAD_LINES)]
    skipped = max(0, dialect.skip_rows - (line - 1))
    if skipped >= len(starts) and skipped:
        raise StopError(
            msg("the file has no row after the {n} that are skipped", n=dialect.skip_rows), file=file, rule="P34",
            next_step=msg("correct skip_rows in the mapping file"),
        )  # fmt: skip
    if skipped:
        said.append(f"{dialect.skip_rows} rows skipped")
    starts, line = starts[skipped:], line + skipped
    sure = dialect.delimiter or told
    signs = [sure] if sure else [expected, *(sign for sign in DELIMITERS if sign != expected)]
    seen = {sign: _lenient(text, starts, line, sign) for sign in signs}
    at = {sign: header_at([row for _, row in rows], dialect.names, dialect.header_rows) for sign, rows in seen.items()}
    sign = next((sign for sign in signs if at[sign] is not None), signs[0])
    if sign not in (sure, expected):
        said.append(f"the delimiter is a {DELIMITERS[sign]}")
    rows, k = seen[sign], at[sign] or 0
    if not rows:
        return _Head(starts[0] if starts else 0, line, sign, [], said)
    return _Head(starts[rows[k][0] - line], rows[k][0], sign, rows[:k], said)


def _lenient(text: str, starts: Sequence[int], first: int, delimiter: str) -> list[tuple[int, list[str]]]:
    """The filled rows of the first lines, each with its line, whatever their shape."""
    ends = [*starts[1:], text.find("\n", starts[-1]) + 1 or len(text)] if starts else []
    reader = csv.reader((text[a:b] for a, b in zip(starts, ends, strict=True)), delimiter=delimiter)
    rows, line = [], first
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append((line, fields))
            line = first + reader.line_num
    except csv.Error:
        pass  # the strict reader says what is wrong
    return rows


def _unequal(fields: int, header: int, file: str, line: int) -> StopError:
    return StopError(
        msg("the row has {n} fields, the header {n_2}", n=fields, n_2=header), file=file, row=line, rule="P34",
        next_step=msg(
            "correct the export; where title rows precede the header, name their number (skip_rows) in a mapping file"
        ),
    )  # fmt: skip


def _one_field_more(rows: list[list[str]], longer: list[int], file: str) -> tuple[list[list[str]], str]:
    """The rows under their names where each row has one field more than the header, and what was recognised.

    A delimiter ends each row, or R wrote row numbers before each (then the header begins with a blank name). Raises
    StopError where that is so for some rows only, for neither, or for both.
    """
    header, records = rows[0], rows[1:]
    ended = all(not row[-1] for row in records)
    numbered = are_row_numbers([row[0] for row in records])
    if len(longer) != len(records) or ended == numbered:
        raise _unequal(len(header) + 1, len(header), file, longer[0])
    if ended:
        return [header, *(row[:-1] for row in records)], "each row ends in a delimiter"
    return [["", *header], *records], "row numbers before the first column"


def decode(content: bytes, file: str, encoding: str = "") -> tuple[str, str]:
    """The text of a file and its encoding: the one that is given, else tried in the order BOM, UTF-8, GB18030 (P01).

    Raises StopError where none fits; what the bytes look like is then a hint to the reader, never used: any bytes
    decode as some single-byte encoding, into wrong letters. A text that decodes but cannot have been meant so stops
    too.

    >>> decode("皮疹,2".encode("gb18030"), "ae.csv")
    ('皮疹,2', 'gb18030')
    """
    marked = next((name for bom, name in BOMS if content.startswith(bom)), None)
    if encoding:
        try:
            return _plausible(content.decode(encoding).removeprefix("\ufeff"), file), encoding
        except UnicodeDecodeError as error:
            raise StopError(
                f"the text is not in the encoding {encoding} (byte {error.start})", file=file,
                row=content.count(b"\n", 0, error.start) + 1, rule="P01",
                next_step="correct the encoding in the mapping file, or ask for the file in UTF-8",
            ) from None  # fmt: skip
    for name in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            text = content.decode(name)
        except UnicodeDecodeError as error:
            where = error.start
            continue
        if not marked:
            _stop_if_misread(text, name, content, file)
        return _plausible(text, file), name
    hint = "" if marked else _hint(content)
    problem = f"the file says that it is {marked} and is not" if marked else "the text is neither UTF-8 nor GB18030"
    raise StopError(
        f"{problem} (byte {where}){hint}", file=file,
        row=content.count(b"\n", 0, where) + 1, rule="P01", next_step="ask for the file in UTF-8",
    )  # fmt: skip


def _stop_if_misread(text: str, name: str, content: bytes, file: str) -> None:
    """Raises StopError where the bytes decode, and into text that nobody wrote, or may be another text as well."""
    if text.isascii():
        return
    page, _ = code_page(_foreign_cells(content))
    if name == "utf-8" and (page == CHINESE or unlikely_utf8(text)) and _decodes(content, "gb18030"):
        problem = "the bytes read as UTF-8 and as GB18030, and as UTF-8 they are letters of no script used here"
    elif name == "gb18030" and (page == WESTERN or unlikely_gb18030(text)):
        problem = f"read as GB18030 the text is characters that are hardly ever used{_hint(content)}"
    else:
        return
    at = next(k for k, sign in enumerate(text) if not sign.isascii())
    raise StopError(
        problem, file=file, row=text.count("\n", 0, at) + 1, rule="P01", next_step="ask for the file in UTF-8"
    )


def _foreign_cells(content: bytes) -> set[Cell]:
    """Texts of a file that are not plain ASCII, of as many rows as show which encoding it has.

    A bar is no sign between them, for Chinese characters hold it.
    """
    lines = itertools.islice((line for line in io.BytesIO(content) if not line.isascii()), TELLING_ROWS)
    return {Cell(cell.strip()) for line in lines for cell in re.split(rb'[,;\t"\r\n]', line) if not cell.isascii()}


def _hint(content: bytes) -> str:
    """What the bytes look like, for a person; blank where nobody can say."""
    if code_page(_foreign_cells(content)) == (WESTERN, None):
        return "; the bytes look like Windows-1252"
    guess = from_bytes(content).best()
    return f"; the bytes look like {guess.encoding}" if guess and guess.encoding != "gb18030" else ""


def _decodes(content: bytes, name: str) -> bool:
    try:
        content.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _plausible(text: str, file: str) -> str:
    for sign, name in (("\x00", "a NUL byte"), (REPLACEMENT, "the replacement character U+FFFD")):
        at = text.find(sign)
        if at >= 0:
            raise StopError(
                f"the text holds {name}: something was lost before it was sent", file=file,
                row=text.count("\n", 0, at) + 1, rule="P01", next_step=ASK_AGAIN,
            )  # fmt: skip
    return text


def _records(text: str, file: str, delimiter: str, offset: int, first: int) -> Iterator[tuple[int, list[str]]]:
    """Each record from a place in the text on, with the line it starts on; `first` is the line of that place."""
    # Line by line: a text buffer would hold four bytes for each character of the file.
    reader = csv.reader((line[0] for line in LINE.finditer(text, offset)), delimiter=delimiter, strict=True)
    start = first
    try:
        for fields in reader:
            yield start, fields
            start = first + reader.line_num
    except csv.Error as error:
        long = msg(
            "a cell of this row has more than {n} characters, or a quote in it is not closed",
            n=f"{csv.field_size_limit():,}",
        )
        broken = msg("the quoting of this row is broken ({detail})", detail=error)
        problem = long if "field larger" in str(error) else broken
        raise StopError(problem, file=file, row=start, rule="P34", next_step=ASK_AGAIN) from None


def _right_delimiter(header: list[str], file: str, line: int, delimiter: str) -> None:
    """Raises StopError where the header was not split, or where its names hold another delimiter."""
    others = [(sign, name) for sign, name in DELIMITERS.items() if sign != delimiter]
    # A name may hold one of these signs; where there are as many as columns, they divide the columns.
    found = next((name for sign, name in others if sum(cell.count(sign) for cell in header) >= len(header)), None)
    if len(header) > 1 and not found:
        return
    said = {"found": found, "expected": DELIMITERS.get(delimiter, delimiter)}
    problem = msg("the header is one column, a {expected} was expected", expected=said["expected"])
    if found:
        problem = msg("the header is one column: the delimiter is a {found}, a {expected} was expected", **said)
    if len(header) > 1:
        problem = msg(
            "a name in the header holds a {found}: two delimiters are mixed, a {expected} was expected", **said
        )
    raise StopError(
        problem, file=file, row=line, rule="P34",
        next_step=msg("correct the export, or name its delimiter and header in a mapping file"),
    )  # fmt: skip


def _stop_if_swallowed(rows: list[list[str]], lines: list[int], file: str, delimiter: str) -> None:
    """Raises StopError where a quote that was not closed in time has swallowed the records after it.

    A line inside a quoted cell that begins as a record does (its first field is the first field of some record, and
    the delimiter follows) is a record, not text.
    """
    begins = {row[0] for row in rows[1:] if row[0] and len(row[0].splitlines()) == 1}
    for line, row in zip(lines, rows, strict=True):
        for cell in row:
            if "\n" not in cell and "\r" not in cell:
                continue
            for k, text in enumerate(cell.splitlines()[1:], 1):
                first, sign, _ = text.partition(delimiter)
                if sign and first.strip('"') in begins:
                    raise StopError(
                        msg("a quoted cell holds a whole record: a quote was not closed"), file=file, row=line + k,
                        rule="P34", next_step=ASK_AGAIN,
                    )  # fmt: skip
