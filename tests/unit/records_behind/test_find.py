"""Which records are behind a number: those counted first, the rest of its set after them, nothing by guess."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.analyses.population import PUBLISHED
from trialbook.records_behind import ResultNumber, Studied, lines_of, records_behind
from trialbook.records_behind.find import RULES, WITHOUT
from trialbook.safety.relationship import SERIOUSNESS_CRITERIA

LEVELS = ["DL1", "DL1", "DL2"]
SUBJECTS = ["001", "002", "003"]
ADSL = pd.DataFrame({
    "USUBJID": [f"X-{name}" for name in SUBJECTS], "SUBJID": SUBJECTS, "TRT01P": ["DL1", "DL2", "DL2"],
    "TRT01A": LEVELS, "TRT01AN": [1, 1, 2], "SAFFL": "Y", "SCRFL": "Y", "SEX": ["F", "M", "F"],
    "CUTDT": pd.Timestamp("2025-06-30"), "RFICDT": pd.Timestamp("2024-12-15"),
    "NINF": pd.array([2, 1, None], dtype="Int64"),
})  # fmt: skip
ADDLT = ADSL[["USUBJID", "SUBJID", "TRT01A"]].assign(DLTSTAT=["NO-DLT", "DLT", "PENDING"], COUNTED=["", "Y", ""])
DAY28 = ADSL[["USUBJID", "TRT01A"]].assign(
    AVALC=["NR", "CR", "PENDING"], REASON=["DEATH", "", ""], MAT28FL=["Y", "Y", ""], RSPSTG=["", "CR", ""],
    BASESTG=["3-0-0-1", "", "2-?-0-2"],
)  # fmt: skip
TIMES = ADSL[["USUBJID", "TRT01A"]].assign(
    PARAMCD="OS", AVAL=[10.0, 150.0, 40.0], CNSR=[0, 1, 1], EVNTDESC=["DEATH", "", ""],
    STARTDT=pd.to_datetime(["2025-01-01", "2025-01-01", "2025-05-21"]),
)  # fmt: skip
# The second ALT of 001 is the worst; 002 was worse before the infusion, 003 has a grade that nobody knows.
RESULTS = pd.DataFrame({
    "USUBJID": ["X-001", "X-001", "X-001", "X-002", "X-003"], "PARAMCD": "ALT", "AVAL": [50.0, 200.0, 210.0, 60.0, 1.0],
    "TRT01A": ["DL1", "DL1", "DL1", "DL1", "DL2"], "SAFFL": "Y", "APOBLFL": "Y",
    "ATOXGRH": pd.array([1, 3, 3, 1, None], dtype="Int64"), "BTOXGRH": pd.array([0, 0, 0, 2, 0], dtype="Int64"),
    "ATOXGRL": pd.array([None] * 5, dtype="Int64"), "BTOXGRL": pd.array([None] * 5, dtype="Int64"),
})  # fmt: skip
# Serious: of 001 in the window, of 002 before the infusion and related, of 003 before consent; of 002 one is open.
EVENTS = pd.DataFrame({
    "USUBJID": ["X-001", "X-002", "X-003", "X-002"], "TRT01A": ["DL1", "DL1", "DL2", "DL1"], "SAFFL": "Y",
    "EPISODE": [1, 1, 1, 2], "AESEQ": [1, 1, 1, 2], "ASER": ["Y", "Y", "Y", ""], "AESER": ["Y", "Y", "Y", ""],
    "AREL": ["NOT RELATED", "RELATED", "NOT RELATED", "NOT RELATED"], "AESICAT": ["", "Infection", "", ""],
    "TRTEMFL": ["Y", "", "", "Y"], "RELDAY": pd.array([3, -2, -40, 5], dtype="Int64"),
    "AESTDTC": ["2025-01-04", "2024-12-30", "2024-11-01", "2025-01-06"],
    "ASTDT": pd.to_datetime(["2025-01-04", "2024-12-30", "2024-11-01", "2025-01-06"]),
    **dict.fromkeys(SERIOUSNESS_CRITERIA, ""),
})  # fmt: skip
DATA = {"adsl": ADSL, "addlt": ADDLT, "adrsp28": DAY28, "adtte": TIMES, "adlb": RESULTS, "adae": EVENTS}


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
        (("EXPOSURE", "DL1", "NINF", "2"), (["001"], [])),
        (("EXPOSURE", "Total", "DOSEKG", "1"), (["001", "002"], [])),
        (("EXPOSURE", "Total", "DUE"), None),  # no variable of ADSL
        (("LAB_WORST", "Total", "ALT", "", "evaluated"), (["001", "002"], [])),
        (("LAB_WORST", "Total", "ALT", "", "worse than baseline"), (["001"], [])),
        (("LAB_WORST", "DL2", "ALT", "", "newly grade 3 or 4"), None),
        (("LAB_SHIFT", "Total", "ALT", "3", "0"), (["001"], [])),
        (("LAB_SHIFT", "DL2", "ALT", "missing", "0"), (["003"], [])),
        (("SAE_LEDGER", "Total", "SAE", "", "all"), (["001", "002"], [])),
        (("SAE_LEDGER", "Total", "SAE", "", "in window"), (["001"], [])),
        (("SAE_LEDGER", "Total", "SAE", "", "before the first infusion"), (["002"], [])),
        (("SAE_LEDGER", "DL1", "SRAE", "", "all"), (["002"], [])),
        (("SAE_LEDGER", "Total", "SAE_UNKNOWN", "", "all"), (["002"], [])),
        (("AESI_LEDGER", "Total", "AESI", "", "all"), (["002"], [])),
        # At the first infusion: 002 has no assessment, of 003 the liver is not known.
        (("BASELINE", "Total", "SKINSTBL", "3"), (["001"], ["002", "003"])),
        (("BASELINE", "DL1", "ORGANSBL", "2"), (["001"], ["002"])),
        (("BASELINE", "Total", "LIVERSTBL", "Not known"), (["002", "003"], ["001"])),
        (("BASELINE", "Total", "GRADEBL", "III to IV"), (["003"], ["001", "002"])),
        (("BASELINE", "Total", "LINES", "1"), None),
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


def test_why_a_response_is_none_is_said_in_words() -> None:
    reasons = pd.DataFrame({"USUBJID": SUBJECTS[:2], "AVALC": "NR", "REASON": ["MISSING", ""]})
    lines, _ = lines_of("adrsp28", Studied({**DATA, "adrsp28": reasons}))
    assert lines["REASON"].tolist() == ["no assessment that counts", ""]
