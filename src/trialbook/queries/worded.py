"""The value that a question shows: what was delivered is as it came, a sentence of ours is said in the reader's
language.
"""

from __future__ import annotations

import pandas as pd

from trialbook.core.translations import Translation

# Rules, or how their names begin, whose value is worded here and is no value of the data.
WORDED = (
    "ELIG-", "FOLLOW-UP-STALE", "P06-DM-AGE-UNDECIDED", "P13-LB-CLEARANCE-FORMS-DIFFER",
    "P13-LB-LIMIT-OF-OTHER-TEST", "P13-LB-UNIT-UNKNOWN", "P14-LB-BOUND-UNDECIDED", "P14-LB-INDETERMINATE",
    "P15-LB-LIMIT-MISSING", "P22-DEATH-DATE-INCOMPLETE", "P22-DEATH-DATES-DIFFER", "P22-DEATH-SOURCE-MISSING",
    "P25-RECORD-AFTER-DEATH", "P25-RECORD-AFTER-WITHDRAWAL", "P27-FA-STOOL-CONFLICT", "P27-RS-ORGAN-MISSING",
    "P28-RS-GRADE-DIFFERS", "P28-RS-RESPONSE-DIFFERS", "P28-RS-STAGE-DIFFERS", "P29-RS-DAY28-SEVERAL",
    "P30-CM-PARTIAL-START", "P32-VS-SIZE-MISSING", "P33-IE-CONFLICT", "P33-IE-NOT-EVALUABLE", "P33-IE-VIOLATION",
    "P34-CRITERIA-NOT-EVALUABLE", "P34-RELAPSE-NOT-DELIVERED", "SURVIVAL-UNRESOLVED",
)  # fmt: skip


def values_in(listed: pd.DataFrame, language: Translation) -> pd.Series:
    """The column `observed` of a query list in a language; a value that is not known whole is left as it is.

    A line of many records, and a rule of a contract (its name has a dot) without a record, say how many there are.
    """
    rule = listed["rule"].astype("str")
    counted = listed["record_list"].ne("") | (rule.str.contains(".", regex=False) & listed["record"].eq(""))
    ours = rule.str.startswith(WORDED) | counted
    values = listed["observed"].astype("str")
    said = {value: language.whole(value) or value for value in values[ours].unique()}
    return values.where(~ours, values.map(said)).astype("str")
