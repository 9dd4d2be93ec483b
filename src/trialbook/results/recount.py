"""The subjects behind the reported counts, taken from the analysis datasets again: what a contract compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from trialbook.results.ard import TOTAL

COLUMNS = ["analysis_id", "group1_level", "variable", "variable_level", "stat_name", "USUBJID"]
# Sets of ADSL, each with the variable that gives its dose level: planned before an infusion, received after it.
SETS = {
    "SCRFL": "TRT01P", "ENRFL": "TRT01P", "SAFFL": "TRT01A", "DLTEFL": "TRT01A", "MAT28FL": "TRT01A",
    "EVAL28FL": "TRT01A", "PPFL": "TRT01A",
}  # fmt: skip
# Groups of DLT statuses (§4.2); the flag COUNTED is separate.
DLT_GROUPS = {
    "EVALUABLE": ("DLT", "PENDING-ADJ", "UNRESOLVED", "NO-DLT"),
    "WAITING": ("PENDING", "PENDING-DATA"),
}
RESPONSES = {"ORR_D28": ("CR", "PR"), "CR_D28": ("CR",)}


def subjects_counted(datasets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Who is counted in SETS, DLT, DLT_SETS, ORR_D28, CR_D28 and the numbers of events: one row per subject and count.

    `datasets`: adsl addlt adrs adtte as the steps wrote them; one that is not there gives no rows. Columns: `COLUMNS`,
    with the names of the ARD. Written apart from the derivations, so that a number that was reported from other records
    than the dataset holds does not agree with it.
    """
    parts = [
        part[["group1_level", "USUBJID"]].assign(
            analysis_id=analysis, variable=variable, variable_level=part["LEVEL"], stat_name=statistic
        )
        for analysis, variable, statistic, part in _parts(datasets)
    ]
    if not parts:
        return pd.DataFrame(columns=COLUMNS, dtype="str")
    by_level = pd.concat(parts, ignore_index=True)
    both = pd.concat([by_level, by_level.assign(group1_level=TOTAL)], ignore_index=True)
    return both[COLUMNS].astype("str")


def _parts(datasets: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Analysis, variable, statistic and the subjects counted: USUBJID group1_level LEVEL."""
    if "adsl" in datasets:
        adsl = datasets["adsl"]
        for name, level in SETS.items():
            yield "SETS", name, "n", _subjects(adsl[adsl[name].eq("Y")], level)
    if "addlt" in datasets:
        addlt = datasets["addlt"]
        yield "DLT", "DLTSTAT", "n", _subjects(addlt, status="DLTSTAT")
        yield "DLT_SETS", "TREATED", "n", _subjects(addlt)
        yield "DLT_SETS", "COUNTED", "n", _subjects(addlt[addlt["COUNTED"].eq("Y")])
        for name, statuses in DLT_GROUPS.items():
            yield "DLT_SETS", name, "n", _subjects(addlt[addlt["DLTSTAT"].isin(statuses)])
    if "adrs" in datasets:
        day28 = datasets["adrs"][datasets["adrs"]["PARAMCD"].eq("RSP28")]
        mature = day28[day28["RSP28FL"].eq("Y")]
        for analysis, wanted in RESPONSES.items():
            yield analysis, "RSP28", "N", _subjects(mature)
            yield analysis, "RSP28", "n", _subjects(mature[mature["AVALC"].isin(wanted)])
            yield analysis, "RSP28", "pending", _subjects(day28[day28["AVALC"].eq("PENDING")])
    if "adtte" in datasets:
        for name in ("OS", "FFS", "DOR"):
            times = datasets["adtte"][datasets["adtte"]["PARAMCD"].eq(name)]
            # Of an endpoint that is not evaluable, N counts who is followed for survival.
            followed = times if len(times) else datasets["adtte"][datasets["adtte"]["PARAMCD"].eq("OS")]
            yield f"{name}_EVENTS", name, "N", _subjects(followed)
            yield f"{name}_EVENTS", name, "n", _subjects(times[times["CNSR"].eq(0)])


def _subjects(rows: pd.DataFrame, level: str = "TRT01A", status: str = "") -> pd.DataFrame:
    text = rows[status] if status else pd.Series("", index=rows.index, dtype="str")
    return rows[["USUBJID"]].assign(group1_level=rows[level], LEVEL=text)
