"""Treatments beside the committee's decisions: who was treated above the last one, and what opened each level."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.dlt.treated_as_decided import beyond_decisions, in_force, opening_table
from trialbook.protocol.decisions import Decision

LEVELS = ["DL1", "DL2", "DL3"]


def day(number: int) -> str:
    return f"{pd.Timestamp('2025-01-01') + pd.Timedelta(days=number):%Y-%m-%d}"


def meetings(*told: tuple[int, str, str]) -> list[Decision]:
    """Decisions on one cut, each in the place of the one before: day of the meeting, decision and level."""
    made: list[Decision] = []
    for number, choice, level in told:
        entry = {
            "cut": "first", "cut_date": day(0), "date": day(number), "decision": choice, "level": level, "reason": "r",
            "by": "committee", "minutes": "1", "build": "0" * 64, "supersedes": made[-1].date if made else "",
        }  # fmt: skip
        made.append(Decision.model_validate(entry))
    return made


def treated(*told: tuple[int, str]) -> pd.DataFrame:
    rows = [(f"T-{k}", f"{k:02}", level, pd.Timestamp(day(number))) for k, (number, level) in enumerate(told)]
    return pd.DataFrame(rows, columns=["USUBJID", "SUBJID", "TRT01A", "TRTSDT"])


@pytest.mark.parametrize(
    ("told", "infused", "last", "opened"),
    [
        ([(10, "enrol", "DL1")], 11, "enrol at DL1, 2025-01-11", ""),
        ([(10, "enrol", "DL1")], 9, None, ""),
        ([(10, "escalate", "DL2")], 10, None, ""),
        ([(10, "escalate", "DL2")], 9, "", "2025-01-11"),
        ([(10, "wait", ""), (20, "escalate", "DL2")], 19, "wait, 2025-01-11", "2025-01-21"),
        ([(10, "escalate", "DL2"), (20, "enrol", "DL1")], 19, None, ""),
        ([(10, "escalate", "DL2"), (20, "withdraw", "")], 21, None, ""),
        ([(10, "stop", "")], 11, "stop, 2025-01-11", ""),
        ([(10, "declare MTD", "DL1")], 11, "declare the maximum tolerated dose: DL1, 2025-01-11", ""),
        ([(10, "declare MTD", "DL2")], 11, None, ""),
        ([], 11, None, ""),
    ],
)
def test_who_was_first_treated_above_the_decision_of_that_day(
    told: list[tuple[int, str, str]], infused: int, last: str | None, opened: str
) -> None:
    found = beyond_decisions(meetings(*told), treated((0, "DL1"), (infused, "DL2")), LEVELS)
    assert [(one.level, str(one.last), one.opened, one.subjects) for one in found] == (
        [] if last is None else [("DL2", last, opened, "01")]
    )


def test_a_withdrawn_decision_holds_up_to_the_day_it_is_withdrawn() -> None:
    log = meetings((10, "enrol", "DL1"), (20, "withdraw", ""))
    assert [[one.decision for one in in_force(log, day(number))] for number in (9, 19, 20)] == [[], ["enrol"], []]


def test_each_level_is_listed_with_the_decision_that_came_before_or_after_its_first_infusion() -> None:
    log = meetings((10, "enrol", "DL1"), (30, "escalate", "DL2"))
    rows = treated((0, "DL1"), (25, "DL2"), (26, "DL2"), (40, "DL3"))
    listed = opening_table(log, rows, LEVELS)
    assert listed[["LEVEL", "SUBJECT", "REMARK"]].astype("str").values.tolist() == [
        ["DL1", "00", "the infusion, before the first decision on record (2025-01-11)"],
        ["DL2", "01", "the infusion, 5 days before the decision"],
        ["DL3", "03", "the infusion: no decision on record opened the level before it"],
    ]
    assert opening_table(meetings((0, "start", "DL1")), treated((0, "DL1")), LEVELS)["REMARK"].tolist() == [
        "the decision"
    ]
    assert opening_table([], rows, LEVELS).empty
