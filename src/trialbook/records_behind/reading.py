"""Records behind a number as lines to read: few columns in plain words, the subject first."""

from __future__ import annotations

import pandas as pd

from trialbook.core.messages import msg
from trialbook.efficacy.wording import REASON_WORDS
from trialbook.records_behind.studied import Studied

# The columns of each dataset that are shown, with their heads.
COLUMNS: dict[str, dict[str, str]] = {
    "adsl": {
        "SUBJID": msg("Subject"), "TRT01P": msg("Planned level"), "TRT01A": msg("Dose level"), "AGE": msg("Age, years"),
        "SEX": msg("Sex"), "RFICDT": msg("Consent"), "TRTSDT": msg("First infusion"), "NINF": msg("Infusions"),
        "EOSSTT": msg("Status"),
    },
    "adie": {
        "SUBJID": msg("Subject"), "CRITCD": msg("Criterion"), "RESULT": msg("Result"), "EVIDENCE": msg("Evidence"),
        "ADT": msg("Date"), "SRCDOM": msg("Domain"), "SRCSEQ": msg("Record"),
    },
    "adae": {
        "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "ADECOD": msg("Preferred term"), "ATOXGR": msg("Grade"),
        "ASTDT": msg("Start"), "RELDAY": msg("On day"), "ASER": msg("Serious"), "AREL": msg("Relationship"),
        "AESEQ": msg("Record"),
    },
    "adlb": {
        "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "PARAMCD": msg("Test"), "AVAL": msg("Result"),
        "AVALU": msg("Unit"), "ADT": msg("Date"), "RELDAY": msg("On day"), "ATOXGRH": msg("Grade, too high"),
        "ATOXGRL": msg("Grade, too low"), "LBSEQ": msg("Record"),
    },
    "addlt": {
        "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "DLTSTAT": msg("DLT status"), "REASON": msg("Reason"),
        "TRTSDT": msg("First infusion"), "WINENDT": msg("Window ends"), "DLTDT": msg("DLT on"),
    },
    "adrsp28": {
        "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "AVALC": msg("Response"), "REASON": msg("Reason"),
        "BASESTG": msg("Baseline"), "D28STG": msg("Day 28"), "ADT": msg("Date"), "RELDAY": msg("On day"),
        "EVNTDESC": msg("Event"), "EVNTDT": msg("Event on"),
    },
    "adrs": {
        "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "PARAM": msg("Parameter"), "AVALC": msg("Result"),
        "REASON": msg("Reason"), "ADT": msg("Date"), "RELDAY": msg("On day"),
    },
    "adct": {
        "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "PARAM": msg("Outcome"), "INFNO": msg("Infusion"),
        "AVALC": msg("Result"), "BASEC": msg("At the infusion"), "REASON": msg("Reason"), "ADT": msg("Date"),
        "RELDAY": msg("On day"), "LASTDAY": msg("Last contact on day"), "SRCDOM": msg("Domain"),
        "SRCSEQ": msg("Record"),
    },
    "adtte": {
        "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "AVAL": msg("Days"), "ENDING": msg("How it ends"),
        "ADT": msg("Date"), "CNSDTDSC": msg("Record"),
    },
}  # fmt: skip


def lines_of(dataset: str, studied: Studied) -> tuple[pd.DataFrame, dict[str, str]]:
    """The dataset as lines to read, a line per row and in its order, with the heads of its columns."""
    frame = studied.frame(dataset)
    shown = COLUMNS[dataset]
    adsl = studied.frame("adsl")
    number = dict(zip(adsl["USUBJID"], adsl["SUBJID"], strict=True))
    frame = frame.assign(SUBJID=frame["USUBJID"].map(number))
    if dataset in ("adrsp28", "adrs"):
        frame = frame.assign(REASON=frame["REASON"].map(REASON_WORDS).fillna(frame["REASON"]))
    if dataset == "adtte":
        frame = frame.assign(ENDING=frame["EVNTDESC"].fillna("").str.lower())
    names = [name for name in shown if name in frame]
    return frame[names], {name: shown[name] for name in names}
