"""Parquet files of a build: written so that the same rows give the same bytes, read back with the same types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trialbook.core.files import is_recorded, naming, read_input

DATE_NAMES = ("DT",)


def write_dataset(frame: pd.DataFrame, path: Path, keys: list[str] | None = None) -> None:
    """Writes a frame as parquet, sorted by `keys`, dates as date32, without anything that varies from run to run.

    A datetime column whose name ends in DT (ADT, TRTSDT, CUTDT) is a calendar date; raises ValueError when it holds a
    time of day, since date32 would lose it.
    """
    if keys:
        frame = frame.sort_values(keys, kind="stable", na_position="last")
    table = pa.Table.from_pandas(frame.reset_index(drop=True), preserve_index=False)
    for position, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.name.endswith(DATE_NAMES):
            column = frame[field.name]
            if (column.dropna() != column.dropna().dt.normalize()).any():
                raise ValueError(f"{field.name} holds a time of day; a date was expected")
            table = table.set_column(position, field.name, table.column(position).cast(pa.date32()))
        elif pa.types.is_large_string(field.type) or pa.types.is_null(field.type):
            table = table.set_column(position, field.name, table.column(position).cast(pa.string()))
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        pq.write_table(table.replace_schema_metadata(None), path, compression="zstd")


def read_dataset(path: Path) -> pd.DataFrame:
    """Reads a frame written by `write_dataset`: whole numbers as Int64, text as str, dates as datetime64[s].

    Raises StopError when a build has recorded another content of the file.
    """
    # The plain way in: discovering a data set and starting threads would take longer than reading these files.
    source = pa.BufferReader(read_input(path)) if is_recorded(path) else path
    with pq.ParquetFile(source) as file:
        table = file.read(use_threads=False)
    types = {pa.int64(): pd.Int64Dtype()}
    frame = table.to_pandas(types_mapper=types.get, date_as_object=False, use_threads=False)
    dates = [field.name for field in table.schema if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type)]
    return frame.astype(dict.fromkeys(dates, "datetime64[s]")) if dates else frame


class LazyFrames(Mapping[str, Any]):
    """Frames by name, each read when it is asked for, once."""

    def __init__(self, names: list[str], read: Callable[[str], Any]) -> None:
        self._names, self._read, self._kept = names, read, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._kept:
            self._kept[name] = self._read(name)
        return self._kept[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def first_by_rank(rank: pd.Series, most: int) -> pd.Series:
    """Whether each row is among the first `most` by its rank; of equal ranks the earlier rows come first."""
    return rank.rank(method="first") <= most
