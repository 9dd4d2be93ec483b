"""Reads delimited text strictly: a file that a lenient reader would shift, shorten or garble stops here."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator

from charset_normalizer import from_bytes

from trialbook.core.errors import StopError
from trialbook.snapshot.tables import Grid, unlikely_gb18030, unlikely_utf8

ASK_AGAIN = "ask for the file again"
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
REPLACEMENT = "\ufffd"
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_delimited(content: bytes, file: str, delimiter: str) -> Grid:
    r"""The cells of a CSV or TSV file; raises StopError naming the line for anything a person must look at.

    Every row must have as many fields as the header: a lenient reader would shift or drop columns silently.

    >>> read_delimited(b"USUBJID,AETERM\n001,\"Rash, mild\"\n", "ae.csv", ",").rows
    [['USUBJID', 'AETERM'], ['001', 'Rash, mild']]
    """
    text, encoding = decode(content, file)
    rows: list[list[str]] = []
    lines: list[int] = []
    # The same few texts fill most cells of a large file: each is kept once.
    kept: dict[str, str] = {}
    for line, fields in _records(text, file, delimiter):
        if not fields:
            continue  # an empty line, as many exports have at their end
        if not rows:
            _right_delimiter(fields, file, delimiter)
        elif len(fields) != len(rows[0]):
            raise StopError(
                f"the row has {len(fields)} fields, the header {len(rows[0])}", file=file, row=line, rule="P34",
                next_step="correct the export",
            )  # fmt: skip
        rows.append([kept.setdefault(field, field) for field in fields])
        lines.append(line)
    _stop_if_swallowed(rows, lines, file, delimiter)
    return Grid(rows, lines, encoding, DELIMITERS[delimiter])


def decode(content: bytes, file: str) -> tuple[str, str]:
    """The text of a file and its encoding, tried in the order BOM, UTF-8, GB18030 (P01).

    Raises StopError where none fits; what the bytes look like is then a hint to the reader, never used: any bytes
    decode as some single-byte encoding, into wrong letters. A text that decodes but cannot have been meant so stops
    too.

    >>> decode("皮疹,2".encode("gb18030"), "ae.csv")
    ('皮疹,2', 'gb18030')
    """
    marked = next((name for bom, name in BOMS if content.startswith(bom)), None)
    for name in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            text = content.decode(name)
        except UnicodeDecodeError as error:
            where = error.start
            continue
        if not marked:
            _stop_if_misread(text, name, content, file)
        return _plausible(text, file), name
    guess = None if marked else from_bytes(content).best()
    hint = f"; the bytes look like {guess.encoding}" if guess else ""
    problem = f"the file says that it is {marked} and is not" if marked else "the text is neither UTF-8 nor GB18030"
    raise StopError(
        f"{problem} (byte {where}){hint}", file=file,
        row=content.count(b"\n", 0, where) + 1, rule="P01", next_step="ask for the file in UTF-8",
    )  # fmt: skip


def _stop_if_misread(text: str, name: str, content: bytes, file: str) -> None:
    """Raises StopError where the bytes decode, and into text that nobody wrote."""
    if name == "utf-8" and unlikely_utf8(text) and _decodes(content, "gb18030"):
        problem = "the bytes read as UTF-8 and as GB18030, and as UTF-8 they are letters of no script used here"
    elif name == "gb18030" and unlikely_gb18030(text):
        guess = from_bytes(content).best()
        hint = f"; the bytes look like {guess.encoding}" if guess and guess.encoding != "gb18030" else ""
        problem = f"read as GB18030 the text is characters that are hardly ever used{hint}"
    else:
        return
    at = next(k for k, sign in enumerate(text) if not sign.isascii())
    raise StopError(
        problem, file=file, row=text.count("\n", 0, at) + 1, rule="P01", next_step="ask for the file in UTF-8"
    )


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


def _records(text: str, file: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it starts on."""
    # Line by line: a text buffer would hold four bytes for each character of the file.
    reader = csv.reader((line[0] for line in LINE.finditer(text)), delimiter=delimiter, strict=True)
    start = 1
    try:
        for fields in reader:
            yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        long = f"a cell of this row has more than {csv.field_size_limit():,} characters, or a quote in it is not closed"
        problem = long if "field larger" in str(error) else f"the quoting of this row is broken ({error})"
        raise StopError(problem, file=file, row=start, rule="P34", next_step=ASK_AGAIN) from None


def _right_delimiter(header: list[str], file: str, delimiter: str) -> None:
    """Raises StopError where the header was not split, or where its names hold another delimiter."""
    others = [(sign, name) for sign, name in DELIMITERS.items() if sign != delimiter]
    # A name may hold one of these signs; where there are as many as columns, they divide the columns.
    found = next((name for sign, name in others if sum(cell.count(sign) for cell in header) >= len(header)), None)
    if len(header) > 1 and not found:
        return
    problem = f"the header is one column: the delimiter is a {found}" if found else "the header is one column"
    if len(header) > 1:
        problem = f"a name in the header holds a {found}: two delimiters are mixed"
    raise StopError(
        f"{problem}, a {DELIMITERS[delimiter]} was expected", file=file, row=1, rule="P34",
        next_step="correct the export",
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
                        "a quoted cell holds a whole record: a quote was not closed", file=file, row=line + k,
                        rule="P34", next_step=ASK_AGAIN,
                    )  # fmt: skip
