"""Compares two builds file by file and names the first place that differs: for `verify` and for people who ask why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.datasets import read_dataset

VARIES = "run.json"


def compare_builds(standing: Path, rebuilt: Path) -> list[str]:
    """One line per difference between two build folders, `run.json` aside; empty when every byte agrees."""
    left, right = _files(standing), _files(rebuilt)
    lines = [f"{name}: only in the build that stands" for name in sorted(left - right)]
    lines += [f"{name}: only in the rebuild" for name in sorted(right - left)]
    for name in sorted(left & right):
        a, b = standing / name, rebuilt / name
        if a.read_bytes() != b.read_bytes():
            lines.append(f"{name}: {_place(a, b)}")
    return lines


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != VARIES}


def _place(a: Path, b: Path) -> str:
    """Where two files differ, in the terms of their kind: record and column, key, line, or byte."""
    if a.suffix == ".parquet":
        return _parquet_place(a, b)
    if a.suffix == ".json":
        return _json_place(a, b)
    try:
        return _line_place(a.read_text(encoding="utf-8"), b.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return _byte_place(a.read_bytes(), b.read_bytes())


def _parquet_place(a: Path, b: Path) -> str:
    try:
        one, two = read_dataset(a), read_dataset(b)
    except (OSError, ValueError):
        return f"cannot be read as parquet; {_byte_place(a.read_bytes(), b.read_bytes())}"
    if list(one.columns) != list(two.columns):
        return f"the columns differ: {sorted(set(one.columns) ^ set(two.columns)) or 'in their order'}"
    if len(one) != len(two):
        return f"{len(one)} rows stand, {len(two)} were rebuilt"
    for column in one.columns:
        same = (one[column] == two[column]) | (one[column].isna() & two[column].isna())
        if not same.all():
            return f"row {int(same.to_numpy().argmin()) + 1}, column {column}"
    return _byte_place(a.read_bytes(), b.read_bytes())


def _json_place(a: Path, b: Path) -> str:
    try:
        one, two = json.loads(a.read_text(encoding="utf-8")), json.loads(b.read_text(encoding="utf-8"))
    except ValueError:
        return f"cannot be read as JSON; {_byte_place(a.read_bytes(), b.read_bytes())}"
    return _key_place(one, two, "") or _byte_place(a.read_bytes(), b.read_bytes())


def _key_place(one: Any, two: Any, at: str) -> str | None:
    if isinstance(one, dict) and isinstance(two, dict):
        for key in sorted({*one, *two}):
            if (key in one) != (key in two):
                return f"key {at}/{key} is only on one side"
            found = _key_place(one[key], two[key], f"{at}/{key}")
            if found:
                return found
        return None
    if isinstance(one, list) and isinstance(two, list):
        if len(one) != len(two):
            return f"key {at}: {len(one)} entries stand, {len(two)} were rebuilt"
        return next(
            (f for i, (x, y) in enumerate(zip(one, two, strict=True)) if (f := _key_place(x, y, f"{at}/{i}"))), None
        )
    return None if one == two else f"key {at or '/'}"


def _line_place(one: str, two: str) -> str:
    for number, (x, y) in enumerate(zip(one.splitlines(), two.splitlines(), strict=False), start=1):
        if x != y:
            column = next(
                (i for i, (p, q) in enumerate(zip(x, y, strict=False), start=1) if p != q), min(len(x), len(y)) + 1
            )
            return f"line {number}, column {column}"
    return f"{len(one.splitlines())} lines stand, {len(two.splitlines())} were rebuilt"


def _byte_place(one: bytes, two: bytes) -> str:
    for position, (x, y) in enumerate(zip(one, two, strict=False)):
        if x != y:
            return f"byte {position}"
    return f"{len(one)} bytes stand, {len(two)} were rebuilt"


def difference_report(old: Path, new: Path) -> dict[str, pd.DataFrame]:
    """What changed between two built cuts: records by dataset, subject statuses, results (with the advice).

    Each frame names the key, the old and the new value; a missing side is blank.
    """
    return {
        "records": _records(old, new),
        "subjects": _subjects(old, new),
        "results": _results(old, new),
    }


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
    keys = ["analysis_id", "group1_level", "variable", "variable_level", "context", "stat_name"]
    a, b = (read_dataset(f / "results" / "ard.parquet").set_index(keys)["stat_text"] for f in (old, new))
    both = pd.concat({"old": a, "new": b}, axis=1).fillna("")
    return both[both["old"] != both["new"]].reset_index()
