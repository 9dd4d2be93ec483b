"""DLT statuses under a condition of one's own: the window decides the rest, and what cannot be said is never "No"."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.errors import UsageError
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.own_definition import addlt_under
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.subjects.adsl import derive_subjects

SEVERE = "ATOXGR >= 3"


def treated() -> TrialBuilder:
    """A subject with both infusions of level 1, seen on day 28."""
    return trial().subject("S01").infused(0).infused(7).seen(28)


def first_row(
    builder: TrialBuilder, condition: str, protocol: Protocol, analysis: Analysis, cut: str = "2025-06-30"
) -> pd.Series:
    study = StudyData(builder.domains(), protocol, analysis, pd.Timestamp(cut))
    adsl = derive_subjects(study)
    found = addlt_under(condition, derive_adae(adsl, study), adsl, derive_addlt(adsl, study), study)
    return found.iloc[0]


@pytest.mark.parametrize(
    ("day", "grade", "expected"),
    [(1, 3, "DLT"), (1, 2, "NO-DLT"), (29, 3, "NO-DLT"), (-3, 3, "NO-DLT"), ("2025-02", 3, "UNRESOLVED")],
)
def test_an_event_that_the_condition_selects_is_a_dlt_in_the_window(
    day: int | str, grade: int, expected: str, protocol: Protocol, analysis: Analysis
) -> None:
    row = first_row(treated().event("Fever", day, grade), SEVERE, protocol, analysis)
    assert row["DLTSTAT"] == expected
    assert row["COUNTED"] == ("Y" if expected in ("DLT", "UNRESOLVED") else "")
    assert row["EVENT"] == ("Fever" if row["COUNTED"] else "")


def test_an_event_of_which_the_condition_cannot_say_leaves_the_status_open(
    protocol: Protocol, analysis: Analysis
) -> None:
    builder = treated().event("Fever", 1, None)  # type: ignore[arg-type]
    assert first_row(builder, SEVERE, protocol, analysis)["DLTSTAT"] == "PENDING-DATA"
    assert first_row(builder, "ADECOD == 'Fever'", protocol, analysis)["DLTSTAT"] == "DLT"


def test_the_window_and_the_flag_of_the_committee(protocol: Protocol, analysis: Analysis) -> None:
    """The window is that of the protocol; the flag counts only where the condition asks for it."""
    builder = treated().event("Rash", 1, 2, related="RELATED")
    builder.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="1", QNAM="AEDLT", QVAL="Y")
    assert first_row(builder, SEVERE, protocol, analysis)["DLTSTAT"] == "NO-DLT"
    assert first_row(builder, SEVERE, protocol, analysis, cut="2025-02-06")["DLTSTAT"] == "PENDING"
    assert first_row(builder, "DLTFL == 'Y'", protocol, analysis)["DLTSTAT"] == "DLT"
    with pytest.raises(UsageError, match="no column GRADE"):
        first_row(builder, "GRADE >= 3", protocol, analysis)
