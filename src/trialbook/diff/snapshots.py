"""Which values of a snapshot have changed since a build, as far as its clean domains show them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.cleaning import apply_cut, clean_snapshot, whole_change_log
from trialbook.core.datasets import read_dataset
from trialbook.core.errors import TrialbookError
from trialbook.diff.file_places import BOM, differing_cells, keyed, named, record_key
from trialbook.diff.words import then_and_now
from trialbook.protocol.models import Trial
from trialbook.queries.files import read_csv_list
from trialbook.snapshot import read_snapshot
from trialbook.subjects.ages import without_birth_dates

# The same text in other bytes: how it was written then, if the sha256 of then is that of the text so written.
SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "line endings: LF then, CRLF now": lambda text: text.replace(b"\r\n", b"\n"),
    "line endings: CRLF then, LF now": lambda text: text.replace(b"\n", b"\r\n"),
    "byte order mark: none then, one now": lambda text: text.removeprefix(BOM),
    "byte order mark: one then, none now": lambda text: BOM + text,
    "white space at the end of the file: one line end then": lambda text: text.rstrip() + b"\n",
    "white space at the end of the file: none then": lambda text: text.rstrip(),
}


@dataclass(frozen=True)
class Side:
    """One domain then or now: its clean records, and what cleaning changed in them."""

    frame: pd.DataFrame
    changes: Mapping[tuple[int, str], str]

    def delivered(self, row: Any, column: str, clean: Any) -> Any:
        """The value as it was delivered; the clean one where cleaning did not change it."""
        return self.changes.get((int(row), column), clean)


def input_places(changed: Mapping[str, str], standing: Path, trial: Trial) -> dict[str, list[str]]:
    """By file, the places that differ now, for files whose sha256 at the build is given.

    Values that cleaning withheld stay withheld: both sides are read from clean domains and change logs.
    """
    if not changed:
        return {}
    place = trial.path(trial.cut.snapshot)
    found: dict[str, list[str]] = {}
    for name, before in changed.items():
        path = place if place.is_file() else place / name
        spelt = _spelling(path.read_bytes(), before) if path.is_file() else None
        if spelt:
            found[name] = [spelt]
    if set(found) != set(changed):
        found = {**_read_places(set(changed) - set(found), standing, trial), **found}
    return found


def _spelling(content: bytes, before: str) -> str | None:
    ways = SPELLINGS.items()
    return next((words for words, spell in ways if hashlib.sha256(spell(content)).hexdigest() == before), None)


def _read_places(files: set[str], standing: Path, trial: Trial) -> dict[str, list[str]]:
    """Cleans the snapshot as it is now and compares its domains with the clean domains of the build."""
    try:
        cleaned = clean_snapshot(read_snapshot(trial), trial)
        cut = apply_cut(cleaned.domains, trial.cut_date)
        log = whole_change_log(cleaned, cut)
        domains = without_birth_dates(cut.domains, trial.protocol, trial.cut_date)
        earlier = read_csv_list(standing / "changelog.csv")
    except (TrialbookError, OSError, ValueError) as error:
        return {name: [f"the snapshot cannot be read now: {error}"] for name in files}
    found: dict[str, list[str]] = {}
    delivered = {
        (code, part.file): len(table.parts) > 0 for code, table in cleaned.tables.items() for part in table.delivered
    }
    for (code, file), split in sorted(delivered.items()):
        path = standing / "data" / "clean" / f"{code.lower()}.parquet"
        if file in files and path.is_file():
            # The records of a split domain are numbered through, the log by part: clean values are shown.
            then = Side(read_dataset(path), {} if split else logged(earlier, file))
            now = Side(domains[code].reset_index(drop=True), {} if split else logged(log, file))
            found[file] = [*found.get(file, []), *domain_places(then, now)]
    unseen = ["no value that this cut uses differs: a record after the cut, or text outside of the values"]
    return {name: found.get(name, []) or unseen for name in files}


def logged(log: pd.DataFrame, file: str) -> dict[tuple[int, str], str]:
    """What a change log says was delivered in one file, by row and column, where cleaning changed it.

    >>> log = pd.DataFrame({"file": "ae.csv", "row": [3, 3], "column": "AETERM", "raw": ["first", "second"]})
    >>> logged(log, "ae.csv")
    {(3, 'AETERM'): 'first'}
    """
    own = log[log["file"].eq(file) & log["column"].ne("")]
    # A value that was changed twice was delivered as the first change says.
    return {(int(r), c): raw for r, c, raw in reversed(list(zip(own["row"], own["column"], own["raw"], strict=True)))}


def domain_places(then: Side, now: Side) -> Iterator[str]:
    """Every record and value in which a domain differs between two times."""
    columns = [c for c in then.frame.columns if c in now.frame.columns and c != "SRCROW"]
    for column in sorted(set(then.frame.columns) ^ set(now.frame.columns)):
        yield f"column {column}: {'is missing now' if column in then.frame.columns else 'was not there then'}"
    key = record_key(then.frame[columns], now.frame[columns]) or ["SRCROW"]
    old, new = keyed(then.frame, key), keyed(now.frame, key)
    for record in old.index.difference(new.index, sort=False):
        yield f"row {old.at[record, 'SRCROW']} then ({named(record, key)}): this record is missing now"
    for record in new.index.difference(old.index, sort=False):
        yield f"row {new.at[record, 'SRCROW']} now ({named(record, key)}): this record was not there then"
    shared = old.index.intersection(new.index, sort=False)
    cells = list(differing_cells(old.loc[shared], new.loc[shared], columns))
    seen = set()
    for record, column, x, y in cells:
        # The parsed result says again what the result itself says.
        if column.endswith(("ORRESN", "ORRESOP")) and record in seen:
            continue
        seen.add(record)
        before, after = old.at[record, "SRCROW"], new.at[record, "SRCROW"]
        row = f"row {after}" if before == after else f"row {before} then and {after} now"
        yield f"{row}, column {column}: {_values(then.delivered(before, column, x), now.delivered(after, column, y))}"
    if not cells and len(shared) == len(old) == len(new):
        moved = (old.loc[shared, "SRCROW"] != new.loc[shared, "SRCROW"]).to_numpy(dtype=bool)
        for record in shared[moved]:
            yield f"row {old.at[record, 'SRCROW']} then is row {new.at[record, 'SRCROW']} now ({named(record, key)})"


def _values(old: Any, new: Any) -> str:
    """Both values; whole numbers without the point that their type would give them."""
    one, two = (int(v) if isinstance(v, float) and v.is_integer() else v for v in (old, new))
    return then_and_now(one, two)
