"""Reads what databases and programs write for a blank: NULL, NA, \\N, (null), a point of SAS (P34)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from trialbook.cleaning.codes import CODE_READERS, read_upper
from trialbook.cleaning.columns import Kind
from trialbook.cleaning.problems import TEXTS
from trialbook.cleaning.read_values import Reader, Reading, Working, read_free_text, read_plain
from trialbook.core.characters import plain_text
from trialbook.queries.query_list import Query
from trialbook.snapshot.tables import ARROW

RULE = "P34-NULL-MARKER"

# Nobody means anything else by these, in any column.
_ALWAYS = frozenset((
    "null", "(null)", "<null>", "[null]", "{null}", "'null'", '"null"', "#null", "dbnull", "\\n", "#n/a", "#na", "<na>",
    "nan", "#nan", "nat", "空值", "(空)", "(空值)", "na_character_", "na_integer_", "na_real_", "-nan", "-nan(ind)",
    "nan(ind)", "1.#qnan", "-1.#ind", "1.#ind",
))  # fmt: skip
# A blank where a number, a date or a code of a list belongs, and elsewhere perhaps a word: sodium, a drug, "none".
_NO_WORD = frozenset((
    "na", "n/a", "n.a.", "n.a", "<n/a>", "(na)", "(n/a)", ".", "..", "undefined", "(blank)", "(empty)", "(missing)",
    "<missing>",
))  # fmt: skip
_NOTHING = frozenset(("nil", "none"))
# By kind of column. A laboratory that reports "nil" reports a result, and a unit of "none" may be right.
_BY_KIND: dict[Kind, frozenset[str]] = {
    "date": _ALWAYS | _NO_WORD | _NOTHING,
    "number": _ALWAYS | _NO_WORD | _NOTHING,
    "sequence": _ALWAYS | _NO_WORD | _NOTHING,
    "code": _ALWAYS | _NO_WORD | _NOTHING,
    "result": _ALWAYS | _NO_WORD,
    "unit": _ALWAYS | _NO_WORD,
    "id": _ALWAYS | _NO_WORD,
    "free": _ALWAYS,
}
_MANY_ROWS = 8


@cache
def marker_reader(kind: Kind, column: str) -> Reader:
    r"""A reader of the characters of a column of this kind, for which what databases write for a blank is missing.

    Words of a code list stay words: AEACN may be NA, not applicable. In lists that are open (test codes) and in free
    text a marker is what cannot be a word.

    | value  | in a date, number or code | in free text |
    |--------|---------------------------|--------------|
    | NULL   | missing                   | missing      |
    | \N     | missing                   | missing      |
    | NA     | missing                   | NA           |
    | .      | missing                   | .            |
    | None   | missing                   | None         |

    >>> marker_reader("date", "AESTDTC")("n/a")
    Reading(text=None, fix='P34-NULL-MARKER', ask='')
    >>> marker_reader("free", "CMTRT")("NA").text, marker_reader("code", "LBTESTCD")("NA").text
    ('NA', 'NA')
    """
    plain = read_free_text if kind == "free" else read_plain
    markers = _markers(kind, column)

    def read(value: str) -> Reading:
        reading = plain(value)
        text = reading.text
        return Reading(None, RULE) if text is not None and plain_text(text).casefold() in markers else reading

    return read


def _markers(kind: Kind, column: str) -> frozenset[str]:
    """The markers of a column, in small letters."""
    code = CODE_READERS.get(column)
    if code is None:
        return _BY_KIND[kind]
    if column == "AEREL":
        # "None" is a relationship there.
        return _ALWAYS | _NO_WORD
    if code is read_upper:
        return _ALWAYS
    return frozenset(text for text in _BY_KIND["code"] if code(text).ask)


def null_marker_queries(code: str, work: Working) -> Iterator[Query]:
    """One question to the mapper for each file and column in which such texts were taken for blanks."""
    places: dict[tuple[str, str, str], dict[str, list[int]]] = {}
    for file, sheet, row, column, raw, _, rule in work.changes:
        if rule == RULE:
            places.setdefault((file, sheet, column), {}).setdefault(raw, []).append(row)
    several = {(file, sheet) for file, sheet, _ in places} | {(t.file, t.sheet or "") for t in work.table.delivered}
    for (file, sheet, column), found in places.items():
        seen = "; ".join(f"{marker} ({_rows(rows)})" for marker, rows in found.items())
        where = f"{file}, sheet {sheet}" if sheet else file
        yield TEXTS.query(
            RULE, "", code, record=where if len(several) > 1 else "", field=column.split(ARROW)[-1],
            observed=f"{where}, column {column.split(ARROW)[0]}: {seen}",
        )  # fmt: skip


def _rows(rows: Iterable[int]) -> str:
    listed = sorted(rows)
    more = f" and {len(listed) - _MANY_ROWS} more" if len(listed) > _MANY_ROWS else ""
    return f"row{'s' if len(listed) > 1 else ''} {', '.join(map(str, listed[:_MANY_ROWS]))}{more}"
