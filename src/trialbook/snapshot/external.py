"""Files of others beside the export: the safety database, the central laboratory, and tables of reference ranges.

The cut file names them (`external`). Only the columns that are compared are read, as text, with personal data masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from trialbook.core.errors import StopError, UsageError
from trialbook.core.files import read_input, sha256
from trialbook.core.messages import msg
from trialbook.core.privacy import masked
from trialbook.protocol.models import ExternalFile, ExternalName, Trial
from trialbook.snapshot.formats import grid_of
from trialbook.snapshot.tables import plain_name, raw_table
from trialbook.snapshot.workbook import read_sheets

# What each file holds: columns that it must have, and columns that are used where they are there.
COLUMNS: Mapping[ExternalName, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "safety_database": (("USUBJID", "AETERM", "AESTDTC"), ("AEDECOD", "AESER", "AEREL", "AEOUT", "AETOXGR", "CASEID")),
    "central_laboratory": (("USUBJID", "LBTESTCD", "LBDTC", "LBORRES"), ("LBORRESU",)),
    "reference_ranges": (
        ("LBTESTCD", "LBORNRLO", "LBORNRHI"), ("LBORRESU", "LBNAM", "SEX", "AGELO", "AGEHI", "FROM", "TO"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class ExternalTables:
    """The files of others as text, by what they are; a row is named by its line in the file (the index), `files` by the
    name of each file. A file that the cut does not name is not there. `hashes`: the sha256 of each by its path in the
    cut file.
    """

    tables: Mapping[ExternalName, pd.DataFrame] = field(default_factory=dict)
    files: Mapping[ExternalName, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)


def read_external(trial: Trial) -> ExternalTables:
    """The files that the cut file names under `external`; columns by their SDTM names (`COLUMNS`), missing ones blank.

    Raises UsageError for a file that cannot be read, StopError (P34) for one without a column that it must have.
    """
    tables: dict[ExternalName, pd.DataFrame] = {}
    files: dict[ExternalName, str] = {}
    hashes: dict[str, str] = {}
    for name, named in (trial.cut.external.named() if trial.cut.external else {}).items():
        path = trial.path(named.file)
        content = _content(name, named, path)
        tables[name] = _table(name, named, path, content)
        files[name], hashes[named.file] = path.name, sha256(content)
    return ExternalTables(tables, files, hashes)


def _content(name: ExternalName, named: ExternalFile, path: Path) -> bytes:
    try:
        return read_input(path, path.name)
    except OSError as error:
        raise UsageError(
            f"the file cannot be read ({error.strerror or type(error).__name__})", file=named.file,
            column=f"external.{name}", next_step="correct the path in the cut file",
        ) from None  # fmt: skip


def _table(name: ExternalName, named: ExternalFile, path: Path, content: bytes) -> pd.DataFrame:
    if path.suffix.lower() == ".xlsx":
        sheets = read_sheets(content, path.name)[0]
        if len(sheets) != 1:
            raise StopError(
                msg("the workbook has {n} sheets", n=len(sheets)), file=path.name, rule="P34",
                next_step=msg("keep the sheet with the table only"),
            )  # fmt: skip
        grid = next(iter(sheets.values()))
    else:
        grid = grid_of(content, path.name)
    frame = raw_table(name, grid, path.name, None, sha256(content), len(content)).frame
    delivered = {plain_name(str(column)).upper(): column for column in frame.columns}
    needed, others = COLUMNS[name]
    found = {}
    for column in (*needed, *others):
        source = delivered.get(plain_name(named.columns.get(column, column)).upper())
        if source is None and column in needed:
            raise StopError(
                msg("the column is missing (delivered: {codes})", codes=", ".join(map(str, frame.columns))),
                file=path.name, column=named.columns.get(column, column), rule="P34",
                next_step=msg(
                    "deliver it, or name the column of the file under external.{key}.columns in the cut file", key=name
                ),
            )  # fmt: skip
        values = pd.Series(pd.NA, index=frame.index, dtype="str") if source is None else frame[source].str.strip()
        known = {value: masked(value) for value in values.dropna().unique()}
        found[column] = values.map(known).astype("str").replace("", pd.NA)
    return pd.DataFrame(found, index=frame.index)
