"""Which records are behind a number: those counted first, the rest of its set after them, nothing by guess."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.analyses.population import PUBLISHED
from trialbook.records_behind import ResultNumber, Studied, lines_of, records_behind
from trialbook.records_behind.find import RULES, WITHOUT

LEVELS = ["DL1", "DL1", "DL2"]
SUBJECTS = ["001", "002", "003"]
ADSL = pd.DataFrame({
    "USUBJID": [f"X-{name}" for name in SUBJECTS], "SUBJID": SUBJECTS, "TRT01P": ["DL1", "DL2", "DL2"],
    "TRT01A": LEVELS, "TRT01AN": [1, 1, 2], "SAFFL": "Y", "SCRFL": "Y", "SEX": ["F", "M", "F"],
    "CUTDT": pd.Timestamp("2025-06-30"),
})  # fmt: skip
ADDLT = ADSL[["USUBJID", "SUBJID", "TRT01A"]].assign(DLTSTAT=["NO-DLT", "DLT", "PENDING"], COUNTED=["", "Y", ""])
DAY28 = ADSL[["USUBJID", "TRT01A"]].assign(
    AVALC=["NR", "CR", "PENDING"], REASON=["DEATH", "", ""], MAT28FL=["Y", "Y", ""], RSPSTG=["", "CR", ""]
)
TIMES = ADSL[["USUBJID", "TRT01A"]].assign(
    PARAMCD="OS", AVAL=[10.0, 150.0, 40.0], CNSR=[0, 1, 1], EVNTDESC=["DEATH", "", ""],
    STARTDT=pd.to_datetime(["2025-01-01", "2025-01-01", "2025-05-21"]),
)  # fmt: skip
DATA = {"adsl": ADSL, "addlt": ADDLT, "adrsp28": DAY28, "adtte": TIMES}


def found(*number: str) -> tuple[list[str], list[str]] | None:
    """The subjects counted, and the others of the set."""
    studied = Studied(DATA)
    behind = records_behind(ResultNumber(*number), studied)
    if behind is None:
        return None
    names = [studied.frame(behind.dataset)["USUBJID"].iloc[row].removeprefix("X-") for row in behind.rows]
    return names[: behind.counted], names[behind.counted :]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (("SETS", "DL2", "SCRFL"), (["002", "003"], [])),  # screened: by the level planned
        (("SETS", "DL2", "SAFFL"), (["003"], [])),  # treated: by the level received
        (("DEMOG", "Total", "SEX", "F"), (["001", "003"], ["002"])),
        (("DLT", "Total", "DLTSTAT", "PENDING"), (["003"], [])),
        (("DLT_SETS", "DL1", "EVALUABLE"), (["001", "002"], [])),
        (("DLT_RATE", "DL1", "DLT", "", "clopper_pearson"), (["002"], ["001"])),
        (("DLT_RATE", "DL2", "DLT", "", "clopper_pearson"), None),
        (("ORR_D28", "Total", "RSP28", "", "wilson"), (["002"], ["001"])),
        (("RSP28_CAT", "Total", "RSP28", "NR", "DEATH"), (["001"], [])),
        (("RSP28_CAT", "Total", "RSP28", "PENDING"), (["003"], [])),
        (("OS_EVENTS", "DL1", "OS"), (["001"], ["002"])),
        (("OS_KM", "DL1", "OS", "9", "log-log"), ([], ["001", "002"])),
        (("BOUNDS", "Total", "OS_100", "", "worst"), (["002"], ["001"])),  # 003 could not be followed so long
        (("BOUNDS", "Total", "OS_100", "", "worst_with_pending"), (["002"], ["001", "003"])),
        (("BOUNDS", "Total", "DLT", "", "worst_with_pending"), (["002"], ["001", "003"])),
        (("SETS", "Total", "NO SUCH SET"), None),
        (("MY_OWN_ANALYSIS", "Total", "X"), None),
    ],
)
def test_the_counted_come_first_and_the_rest_of_the_set_after_them(
    number: tuple[str, ...], expected: tuple[list[str], list[str]] | None
) -> None:
    assert found(*number) == expected


def test_every_published_analysis_has_a_rule_or_a_reason() -> None:
    published = set(PUBLISHED) - {"OS", "FFS", "DOR"}  # these report _EVENTS, _KM and _MEDIAN
    assert published - set(RULES) <= set(WITHOUT)
    assert not set(RULES) & set(WITHOUT)


def test_lines_name_the_subject_and_say_how_a_time_ends() -> None:
    lines, labels = lines_of("adtte", Studied(DATA))
    assert lines["SUBJID"].tolist() == SUBJECTS
    assert lines["ENDING"].tolist() == ["death", "", ""]
    assert list(labels) == list(lines)
