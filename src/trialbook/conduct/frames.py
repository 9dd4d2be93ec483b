"""The analysis datasets of a cut with the columns that the rules of conduct read, whatever a notebook left out."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

# A column that a dataset does not have is missing in every row: unknown, never a pass.
TEXT, DATE, WHOLE, NUMBER = "str", "datetime64[s]", "Int64", "float64"
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "adsl": {
        **dict.fromkeys(
            ("USUBJID", "SUBJID", "TRT01P", "TRT01A", "SCRFL", "SAFFL", "DTHFL", "DTHDTF", "EOSSTT", "DCSREAS",
             "SEX"), TEXT
        ),
        **dict.fromkeys(("TRTSDT", "RFICDT", "DTHDT", "DTHLODT", "DTHHIDT", "LSTALVDT", "CUTDT"), DATE),
        "TRT01AN": NUMBER, "AGE": NUMBER, "NINF": WHOLE,
    },
    "addlt": {
        **dict.fromkeys(("USUBJID", "SUBJID", "TRT01P", "TRT01A", "DLTSTAT", "REASON", "COUNTED"), TEXT),
        **dict.fromkeys(("TRTSDT", "WINENDT", "DLTDT", "STATDT"), DATE), "FUPFRAC": NUMBER, "DLTSEQ": WHOLE,
    },
    "adae": {
        **dict.fromkeys(
            ("USUBJID", "AETERM", "AEDECOD", "AEBODSYS", "ADECOD", "AREL", "AEREL", "ASER", "AESER", "AEOUT", "TRTEMFL",
             "DLTFL", "SAFFL", "TRT01A", "AESTDTC", "ASTDTF", "KNOWDTC", "AESICAT", "AESDTH", "AESLIFE", "AESHOSP",
             "AESDISAB", "AESCONG", "AESMIE", "AEACN", "AEENDTC", "AENDTF"), TEXT
        ),
        **dict.fromkeys(("ASTDT", "AENDT", "KNOWDT", "TRTSDT"), DATE),
        **dict.fromkeys(("AESEQ", "ATOXGR", "RELDAY", "EPISODE", "INFNO", "INFDY"), WHOLE), "INFHRS": NUMBER,
    },
    "adlb": {
        **dict.fromkeys(
            ("USUBJID", "PARAMCD", "AVALOP", "AVALU", "ABLFL", "APOBLFL", "SAFFL", "TRT01A", "VISIT"), TEXT
        ),
        **dict.fromkeys(("ADT", "TRTSDT"), DATE),
        **dict.fromkeys(("LBSEQ", "RELDAY", "ATOXGRL", "ATOXGRH", "BTOXGRL", "BTOXGRH"), WHOLE),
        **dict.fromkeys(("AVAL", "ANRHI"), NUMBER),
    },
    "adrs": {
        **dict.fromkeys(
            ("USUBJID", "PARAMCD", "AVALC", "REASON", "RSP28FL", "RSPLO", "RSPHI", "RSPWHY", "TRT01A", "ABLFL"), TEXT
        ),
        "ADT": DATE, "RELDAY": WHOLE,
    },
    "adtte": {
        **dict.fromkeys(("USUBJID", "SUBJID", "PARAMCD", "EVNTDESC", "TRT01A", "ADTF"), TEXT),
        "AVAL": NUMBER, "CNSR": WHOLE, "ADT": DATE,
    },
    "adie": {
        **dict.fromkeys(("USUBJID", "CRITCD", "RESULT", "DATARESULT", "FORMANSWER", "EVIDENCE", "SRCDOM"), TEXT),
        "ADT": DATE, "SRCSEQ": WHOLE, "AVAL": NUMBER, "LIMIT": NUMBER,
    },
}  # fmt: skip


def with_columns(name: str, frame: pd.DataFrame | None) -> pd.DataFrame:
    """The dataset with every column of `COLUMNS` in its type; empty where it is not there. Text is never missing."""
    wanted = COLUMNS[name]
    frame = pd.DataFrame() if frame is None else frame
    columns = {}
    for column, kind in wanted.items():
        values = frame[column] if column in frame else pd.Series(pd.NA, index=frame.index, dtype="object")
        if kind == TEXT:
            columns[column] = values.astype("object").where(values.notna(), "").astype("str")
        elif kind == DATE:
            columns[column] = pd.to_datetime(values).astype(DATE)
        else:
            columns[column] = pd.to_numeric(values, errors="coerce").astype(kind)
    return pd.DataFrame(columns, index=frame.index)


def all_with_columns(data: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """`with_columns` of every dataset of `COLUMNS`."""
    return {name: with_columns(name, data.get(name)) for name in COLUMNS}


def treated_of(adsl: pd.DataFrame) -> pd.DataFrame:
    """The treated subjects in order of first infusion."""
    treated = adsl[adsl["SAFFL"].eq("Y") & adsl["TRTSDT"].notna()]
    return treated.sort_values(["TRTSDT", "USUBJID"], kind="stable").reset_index(drop=True)


def of_subject(subjects: pd.Series, values: pd.Series) -> pd.Series:
    """The value of each subject, from a series by USUBJID; missing where it has none. Keeps the type."""
    return values.reindex(subjects).set_axis(subjects.index)
