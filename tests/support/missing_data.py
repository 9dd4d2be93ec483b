"""Learning less of a trial: the same domains without one of them, or with one cell blank; strategies for both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd
from hypothesis import strategies as st

from trialbook.core.domains import Domains

# Without these a record belongs to nobody or says nothing: the contracts of the export stop or drop it before.
KEYS = ("STUDYID", "DOMAIN", "USUBJID", "SRCROW")


@dataclass(frozen=True)
class Cell:
    """One cell of a domain: its row by position."""

    domain: str
    row: int
    column: str


def without(domains: Mapping[str, pd.DataFrame], *codes: str) -> Domains:
    """The trial as if the site had not delivered these domains."""
    return Domains({code: domains[code] for code in domains if code not in codes})


def blanked(domains: Mapping[str, pd.DataFrame], *cells: Cell) -> Domains:
    """The trial with these cells blank. A result loses its number and its sign with its text."""
    frames = {code: domains[code] for code in domains}
    for cell in cells:
        frame = frames[cell.domain].copy()
        also = [f"{cell.column}N", f"{cell.column}OP"] if cell.column.endswith("ORRES") else []
        for name in [cell.column, *(name for name in also if name in frame)]:
            values = frame[name].copy()
            values.iloc[cell.row] = None if values.dtype != "Int64" else pd.NA
            frame[name] = values
        frames[cell.domain] = frame
    return Domains(frames)


def cells_of(
    domains: Mapping[str, pd.DataFrame], codes: Collection[str], spared: Collection[str] = (), subjects: str = ""
) -> list[Cell]:
    """Every filled cell of these domains but the keys and `spared` columns; `subjects`: of USUBJIDs with this text."""
    found = []
    for code in codes:
        frame = domains[code] if code in domains else pd.DataFrame()
        if frame.empty:
            continue
        own = frame["USUBJID"].str.contains(subjects, regex=False)
        for column in frame.columns:
            told = column.endswith(("SEQ", "ORRESN", "ORRESOP")) or column in (*KEYS, *spared)
            if not told:
                filled = frame[column].notna() & frame[column].astype("str").ne("") & own
                found += [Cell(code, int(row), column) for row in filled.to_numpy().nonzero()[0]]
    return found


def any_cell(cells: list[Cell]) -> st.SearchStrategy[Cell]:
    """One of these cells; each domain and column as likely as another, however many rows it has."""
    by_column: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        by_column.setdefault((cell.domain, cell.column), []).append(cell)
    return st.sampled_from(sorted(by_column)).flatmap(lambda key: st.sampled_from(by_column[key]))
