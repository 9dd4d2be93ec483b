"""Screening episodes: re-screens are counted, linked to the person, and the one that led to enrolment is reported."""

from __future__ import annotations

import pandas as pd
import pytest

from support.eligible_subject import CUT, form, screened
from support.trial_builder import trial
from trialbook.eligibility.adie import audit
from trialbook.eligibility.screening import screening_episodes
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

# (number, number before, enrolled) -> (person, screening number, reported)
STORIES = [
    ([("A", "", "Y")], [("A", 1, "Y")]),
    ([("A", "", ""), ("B", "A", "Y")], [("A", 1, ""), ("A", 2, "Y")]),
    ([("B", "A", "Y"), ("A", "", "")], [("A", 2, "Y"), ("A", 1, "")]),
    ([("A", "", ""), ("B", "A", ""), ("C", "B", "")], [("A", 1, ""), ("A", 2, ""), ("A", 3, "Y")]),
    ([("A", "", ""), ("B", "A", "Y"), ("C", "B", "")], [("A", 1, ""), ("A", 2, "Y"), ("A", 3, "")]),
    ([("B", "not here", "Y")], [("not here", 2, "Y")]),
    ([("A", "B", ""), ("B", "A", "Y")], [("A", 1, "Y"), ("B", 1, "Y")]),
    ([], []),
]


@pytest.mark.parametrize(("people", "expected"), STORIES)
def test_a_person_screened_again_has_one_screening_that_counts(people, expected) -> None:
    adsl = pd.DataFrame(people, columns=["USUBJID", "RESCREEN_OF", "ENRFL"]).astype("str")
    found = screening_episodes(adsl)[["PERSON", "SCREENNO", "REPORTED"]]
    assert [tuple(row) for row in found.itertuples(index=False)] == expected


def test_every_screening_is_audited_and_says_which_it_is(protocol, analysis) -> None:
    book = screened(trial(), "S01", level="SCRNFAIL", without=("ALT",)).lab("ALT", 104, -5, high=40)
    book.add("DS", DSDECOD="SCREEN FAILURE", DSSTDTC=book.date(-1))
    form(book, EX04="Y")
    form(screened(book, "S02", start="2025-03-01")).infused(0)
    book.add("SUPPDM", RDOMAIN="DM", QNAM="RESCREEN_OF", QVAL="iMSC-2001-S01")
    domains = book.domains()
    adie = audit(
        derive_subjects(StudyData(domains, protocol, analysis, CUT)), StudyData(domains, protocol, analysis, CUT)
    )
    assert adie.groupby("USUBJID")["SCREENNO"].unique().map(list).tolist() == [[1], [2]]
    alt = adie[adie["CRITCD"].eq("EX04A")].set_index("SCREENNO")["RESULT"]
    assert alt.to_dict() == {1: "FAIL", 2: "PASS"}
