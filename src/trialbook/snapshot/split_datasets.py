"""Split datasets of SDTMIG: a domain in several files or sheets (LBCH and LBHE, SUPPLBCH) is read as one (A-163)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.core.domains import DOMAIN_ORDER
from trialbook.core.errors import StopError
from trialbook.core.messages import msg
from trialbook.snapshot.tables import KEY, Origin, Part, RawTable, digest_of

# The code of the domain and one or two signs more.
_PART = re.compile(r"([A-Z]{2}|SUPP[A-Z]{2})[A-Z0-9]{1,2}")
# Records of a table without a file of its own are numbered as the rows of a file with one header row.
FIRST_RECORD = 2


def part_of(name: str) -> str | None:
    """The domain of which a file or sheet may be a part by its name, in any letter case; None where it is none.

    | name     | domain |
    |----------|--------|
    | lbch     | LB     |
    | QSPH     | QS     |
    | faae     | FA     |
    | supplbch | SUPPLB |
    | lb       | None: the whole domain |
    | adlb     | None: AD is not a domain that is analysed |
    | suppae, relrec, relsub | None |

    >>> part_of("lbch"), part_of("supplbch"), part_of("adlb")
    ('LB', 'SUPPLB', None)
    """
    found = _PART.fullmatch(name.strip().upper())
    return found[1] if found and found[1].removeprefix("SUPP") in DOMAIN_ORDER else None


def is_part(table: RawTable, code: str) -> bool:
    """Whether the records of a table say that it is a part of the domain (DOMAIN, of SUPP-- RDOMAIN).

    Without a value there, the columns decide: a subject, and a variable of the domain. Raises StopError (P34) where the
    records are of several domains, one of them this one.
    """
    supplemental = code.startswith("SUPP")
    column, wanted = ("RDOMAIN", code.removeprefix("SUPP")) if supplemental else ("DOMAIN", code)
    names = list(table.frame.columns)
    said = table.frame[column].dropna().str.strip().str.upper() if column in names else pd.Series(dtype="str")
    if said.empty:
        own = "QNAM" in names if supplemental else any(n.startswith(code) and len(n) > len(code) for n in names)
        return own and KEY in names
    if said.eq(wanted).all():
        return True
    if said.eq(wanted).any():
        other = said[said.ne(wanted)]
        raise StopError(
            msg("the file is a part of {domain} by its name, and holds records of another domain", domain=code),
            file=table.file, row=int(other.index[0]), column=column, value=other.iloc[0], rule="P34",
            next_step=msg("deliver the records of {domain} in files of their own", domain=code),
        )  # fmt: skip
    return False


def with_parts(tables: Mapping[str, RawTable], parts: Mapping[str, Sequence[RawTable]]) -> dict[str, RawTable]:
    """The domains, with those that came in parts put together.

    Raises StopError (P34) where a domain is there whole and in parts, or a part twice: its records would count twice.
    """
    whole = dict(tables)
    for code, own in parts.items():
        if code in whole:
            raise StopError(
                msg(
                    "the file is a part of {domain}, which is whole in {file}: records would count twice",
                    domain=code, file=_named(whole[code]),
                ),
                file=own[0].file, rule="P34",
                next_step=msg("deliver {domain} whole, or all of it in parts", domain=code),
            )  # fmt: skip
        twice = next((k for k, part in enumerate(own) if part.domain in [p.domain for p in own[:k]]), None)
        if twice is not None:
            first = next(part for part in own if part.domain == own[twice].domain)
            raise StopError(
                msg(
                    "the part {code} of {domain} is also in {file}",
                    code=own[twice].domain, domain=code, file=_named(first),
                ),
                file=own[twice].file, rule="P34", next_step=msg("deliver one of them"),
            )  # fmt: skip
        whole[code] = combined(code, own)
    return whole


def combined(code: str, parts: Sequence[RawTable]) -> RawTable:
    """One table of all records, in the order of the parts; `place` leads to the file, sheet and row of each.

    A column that one part lacks is blank there.
    """
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    frame = frame.astype("str")
    # Not named ROW: these numbers are rows of no file, and contracts must not show them as such.
    frame.index = pd.RangeIndex(FIRST_RECORD, FIRST_RECORD + len(frame), name="RECORD")
    records = pd.DataFrame({
        "part": [k for k, part in enumerate(parts) for _ in range(part.rows)],
        "row": [int(row) for part in parts for row in part.frame.index],
    }, index=frame.index)  # fmt: skip
    origin = Origin(tuple(Part(part.file, part.sheet or "", {}) for part in parts), records)
    number = {(k, int(row)): int(at) for at, k, row in records.itertuples(name=None)}
    edits = [
        edit._replace(row=number[k, edit.row])
        for k, part in enumerate(parts)
        for edit in part.edits
        if (k, edit.row) in number
    ]
    notes = [
        note._replace(row=number.get((k, note.row), 0)) for k, part in enumerate(parts) for note in part.notes
    ]  # fmt: skip
    files = {part.file: part for part in parts}
    sheets = [part.sheet for part in parts if part.sheet]
    return RawTable(
        code, frame, " + ".join(files), " + ".join(sheets) or None,
        ", ".join(dict.fromkeys(part.encoding for part in parts)),
        digest_of([part.sha256 for part in files.values()]),
        sum(part.bytes for part in files.values()),
        delimiter=", ".join(dict.fromkeys(part.delimiter for part in parts if part.delimiter)),
        edits=tuple(edits), notes=tuple(notes), origin=origin, parts=tuple(parts),
    )  # fmt: skip


def _named(table: RawTable) -> str:
    return f"{table.file}, sheet {table.sheet}" if table.sheet else table.file
