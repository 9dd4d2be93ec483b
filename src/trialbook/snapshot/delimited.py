"""Reads delimited text strictly: a file that a lenient reader would shift, shorten or garble stops here."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from charset_normalizer import from_bytes

from trialbook.errors import StopError
from trialbook.snapshot.tables import Grid

ASK_AGAIN = "ask for the file anew"
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
REPLACEMENT = "\ufffd"
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_delimited(content: bytes, file: str, delimiter: str) -> Grid:
    """The cells of a CSV or TSV file; raises StopError naming the line for anything a person must look at.

    Every row must have as many fields as the header: a lenient reader would shift or drop columns silently.
    """
    text, encoding = decode(content, file)
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, fields in _records(text, file, delimiter):
        if not fields:
            continue  # an empty line, as many exports have at their end
        if not rows:
            _one_column(fields, file, delimiter)
        elif len(fields) != len(rows[0]):
            raise StopError(
                f"the row has {len(fields)} fields, the header {len(rows[0])}", file=file, row=line, rule="P34",
                next_step="correct the export",
            )  # fmt: skip
        rows.append(fields)
        lines.append(line)
    return Grid(rows, lines, encoding)


def decode(content: bytes, file: str) -> tuple[str, str]:
    """The text of a file and its encoding, tried in the order BOM, UTF-8, GB18030 (P01).

    Raises StopError where none fits; what the bytes look like is then a hint to the reader, never used: any bytes
    decode as some single-byte encoding, into wrong letters.
    """
    marked = next((name for bom, name in BOMS if content.startswith(bom)), None)
    for name in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            text = content.decode(name)
        except UnicodeDecodeError as error:
            where = error.start
            continue
        return _plausible(text, file), name
    guess = from_bytes(content).best()
    hint = f"; the bytes look like {guess.encoding}" if guess else ""
    raise StopError(
        f"the text is neither UTF-8 nor GB18030 (byte {where}){hint}", file=file,
        row=content.count(b"\n", 0, where) + 1, rule="P01", next_step="ask for the file in UTF-8",
    )  # fmt: skip


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
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for fields in reader:
            yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise StopError(
            f"the quoting of this row is broken ({error})", file=file, row=start, rule="P34", next_step=ASK_AGAIN
        ) from None


def _one_column(header: list[str], file: str, delimiter: str) -> None:
    if len(header) > 1:
        return
    found = next((name for sign, name in DELIMITERS.items() if sign != delimiter and sign in header[0]), None)
    problem = f"the header is one column: the delimiter is a {found}" if found else "the header is one column"
    raise StopError(
        f"{problem}, a {DELIMITERS[delimiter]} was expected", file=file, row=1, rule="P34",
        next_step="correct the export",
    )  # fmt: skip
