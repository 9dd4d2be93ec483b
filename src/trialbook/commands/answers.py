"""`trialbook answers` takes in a returned query list: every row is checked first, then all answers are kept at once."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from filelock import FileLock, Timeout
from python_calamine import CalamineError, CalamineWorkbook

from trialbook.cleaning.reviewed import Mark, keep_marks, mark_of_record, marks_file
from trialbook.core.datasets import LazyFrames, read_dataset
from trialbook.core.errors import UsageError, not_built
from trialbook.core.messages import plural
from trialbook.core.privacy import masked_argument
from trialbook.protocol.models import Trial, calendar_date
from trialbook.queries.answers import Answer, answers_file, keep_answers, mark_of, verdict_of
from trialbook.queries.files import read_csv_list, value_of
from trialbook.queries.query_files import QUERIES
from trialbook.queries.query_list import TO_FILL_IN
from trialbook.snapshot.delimited import DELIMITERS, decode

NEEDED = ("query_id", *TO_FILL_IN)
OF_A_RECORD = ("domain", "subject", "record")
VOCABULARY = "confirmed, corrected, waived or reopened"
# A row with this answer, and domain, subject and record in place of a query, marks a record as reviewed.
REVIEWED = ("reviewed", "已审核", "已核查")
LONGEST_REASON = 2000
LOCK_SECONDS = 60
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")


class _Row(NamedTuple):
    """What a row of the returned list says, as text, and its place in the file."""

    place: str
    query_id: str
    answer: str
    reason: str
    date: str
    domain: str = ""
    subject: str = ""
    record: str = ""

    @property
    def is_mark(self) -> bool:
        """Whether the row marks a record as reviewed; it answers no query."""
        return " ".join(self.answer.split()).casefold() in REVIEWED


def take_answers(
    trial: Trial, file: Path, by: str, out: Path, tell: Callable[[str], None], today: dt.date | None = None
) -> None:  # fmt: skip
    """Keeps the answers of a returned list; `tell` is given what was taken, or what is wrong with each row.

    `file`: the returned `queries.xlsx`, or a CSV with the columns query_id, answer, reason, date; rows without an
    answer are left alone. `today`: a later day is in the future (default: the day of this machine's clock).
    Raises UsageError where the cut is not built, the file cannot be read, or a row is wrong: then nothing is written.
    """
    person = " ".join(by.split())
    if not person or masked_argument(person) != person:
        raise UsageError("--by names who answered, without a number that identifies a person", next_step="--by NAME")
    folder = out / trial.cut.cut_id
    if not (folder / "manifest.json").is_file():
        raise not_built(folder)
    listed = read_csv_list(folder / QUERIES).set_index("query_id")
    rows = [row for row in _rows(file) if any((row.answer, row.reason, row.date))]
    clean = LazyFrames(
        [path.stem.upper() for path in sorted((folder / "data" / "clean").glob("*.parquet"))],
        lambda code: read_dataset(folder / "data" / "clean" / f"{code.lower()}.parquet"),
    )
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    problems, taken, marks = [], dict[str, Answer](), list[Mark]()
    for row in rows:
        if row.is_mark:
            values = mark_of_record(clean, row.domain.upper(), row.subject, row.record)
            wrong = [
                *([] if values else ["the data of the cut have no such record (domain, subject, record)"]),
                *_wrong_date(row, trial.cut.cut_date, today or dt.date.today()),
            ]
            if wrong or values is None:
                problems.append(f"{row.place}, {row.domain} {row.subject} {row.record}: {'; '.join(wrong)}")
            else:
                marks.append(Mark(row.domain.upper(), row.subject, row.record, _day(row.date), person, now,
                                  trial.cut.cut_date, values))  # fmt: skip
            continue
        verdict = verdict_of(row.answer)
        wrong = list(_wrong(row, listed, out, trial.cut.cut_id, today or dt.date.today()))
        if wrong or verdict is None:
            problems.append(f"{row.place}, {row.query_id or 'no query id'}: {'; '.join(wrong)}")
            continue
        line = listed.loc[row.query_id]
        mark = mark_of(str(line["observed"]), str(line["record_list"]))
        said = Answer(row.query_id, verdict, row.reason, _day(row.date), person, now, trial.cut.cut_date, mark)
        before = taken.setdefault(row.query_id, said)
        if before.key != said.key:
            problems.append(f"{row.place}, {row.query_id}: this file answers the query twice, and differently")
    if problems:
        for line_text in problems:
            tell(line_text)
        raise UsageError(
            plural(
                "{n} row cannot be taken, so nothing was written",
                "{n} rows cannot be taken, so nothing was written", len(problems),
            ),
            file=str(file), next_step="correct the rows above, then give the file again",
        )  # fmt: skip
    place = answers_file(trial.cut, trial.root)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place.with_name(f".{place.name}.lock"), timeout=LOCK_SECONDS):
            added = keep_answers(place, taken.values()) if taken else []
            marked = keep_marks(marks_file(place), marks) if marks else []
    except Timeout:
        raise UsageError(
            "other answers are being written", file=str(place), next_step="try again when that has ended"
        ) from None
    for line_text in _told(added, len(taken), place, trial.cut.cut_id) if taken or not marks else ():
        tell(line_text)
    if marks:
        tell(
            plural(
                "{n} record marked as reviewed in {place}",
                "{n} records marked as reviewed in {place}",
                len(marked),
                place=marks_file(place),
            )
        )


def _told(added: list[Answer], given: int, place: Path, cut_id: str) -> Iterator[str]:
    for one in added:
        yield f"{one.query_id}: {one.answer} on {one.date} by {one.by}"
    known = given - len(added)
    said = plural("{n} answer written to {place}", "{n} answers written to {place}", len(added), place=place)
    yield said + (f"; {known} were there already" if known else "")
    if added:
        yield f"Next: run `trialbook build {cut_id}` to see what is still open; later cuts read these answers too"


def _wrong(row: _Row, listed: pd.DataFrame, out: Path, cut_id: str, today: dt.date) -> Iterator[str]:
    """What is wrong with a row, in words; nothing where it can be taken."""
    if row.query_id not in listed.index:
        other = _other_cut(row.query_id, out, cut_id) if row.query_id else None
        yield (
            f"the query belongs to the cut {other}, not to {cut_id}" if other
            else f"the list of the cut {cut_id} has no such query"
        )  # fmt: skip
    if not row.answer:
        yield f"the answer is missing; write {VOCABULARY}"
    elif verdict_of(row.answer) is None:
        yield f"the answer {masked_argument(row.answer)!r} is none of {VOCABULARY}"
    if not row.reason:
        yield "the reason is missing"
    elif len(row.reason) > LONGEST_REASON:
        yield f"the reason is longer than {LONGEST_REASON} characters"
    elif masked_argument(row.reason) != row.reason:
        yield "the reason identifies a person; name roles and subject numbers only"
    asked = str(listed.loc[row.query_id, "first_seen"]) if row.query_id in listed.index else ""
    yield from _wrong_date(row, asked, today)


def _wrong_date(row: _Row, first: str, today: dt.date) -> Iterator[str]:
    """What is wrong with the date of a row; `first` is the earliest day that it may be, blank where none is known."""
    if not row.date:
        yield "the date is missing"
        return
    try:
        day = calendar_date(_day(row.date), "not a complete date")
    except ValueError:
        yield f"the date {masked_argument(row.date)!r} is no calendar date; write YYYY-MM-DD"
        return
    if day > str(today):
        yield f"the date {day} is in the future"
    if day < first and row.is_mark:
        yield f"the date {day} is before the data cut of {first}"
    elif day < first:
        yield f"the date {day} is before the query, which was first asked at {first}"


def _other_cut(query_id: str, out: Path, cut_id: str) -> str | None:
    """Another built cut whose list has this query."""
    for path in sorted(out.glob(f"*/{QUERIES}")):
        if path.parent.name != cut_id and query_id in set(read_csv_list(path)["query_id"]):
            return path.parent.name
    return None


def _day(text: str) -> str:
    """A date with its year first as ISO 8601; any other text as it is."""
    found = _DATE.fullmatch(text)
    return f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}" if found else text


# ----------------------------------------------------------------------------------------------------
# The returned file.


def _rows(file: Path) -> Iterator[_Row]:
    """Every row of the sheets, or of the CSV file, that has the columns of an answer."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the file cannot be read ({error.strerror or type(error).__name__})", file=str(file),
            next_step="name the returned query list",
        ) from None  # fmt: skip
    tables = _sheets(content, file) if file.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods") else [
        ("", _delimited(content, file))
    ]  # fmt: skip
    missing: list[str] = list(NEEDED)
    any_table = False
    for sheet, cells in tables:
        names = [cell.strip().casefold() for cell in cells[0]] if cells else []
        lacking = [name for name in NEEDED if name not in names]
        if lacking:
            missing = min(missing, lacking, key=len)
            continue
        any_table = True
        at = [names.index(name) if name in names else None for name in (*NEEDED, *OF_A_RECORD)]
        for number, row in enumerate(cells[1:], start=2):
            values = [row[k].strip() if k is not None and k < len(row) else "" for k in at]
            yield _Row(f"{f'sheet {sheet}, ' if sheet else ''}row {number}", *values)
    if not any_table:
        raise UsageError(
            f"the columns {', '.join(missing)} are missing", file=str(file),
            next_step=f"return the query list with the columns {', '.join(NEEDED)}",
        )  # fmt: skip


def _sheets(content: bytes, file: Path) -> list[tuple[str, list[list[str]]]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [
            (name, [[_cell(value) for value in row] for row in book.get_sheet_by_name(name).to_python()])
            for name in book.sheet_names
        ]
    except (CalamineError, ValueError, OSError) as error:
        raise UsageError(
            f"the workbook cannot be read ({type(error).__name__})", file=str(file), next_step="save it again as .xlsx"
        ) from None


def _cell(value: object) -> str:
    if isinstance(value, dt.datetime):
        return str(value.date())
    return str(value)


def _delimited(content: bytes, file: Path) -> list[list[str]]:
    text = decode(content, file.name)[0]
    header = text.splitlines()[0] if text.strip() else ""
    delimiter = max(DELIMITERS, key=header.count)
    try:
        cells = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(
            f"the quoting of the file is broken ({error})", file=str(file), next_step="save it again"
        ) from None
    return [[value_of(cell) for cell in row] for row in cells]
