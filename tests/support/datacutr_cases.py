"""The captured tables of datacutr as clean domains of ours."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from trialbook.cleaning.read_dates import date_reader

AFTER = "2099-01-01"


def read(path: Path) -> pd.DataFrame:
    """A captured table: `<NA>` is R's NA, a blank is a blank."""
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    return frame.mask(frame.eq("<NA>"))


def clean_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Blank as missing, dates as our cleaning reads them."""
    reader = date_reader(2025)
    frame = frame.mask(frame.eq(""))
    for name in [column for column in frame if column.endswith("DTC")]:
        frame[name] = frame[name].map({value: reader(value).text for value in frame[name].dropna().unique()})
    return frame.astype("str")


def consenting(subjects: Iterable[str], included: set[str]) -> pd.DataFrame:
    """DM in which the included subjects consented long ago and the others after any cut."""
    dm = pd.DataFrame({"USUBJID": sorted(set(subjects))}, dtype="str")
    consent = dm["USUBJID"].isin(included).map({True: "2000-01-01", False: AFTER})
    return dm.assign(RFICDTC=consent.astype("str"))


def numbered(code: str, frame: pd.DataFrame) -> pd.DataFrame:
    seq = f"{code}SEQ"
    typed = frame.astype({seq: "Int64"}) if seq in frame else frame
    return typed.assign(SRCROW=pd.RangeIndex(2, len(frame) + 2).astype("Int64"))
