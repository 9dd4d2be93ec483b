"""Writes small raw exports as a site would send them, and the trial that reads them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.paths import ROOT
from trialbook.protocol.load import make_trial
from trialbook.protocol.models import Trial

PROTOCOL = ROOT / "params" / "protocol.yaml"
Rows = Sequence[Mapping[str, Any]]

DM = dict(
    STUDYID="iMSC-2001", USUBJID="iMSC-001", SUBJID="001", SITEID="01", RFICDTC="2025-01-03", BRTHDTC="1984-12-31",
    AGE="40", AGEU="YEARS", SEX="M", ARMCD="DL1", ACTARMCD="DL1", DTHDTC="", DTHFL="",
)  # fmt: skip
EX = dict(
    USUBJID="iMSC-001", EXSEQ="1", EXTRT="iMSC", EXDOSE="1", EXDOSU="10^6 cells/kg", EXSTDTC="2025-01-10T10:00",
    EXENDTC="2025-01-10T10:30",
)  # fmt: skip
AE = dict(
    USUBJID="iMSC-001", AESEQ="1", AESPID="E1", AETERM="Pyrexia", AEDECOD="Pyrexia", AEBODSYS="General disorders",
    AETOXGR="1", AESER="N", AESDTH="", AESLIFE="", AEREL="NOT RELATED", AEOUT="RECOVERED/RESOLVED",
    AESTDTC="2025-01-12", AEENDTC="2025-01-13", AEENRTPT="",
)  # fmt: skip
LB = dict(
    USUBJID="iMSC-001", LBSEQ="1", LBTESTCD="ALT", LBORRES="20", LBORRESU="U/L", LBORNRLO="5", LBORNRHI="40",
    LBDTC="2025-01-09T08:00", VISIT="BASELINE",
)  # fmt: skip


def rows(base: Mapping[str, Any], *changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per change, each the base with that change; the base itself when there is none."""
    return [{**base, **change} for change in changes] if changes else [dict(base)]


def write_csv(path: Path, records: Rows, *, columns: Sequence[str] = (), encoding: str = "utf-8") -> Path:
    """A CSV file of the records; `columns` gives the header where there are none."""
    names = list(columns) or list(dict.fromkeys(name for record in records for name in record))
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(records)
    return path


def export(folder: Path, **domains: Rows) -> Path:
    """A folder with one CSV per domain; DM, EX and AE hold one plain subject unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, records in {"dm": rows(DM), "ex": rows(EX), "ae": rows(AE), **domains}.items():
        base = {"dm": DM, "ex": EX, "ae": AE, "lb": LB}.get(code, {})
        write_csv(folder / f"{code}.csv", records, columns=() if records else list(base))
    return folder


def trial_of(folder: Path, cut_date: str = "2025-06-30", **keys: Any) -> Trial:
    """The trial of a cut that reads this snapshot."""
    content = {
        "cut_id": "test", "cut_date": cut_date, "snapshot": str(folder), "protocol": str(PROTOCOL), **keys,
    }  # fmt: skip
    return make_trial(content, "test.yaml", folder.parent)
