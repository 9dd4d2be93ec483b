"""Compares two builds file by file and names the places that differ: for `verify` and for people who ask why."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from trialbook.cleaning.endpoint_dependence import moved_endpoints
from trialbook.core.datasets import read_dataset
from trialbook.diff.file_places import places
from trialbook.diff.words import MOST
from trialbook.results.ard import KEYS

VARIES = "run.json"


def compare_builds(standing: Path, rebuilt: Path, most: int = MOST) -> list[str]:
    """The places that differ between two build folders, apart from `run.json`; empty when every byte agrees.

    Files in order of name, at most `most` places of each, then how many more.
    """
    left, right = _files(standing), _files(rebuilt)
    lines = []
    for name in sorted(left | right):
        if name not in right:
            lines.append(f"{name}: only in the published build")
        elif name not in left:
            lines.append(f"{name}: only in the rebuild")
        else:
            lines += [f"{name}: {place}" for place in places(standing / name, rebuilt / name, most)]
    return lines


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {VARIES}


def difference_report(old: Path, new: Path) -> dict[str, pd.DataFrame]:
    """What changed between two built cuts: records by dataset, subject statuses, endpoints of subjects, results (with
    the advice).

    Each frame names the key, the old and the new value; a missing side is blank.
    """
    return {
        "records": _records(old, new),
        "subjects": _subjects(old, new),
        "endpoints of a subject": moved_endpoints(_analysis(old), _analysis(new)),
        "results": _results(old, new),
    }


def _analysis(folder: Path) -> dict[str, pd.DataFrame]:
    return {path.stem: read_dataset(path) for path in sorted((folder / "data").glob("*.parquet"))}


def _records(old: Path, new: Path) -> pd.DataFrame:
    rows = []
    for name in sorted(_datasets(old) | _datasets(new)):
        a = read_dataset(old / "data" / f"{name}.parquet") if name in _datasets(old) else pd.DataFrame()
        b = read_dataset(new / "data" / f"{name}.parquet") if name in _datasets(new) else pd.DataFrame()
        rows.append({"dataset": name, "old": len(a), "new": len(b)})
    return pd.DataFrame(rows, columns=["dataset", "old", "new"])


def _datasets(folder: Path) -> set[str]:
    data = folder / "data"
    return {p.relative_to(data).with_suffix("").as_posix() for p in data.rglob("*.parquet")}


STATUSES = {"adsl": ["TRT01A", "SAFFL", "DLTEFL", "MAT28FL", "DTHFL"], "addlt": ["DLTSTAT"]}


def _subjects(old: Path, new: Path) -> pd.DataFrame:
    changed = []
    for name, columns in STATUSES.items():
        a, b = (read_dataset(f / "data" / f"{name}.parquet").set_index("USUBJID")[columns] for f in (old, new))
        both = a.join(b, how="outer", lsuffix="_old", rsuffix="_new").astype("str").fillna("")
        for column in columns:
            moved = both[both[f"{column}_old"] != both[f"{column}_new"]]
            changed += [(i, column, r[f"{column}_old"], r[f"{column}_new"]) for i, r in moved.iterrows()]
    return pd.DataFrame(changed, columns=["USUBJID", "status", "old", "new"])


def _results(old: Path, new: Path) -> pd.DataFrame:
    a, b = (read_dataset(f / "results" / "ard.parquet").set_index(KEYS)["stat_text"] for f in (old, new))
    both = pd.concat({"old": a, "new": b}, axis=1).fillna("")
    return both[both["old"] != both["new"]].reset_index()
