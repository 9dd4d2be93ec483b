"""Who had the event of a safety stopping rule, and of whom it is open: just inside and just outside (§4.12)."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from support.conducted_trial import cut_on, datasets
from support.trial_builder import TrialBuilder, trial
from trialbook.monitoring.outcomes import monitored_outcomes
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.monitoring import MonitoringRule

Story = Callable[[TrialBuilder], TrialBuilder]
DEATH = MonitoringRule.model_validate(
    {"name": "Death by day 30", "event": "death", "window": [0, 30], "p0": 0.2, "method": "Pocock"}
)
INFECTION = MonitoringRule.model_validate(
    {
        "name": "Infection", "event": "adverse event", "window": [0, 28], "p0": 0.3, "method": "Pocock",
        "events": {"category": "Infection", "terms": ["sepsis"], "minimum_grade": 3},
    }
)  # fmt: skip
RELAPSE = MonitoringRule.model_validate(
    {"name": "Relapse", "event": "relapse", "window": [0, 100], "p0": 0.15, "method": "Pocock"}
)


def relapsed(book: TrialBuilder, day: int | str) -> TrialBuilder:
    when = book.date(day) if isinstance(day, int) else day
    return book.add("CE", CETERM="RELAPSE", CEDECOD="RELAPSE", CESTDTC=when)


def base() -> TrialBuilder:
    return trial().subject("S01").infused(0).delivers("DS", "CE", "SUPPAE")


@pytest.mark.parametrize(
    ("rule", "story", "cut", "outcome", "reason"),
    [
        (DEATH, lambda b: b.died(30), 60, "EVENT", ""),
        (DEATH, lambda b: b.seen(30).died(31), 60, "NONE", ""),
        (DEATH, lambda b: b.seen(30), 60, "NONE", ""),
        (DEATH, lambda b: b.seen(29), 60, "OPEN", "not seen to the end of the window"),
        (DEATH, lambda b: b.seen(29), 29, "OPEN", "the window is still open"),
        (INFECTION, lambda b: b.event("Sepsis", 28, 3).seen(40), 60, "EVENT", ""),
        (INFECTION, lambda b: b.event("Sepsis", 29, 3).seen(40), 60, "NONE", ""),
        (INFECTION, lambda b: b.event("Sepsis", 10, 2).seen(40), 60, "NONE", ""),
        (INFECTION, lambda b: b.event("Sepsis", 10, AETOXGR=None).seen(40), 60, "OPEN", "an event without a grade"),
        (INFECTION, lambda b: b.event("Sepsis", "2025-02", 3).seen(60), 90, "OPEN",
         "the date of the event decides, and is not complete"),
        (INFECTION, lambda b: b.event("Sepsis", 10, 3), 15, "EVENT", ""),
        (INFECTION, lambda b: b.seen(20).died(20), 60, "NONE", ""),
        (INFECTION, lambda b: b.seen(20), 60, "OPEN", "not seen to the end of the window"),
        (RELAPSE, lambda b: relapsed(b.seen(120), 100), 150, "EVENT", ""),
        (RELAPSE, lambda b: relapsed(b.seen(120), 101), 150, "NONE", ""),
        (RELAPSE, lambda b: relapsed(b.seen(140), "2025-04"), 150, "OPEN",
         "the date of the event decides, and is not complete"),
        (RELAPSE, lambda b: relapsed(b.seen(140), "2025-02"), 150, "EVENT", ""),
    ],
)  # fmt: skip
def test_each_outcome(
    rule: MonitoringRule, story: Story, cut: int, outcome: str, reason: str, protocol: Protocol, analysis: Analysis
) -> None:
    found, study = datasets(story(base()), protocol, analysis, cut)
    row = monitored_outcomes(rule, found["adsl"], found["adae"], study).iloc[0]
    assert (row["OUTCOME"], row["REASON"]) == (outcome, reason)
    assert pd.isna(row["DAY"]) == (outcome == "OPEN")


def test_relapse_is_open_where_ce_was_not_delivered(protocol: Protocol, analysis: Analysis) -> None:
    book = trial().subject("S01").infused(0).seen(140).delivers("DS")
    found, study = datasets(book, protocol, analysis, 150)
    row = monitored_outcomes(RELAPSE, found["adsl"], found["adae"], study).iloc[0]
    assert row["OUTCOME"] == "OPEN"
    assert "not delivered" in row["REASON"]


def test_outcomes_come_in_the_order_in_which_they_became_known(protocol: Protocol, analysis: Analysis) -> None:
    book = base().seen(40)
    for number, story in enumerate((lambda b: b.died(5), lambda b: b.seen(40), lambda b: b.seen(3)), 2):
        story(book.subject(f"S{number:02}").infused(0))
    found, study = datasets(book, protocol, analysis, 60)
    got = monitored_outcomes(DEATH, found["adsl"], found["adae"], study)
    assert got["SUBJID"].tolist()[0] == "S02"
    assert got["OUTCOME"].tolist() == ["EVENT", "NONE", "NONE", "OPEN"]
    assert cut_on(60) == study.cut_date
